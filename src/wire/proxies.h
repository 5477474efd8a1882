// Whose X-Forwarded-For is believed: the address of the client behind trusted proxies.
//
// Pure values; a const TrustedProxies may be read from any thread.
#pragma once

#include "base/result.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::wire {

class TrustedProxies {
 public:
  TrustedProxies() = default;

  // Entries are addresses (`10.0.0.1`, `::1`) or networks (`10.0.0.0/8`). An entry that is none is
  // an error that names it.
  static Result<TrustedProxies> parse(std::span<const std::string> entries);

  bool trust(std::string_view address) const;

  // The client's address: `peer`, or when it is a trusted proxy, the last address in
  // X-Forwarded-For that is none. What stands before an entry that is no address could be anybody's
  // invention: there it ends.
  std::string client(std::string_view peer, std::string_view forwarded_for) const;

 private:
  using Bytes = std::array<std::uint8_t, 16>;  // IPv4 as ::ffff:a.b.c.d
  struct Network {
    Bytes bytes;
    unsigned bits;
  };
  static std::optional<Bytes> parse_address(std::string_view text);
  bool trust(const Bytes& address) const;

  std::vector<Network> networks_;
};

}  // namespace troupe::wire
