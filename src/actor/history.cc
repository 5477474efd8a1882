#include "actor/history.h"

#include <cstring>
#include <string_view>
#include <type_traits>

namespace troupe::actor {

namespace {

// What each turn has; the seed, when it has one, function, input and reason follow it.
struct Fixed {
  std::uint64_t turn;
  std::int64_t time_ns;
  std::int64_t last_time_ns;
  journal::InputId input_id;
  journal::Hash outcome;
  std::uint32_t function_bytes;
  std::uint32_t input_bytes;
  std::uint32_t reason_bytes;
  journal::Kind kind;
  journal::TurnResult result;
  bool has_seed;
};
static_assert(std::is_trivially_copyable_v<Fixed>);

std::size_t bytes_of(const std::vector<journal::Answer>& answers) {
  std::size_t sum = 0;
  for (const journal::Answer& answer : answers) sum += journal::bytes_of(answer);
  return sum;
}

std::size_t bytes_of(const journal::Record& turn) {
  return sizeof(Fixed) + sizeof turn.seed + turn.function.size() + turn.input.size() +
         turn.reason.size() + bytes_of(turn.answers);
}

}  // namespace

std::vector<journal::Record> History::turns() const {
  std::vector<journal::Record> turns;
  turns.reserve(count_);
  std::string_view left = turns_;
  const auto take = [&](std::size_t bytes) {
    const std::string_view taken = left.substr(0, bytes);
    left.remove_prefix(bytes);
    return taken;
  };
  while (!left.empty()) {
    Fixed fixed{};
    std::memcpy(&fixed, take(sizeof fixed).data(), sizeof fixed);
    journal::Record& turn = turns.emplace_back();
    if (fixed.has_seed)
      std::memcpy(turn.seed.data(), take(turn.seed.size()).data(), turn.seed.size());
    turn.turn = fixed.turn;
    turn.input_id = fixed.input_id;
    turn.function = take(fixed.function_bytes);
    turn.input = take(fixed.input_bytes);
    turn.time_ns = fixed.time_ns;
    turn.result = fixed.result;
    turn.committed = true;
    turn.reason = take(fixed.reason_bytes);
    turn.outcome = fixed.outcome;
    turn.kind = fixed.kind;
    turn.last_time_ns = fixed.last_time_ns;
  }
  if (answers_) {
    for (const auto& [place, answers] : answers_->of_turns) turns[place].answers = answers;
  }
  if (!turns.empty()) turns.front().start_up = start_up_;
  return turns;
}

void History::add(journal::Record& turn) {
  const Fixed fixed{.turn = turn.turn,
                    .time_ns = turn.time_ns,
                    .last_time_ns = turn.last_time_ns,
                    .input_id = turn.input_id,
                    .outcome = turn.outcome,
                    .function_bytes = static_cast<std::uint32_t>(turn.function.size()),
                    .input_bytes = static_cast<std::uint32_t>(turn.input.size()),
                    .reason_bytes = static_cast<std::uint32_t>(turn.reason.size()),
                    .kind = turn.kind,
                    .result = turn.result,
                    .has_seed = turn.seed != decltype(turn.seed){}};
  turns_.append(reinterpret_cast<const char*>(&fixed), sizeof fixed);
  if (fixed.has_seed)
    turns_.append(reinterpret_cast<const char*>(turn.seed.data()), turn.seed.size());
  turns_ += turn.function;
  turns_ += turn.input;
  turns_ += turn.reason;
  if (!turn.answers.empty()) {
    if (!answers_) answers_ = std::make_unique<Answers>();
    answers_->bytes += bytes_of(turn.answers);
    answers_->of_turns.emplace_back(count_, std::move(turn.answers));
  }
  if (count_ == 0) start_up_ = turn.start_up;
  ++count_;
}

void History::keep(journal::Record& turn, std::chrono::nanoseconds ran) {
  const std::size_t bytes = bytes_of(turn);
  ++turns_since_;
  bytes_since_ += bytes;
  ran_since_ += ran;
  ++turns_untried_;
  bytes_untried_ += bytes;
  ran_untried_ += ran;
  if (!complete_) return;
  add(turn);
  if (count_ > replay_turns_max || turns_bytes() > replay_bytes_max ||
      ran_since_ > replay_guest_time_max) {
    complete_ = false;
    forget_turns();
    shrink();
  }
}

void History::restore(std::span<journal::Record> turns) {
  forget_turns();
  turns_since_ = static_cast<std::uint32_t>(turns.size());
  bytes_since_ = 0;
  for (journal::Record& turn : turns) {
    bytes_since_ += bytes_of(turn);
    add(turn);
  }
  ran_since_ = took_since_ = checkpoint_guest_time;  // nobody has measured it
}

void History::replace(std::unique_ptr<Checkpoint> checkpoint) {
  checkpoint_ = std::move(checkpoint);
  start_up_ = {};
  forget_turns();
  put_off();
  turns_since_ = 0;
  bytes_since_ = 0;
  ran_since_ = took_since_ = {};
  complete_ = true;
}

std::size_t History::bytes_kept() const {
  const std::size_t bytes = turns_bytes();
  if (!checkpoint_) return bytes;
  return bytes + checkpoint_->state.size() + checkpoint_->vars.bytes() +
         (checkpoint_->memory ? checkpoint_->memory->bytes().size() : 0);
}

void History::forget_turns() {
  turns_.clear();
  answers_.reset();
  count_ = 0;
}

void History::shrink() {
  turns_.shrink_to_fit();
  if (answers_) answers_->of_turns.shrink_to_fit();
}

}  // namespace troupe::actor
