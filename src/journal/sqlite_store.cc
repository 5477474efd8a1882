#include "journal/sqlite_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

namespace troupe::journal {

namespace {

constexpr int application_id = 0x54524A4C;  // "TRJL"

constexpr std::string_view schema = R"(
CREATE TABLE head (id INTEGER PRIMARY KEY, generation INTEGER, last_batch INTEGER, sequences BLOB);
CREATE TABLE upkeep (id INTEGER PRIMARY KEY, indexed_batch INTEGER, removed BLOB, probes INTEGER);
CREATE TABLE batches (id INTEGER PRIMARY KEY, entries BLOB);
CREATE TABLE actors (address TEXT PRIMARY KEY, batch INTEGER, number INTEGER, incarnation INTEGER,
                     turn INTEGER, ended INTEGER, first INTEGER) WITHOUT ROWID;
CREATE TABLE checkpoints (id INTEGER PRIMARY KEY, address TEXT, number INTEGER, turn INTEGER,
                          incarnation INTEGER, batch INTEGER, time_ns INTEGER, body BLOB);
CREATE UNIQUE INDEX checkpoints_of ON checkpoints (address, number);
CREATE TABLE outbox (sender TEXT, incarnation INTEGER, number INTEGER, body BLOB,
                     PRIMARY KEY (sender, incarnation, number)) WITHOUT ROWID;
CREATE TABLE timers (address TEXT, name TEXT, due_ns INTEGER, body BLOB,
                     PRIMARY KEY (address, name)) WITHOUT ROWID;
CREATE INDEX timers_due ON timers (due_ns, address, name);
CREATE TABLE subscriptions (topic TEXT, address TEXT, PRIMARY KEY (topic, address)) WITHOUT ROWID;
CREATE INDEX subscriptions_of ON subscriptions (address);
INSERT INTO head VALUES (0, 0, 0, zeroblob(2048));
INSERT INTO upkeep VALUES (0, 0, zeroblob(2048), 0);
)";

Position read_position(const Statement& row, int column) {
  return {.batch = from_column(row.number(column)),
          .number = from_column(row.number(column + 1)),
          .incarnation = from_column(row.number(column + 2)),
          .turn = from_column(row.number(column + 3)),
          .ended = row.number(column + 4) != 0};
}

}  // namespace

std::string encode(const Counts& counts) {
  std::string bytes(counts.size() * 8, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(counts[i / 8] >> i % 8 * 8);
  }
  return bytes;
}

Result<Counts> decode_counts(std::string_view bytes, std::string_view what) {
  Counts counts{};
  if (bytes.size() != counts.size() * 8) {
    return Error{fmt::format("the journal is damaged: {} has {} bytes", what, bytes.size())};
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    counts[i / 8] |= std::uint64_t{static_cast<std::uint8_t>(bytes[i])} << (i % 8 * 8);
  }
  return counts;
}

Result<> check_version(Database& database, const std::filesystem::path& file) {
  TRY(const std::int64_t application, database.number("PRAGMA application_id"));
  TRY(const std::int64_t version, database.number("PRAGMA user_version"));
  if (application != application_id) {
    return Error{fmt::format("{} is not a journal", file.string())};
  }
  if (version != format_version) {
    return Error{fmt::format("{} has format version {}, and this program knows {}: use a newer one",
                             file.string(),
                             version,
                             format_version)};
  }
  return {};
}

Result<> prepare_to_write(Database& database) {
  // These two before there is any page.
  TRY_VOID(database.run("PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL"));
  TRY_VOID(database.run("PRAGMA journal_mode = WAL"));
  TRY_VOID(database.run(
      "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA secure_delete = ON;"
      "PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON"));
  TRY(const std::int64_t application, database.number("PRAGMA application_id"));
  TRY(const std::int64_t tables, database.number("SELECT count(*) FROM sqlite_schema"));
  if (application == 0 && tables == 0) {
    TRY_VOID(database.run(fmt::format(
        "BEGIN IMMEDIATE; PRAGMA application_id = {}; PRAGMA user_version = {}; {} COMMIT",
        application_id,
        format_version,
        schema)));
  }
  return {};
}

Result<Store> Store::create(Database database) {
  Store store(std::move(database));
  const auto prepare = [&store](Statement& statement, std::string_view sql) -> Result<> {
    TRY(statement, store.database_.prepare(sql));
    return {};
  };
  TRY_VOID(prepare(store.begin_, "BEGIN"));
  TRY_VOID(prepare(store.end_, "COMMIT"));
  TRY_VOID(prepare(store.position_,
                   "SELECT batch, number, incarnation, turn, ended, first FROM actors "
                   "WHERE address = ?"));
  TRY_VOID(prepare(store.batch_, "SELECT entries FROM batches WHERE id = ?"));
  TRY_VOID(prepare(store.checkpoint_,
                   "SELECT body, incarnation FROM checkpoints WHERE address = ? AND number <= ? "
                   "ORDER BY number DESC LIMIT 1"));
  TRY_VOID(prepare(store.near_number_,
                   "SELECT batch FROM checkpoints WHERE address = ? AND number >= ? "
                   "ORDER BY number LIMIT 1"));
  TRY_VOID(prepare(store.near_turn_,
                   "SELECT batch FROM checkpoints WHERE address = ? AND incarnation = ? AND "
                   "turn >= ? ORDER BY number LIMIT 1"));
  TRY_VOID(prepare(store.list_,
                   "SELECT address, batch, number, incarnation, turn, ended FROM actors "
                   "WHERE address > ?1 AND address >= ?2 ORDER BY address LIMIT ?3"));
  TRY_VOID(prepare(store.timers_,
                   "SELECT body FROM timers WHERE due_ns <= ?1 AND (due_ns, address, name) > "
                   "(?2, ?3, ?4) ORDER BY due_ns, address, name LIMIT ?5"));
  TRY_VOID(prepare(store.subscriptions_,
                   "SELECT topic, address FROM subscriptions WHERE (topic, address) > (?1, ?2) "
                   "ORDER BY topic, address LIMIT ?3"));
  TRY_VOID(prepare(store.outbox_,
                   "SELECT body FROM outbox WHERE (sender, incarnation, number) > (?1, ?2, ?3) "
                   "ORDER BY sender, incarnation, number LIMIT ?4"));
  return store;
}

Result<std::optional<Position>> Store::position(std::string_view address) {
  const Resetting resetting(position_);
  TRY(const bool row, position_.bind(1, address).step());
  if (!row) return std::optional<Position>();
  return std::optional(read_position(position_, 0));
}

Result<std::uint64_t> Store::first_kept(std::string_view address) {
  const Resetting resetting(position_);
  TRY(const bool row, position_.bind(1, address).step());
  return row ? from_column(position_.number(5)) : std::uint64_t{1};
}

Result<std::optional<std::string_view>> Store::batch(std::uint64_t id) {
  batch_.reset();
  auto row = batch_.bind(1, to_column(id)).step();
  if (row.has_error()) return Error{fmt::format("batch {}: {}", id, row.error().message)};
  if (!*row) return std::optional<std::string_view>();
  return std::optional(batch_.bytes(0));
}

// Entries of an actor from the last one on, backwards. Within a batch they are taken together.
class Store::Walk {
 public:
  // Begins at the batch with the entry of `number`, or a later one.
  Walk(Store& store, const std::string& address, std::uint64_t batch)
      : store_(store), address_(address), batch_(batch) {}

  // The entry before those given out so far; nothing behind the first of all, and behind the first
  // that was not pruned.
  Result<std::optional<Entry>> next() {
    while (found_.empty()) {
      if (batch_ == 0) return std::optional<Entry>();
      TRY(const bool more, read_batch());
      if (!more) return std::optional<Entry>();
    }
    Entry entry = std::move(found_.back());
    found_.pop_back();
    last_number_ = entry.subject.number;
    return std::optional(std::move(entry));
  }
  // The batch of the entry that was given out last.
  std::uint64_t source() const { return source_; }

 private:
  Error missing(std::string_view what) const {
    return Error{fmt::format("the journal is damaged: {} of {} should be in batch {}, which {}",
                             last_number_ == 0 ? std::string("the last entry")
                                               : fmt::format("entry {}", last_number_ - 1),
                             address_,
                             batch_,
                             what)};
  }

  Result<bool> read_batch() {
    const std::uint64_t id = batch_;
    source_ = id;
    TRY(const auto bytes, store_.batch(id));
    if (bytes) {
      BatchReader reader(*bytes, id);
      Framed framed;
      while (true) {
        TRY(const bool more, reader.next(framed, BatchReader::Sums::unchecked));
        if (!more) break;
        // Most entries are of other actors: only what is ours is worth its checksum.
        const auto seen = glance(framed.content);
        if (seen.has_error() || seen->address != address_) continue;
        TRY_VOID(reader.check(framed));
        if (last_number_ != 0 && seen->number >= last_number_) continue;
        if (found_.empty()) batch_ = framed.previous_batch;
        auto entry = decode_content(framed.content, framed.sequence);
        if (entry.has_error()) {
          return Error{fmt::format(
              "batch {}, the entry at byte {}: {}", id, framed.offset, entry.error().message)};
        }
        found_.push_back(std::move(*entry));
      }
    }
    if (!found_.empty()) {
      const bool goes_back = batch_ < id;
      if (!goes_back || (last_number_ != 0 && found_.back().subject.number + 1 != last_number_)) {
        return missing("has another");
      }
      return true;
    }
    // What was pruned is not missed.
    TRY(const std::uint64_t first, store_.first_kept(address_));
    if (last_number_ != 0 && last_number_ <= first) return false;
    return missing(bytes ? "does not have it" : "is not there");
  }

  Store& store_;
  const std::string& address_;
  std::uint64_t batch_;
  std::uint64_t source_ = 0;
  std::uint64_t last_number_ = 0;
  std::vector<Entry> found_;  // of one batch, oldest first
};

Result<std::optional<Checkpoint>> Store::checkpoint(const std::string& address,
                                                    std::uint64_t incarnation,
                                                    std::uint64_t number_max) {
  const Resetting resetting(checkpoint_);
  TRY(const bool row,
      checkpoint_.bind(1, std::string_view(address)).bind(2, to_column(number_max)).step());
  if (!row || from_column(checkpoint_.number(1)) != incarnation) return std::optional<Checkpoint>();
  auto decoded = decode_checkpoint(checkpoint_.bytes(0));
  if (decoded.has_error()) {
    return Error{fmt::format("the last checkpoint of {}: {}", address, decoded.error().message)};
  }
  return std::optional(std::move(*decoded));
}

Result<std::uint64_t> Store::batch_near(const std::string& address,
                                        std::uint64_t number,
                                        const Position& position) {
  const Resetting resetting(near_number_);
  TRY(const bool row,
      near_number_.bind(1, std::string_view(address)).bind(2, to_column(number)).step());
  return row ? from_column(near_number_.number(0)) : position.batch;
}

Result<Entry> Store::entry(const std::string& address, std::uint64_t batch, std::uint64_t number) {
  Walk walk(*this, address, batch);
  while (true) {
    TRY(auto entry, walk.next());
    if (!entry || entry->subject.number < number) break;
    if (entry->subject.number == number) return std::move(*entry);
  }
  return Error{fmt::format("the journal has no entry {} of {}", number, address)};
}

namespace {

// What the changes of entries, oldest first, make of timers and topics.
void fold(Past& past, const std::vector<Entry>& entries) {
  std::map<std::string, Timer> timers;
  std::set<std::string> topics;
  if (past.checkpoint) {
    past.sent = past.checkpoint->sent;
    for (const Timer& timer : past.checkpoint->timers) timers.emplace(timer.name, timer);
    topics.insert(past.checkpoint->topics.begin(), past.checkpoint->topics.end());
  }
  for (const Entry& entry : entries) {
    const Changes& changes = entry.changes;
    past.sent = std::max(past.sent, changes.sent);
    for (const std::string& name : changes.timers_cancelled) timers.erase(name);
    for (const Timer& timer : changes.timers_set) timers.insert_or_assign(timer.name, timer);
    for (const std::string& topic : changes.topics_left) topics.erase(topic);
    topics.insert(changes.topics_joined.begin(), changes.topics_joined.end());
  }
  for (auto& [name, timer] : timers) past.timers.push_back(std::move(timer));
  past.topics.assign(topics.begin(), topics.end());
}

}  // namespace

Result<std::optional<Past>> Store::load(const std::string& address,
                                        std::optional<At> at,
                                        std::optional<Position> known) {
  const Snapshot snapshot(*this);
  if (!known) {
    TRY(known, position(address));
    if (!known) return std::optional<Past>();
  }
  std::uint64_t batch = known->batch;
  if (at && at->kind == At::Kind::entry) {
    TRY(batch, batch_near(address, at->number, *known));
  } else if (at) {
    const Resetting resetting(near_turn_);
    TRY(const bool row,
        near_turn_.bind(1, std::string_view(address))
            .bind(2, to_column(known->incarnation))
            .bind(3, to_column(at->number))
            .step());
    if (row) batch = from_column(near_turn_.number(0));
  }

  Walk walk(*this, address, batch);
  Past past;
  std::vector<Entry> entries;  // the newest first
  bool begun = false;
  while (true) {
    TRY(auto entry, walk.next());
    if (!entry || entry->subject.incarnation != known->incarnation) {
      if (begun && entry) break;  // an earlier life
      if (begun && entries.back().subject.number == 1) break;
      if (!begun) break;
      return Error{fmt::format(
          "the journal has no checkpoint of {} from before its entry {}, and none of the entries "
          "before that any more",
          address,
          entries.back().subject.number)};
    }
    const Record& record = entry->record;
    if (!begun && at) {
      const bool by_entry = at->kind == At::Kind::entry;
      const std::uint64_t number = by_entry ? entry->subject.number : record.turn;
      if (number < at->number) break;
      if (number > at->number || (!by_entry && !is_turn(record.kind))) continue;
    }
    if (!begun) {
      begun = true;
      past.last = entry->subject;
      past.turn = record.turn;
      past.last_time_ns = record.last_time_ns;
      past.ended = record.kind == Kind::end;
      if (past.ended) return std::optional(std::move(past));
      TRY(past.checkpoint, checkpoint(address, known->incarnation, past.last.number));
    }
    if (past.checkpoint && entry->subject.number <= past.checkpoint->subject.number) break;
    entries.push_back(std::move(*entry));
    // Of those that were undone, and there may be many, only the changes count.
    if (!entries.back().record.committed) entries.back().record = {};
    if (entries.back().subject.number == 1) break;
    if (past.checkpoint && entries.back().subject.number == past.checkpoint->subject.number + 1) {
      break;
    }
  }
  if (!begun) {
    return Error{fmt::format("{} has no {} {} in its present life that the journal still has",
                             address,
                             at && at->kind == At::Kind::entry ? "entry" : "turn",
                             at ? at->number : 0)};
  }
  std::ranges::reverse(entries);
  fold(past, entries);
  std::erase_if(entries, [](const Entry& entry) { return !entry.record.committed; });
  past.entries = std::move(entries);
  return std::optional(std::move(past));
}

Result<std::vector<Entry>> Store::history(const std::string& address,
                                          std::uint64_t from,
                                          std::size_t limit,
                                          std::optional<Position> known) {
  const Snapshot snapshot(*this);
  std::vector<Entry> entries;
  if (!known) {
    TRY(known, position(address));
    if (!known) return entries;
  }
  if (from == 0) from = known->number;
  TRY(const std::uint64_t batch, batch_near(address, from, *known));
  Walk walk(*this, address, batch);
  while (entries.size() < limit) {
    TRY(auto entry, walk.next());
    if (!entry) break;
    if (entry->subject.number <= from) entries.push_back(std::move(*entry));
    if (!entries.empty() && entries.back().subject.number == 1) break;
  }
  return entries;
}

Result<std::vector<ActorLine>> Store::list(const std::string& prefix,
                                           const std::string& after,
                                           std::size_t limit,
                                           Index::Map fresh) {
  const Resetting resetting(list_);
  list_.bind(1, std::string_view(after))
      .bind(2, std::string_view(prefix))
      .bind(3, static_cast<std::int64_t>(limit));
  while (true) {
    TRY(const bool row, list_.step());
    if (!row) break;
    const std::string address(list_.bytes(0));
    if (!address.starts_with(prefix)) break;
    const Position position = read_position(list_, 1);
    auto [at, is_new] = fresh.emplace(address, position);
    if (!is_new && at->second.number < position.number) at->second = position;
  }
  std::vector<ActorLine> lines;
  for (const auto& [address, position] : fresh) {
    if (lines.size() == limit) break;
    lines.push_back({.address = address,
                     .incarnation = position.incarnation,
                     .turn = position.turn,
                     .number = position.number,
                     .ended = position.ended});
  }
  return lines;
}

Result<std::vector<Alarm>> Store::timers(std::int64_t until_ns,
                                         const Alarm& after,
                                         std::size_t limit) {
  const Resetting resetting(timers_);
  timers_.bind(1, until_ns)
      .bind(2,
            after.address.empty() ? std::numeric_limits<std::int64_t>::min() : after.timer.due_ns)
      .bind(3, std::string_view(after.address))
      .bind(4, std::string_view(after.timer.name))
      .bind(5, static_cast<std::int64_t>(limit));
  std::vector<Alarm> alarms;
  while (true) {
    TRY(const bool row, timers_.step());
    if (!row) return alarms;
    TRY(Alarm alarm, decode_alarm(timers_.bytes(0)));
    alarms.push_back(std::move(alarm));
  }
}

Result<std::vector<Subscription>> Store::subscriptions(const Subscription& after,
                                                       std::size_t limit) {
  const Resetting resetting(subscriptions_);
  subscriptions_.bind(1, std::string_view(after.topic))
      .bind(2, std::string_view(after.address))
      .bind(3, static_cast<std::int64_t>(limit));
  std::vector<Subscription> subscriptions;
  while (true) {
    TRY(const bool row, subscriptions_.step());
    if (!row) return subscriptions;
    subscriptions.push_back(
        {std::string(subscriptions_.bytes(0)), std::string(subscriptions_.bytes(1))});
  }
}

Result<std::vector<Outgoing>> Store::outbox(const Outgoing& after, std::size_t limit) {
  const Resetting resetting(outbox_);
  outbox_.bind(1, std::string_view(after.sender))
      .bind(2, to_column(after.incarnation))
      .bind(3, to_column(after.number))
      .bind(4, static_cast<std::int64_t>(limit));
  std::vector<Outgoing> messages;
  while (true) {
    TRY(const bool row, outbox_.step());
    if (!row) return messages;
    TRY(Outgoing message, decode_outgoing(outbox_.bytes(0)));
    messages.push_back(std::move(message));
  }
}

Result<std::vector<std::uint64_t>> Store::batches_of(const std::string& address,
                                                     Position position) {
  std::vector<std::uint64_t> batches;
  Walk walk(*this, address, position.batch);
  while (true) {
    auto entry = walk.next();
    // One is damaged, or gone: a forgetting that was broken off begins anew. Then all are looked
    // through.
    if (entry.has_error()) {
      release();
      return batches_naming(address);
    }
    if (!*entry) break;
    if (batches.empty() || batches.back() != walk.source()) batches.push_back(walk.source());
  }
  return batches;
}

Result<std::vector<std::uint64_t>> Store::batches_naming(const std::string& address) {
  TRY(Statement named,
      database_.prepare("SELECT id FROM batches WHERE instr(entries, ?1) > 0 ORDER BY id DESC"));
  named.bind_blob(1, address);
  std::vector<std::uint64_t> batches;
  while (true) {
    TRY(const bool row, named.step());
    if (!row) return batches;
    batches.push_back(from_column(named.number(0)));
  }
}

}  // namespace troupe::journal
