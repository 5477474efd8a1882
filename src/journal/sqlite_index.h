// Where the last entry of an actor is, for those actors that the table does not know yet.
//
// The table `actors` would cost more than all the rest if it were written with every commit (a page
// for each actor). So positions are kept here and written later, many at a time, in the order of
// the table. The writer changes this, readers ask; thread-safe.
//
// To look an actor up: ask here first and begin to read the database afterwards. What is no longer
// here then is in the table.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::journal {

struct Position {
  std::uint64_t batch = 0;  // with the actor's last entry
  std::uint64_t number = 0;
  std::uint64_t incarnation = 0;
  std::uint64_t turn = 0;
  bool ended = false;
};

class Index {
 public:
  using Map = std::map<std::string, Position, std::less<>>;

  std::optional<Position> find(std::string_view address) const {
    const std::lock_guard lock(mutex_);
    if (const auto found = places_.find(address); found != places_.end()) return *found->second;
    if (const auto found = settling_.find(address); found != settling_.end()) return found->second;
    return std::nullopt;
  }

  template <class Positions>
  void put(const Positions& positions) {
    const std::lock_guard lock(mutex_);
    for (const auto& [address, position] : positions) {
      if (const auto found = places_.find(address); found != places_.end()) {
        *found->second = position;
        continue;
      }
      Map::value_type& added = *fresh_.emplace(address, position).first;
      places_.emplace(added.first, &added.second);
    }
  }

  void forget(std::string_view address) {
    const std::lock_guard lock(mutex_);
    places_.erase(address);
    if (const auto found = fresh_.find(address); found != fresh_.end()) fresh_.erase(found);
    if (const auto found = settling_.find(address); found != settling_.end()) {
      settling_.erase(found);
    }
  }

  // The first `limit` that begin with `prefix` and come after `after`.
  Map range(std::string_view prefix, std::string_view after, std::size_t limit) const {
    const std::lock_guard lock(mutex_);
    Map found;
    for (const Map* map : {&settling_, &fresh_}) {
      auto at = map->lower_bound(prefix);
      if (after >= prefix) at = map->upper_bound(after);
      for (std::size_t count = 0; at != map->end() && count < limit; ++at, ++count) {
        if (!at->first.starts_with(prefix)) break;
        found.insert_or_assign(at->first, at->second);
      }
    }
    return found;
  }

  // The writer alone: what is fresh now is to be written to the table.
  bool is_settling() const { return !settling_.empty(); }
  bool has_fresh() const { return !fresh_.empty(); }
  void settle() {
    const std::lock_guard lock(mutex_);
    std::swap(settling_, fresh_);
    places_.clear();
  }
  const Map& settling() const { return settling_; }
  // They have been committed in the table.
  void settled(const std::vector<std::string>& addresses) {
    const std::lock_guard lock(mutex_);
    for (const std::string& address : addresses) settling_.erase(address);
  }

 private:
  mutable std::mutex mutex_;
  Map fresh_;                                                      // in the order of the table
  boost::unordered_flat_map<std::string_view, Position*> places_;  // of what is in fresh_
  Map settling_;
};

}  // namespace troupe::journal
