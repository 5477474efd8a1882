// Cookies of a request.
#pragma once

#include <string_view>

namespace troupe::wire {

// The value of the first cookie of that name in a Cookie header, without quotes; empty when there
// is none. A view into the header.
std::string_view find_cookie(std::string_view header, std::string_view name);

}  // namespace troupe::wire
