#include "guest/http_policy.h"

#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/address_v6.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace troupe::guest {

namespace {

namespace ip = boost::asio::ip;

// A pattern's element at its front, cut off.
struct Element {
  enum class Kind { character, any_one, any_number, one_of, none_of };
  Kind kind;
  char character = 0;
  std::string_view members;

  bool fits(char c) const {
    switch (kind) {
      case Kind::character:
        return c == character;
      case Kind::any_one:
      case Kind::any_number:
        return true;
      case Kind::one_of:
        return is_member(c);
      case Kind::none_of:
        return !is_member(c);
    }
    return false;
  }

  bool is_member(char c) const {
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (i + 2 < members.size() && members[i + 1] == '-') {
        if (members[i] <= c && c <= members[i + 2]) return true;
        i += 2;
      } else if (members[i] == c) {
        return true;
      }
    }
    return false;
  }
};

// Nothing when the front is no valid element. Not for an empty pattern.
std::optional<Element> take(std::string_view& pattern) {
  using Kind = Element::Kind;
  const char first = pattern.front();
  if (first != '[') {
    pattern.remove_prefix(1);
    if (first == '*') return Element{.kind = Kind::any_number};
    if (first == '?') return Element{.kind = Kind::any_one};
    return Element{.kind = Kind::character, .character = first};
  }
  const bool negated = pattern.substr(1).starts_with('!');
  const std::size_t begin = negated ? 2 : 1;
  // A bracket right behind the opening one is a member.
  const std::size_t end = pattern.find(']', begin + 1);
  if (end == std::string_view::npos) return std::nullopt;
  Element element{.kind = negated ? Kind::none_of : Kind::one_of,
                  .members = pattern.substr(begin, end - begin)};
  pattern.remove_prefix(end + 1);
  return element;
}

bool is_valid(std::string_view pattern) {
  // Two stars are for paths: they stand alone or not at all.
  if (pattern != "**" && pattern.find("**") != std::string_view::npos) return false;
  while (!pattern.empty()) {
    if (!take(pattern)) return false;
  }
  return true;
}

// Each star is tried at its shortest first; only the last one is ever lengthened, so the work is at
// most the product of the lengths.
bool matches(std::string_view pattern, std::string_view text) {
  std::optional<std::string_view> after_star;
  std::string_view star_text;
  while (true) {
    std::string_view rest = pattern;
    std::optional<Element> element;
    if (!rest.empty()) element = take(rest);
    if (element && element->kind == Element::Kind::any_number) {
      after_star = pattern = rest;
      star_text = text;
    } else if (element && !text.empty() && element->fits(text.front())) {
      pattern = rest;
      text.remove_prefix(1);
    } else if (pattern.empty() && text.empty()) {
      return true;
    } else if (after_star && !star_text.empty()) {
      star_text.remove_prefix(1);
      pattern = *after_star;
      text = star_text;
    } else {
      return false;
    }
  }
}

template <class Network, std::size_t Count>
bool is_in(const std::array<Network, Count>& networks, const auto& address) {
  return std::any_of(networks.begin(), networks.end(), [&](const Network& network) {
    return Network(address, network.prefix_length()).network() == network.network();
  });
}

bool is_public(const ip::address_v4& address) {
  static const std::array networks{
      ip::make_network_v4("0.0.0.0/8"),        // this network
      ip::make_network_v4("10.0.0.0/8"),       // private
      ip::make_network_v4("100.64.0.0/10"),    // shared by the customers of a provider
      ip::make_network_v4("127.0.0.0/8"),      // loopback
      ip::make_network_v4("169.254.0.0/16"),   // link-local; the metadata of clouds
      ip::make_network_v4("172.16.0.0/12"),    // private
      ip::make_network_v4("192.0.0.0/24"),     // protocols
      ip::make_network_v4("192.0.2.0/24"),     // documentation
      ip::make_network_v4("192.88.99.0/24"),   // relays of 6to4
      ip::make_network_v4("192.168.0.0/16"),   // private
      ip::make_network_v4("198.18.0.0/15"),    // benchmarks
      ip::make_network_v4("198.51.100.0/24"),  // documentation
      ip::make_network_v4("203.0.113.0/24"),   // documentation
      ip::make_network_v4("224.0.0.0/4"),      // multicast
      ip::make_network_v4("240.0.0.0/4"),      // reserved, and broadcast
  };
  return !is_in(networks, address);
}

ip::address_v4 last_four_bytes(const ip::address_v6::bytes_type& bytes) {
  return ip::address_v4({bytes[12], bytes[13], bytes[14], bytes[15]});
}

bool is_public(const ip::address_v6& address) {
  static const std::array translated{ip::make_network_v6("64:ff9b::/96")};
  static const std::array assigned{ip::make_network_v6("2000::/3")};
  static const std::array without{
      ip::make_network_v6("2001::/23"),      // protocols, among them tunnels to IPv4
      ip::make_network_v6("2001:db8::/32"),  // documentation
      ip::make_network_v6("2002::/16"),      // tunnels to IPv4
      ip::make_network_v6("3fff::/20"),      // documentation
  };
  // How networks without IPv4 reach it: what counts is where the translator leads.
  if (is_in(translated, address)) return is_public(last_four_bytes(address.to_bytes()));
  return is_in(assigned, address) && !is_in(without, address);
}

}  // namespace

bool matches_host(std::string_view pattern, std::string_view host) {
  return is_valid(pattern) ? matches(pattern, host) : pattern == host;
}

Reach reach_of(std::span<const std::string> allowed_hosts, std::string_view host) {
  if (std::ranges::find(allowed_hosts, host) != allowed_hosts.end()) return Reach::everything;
  const bool allowed = std::ranges::any_of(
      allowed_hosts, [&](const std::string& pattern) { return matches_host(pattern, host); });
  return allowed ? Reach::public_addresses : Reach::nothing;
}

bool is_loopback_host(std::string_view host) {
  if (host == "localhost" || host == "[::1]") return true;
  boost::system::error_code error;
  const ip::address_v4 address = ip::make_address_v4(host, error);
  return !error && address.is_loopback();
}

bool is_public(const ip::address& address) {
  return address.is_v4() ? is_public(address.to_v4()) : is_public(address.to_v6());
}

bool may_connect(Reach reach, const ip::address& address) {
  switch (reach) {
    case Reach::nothing:
      return false;
    case Reach::public_addresses:
      return is_public(address);
    case Reach::loopback:
      return address.is_loopback();
    case Reach::everything:
      return true;
  }
  return false;
}

}  // namespace troupe::guest
