// The network addresses that clients come from: how many connections each has, and what they take.
//
// An IPv6 address stands for its network of 64 bits, which one person has. Shared by the listener
// and its connections. Thread-safe.
#pragma once

#include "channel/address_use.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace troupe::socket {

class Addresses : public std::enable_shared_from_this<Addresses> {
 public:
  // Beyond its connections so many of an address are told so; the next are dropped without a word.
  static constexpr std::size_t refused_max = 16;

  // One connection's stay: the address has one connection less when the last copy goes.
  using Visit = std::shared_ptr<channel::AddressUse>;

  Addresses(std::size_t connections_max, channel::AddressRules rules)
      : connections_max_(connections_max), rules_(rules) {}
  Addresses(const Addresses&) = delete;
  Addresses& operator=(const Addresses&) = delete;

  struct Entrance {
    Visit visit;              // null: there are even too many that were refused
    bool is_welcome = false;  // else the address has all the connections it may have
  };
  Entrance enter(std::string_view address, std::int64_t now_ns);

  // That are remembered, for tests.
  std::size_t size() const;

 private:
  struct Entry {
    explicit Entry(const channel::AddressRules& rules) : use(rules) {}
    channel::AddressUse use;
    std::size_t connections = 0;
  };
  struct Stay;

  void leave(Entry& entry);
  void forget_idle(std::int64_t now_ns);

  const std::size_t connections_max_;
  const channel::AddressRules rules_;
  mutable std::mutex mutex_;  // guards what follows
  // Shared with the stays.
  std::unordered_map<std::string, std::shared_ptr<Entry>> entries_;
  std::size_t forget_at_ = 1024;  // entries; then those that nobody uses go
};

}  // namespace troupe::socket
