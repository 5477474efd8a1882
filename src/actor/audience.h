// The viewers of one actor, on all shards.
//
// Lives on the actor's shard. What is shown to viewers of other shards is copied once for each
// shard and sent there; each viewer sees everything in the order of the calls. What is shown while
// the actor's exit is not open waits for it.
#pragma once

#include "actor/ask.h"
#include "actor/effects.h"
#include "actor/gate.h"
#include "actor/viewer.h"
#include "shard/shard.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::actor {

class Audience {
 public:
  Audience(shard::Shards& shards, std::size_t own_shard, Exit& exit);

  bool empty() const { return count_ == 0; }
  std::size_t size() const { return count_; }

  void add(const ViewerPtr& viewer);
  void remove(const Viewer& viewer);

  // To one viewer, whether it is in the audience or not.
  void show_joined(const ViewerPtr& viewer);
  void show_refused(const ViewerPtr& viewer, std::string_view payload);
  void show_state(const ViewerPtr& viewer, std::string_view state, StateReason reason);
  void show_error(const ViewerPtr& viewer, std::string_view payload);
  void show_called(const ViewerPtr& viewer, std::string_view ref, Answer answer);
  void show_answered(const ViewerPtr& viewer);
  void show_end(const ViewerPtr& viewer, EndReason reason);

  // To all, who are none any more after it.
  void show_end(EndReason reason);

  // A committed turn: its pushes in the order of the calls, then the patch, unless that is empty.
  // `caller` may be null; with `answers`, its event has been answered by this.
  void show_turn(std::span<const Push> pushes,
                 std::string_view patch,
                 const ViewerPtr& caller,
                 bool answers = false);
  // The turn that gave the first state: its pushes, then the state.
  void show_start(std::span<const Push> pushes, std::string_view state, const Viewer* caller);

 private:
  using Viewers = std::vector<ViewerPtr>;

  struct Shown;  // by a turn
  struct ShownCopy;

  template <class Show>
  void to_one(const ViewerPtr& viewer, Show show);
  template <class Show>
  static void send(shard::Shards& shards,
                   std::size_t own_shard,
                   const ViewerPtr& viewer,
                   Show show);
  using List = std::shared_ptr<const Viewers>;
  void show(const Shown& shown, const ViewerPtr& answered = nullptr);
  static void show(shard::Shards& shards,
                   std::size_t own_shard,
                   std::span<const List> lists,
                   const Shown& shown);

  shard::Shards& shards_;
  const std::size_t own_shard_;
  Exit& exit_;
  std::size_t count_ = 0;
  // By shard. A list is replaced, never changed, when somebody joins or leaves: letters on their
  // way to its shard hold it too.
  std::vector<List> by_shard_;
};

}  // namespace troupe::actor
