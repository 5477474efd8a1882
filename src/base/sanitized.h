// TROUPE_SANITIZED is defined in a build with AddressSanitizer or ThreadSanitizer, which reserve
// addresses by the terabyte: bounds of addresses cannot hold there. GCC says so by macros, Clang by
// __has_feature.
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TROUPE_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TROUPE_SANITIZED
#endif
#endif
