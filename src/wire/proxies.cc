#include "wire/proxies.h"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace troupe::wire {

namespace {

constexpr unsigned ipv4_prefix_bits = 96;

// An entry of X-Forwarded-For without its port and brackets.
std::string_view without_port(std::string_view entry) {
  if (entry.starts_with('[')) {
    const std::size_t end = entry.find(']');
    return end == entry.npos ? std::string_view() : entry.substr(1, end - 1);
  }
  const std::size_t colon = entry.find(':');
  // More than one colon: an IPv6 address without brackets.
  if (colon != entry.npos && entry.find(':', colon + 1) == entry.npos)
    return entry.substr(0, colon);
  return entry;
}

std::string_view take_last(std::string_view& list) {
  const std::size_t comma = list.rfind(',');
  std::string_view entry = comma == list.npos ? list : list.substr(comma + 1);
  list = comma == list.npos ? std::string_view() : list.substr(0, comma);
  while (entry.starts_with(' ') || entry.starts_with('\t')) entry.remove_prefix(1);
  while (entry.ends_with(' ') || entry.ends_with('\t')) entry.remove_suffix(1);
  return entry;
}

}  // namespace

std::optional<TrustedProxies::Bytes> TrustedProxies::parse_address(std::string_view text) {
  const std::string address(text);
  if (address.find('\0') != address.npos) return std::nullopt;
  Bytes bytes{};
  if (::inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1) return bytes;
  bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (::inet_pton(AF_INET, address.c_str(), bytes.data() + 12) == 1) return bytes;
  return std::nullopt;
}

Result<TrustedProxies> TrustedProxies::parse(std::span<const std::string> entries) {
  TrustedProxies proxies;
  for (const std::string& entry : entries) {
    const Error malformed{fmt::format(
        "\"{}\" is neither an address nor a network; write \"10.0.0.1\" or \"10.0.0.0/8\"", entry)};
    const std::size_t slash = std::min(entry.find('/'), entry.size());
    const auto address = parse_address(std::string_view(entry).substr(0, slash));
    if (!address) return malformed;
    const unsigned prefix = entry.find(':') == entry.npos ? ipv4_prefix_bits : 0;
    unsigned bits = 128 - prefix;
    if (slash < entry.size()) {
      const char* end = entry.data() + entry.size();
      unsigned given = 0;
      const auto [read, error] = std::from_chars(entry.data() + slash + 1, end, given);
      if (error != std::errc() || read != end || given > bits) return malformed;
      bits = given;
    }
    proxies.networks_.push_back({.bytes = *address, .bits = prefix + bits});
  }
  return proxies;
}

bool TrustedProxies::trust(std::string_view address) const {
  const auto bytes = parse_address(address);
  return bytes && trust(*bytes);
}

bool TrustedProxies::trust(const Bytes& address) const {
  return std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
    const unsigned whole = network.bits / 8;
    if (std::memcmp(network.bytes.data(), address.data(), whole) != 0) return false;
    const unsigned rest = network.bits % 8;
    return rest == 0 || ((network.bytes[whole] ^ address[whole]) >> (8 - rest)) == 0;
  });
}

std::string TrustedProxies::client(std::string_view peer, std::string_view forwarded_for) const {
  std::string client(peer);
  while (!forwarded_for.empty() && trust(client)) {
    const std::string_view next = without_port(take_last(forwarded_for));
    if (!parse_address(next)) break;
    client = next;
  }
  return client;
}

}  // namespace troupe::wire
