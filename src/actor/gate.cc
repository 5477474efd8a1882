#include "actor/gate.h"

#include "actor/actor.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <cassert>
#include <utility>
#include <vector>

namespace troupe::actor {

namespace {

// What the turns of all shards may have waiting, of the journal's own bounds: so the journal
// refuses hardly ever what a turn has made already.
constexpr std::size_t turns_in_flight_max = journal::Bounds{}.queue_entries_max / 2;
constexpr std::size_t bytes_in_flight_max = journal::Bounds{}.queue_bytes_max / 2;

}  // namespace

Gate::Gate(journal::Journal& journal, shard::Shard& shard, std::size_t shards, Log& log)
    : journal_(journal),
      shard_(shard),
      log_(log),
      turns_max_(std::max<std::size_t>(1, turns_in_flight_max / shards)),
      bytes_max_(std::max<std::size_t>(1, bytes_in_flight_max / shards)),
      appender_(journal.appender(*this)) {
  for (std::size_t partition = shard.index(); partition < journal::partitions;
       partition += shards) {
    appender_->claim(static_cast<std::uint8_t>(partition));
  }
}

Gate::~Gate() = default;

std::optional<journal::Refusal> Gate::refusal() {
  if (held_.size() >= turns_max_ || held_bytes_ >= bytes_max_) return journal::Refusal::full;
  if (!refusing_) return std::nullopt;
  refusing_ = journal_.health().refusing;
  return refusing_ ? std::optional(journal::Refusal::refusing) : std::nullopt;
}

journal::Appended Gate::append(Actor* actor,
                               const journal::SubjectView& subject,
                               const journal::Record& record,
                               const journal::Changes& changes,
                               const journal::Beside& beside) {
  const journal::Appended appended = appender_->append(subject, record, changes, beside);
  if (!appended) {
    if (appended.refusal == journal::Refusal::refusing) refusing_ = true;
    return appended;
  }
  assert(appended.ticket == durable_ + held_.size() + 1 && "tickets have no gaps");
  held_.push_back({.actor = actor, .bytes = record.bytes()});
  held_bytes_ += held_.back().bytes;
  gather();
  return appended;
}

void Gate::gather() {
  has_more_ = true;
  if (gathering_) return;
  gathering_ = true;
  gathering_since_ = std::chrono::steady_clock::now();
  flush_when_quiet();
}

// What is posted runs after all that the event loop has at hand, which then asks for more.
void Gate::flush_when_quiet() {
  has_more_ = false;
  boost::asio::post(shard_.io(), [this] {
    if (has_more_ && std::chrono::steady_clock::now() - gathering_since_ < gather_max) {
      flush_when_quiet();
      return;
    }
    gathering_ = false;
    appender_->flush();
  });
}

void Gate::forget(const Actor& actor) {
  for (Held& held : held_) {
    if (held.actor == &actor) held.actor = nullptr;
  }
}

void Gate::add(journal::Ticket ticket, std::unique_ptr<Output> output) {
  assert(ticket > durable_ && ticket - durable_ <= held_.size());
  held_[ticket - durable_ - 1].outputs.push_back(std::move(output));
}

void Gate::committed(journal::Ticket last) {
  reached_.store(last, std::memory_order_release);
  if (told_.exchange(true, std::memory_order_acq_rel)) return;
  shard_.send([this] {
    told_.store(false, std::memory_order_release);
    release(reached_.load(std::memory_order_acquire));
  });
}

void Gate::failed(const Error& why) {
  shard_.send([this, why] {
    release(reached_.load(std::memory_order_acquire));
    fail(why);
  });
}

void Gate::release(journal::Ticket last) {
  while (durable_ < last && !held_.empty()) {
    // What leaves may show more, which then waits behind it; the place in a deque stays.
    Held& held = held_.front();
    for (std::size_t i = 0; i < held.outputs.size(); ++i) {
      const std::unique_ptr<Output> output = std::move(held.outputs[i]);
      output->leave();
    }
    held_bytes_ -= held.bytes;
    held_.pop_front();
    ++durable_;
  }
}

void Gate::fail(const Error& why) {
  log_.error(
      "the journal could not be written: {}; {} turns are undone", why.message, held_.size());
  refusing_ = true;
  const auto lost = std::exchange(held_, {});
  durable_ += lost.size();
  held_bytes_ = 0;
  appender_->recover();
  // All actors first: what is told of a loss may come back to them.
  std::vector<Actor*> actors;
  for (const Held& held : lost) {
    if (held.actor != nullptr) actors.push_back(held.actor);
  }
  std::ranges::sort(actors);
  const auto repeated = std::ranges::unique(actors);
  actors.erase(repeated.begin(), repeated.end());
  for (Actor* actor : actors) actor->lose();
  for (const Held& held : lost) {
    for (const std::unique_ptr<Output>& output : held.outputs) output->lost();
  }
}

}  // namespace troupe::actor
