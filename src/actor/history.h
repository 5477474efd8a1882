// How an actor comes back to its last commit: a checkpoint, and the turns since.
//
// A turn that failed leaves the guest's memory in doubt, sleep frees it, and a crash of the server
// loses it. In each case a new instance gets the checkpoint's memory and runs the turns since once
// more from their records. Here are both, in memory. Owned by an actor; not thread-safe.
#pragma once

#include "guest/snapshot.h"
#include "guest/vars.h"
#include "journal/record.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace troupe::actor {

// After this many turns, or when their records take this much, or when the guest has worked so long
// on them, a checkpoint is due: so much is done again at most. Where the guest's memory cannot be
// captured the records go on to the bounds of a replay; beyond these the memory is given up, and
// the next instance starts with variables and state alone.
inline constexpr std::size_t checkpoint_turns = 64;
inline constexpr std::size_t checkpoint_bytes = std::size_t{64} << 10;
inline constexpr std::chrono::milliseconds checkpoint_guest_time{5};
// An actor whose turns since its last checkpoint took no longer than this, and whose records take
// no more room, goes to sleep without another: to run them again costs less than to capture and
// restore its memory, and to keep them costs less than to keep that.
inline constexpr std::chrono::microseconds sleep_turns_time{20};
inline constexpr std::size_t sleep_turns_bytes = 512;
inline constexpr std::size_t replay_turns_max = 1024;
inline constexpr std::size_t replay_bytes_max = std::size_t{1} << 20;
inline constexpr std::chrono::milliseconds replay_guest_time_max{250};

struct Checkpoint {
  std::uint64_t turn = 0;
  std::string code;   // content hash of the plugin whose memory it is
  std::string state;  // canonical text; empty before init
  guest::Vars vars;
  std::optional<guest::Snapshot> memory;  // nothing: that of a new instance
};

class History {
 public:
  // Null for an actor that has not slept and has had few turns: it began with a new instance,
  // without variables and state.
  const Checkpoint* checkpoint() const { return checkpoint_.get(); }
  // What the instance that the turns ran in began with, unless it began with captured memory: an
  // instance that is to repeat them begins with the same.
  const journal::StartUp& start_up() const { return start_up_; }
  bool has_start_up() const { return start_up_ != journal::StartUp{}; }
  // Before the first turn: one is made now, or none was.
  void begin(const journal::StartUp& start_up) { start_up_ = start_up; }
  // The turns since.
  bool has_turns() const { return count_ != 0; }
  std::vector<journal::Record> turns() const;

  // False when too much has happened since the checkpoint to be done again.
  bool is_complete() const { return complete_; }
  bool is_checkpoint_due() const {
    return turns_untried_ >= checkpoint_turns || bytes_untried_ >= checkpoint_bytes ||
           ran_untried_ >= checkpoint_guest_time;
  }
  bool is_worth_a_checkpoint() const {
    return turns_since_ != 0 &&
           (took_since_ > sleep_turns_time || bytes_since_ > sleep_turns_bytes);
  }
  // No checkpoint could be taken now: the next is due after as much again.
  void put_off() {
    turns_untried_ = 0;
    bytes_untried_ = 0;
    ran_untried_ = {};
    undone_ = 0;
    undone_bytes_ = 0;
  }

  // A turn has committed. Takes its answers. `ran`: guest::Outcome::ran.
  void keep(journal::Record& turn, std::chrono::nanoseconds ran);
  // A turn has been undone, and is in the journal all the same: who loads the actor reads all of
  // them since its last checkpoint.
  void undone(const journal::Record& turn) {
    ++undone_;
    undone_bytes_ += turn.bytes();
  }
  bool has_many_undone() const {
    return undone_ >= checkpoint_turns || undone_bytes_ >= checkpoint_bytes;
  }
  // How long the last one took in all, with what it waited for. Finer than `ran`, which is right
  // over many turns only.
  void took(std::chrono::nanoseconds time) { took_since_ += time; }

  // What it takes, nearly.
  std::size_t bytes_kept() const;

  // The turns since the checkpoint, of an actor that is loaded: all of them, whatever their number.
  void restore(std::span<journal::Record> turns);

  // Forgets the turns before.
  void replace(std::unique_ptr<Checkpoint> checkpoint);

  // Frees the room for more turns, which an actor that sleeps has no use for.
  void shrink();

 private:
  void add(journal::Record& turn);
  void forget_turns();
  std::size_t turns_bytes() const { return turns_.size() + (answers_ ? answers_->bytes : 0); }

  std::unique_ptr<Checkpoint> checkpoint_;
  // A turn is written once and hardly ever read, so what counts is how little memory it touches:
  // one after the other, each as its fixed part and its strings. Their code is that of the actor.
  std::string turns_;
  struct Answers {
    // Of the few turns that have any, by their place.
    std::vector<std::pair<std::uint32_t, std::vector<journal::Answer>>> of_turns;
    std::size_t bytes = 0;
  };
  std::unique_ptr<Answers> answers_;  // null: none
  journal::StartUp start_up_;
  std::uint32_t count_ = 0;
  // Since a checkpoint was taken, or could not be.
  std::uint32_t turns_untried_ = 0;
  std::size_t bytes_untried_ = 0;
  std::chrono::nanoseconds ran_untried_{0};
  std::uint32_t undone_ = 0;
  std::size_t undone_bytes_ = 0;
  // Since the checkpoint.
  std::uint32_t turns_since_ = 0;
  bool complete_ = true;
  std::size_t bytes_since_ = 0;
  std::chrono::nanoseconds ran_since_{0};
  std::chrono::nanoseconds took_since_{0};
};

}  // namespace troupe::actor
