// The one way back: an instance as the last commit left it.
//
// Failed turns, sleep and the loss of the process all come here. The last checkpoint gives memory,
// variables and state; the turns since then run once more from their records, with their effects
// off; each must come out as it did.
#include "actor/actor.h"
#include "actor/actors.h"
#include "actor/repetition.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace troupe::actor {

using guest::Ending;
using guest::Outcome;

namespace {

// What the start-up of an instance may ask for: it belongs to no turn.
class StartUpHost final : public guest::Host {
 public:
  StartUpHost(Actors& actors, Plugin& plugin, const Address& address)
      : actors_(actors), plugin_(plugin), address_(address) {}

  Result<std::string> call(std::string_view function, std::string_view) override {
    return Error{fmt::format("troupe_{} cannot be used while the plugin starts up", function)};
  }
  void log(guest::LogLevel level, std::string_view text) override {
    plugin_.write_log(actors_.log(),
                      actors_.clock().now_ns(),
                      level,
                      fmt::format("{} start-up", address_.text()),
                      text);
  }

 private:
  Actors& actors_;
  Plugin& plugin_;
  const Address& address_;
};

// A place among the actors that are awake, taken before there is an instance for it: making one may
// wait, and be given up meanwhile.
class Place {
 public:
  Place(Actors& actors, Plugin& plugin) : actors_(actors), plugin_(plugin) { actors.woke(plugin); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    if (!kept_) actors_.slept(plugin_);
  }
  // There is an instance, which goes with drop_instance().
  void keep() { kept_ = true; }

 private:
  Actors& actors_;
  Plugin& plugin_;
  bool kept_ = false;
};

}  // namespace

Task<Outcome> Actor::wake() {
  if (version_ != plugin_.version) {
    // Outside of an upgrade: the first turn, or a new configuration for the same code.
    co_await switch_version();
    if (!version_) {
      // It stays on the one that it has slept with.
      Candidates candidates{.code = code()};
      version_ = co_await next_candidate(candidates);
    }
    if (!version_) {
      co_return Outcome{.ending = Ending::missing,
                        .message = "the actor stays on a version of the plugin that is not here"};
    }
    if (is_lost()) co_return Outcome{.ending = Ending::trap, .message = "the journal is refusing"};
  }
  if (instance_) co_return Outcome{};
  co_return co_await revive();
}

Task<Outcome> Actor::revive() {
  const Checkpoint* checkpoint = history_.checkpoint();
  if (!version_->environment.allowed_paths.empty() && history_.has_turns()) {
    actors_.log().info(
        "[{}] starts with its variables and its state alone: its plugin has allowed_paths, so that "
        "its turns cannot be repeated",
        address_.text());
    give_up_memory();
    checkpoint = history_.checkpoint();
  } else if (!history_.is_complete()) {
    give_up_past();
    checkpoint = history_.checkpoint();
  }

  // Files that were open then cannot be opened again.
  const bool has_memory = checkpoint != nullptr && checkpoint->memory &&
                          checkpoint->code == version_->module->content_hash() &&
                          version_->environment.allowed_paths.empty();
  Place place(actors_, plugin_);
  StartUpHost host(actors_, plugin_, address_);
  std::pair<std::unique_ptr<guest::Instance>, Outcome> made;
  if (has_memory) {
    made = co_await guest::Instance::restore(actors_.shard(),
                                             plugin_.lane,
                                             version_->module,
                                             version_->environment,
                                             *checkpoint->memory,
                                             host);
  } else {
    if (!history_.has_start_up()) {
      journal::StartUp now{.time_ns = std::max(actors_.clock().now_ns(), last_time_ns_ + 1)};
      actors_.random().fill(now.seed);
      history_.begin(now);
    }
    const journal::StartUp& start_up = history_.start_up();
    const guest::TurnInputs inputs{.time_ns = start_up.time_ns, .seed = start_up.seed};
    made = co_await guest::Instance::create(
        actors_.shard(), plugin_.lane, version_->module, version_->environment, inputs, host);
  }
  if (!made.first) {
    if (!history_.has_turns()) history_.begin({});
    co_return std::move(made.second);
  }
  instance_ = std::move(made.first);
  place.keep();
  if (belongs_ != Belongs::to_nobody) ++plugin_.counters.wakes;
  if (!history_.has_turns()) co_return Outcome{};
  co_return co_await repeat_turns();
}

Task<Outcome> Actor::repeat_turns() {
  // Unless the actor is being loaded, the state and the variables are those of the last commit
  // already; the turns must bring them there again.
  std::optional<state::Canonical> state = std::exchange(state_, std::nullopt);
  guest::Vars vars = std::exchange(vars_, {});
  if (const Checkpoint* checkpoint = history_.checkpoint()) {
    vars_ = checkpoint->vars;
    if (!checkpoint->state.empty()) {
      auto read = state::Canonical::read(checkpoint->state);
      state_ = std::move(*read);
    }
  }
  std::optional<Difference> different;
  std::uint64_t turn = 0;
  const std::vector<journal::Record> turns = history_.turns();
  for (const journal::Record& record : turns) {
    Repetition repetition(*this, record);
    const Outcome outcome = co_await repetition.run();
    vars_.commit();
    different = repetition.difference(outcome);
    if (!different) continue;
    turn = record.turn;
    break;
  }
  if (!different) co_return Outcome{};
  state_ = std::move(state);
  vars_ = std::move(vars);
  drop_instance();
  co_return Outcome{
      .ending = Ending::trap,
      .message = fmt::format("turn {} came out differently when it was repeated", turn),
      .detail = different->text()};
}

void Actor::drop_instance() {
  if (!instance_) return;
  instance_.reset();
  actors_.slept(plugin_);
}

void Actor::forget_memory() {
  drop_instance();
  history_.replace(
      std::make_unique<Checkpoint>(Checkpoint{.turn = turns_,
                                              .code = version_->module->content_hash(),
                                              .state = state_ ? state_->text() : std::string(),
                                              .vars = vars_}));
}

// Variables and state alone go on, and whoever repeats the turns must know it.
void Actor::give_up_memory() {
  forget_memory();
  if (journaled_) mark(journal::Kind::restart, {});
}

std::string Actor::why_not_captured() const {
  const std::string& why = version_->module->not_capturable();
  if (!why.empty()) return why;
  return fmt::format("more than {} bytes of it have changed",
                     version_->environment.limits.snapshot_bytes_max);
}

// Too much has happened since the last checkpoint to be repeated.
void Actor::give_up_past() {
  actors_.log().warn(
      "[{}] goes on with its variables and its state alone: its memory cannot be captured ({}), "
      "and "
      "too much has happened for all turns to be repeated",
      address_.text(),
      why_not_captured());
  give_up_memory();
}

void Actor::checkpoint() {
  if (capture()) keep_checkpoint();
}

// A checkpoint for the way back alone.
bool Actor::capture() {
  if (!instance_) return false;
  history_.put_off();  // unless it can be taken now
  if (!version_->module->not_capturable().empty()) return false;
  auto memory = instance_->capture();
  if (memory.has_error()) {
    actors_.log().debug("[{}] no checkpoint: {}", address_.text(), memory.error().message);
    return false;
  }
  history_.replace(
      std::make_unique<Checkpoint>(Checkpoint{.turn = turns_,
                                              .code = version_->module->content_hash(),
                                              .state = state_ ? state_->text() : std::string(),
                                              .vars = vars_,
                                              .memory = std::move(*memory)}));
  return true;
}

// What the guest has done to its memory is gone with it; the memory comes back by the history.
void Actor::undo(bool guest_ran) {
  vars_.rollback();
  if (guest_ran) drop_instance();
}

void Actor::sleep() {
  if (!instance_) return;
  if (history_.is_worth_a_checkpoint()) checkpoint();
  drop_instance();
  history_.shrink();
  mailbox_.shrink();
  if (run_.done()) run_.reset();
  ++plugin_.counters.sleeps;
}

}  // namespace troupe::actor
