// Whatever is given as a manifest is taken whole or refused with a reason.
#include "fuzz/check.h"
#include "server/manifest.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace troupe::server;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto manifest = parse_manifest({reinterpret_cast<const char*>(data), size}, "m");
  if (manifest.has_error()) {
    check(!manifest.error().message.empty());
    return 0;
  }
  check(!manifest->modules.empty());
  for (const Manifest::Module& module : manifest->modules) {
    check(module.url.empty() || (module.path.empty() && module.data.empty()));
  }
  troupe::guest::Environment environment;
  manifest->apply(environment, "folder");
  check(environment.limits.timeout.count() > 0);
  return 0;
}
