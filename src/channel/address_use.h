// What all sockets of one network address have taken of what an address may: shared by them on all
// shards. Thread-safe.
#pragma once

#include "base/rate.h"

#include <cstdint>

namespace troupe::channel {

struct AddressRules {
  // Many people may come from one address, through a proxy or a provider's gateway: the defaults
  // stop machines, not people.
  std::uint32_t joins_per_second = 20'000;
  std::uint32_t events_per_second = 100'000;
};

struct AddressUse {
  explicit AddressUse(const AddressRules& rules)
      : joins(rules.joins_per_second), events(rules.events_per_second) {}

  Rate joins;
  Rate events;

  bool is_at_rest(std::int64_t now_ns) const {
    return joins.is_at_rest(now_ns) && events.is_at_rest(now_ns);
  }
};

}  // namespace troupe::channel
