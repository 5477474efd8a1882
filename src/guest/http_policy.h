// Whom a guest's HTTP requests may reach: host names by the plugin's list, addresses by what they
// are.
//
// Decisions on values, without state or input and output; from any thread.
#pragma once

#include <boost/asio/ip/address.hpp>

#include <span>
#include <string>
#include <string_view>

namespace troupe::guest {

// Whether a host name fits a pattern as Extism has them: `*` is any characters, dots too, `?` is
// one, `[a-z]` one of these and `[!a-z]` one of the others. Case counts; names are lower-case. What
// is no such pattern stands for itself.
bool matches_host(std::string_view pattern, std::string_view host);

// What a request to a host may connect to.
enum class Reach {
  nothing,           // the host is not in the list
  public_addresses,  // a pattern allows it
  loopback,          // named, and what is sent must not leave the machine
  everything,        // named: the operator has said that this very host is meant, wherever it is
};

// `host` as it stands in a URL: lower-case, an IPv6 address in brackets.
Reach reach_of(std::span<const std::string> allowed_hosts, std::string_view host);

// `localhost`, 127.x.x.x or [::1], as it stands in a URL.
bool is_loopback_host(std::string_view host);

// Whether the address belongs to the open internet: not to this machine, a private or a local
// network, a group of hosts, a tunnel to one of these, or a range without any use.
bool is_public(const boost::asio::ip::address& address);

bool may_connect(Reach reach, const boost::asio::ip::address& address);

}  // namespace troupe::guest
