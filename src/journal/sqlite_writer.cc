#include "journal/sqlite_writer.h"

#include <boost/unordered/unordered_flat_map.hpp>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <ctime>
#include <iterator>
#include <unordered_map>
#include <utility>

namespace troupe::journal {

namespace {

// Without appends for so long there is nothing to do, and time for upkeep.
constexpr std::chrono::milliseconds idle_after{20};
constexpr std::chrono::seconds wait_max{30};
// So much of checkpoints does not wait for a commit to go with.
constexpr std::size_t kept_bytes_at_once = std::size_t{1} << 20;
// Positions written to the table with a commit, at the least.
constexpr std::size_t settle_at_once = 128;
// A larger bundle is not kept for what comes next.
constexpr std::size_t spare_bytes_max = std::size_t{1} << 20;

std::uint64_t cpu_ns_of_this_thread() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(time.tv_nsec);
}

int count_pages(void* pages, sqlite3*, const char*, int count) {
  static_cast<std::atomic<int>*>(pages)->store(count, std::memory_order_relaxed);
  return SQLITE_OK;
}

}  // namespace

// What one commit is made of, until it is known whether it holds.
struct Writer::Group {
  // As it was at first, but for the memory it has.
  void clear() {
    positions.clear();
    bundles.clear();
    kept.clear();
    checkpoints = 0;
    batch.clear();
    entries = 0;
    bytes = 0;
    reached.clear();
    failures.clear();
    settled.clear();
  }

  Bundles bundles;
  std::vector<Kept> kept;  // after write_kept(): those whose entry is still queued
  std::uint64_t checkpoints = 0;
  // Of these items' actors; their addresses are in the bundles.
  boost::unordered_flat_map<std::string_view, Position> positions;
  Counts sequences{};
  std::uint64_t last_batch = 0;
  std::string batch;  // the open one; its id is last_batch
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
  struct Reached {
    std::shared_ptr<AppenderState> appender;
    Ticket ticket;
  };
  std::vector<Reached> reached;
  struct Failure {
    std::shared_ptr<AppenderState> appender;
    Error why;
  };
  std::vector<Failure> failures;
  std::vector<std::string> settled;

  void reach(const std::shared_ptr<AppenderState>& appender, Ticket ticket) {
    for (Reached& one : reached) {
      if (one.appender == appender) {
        one.ticket = ticket;
        return;
      }
    }
    reached.push_back({appender, ticket});
  }
};

Writer::Writer(SqliteOptions options,
               const Clock& clock,
               std::unique_ptr<GatheredLog> log,
               Store store)
    : options_(std::move(options)),
      clock_(clock),
      log_(std::move(log)),
      store_(std::move(store)),
      group_(std::make_unique<Group>()) {}

Result<std::unique_ptr<Writer>> Writer::open(const SqliteOptions& options, const Clock& clock) {
  auto log = std::make_unique<GatheredLog>(options.vfs);
  const mode_t mask = ::umask(0077);
  auto database = Database::open(options.file, Database::Mode::create, log->name());
  ::umask(mask);
  if (database.has_error()) return database.error();
  TRY_VOID(prepare_to_write(*database));
  TRY_VOID(check_version(*database, options.file));
  TRY(Store store, Store::create(std::move(*database)));
  std::unique_ptr<Writer> writer(new Writer(options, clock, std::move(log), std::move(store)));
  TRY_VOID(writer->prepare());
  writer->thread_ = std::thread([self = writer.get()] { self->run(); });
  return writer;
}

Result<> Writer::prepare() {
  Database& database = store_.database();
  const auto prepare = [&](Statement& statement, std::string_view sql) -> Result<> {
    TRY(statement, database.prepare(sql));
    return {};
  };
  TRY_VOID(prepare(begin_, "BEGIN IMMEDIATE"));
  TRY_VOID(prepare(commit_, "COMMIT"));
  TRY_VOID(prepare(rollback_, "ROLLBACK"));
  TRY_VOID(prepare(insert_batch_, "INSERT INTO batches VALUES (?, ?)"));
  TRY_VOID(prepare(update_batch_, "UPDATE batches SET entries = ?2 WHERE id = ?1"));
  TRY_VOID(prepare(delete_batch_, "DELETE FROM batches WHERE id = ?"));
  TRY_VOID(prepare(update_head_,
                   "UPDATE head SET last_batch = ?1, sequences = ?2 "
                   "WHERE id = 0 AND generation = ?3 AND last_batch = ?4"));
  TRY_VOID(prepare(update_removed_, "UPDATE upkeep SET removed = ? WHERE id = 0"));
  TRY_VOID(prepare(settle_,
                   "INSERT INTO actors VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1) "
                   "ON CONFLICT (address) DO UPDATE SET batch = ?2, number = ?3, incarnation = ?4, "
                   "turn = ?5, ended = ?6"));
  TRY_VOID(prepare(set_indexed_, "UPDATE upkeep SET indexed_batch = ? WHERE id = 0"));
  TRY_VOID(prepare(insert_checkpoint_,
                   "INSERT OR REPLACE INTO checkpoints (address, number, turn, incarnation, batch, "
                   "time_ns, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"));
  TRY_VOID(prepare(insert_message_, "INSERT INTO outbox VALUES (?1, ?2, ?3, ?4)"));
  TRY_VOID(prepare(delete_message_,
                   "DELETE FROM outbox WHERE sender = ?1 AND incarnation = ?2 AND number = ?3"));
  TRY_VOID(prepare(set_timer_, "INSERT OR REPLACE INTO timers VALUES (?1, ?2, ?3, ?4)"));
  TRY_VOID(prepare(cancel_timer_, "DELETE FROM timers WHERE address = ?1 AND name = ?2"));
  TRY_VOID(prepare(join_topic_, "INSERT OR IGNORE INTO subscriptions VALUES (?1, ?2)"));
  TRY_VOID(prepare(leave_topic_, "DELETE FROM subscriptions WHERE topic = ?1 AND address = ?2"));
  TRY_VOID(prepare(base_,
                   "SELECT number FROM (SELECT number, time_ns FROM checkpoints WHERE address = ?1 "
                   "ORDER BY number DESC LIMIT -1 OFFSET ?2) WHERE time_ns <= ?3 LIMIT 1"));
  TRY_VOID(
      prepare(next_batches_,
              "SELECT id, entries FROM batches WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3"));
  TRY_VOID(prepare(set_first_, "UPDATE actors SET first = max(first, ?2) WHERE address = ?1"));
  TRY_VOID(
      prepare(delete_checkpoints_, "DELETE FROM checkpoints WHERE address = ?1 AND number < ?2"));
  TRY_VOID(prepare(delete_actor_, "DELETE FROM actors WHERE address = ?"));
  TRY_VOID(prepare(clear_timers_, "DELETE FROM timers WHERE address = ?"));
  TRY_VOID(prepare(clear_topics_, "DELETE FROM subscriptions WHERE address = ?"));
  TRY_VOID(prepare(clear_outbox_, "DELETE FROM outbox WHERE sender = ?"));
  TRY_VOID(prepare(probe_, "UPDATE upkeep SET probes = probes + 1 WHERE id = 0"));

  // From here on a process that had the journal before commits nothing any more.
  TRY_VOID(database.run("UPDATE head SET generation = generation + 1 WHERE id = 0"));
  {
    TRY(Statement head, database.prepare("SELECT generation, last_batch, sequences FROM head"));
    TRY(const bool row, head.step());
    if (!row) return Error{"the journal is damaged: it has no head"};
    generation_ = from_column(head.number(0));
    last_batch_ = from_column(head.number(1));
    TRY(sequences_, decode_counts(head.bytes(2), "the sequences of the partitions"));
  }
  {
    TRY(Statement upkeep, database.prepare("SELECT indexed_batch, removed FROM upkeep"));
    TRY(const bool row, upkeep.step());
    if (!row) return Error{"the journal is damaged: it has no upkeep"};
    indexed_batch_ = settling_to_ = from_column(upkeep.number(0));
    TRY(removed_, decode_counts(upkeep.bytes(1), "the counts of removed entries"));
  }
  TRY_VOID(read_unindexed());
  sqlite3_wal_hook(database.get(), count_pages, &wal_pages_);
  next_prune_ns_ = clock_.now_ns() + std::chrono::nanoseconds(options_.retention.every).count();
  return {};
}

// What the table of actors does not know yet: bounded by unindexed_bytes_max.
Result<> Writer::read_unindexed() {
  TRY(Statement batches,
      store_.database().prepare("SELECT id, entries FROM batches WHERE id > ? ORDER BY id"));
  batches.bind(1, to_column(indexed_batch_));
  std::unordered_map<std::string, Position> positions;
  while (true) {
    TRY(const bool row, batches.step());
    if (!row) break;
    const std::uint64_t id = from_column(batches.number(0));
    unindexed_bytes_ += batches.bytes(1).size();
    BatchReader reader(batches.bytes(1), id);
    Framed framed;
    while (true) {
      auto more = reader.next(framed);
      if (more.has_error()) {
        return Error{fmt::format("the journal is damaged: {}; see `troupe journal verify`",
                                 more.error().message)};
      }
      if (!*more) break;
      TRY(const Glance seen, glance(framed.content));
      positions[std::string(seen.address)] = {.batch = id,
                                              .number = seen.number,
                                              .incarnation = seen.incarnation,
                                              .turn = seen.turn,
                                              .ended = seen.kind == Kind::end};
    }
  }
  index_.put(positions);
  return {};
}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    waiting_ = false;
  }
  work_.notify_one();
  if (thread_.joinable()) thread_.join();
}

std::optional<Refusal> Writer::refusal(std::size_t entries, std::size_t bytes) {
  const bool refusing = refusing_.load(std::memory_order_relaxed);
  if (!refusing &&
      queue_entries_.load(std::memory_order_relaxed) + entries <=
          options_.bounds.queue_entries_max &&
      queue_bytes_.load(std::memory_order_relaxed) + bytes <= options_.bounds.queue_bytes_max) {
    return std::nullopt;
  }
  const std::lock_guard lock(mutex_);
  ++counters_.refused;
  return refusing ? Refusal::refusing : Refusal::full;
}

void Writer::push(std::unique_ptr<Bundle> bundle) {
  bool wake = false;
  Error why;
  {
    const std::lock_guard lock(mutex_);
    if (health_.refusing) {
      why = Error{health_.why};
    } else {
      queue_entries_ += bundle->items.size();
      queue_bytes_ += bundle->bytes();
      queue_.push_back(std::move(bundle));
      wake = std::exchange(waiting_, false);
    }
  }
  if (wake) work_.notify_one();
  if (bundle) fail(*bundle->appender, bundle->epoch, why);
}

void Writer::push(Kept kept) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    const std::size_t bytes = kept.body.size();
    if (health_.refusing ||
        (!kept_.empty() && kept_bytes_ + bytes > options_.bounds.checkpoints_bytes_max)) {
      return;
    }
    kept_.push_back(std::move(kept));
    kept_bytes_ += bytes;
    wake = waiting_ && (resting_ || kept_bytes_ >= kept_bytes_at_once);
    if (wake) waiting_ = false;
  }
  if (wake) work_.notify_one();
}

bool Writer::push(Dropped dropped) {
  {
    const std::lock_guard lock(mutex_);
    if (health_.refusing ||
        dropped_count_ + dropped.messages.size() > options_.bounds.queue_entries_max) {
      return false;
    }
    dropped_count_ += dropped.messages.size();
    dropped_.push_back(std::move(dropped));
    waiting_ = false;
  }
  work_.notify_one();
  return true;
}

void Writer::forget(std::string address, Journal::Reply<void> reply) {
  {
    const std::lock_guard lock(mutex_);
    forget_asked_.push_back({.address = std::move(address), .reply = std::move(reply)});
    waiting_ = false;
  }
  work_.notify_one();
}

void Writer::prune(Journal::Reply<std::uint64_t> reply) {
  {
    const std::lock_guard lock(mutex_);
    prune_asked_.push_back(std::move(reply));
    waiting_ = false;
  }
  work_.notify_one();
}

Health Writer::health() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

Counters Writer::counters() const {
  const std::lock_guard lock(mutex_);
  Counters counters = counters_;
  counters.queued = queue_entries_;
  counters.wal_bytes =
      static_cast<std::uint64_t>(wal_pages_.load(std::memory_order_relaxed)) * 4096;
  return counters;
}

void Writer::run() {
  while (true) {
    bool idle = false;
    bool ending = false;
    bool refusing = false;
    Bundles bundles;
    {
      std::unique_lock lock(mutex_);
      const auto has_work = [this] {
        return !queue_.empty() || kept_bytes_ >= kept_bytes_at_once || !dropped_.empty() ||
               !forget_asked_.empty() || !prune_asked_.empty() || ending_;
      };
      refusing = health_.refusing;
      const bool at_work = !forgetting_.empty() || pruning_;
      if (!at_work && !has_work()) {
        waiting_ = true;
        const std::chrono::milliseconds wait =
            refusing                          ? options_.bounds.probe_every
            : !log_is_done_ || !kept_.empty() ? idle_after
                                              : std::clamp<std::chrono::milliseconds>(
                                                    options_.retention.every, idle_after, wait_max);
        resting_ = wait > idle_after;
        work_.wait_for(lock, wait, [this] { return !waiting_; });
        waiting_ = false;
        idle = !has_work();
      }
      ending = ending_;
      bundles = take();
    }
    if (refusing && !overtaken_) probe();
    commit(std::move(bundles));
    if (do_upkeep() && !ending) continue;
    if (idle && !log_is_done_) {
      if (wal_pages_ * std::size_t{4096} > options_.bounds.wal_bytes_idle) {
        checkpoint_log(SQLITE_CHECKPOINT_PASSIVE);
      }
      log_is_done_ = true;
    }
    if (!ending) continue;
    const std::lock_guard lock(mutex_);
    if (queue_.empty() && kept_.empty() && dropped_.empty()) break;
    if (health_.refusing) break;
  }
  // An orderly end leaves nothing to be read at the next start.
  if (!overtaken_ && !health().refusing) {
    static_cast<void>(in_transaction([this]() -> Result<> {
      std::vector<std::string> settled;
      TRY_VOID(settle_some(settled, SIZE_MAX));
      index_.settled(settled);
      index_.settle();
      settled.clear();
      settling_to_ = last_batch_;
      TRY_VOID(settle_some(settled, SIZE_MAX));
      return set_indexed_.bind(1, to_column(last_batch_)).run();
    }));
    checkpoint_log(SQLITE_CHECKPOINT_TRUNCATE);
  }
}

Bundles Writer::take() {
  Bundles bundles;
  std::size_t entries = 0;
  std::size_t bytes = 0;
  while (!queue_.empty() && entries < options_.bounds.commit_entries_max &&
         bytes < options_.bounds.commit_bytes_max) {
    entries += queue_.front()->items.size();
    bytes += queue_.front()->bytes();
    bundles.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  queue_entries_ -= entries;
  queue_bytes_ -= bytes;
  return bundles;
}

void Writer::commit(Bundles bundles) {
  Group& group = *group_;
  group.clear();
  group.bundles = std::move(bundles);
  std::vector<Dropped> dropped;
  {
    const std::lock_guard lock(mutex_);
    auto end = kept_.begin();
    for (std::size_t bytes = 0; end != kept_.end() && bytes < options_.bounds.commit_bytes_max;
         ++end) {
      bytes += end->body.size();
      kept_bytes_ -= end->body.size();
    }
    group.kept.assign(std::move_iterator(kept_.begin()), std::move_iterator(end));
    kept_.erase(kept_.begin(), end);
    dropped.swap(dropped_);
    dropped_count_ = 0;
  }
  if (group.bundles.empty() && group.kept.empty() && dropped.empty() && !index_.is_settling())
    return;

  const std::uint64_t begun_ns = cpu_ns_of_this_thread();
  group.sequences = sequences_;
  group.last_batch = last_batch_;
  const auto written = in_transaction([&]() -> Result<> {
    TRY_VOID(write(group));
    TRY_VOID(write_kept(group));
    for (const Dropped& one : dropped) TRY_VOID(write_dropped(one));
    TRY_VOID(settle_some(group.settled, std::max<std::size_t>(settle_at_once, 2 * group.entries)));
    return {};
  });
  log_is_done_ = false;
  // Before a commit that failed as after one that held: these were never part of it.
  const auto tell_failures = [&group] {
    for (const Group::Failure& one : group.failures) {
      const std::lock_guard lock(one.appender->mutex);
      if (one.appender->target != nullptr) one.appender->target->failed(one.why);
    }
  };
  if (written.has_error()) {
    fail_all(written.error(), group.bundles);
    tell_failures();
    return;
  }

  index_.put(group.positions);
  index_.settled(group.settled);
  if (!group.settled.empty() && !index_.is_settling()) indexed_batch_ = settling_to_;
  sequences_ = group.sequences;
  last_batch_ = group.last_batch;
  unindexed_bytes_ += group.bytes;
  settle_when_due();
  {
    const std::lock_guard lock(mutex_);
    ++counters_.commits;
    counters_.entries += group.entries;
    counters_.bytes += group.bytes;
    counters_.checkpoints += group.checkpoints;
    counters_.writer_cpu_ns += cpu_ns_of_this_thread() - begun_ns;
    for (Kept& one : group.kept) {
      kept_bytes_ += one.body.size();
      kept_.push_back(std::move(one));
    }
  }
  for (const Group::Reached& one : group.reached) {
    const std::lock_guard lock(one.appender->mutex);
    if (one.appender->target != nullptr) one.appender->target->committed(one.ticket);
  }
  tell_failures();
  give_back(std::move(group.bundles));
  if (wal_pages_ * std::size_t{4096} > options_.bounds.wal_bytes_max) {
    checkpoint_log(SQLITE_CHECKPOINT_PASSIVE);
  }
}

Result<> Writer::write(Group& group) {
  for (const std::unique_ptr<Bundle>& bundle : group.bundles) {
    AppenderState& appender = *bundle->appender;
    for (const Queued& item : bundle->items) {
      if (appender.failed_epoch.load(std::memory_order_relaxed) >= bundle->epoch) break;
      const auto [at, is_new] = group.positions.try_emplace(bundle->address(item));
      if (is_new) {
        TRY(const auto last, position_of(at->first));
        if (last) at->second = *last;
      }
      if (Error wrong{wrong_with(*bundle, item, at->second)}; !wrong.message.empty()) {
        if (is_new) group.positions.erase(at);
        appender.failed_epoch.store(bundle->epoch, std::memory_order_release);
        group.failures.push_back({bundle->appender, std::move(wrong)});
        break;
      }
      TRY_VOID(write_entry(group, *bundle, item, at->second));
      group.reach(bundle->appender, item.ticket);
    }
    appender.handled = bundle->items.back().ticket;
  }
  if (group.entries == 0) return {};
  TRY_VOID(write_batch(group));
  return write_head(group.last_batch, group.sequences);
}

// Why the entry cannot follow the last one of its actor; empty when it can.
std::string Writer::wrong_with(const Bundle& bundle,
                               const Queued& item,
                               const Position& last) const {
  const std::string_view address = bundle.address(item);
  if (!owns(item.partition, bundle.appender->id)) {
    return fmt::format("partition {}, that of {}, belongs to another now", item.partition, address);
  }
  if (item.number != last.number + 1) {
    return fmt::format(
        "entry {} of {} cannot be appended: its last one is {}", item.number, address, last.number);
  }
  const bool new_life = last.number == 0 || last.ended;
  if (last.number != 0 && new_life == (item.incarnation == last.incarnation)) {
    return fmt::format(
        "entry {} of {} is of {} life", item.number, address, new_life ? "a finished" : "another");
  }
  return {};
}

Result<> Writer::write_entry(Group& group,
                             const Bundle& bundle,
                             const Queued& item,
                             Position& position) {
  if (group.batch.empty()) {
    ++group.last_batch;
    group.batch += batch_head;
  }
  const std::string_view address = bundle.address(item);
  const std::size_t size = group.batch.size();
  append_entry(group.batch,
               bundle.content(item),
               group.last_batch,
               position.batch,
               ++group.sequences[item.partition]);
  group.bytes += group.batch.size() - size;
  ++group.entries;
  position = {.batch = group.last_batch,
              .number = item.number,
              .incarnation = item.incarnation,
              .turn = item.turn,
              .ended = item.kind == Kind::end};
  TRY_VOID(write_extras(address, item, group.last_batch));
  if (group.batch.size() >= batch_bytes_max) TRY_VOID(write_batch(group));
  return {};
}

Result<> Writer::write_batch(Group& group) {
  if (group.batch.empty()) return {};
  auto written = insert_batch_.bind(1, to_column(group.last_batch)).bind_blob(2, group.batch).run();
  group.batch.clear();
  return written;
}

Result<> Writer::write_head(std::uint64_t last_batch, const Counts& sequences) {
  const std::string column = encode(sequences);
  TRY_VOID(update_head_.bind(1, to_column(last_batch))
               .bind_blob(2, column)
               .bind(3, to_column(generation_))
               .bind(4, to_column(last_batch_))
               .run());
  if (store_.database().changes() == 1) return {};
  overtaken_ = true;
  return Error{"another process has opened the journal, and this one writes to it no more"};
}

Result<> Writer::write_extras(std::string_view address, const Queued& item, std::uint64_t batch) {
  if (item.kind == Kind::end) {
    TRY_VOID(clear_timers_.bind(1, address).run());
    TRY_VOID(clear_topics_.bind(1, address).run());
  }
  if (!item.extras) return {};
  const Extras& extras = *item.extras;
  for (const Extras::Message& message : extras.sent) {
    TRY_VOID(insert_message_.bind(1, address)
                 .bind(2, to_column(item.incarnation))
                 .bind(3, to_column(message.number))
                 .bind_blob(4, message.body)
                 .run());
  }
  for (const Extras::Message& message : extras.received) {
    TRY_VOID(delete_message_.bind(1, std::string_view(message.sender))
                 .bind(2, to_column(message.incarnation))
                 .bind(3, to_column(message.number))
                 .run());
  }
  for (const std::string& name : extras.timers_cancelled) {
    TRY_VOID(cancel_timer_.bind(1, address).bind(2, std::string_view(name)).run());
  }
  for (const Extras::Alarm& alarm : extras.timers_set) {
    TRY_VOID(set_timer_.bind(1, address)
                 .bind(2, std::string_view(alarm.name))
                 .bind(3, alarm.due_ns)
                 .bind_blob(4, alarm.body)
                 .run());
  }
  for (const std::string& topic : extras.topics_left) {
    TRY_VOID(leave_topic_.bind(1, std::string_view(topic)).bind(2, address).run());
  }
  for (const std::string& topic : extras.topics_joined) {
    TRY_VOID(join_topic_.bind(1, std::string_view(topic)).bind(2, address).run());
  }
  if (extras.checkpoint.empty()) return {};
  return write_checkpoint(
      {.address = std::string(address), .incarnation = item.incarnation, .number = item.number},
      item.turn,
      batch,
      item.time_ns,
      extras.checkpoint);
}

Result<> Writer::write_checkpoint(const Subject& subject,
                                  std::uint64_t turn,
                                  std::uint64_t batch,
                                  std::int64_t time_ns,
                                  std::string_view body) {
  return insert_checkpoint_.bind(1, std::string_view(subject.address))
      .bind(2, to_column(subject.number))
      .bind(3, to_column(turn))
      .bind(4, to_column(subject.incarnation))
      .bind(5, to_column(batch))
      .bind(6, time_ns)
      .bind_blob(7, body)
      .run();
}

Result<> Writer::write_kept(Group& group) {
  std::vector<Kept> early;
  for (Kept& one : group.kept) {
    // Its entry has failed, or another of its epoch.
    if (one.appender->failed_epoch.load(std::memory_order_relaxed) >= one.epoch) continue;
    if (one.ticket > one.appender->handled) {
      early.push_back(std::move(one));
      continue;
    }
    TRY(const auto position, position_in(group, one.subject.address));
    // The actor has been deleted or forgotten.
    if (!position || position->number < one.subject.number || position->ended ||
        position->incarnation != one.subject.incarnation) {
      continue;
    }
    ++group.checkpoints;
    TRY_VOID(write_checkpoint(one.subject, one.turn, position->batch, one.time_ns, one.body));
  }
  group.kept = std::move(early);
  return {};
}

Result<> Writer::write_dropped(const Dropped& dropped) {
  for (const Extras::Message& message : dropped.messages) {
    TRY_VOID(delete_message_.bind(1, std::string_view(message.sender))
                 .bind(2, to_column(message.incarnation))
                 .bind(3, to_column(message.number))
                 .run());
  }
  return {};
}

Result<std::optional<Position>> Writer::position_in(const Group& group, std::string_view address) {
  if (const auto found = group.positions.find(address); found != group.positions.end()) {
    return found->second;
  }
  return position_of(address);
}

Result<std::optional<Position>> Writer::position_of(std::string_view address) {
  if (auto known = index_.find(address)) return known;
  return store_.position(address);
}

// The first of those that are settling go to the table.
Result<> Writer::settle_some(std::vector<std::string>& settled, std::size_t count_max) {
  if (!index_.is_settling()) return {};
  for (const auto& [address, position] : index_.settling()) {
    if (settled.size() == count_max) return {};
    TRY_VOID(settle_.bind(1, std::string_view(address))
                 .bind(2, to_column(position.batch))
                 .bind(3, to_column(position.number))
                 .bind(4, to_column(position.incarnation))
                 .bind(5, to_column(position.turn))
                 .bind(6, std::int64_t{position.ended})
                 .run());
    settled.push_back(address);
  }
  return set_indexed_.bind(1, to_column(settling_to_)).run();
}

void Writer::settle_when_due() {
  if (index_.is_settling() || !index_.has_fresh() ||
      unindexed_bytes_ < options_.bounds.unindexed_bytes_max / 2) {
    return;
  }
  index_.settle();
  settling_to_ = last_batch_;
  unindexed_bytes_ = 0;
}

void Writer::fail(AppenderState& appender, std::uint64_t epoch, const Error& why) {
  if (appender.failed_epoch.load(std::memory_order_relaxed) >= epoch) return;
  appender.failed_epoch.store(epoch, std::memory_order_release);
  const std::lock_guard lock(appender.mutex);
  if (appender.target != nullptr) appender.target->failed(why);
}

void Writer::fail_all(const Error& why, const Bundles& bundles) {
  refuse(why);
  for (const std::unique_ptr<Bundle>& bundle : bundles) {
    fail(*bundle->appender, bundle->epoch, why);
  }
}

// To their appenders, for what they append next.
void Writer::give_back(Bundles bundles) {
  for (std::unique_ptr<Bundle>& bundle : bundles) {
    if (bundle->text.capacity() > spare_bytes_max) continue;
    const std::shared_ptr<AppenderState> appender = std::move(bundle->appender);
    bundle->text.clear();
    bundle->items.clear();
    bundle->extras_bytes = 0;
    const std::lock_guard lock(appender->mutex);
    appender->spare = std::move(bundle);
  }
}

// Nothing is taken until a probe has been written. What waits fails.
void Writer::refuse(const Error& why) {
  std::deque<std::unique_ptr<Bundle>> queue;
  {
    const std::lock_guard lock(mutex_);
    health_ = {.refusing = true, .why = why.message};
    refusing_ = true;
    ++counters_.failures;
    queue.swap(queue_);
    queue_entries_ = 0;
    queue_bytes_ = 0;
    kept_.clear();
    kept_bytes_ = 0;
  }
  for (const std::unique_ptr<Bundle>& bundle : queue) fail(*bundle->appender, bundle->epoch, why);
}

void Writer::probe() {
  const auto written = in_transaction([this] { return probe_.run(); });
  {
    const std::lock_guard lock(mutex_);
    if (written.has_error()) {
      health_.why = written.error().message;
      return;
    }
    health_ = {};
    refusing_ = false;
  }
  if (options_.on_recovery) options_.on_recovery();
}

}  // namespace troupe::journal
