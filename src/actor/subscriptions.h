// Which durable actors have subscribed to a topic, asleep or awake.
//
// What is published to them is sent to each by its address, which wakes it, and waits in the
// journal's outbox like any other message. Actors that no journal keeps are told on their shards
// (Actors::publish). Owned by System; thread-safe: publishers share the lock.
#pragma once

#include <cstddef>
#include <functional>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::actor {

class Subscriptions {
 public:
  // By the actor, for its address; and by System for those of the journal, before any thread runs.
  void add(const std::string& topic, const std::string& address) {
    const std::lock_guard lock(mutex_);
    by_topic_[topic].insert(address);
  }
  void remove(const std::string& topic, const std::string& address) {
    const std::lock_guard lock(mutex_);
    const auto found = by_topic_.find(topic);
    if (found == by_topic_.end()) return;
    found->second.erase(address);
    if (found->second.empty()) by_topic_.erase(found);
  }
  // The actor has ended, and cannot say of what it had heard.
  void remove_all(const std::string& address) {
    const std::lock_guard lock(mutex_);
    for (auto topic = by_topic_.begin(); topic != by_topic_.end();) {
      topic->second.erase(address);
      topic = topic->second.empty() ? by_topic_.erase(topic) : std::next(topic);
    }
  }
  // In the order of addresses.
  std::vector<std::string> of(std::string_view topic) const {
    const std::shared_lock lock(mutex_);
    const auto found = by_topic_.find(topic);
    if (found == by_topic_.end()) return {};
    return {found->second.begin(), found->second.end()};
  }

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::set<std::string>, std::less<>> by_topic_;
};

}  // namespace troupe::actor
