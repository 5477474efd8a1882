// Which web pages may talk to this server: the Origin header against the server's own address and
// the `origins` of the configuration. One rule for WebSockets and CORS.
//
// Pure values; a const OriginRules may be read from any thread.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::wire {

// What a browser sends as `Origin: https://site.example:8443`. Scheme and host in lower case; the
// port is the scheme's own (80, 443) when none is written, and 0 for other schemes.
struct Origin {
  std::string scheme;
  std::string host;
  std::uint16_t port = 0;
};

// Nothing for `null` and for whatever else is no origin.
std::optional<Origin> parse_origin(std::string_view header);

// Whether a page of this origin was served by the host that the Host header names. A Host without a
// port stands for the port of the origin's scheme, since a proxy in front may speak TLS for us.
bool is_own_origin(const Origin& origin, std::string_view host_header);

// What a request's Origin header says about it.
enum class OriginVerdict {
  absent,   // no header: no browser, or a page's own plain GET
  own,      // a page of this server
  allowed,  // a page of a site that the configuration allows
  refused,
};

class OriginRules {
 public:
  OriginRules() = default;

  // Entries are `scheme://host:port`, in which scheme and port may be missing (`//host`) and then
  // match any, and the host may be `*.host`, which also matches the bare host. An entry that is
  // none is an error that names it.
  static Result<OriginRules> parse(std::span<const std::string> entries);

  bool empty() const { return rules_.empty(); }
  bool allow(const Origin& origin) const;
  // Both headers as they came; empty without them.
  OriginVerdict judge(std::string_view origin_header, std::string_view host_header) const;

 private:
  struct Rule {
    std::string scheme;  // empty: any
    std::string host;    // without "*."
    bool with_subdomains = false;
    std::optional<std::uint16_t> port;
  };
  static Result<Rule> parse_rule(std::string_view entry);

  std::vector<Rule> rules_;
};

}  // namespace troupe::wire
