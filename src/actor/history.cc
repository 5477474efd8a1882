#include "actor/history.h"

#include <utility>

namespace troupe::actor {

void History::keep(std::chrono::nanoseconds ran) {
  const std::size_t bytes = turns_[count_].bytes();
  ++turns_since_;
  bytes_since_ += bytes;
  ran_since_ += ran;
  ++turns_untried_;
  bytes_untried_ += bytes;
  ran_untried_ += ran;
  if (!complete_) return;
  bytes_ += bytes;
  ++count_;
  if (count_ > replay_turns_max || bytes_ > replay_bytes_max) {
    complete_ = false;
    count_ = 0;
    bytes_ = 0;
    turns_.clear();
  }
}

void History::restore(std::vector<journal::Record> turns) {
  turns_ = std::move(turns);
  count_ = turns_.size();
  bytes_ = 0;
  for (const journal::Record& record : turns_) bytes_ += record.bytes();
  turns_since_ = count_;
  bytes_since_ = bytes_;
}

void History::replace(std::unique_ptr<Checkpoint> checkpoint) {
  checkpoint_ = std::move(checkpoint);
  // Their room is for the next turns; what came by HTTP is not.
  for (journal::Record& record : turns_) record.answers.clear();
  count_ = 0;
  bytes_ = 0;
  put_off();
  turns_since_ = bytes_since_ = 0;
  ran_since_ = {};
  complete_ = true;
}

std::size_t History::bytes_kept() const {
  if (!checkpoint_) return bytes_;
  return bytes_ + checkpoint_->state.size() + checkpoint_->vars.bytes() +
         (checkpoint_->memory ? checkpoint_->memory->bytes().size() : 0);
}

void History::shrink() {
  turns_.clear();
  turns_.shrink_to_fit();
  count_ = 0;
  bytes_ = 0;
}

}  // namespace troupe::actor
