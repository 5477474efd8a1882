// What stands in a request's first line and headers, read by wire/.
#include "wire/cookie.h"
#include "wire/origin.h"
#include "wire/proxies.h"
#include "wire/uri.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace troupe;

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  if (const auto target = wire::parse_target(text)) {
    const std::string& path = target->path;
    require(path.starts_with('/'));
    require((path + '/').find("/../") == path.npos && (path + '/').find("/./") == path.npos);
    require(path.find("//") == path.npos && path.find('\0') == path.npos);
    const auto again = wire::parse_target(wire::percent_encode_path(path));
    require(again.has_value() && again->path == path);
  }

  const std::string encoded = wire::percent_encode_key_part(text);
  require(encoded.find('/') == encoded.npos);
  const auto decoded = wire::percent_decode(encoded);
  // Only bytes that are no UTF-8 do not come back.
  require(!decoded || *decoded == text);

  if (const auto origin = wire::parse_origin(text)) {
    require(!origin->scheme.empty() && !origin->host.empty());
    const std::string host = origin->host + ':' + std::to_string(origin->port);
    require(wire::is_own_origin(*origin, host));
  }
  const std::vector<std::string> entries{std::string(text)};
  (void)wire::OriginRules::parse(entries);
  if (const auto proxies = wire::TrustedProxies::parse(entries)) {
    (void)proxies->client("127.0.0.1", text);
  }
  const auto everyone = wire::TrustedProxies::parse(std::vector<std::string>{"0.0.0.0/0", "::/0"});
  require(!everyone->client("127.0.0.1", text).empty());
  (void)wire::find_cookie(text, "troupe_session");
  return 0;
}
