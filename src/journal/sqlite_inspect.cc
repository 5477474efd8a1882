#include "base/hex.h"
#include "base/json.h"
#include "journal/inspect.h"
#include "journal/sqlite_journal.h"
#include "journal/sqlite_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <set>
#include <sodium.h>
#include <utility>

namespace troupe::journal {

namespace {

namespace fs = std::filesystem;

Result<Database> open_to_read(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error)) return Error{fmt::format("there is no journal {}", file.string())};
  TRY(Database database, Database::open(file, Database::Mode::read, {}));
  TRY_VOID(check_version(database, file));
  return database;
}

void member(std::string& json, std::string_view name, std::string_view text) {
  json += fmt::format(",\"{}{}\":", name, json::is_utf8(text) ? "" : "_base64");
  if (json::is_utf8(text)) {
    json::quote(json, text);
    return;
  }
  std::string letters(sodium_base64_ENCODED_LEN(text.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(letters.data(),
                    letters.size(),
                    reinterpret_cast<const unsigned char*>(text.data()),
                    text.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  letters.pop_back();
  json::quote(json, letters);
}

void list(std::string& json, std::string_view name, const std::vector<std::string>& values) {
  if (values.empty()) return;
  json += fmt::format(",\"{}\":", name);
  json::quote_array(json, values);
}

void append(std::string& json, const Answer& answer) {
  json += json.back() == '[' ? "{" : ",{";
  if (const auto* text = std::get_if<std::string>(&answer)) {
    json += "\"kind\":\"host\"";
    member(json, "text", *text);
  } else {
    const HttpAnswer& http = std::get<HttpAnswer>(answer);
    json +=
        fmt::format("\"kind\":\"http\",\"status\":{},\"took_ns\":{}", http.status, http.took_ns);
    member(json, "headers", http.headers);
    member(json, "body", http.body);
    member(json, "error", http.error);
  }
  json += '}';
}

}  // namespace

std::string as_json(std::uint64_t batch, const Entry& entry) {
  return fmt::format("{{\"batch\":{},", batch) + as_json(entry).substr(1);
}

std::string as_json(const Entry& entry) {
  const Record& record = entry.record;
  const Changes& changes = entry.changes;
  std::string json = fmt::format("{{\"partition\":{},\"sequence\":{},\"kind\":\"{}\"",
                                 partition_of(entry.subject.address),
                                 entry.sequence,
                                 name_of(record.kind));
  member(json, "address", entry.subject.address);
  // As text: not every reader of JSON keeps 64 bits.
  json += fmt::format(
      ",\"number\":{},\"incarnation\":\"{:016x}\",\"turn\":{},\"time_ns\":{},\"last_time_ns\":{},"
      "\"result\":\"{}\",\"committed\":{},\"checkpoint\":{}",
      entry.subject.number,
      entry.subject.incarnation,
      record.turn,
      record.time_ns,
      record.last_time_ns,
      name_of(record.result),
      record.committed,
      entry.has_checkpoint);
  if (record.input_id != InputId{}) member(json, "input_id", hex(record.input_id));
  if (!record.function.empty()) member(json, "function", record.function);
  if (!record.input.empty()) member(json, "input", record.input);
  if (record.seed != decltype(record.seed){}) member(json, "seed", hex(record.seed));
  if (!record.code.empty()) member(json, "code", record.code);
  if (!record.answers.empty()) {
    json += ",\"answers\":[";
    for (const Answer& answer : record.answers) append(json, answer);
    json += ']';
  }
  if (!record.reason.empty()) member(json, "reason", record.reason);
  if (record.outcome != Hash{}) member(json, "outcome", hex(record.outcome));
  if (changes.sent != 0) json += fmt::format(",\"sent\":{}", changes.sent);
  if (!changes.timers_set.empty()) {
    json += ",\"timers_set\":[";
    for (const Timer& timer : changes.timers_set) {
      json += json.back() == '[' ? "{" : ",{";
      json += fmt::format("\"due_ns\":{},\"generation\":{}", timer.due_ns, timer.generation);
      member(json, "name", timer.name);
      member(json, "event", timer.event);
      member(json, "payload", timer.payload);
      json += '}';
    }
    json += ']';
  }
  list(json, "timers_cancelled", changes.timers_cancelled);
  list(json, "topics_joined", changes.topics_joined);
  list(json, "topics_left", changes.topics_left);
  if (record.source != Moment{}) {
    json += fmt::format(",\"source\":{{\"incarnation\":\"{:016x}\",\"turn\":{}",
                        record.source.incarnation,
                        record.source.turn);
    member(json, "address", record.source.address);
    json += '}';
  }
  if (record.start_up != StartUp{}) {
    json += fmt::format(",\"start_up\":{{\"time_ns\":{}", record.start_up.time_ns);
    member(json, "seed", hex(record.start_up.seed));
    json += '}';
  }
  return json + '}';
}

Result<> dump(const fs::path& file,
              const DumpOptions& options,
              const std::function<bool(std::uint64_t, const Entry&)>& take) {
  TRY(Database database, open_to_read(file));
  TRY(Statement batches,
      database.prepare("SELECT id, entries FROM batches WHERE id > ? ORDER BY id"));
  batches.bind(1, to_column(options.after_batch));
  while (true) {
    TRY(const bool row, batches.step());
    if (!row) return {};
    const std::uint64_t id = from_column(batches.number(0));
    BatchReader reader(batches.bytes(1), id);
    Framed framed;
    while (true) {
      TRY(const bool more, reader.next(framed));
      if (!more) break;
      auto entry = decode_content(framed.content, framed.sequence);
      if (entry.has_error()) {
        return Error{fmt::format(
            "batch {}, the entry at byte {}: {}", id, framed.offset, entry.error().message)};
      }
      if (!options.address.empty() && entry->subject.address != options.address) continue;
      if (!take(id, *entry)) return {};
    }
  }
}

namespace {

// Reads a journal from end to end, and knows of each actor what must come next.
class Verifier {
 public:
  Verifier(Database& database, std::string forgotten)
      : database_(database), forgotten_(std::move(forgotten)) {}

  Result<Verified> run(const fs::path& file) {
    check_pages();
    TRY_VOID(read_heads());
    TRY_VOID(read_first());
    TRY_VOID(read_batches());
    check_counts();
    TRY_VOID(check_actors());
    TRY_VOID(check_checkpoints());
    TRY_VOID(check_messages());
    TRY_VOID(check_timers());
    TRY_VOID(check_files());
    done_.actors = actors_.size();
    TRY(const std::int64_t free, database_.number("PRAGMA freelist_count"));
    done_.free_pages = static_cast<std::uint64_t>(free);
    if (!forgotten_.empty()) check_forgotten(file);
    return std::move(done_);
  }

 private:
  struct Known {
    std::uint64_t number = 0;
    std::uint64_t batch = 0;
    std::uint64_t incarnation = 0;
    std::uint64_t turn = 0;
    std::int64_t clock_ns = 0;
    Kind kind = Kind::turn;
    bool is_listed = false;  // among the actors
  };

  template <class... Args>
  void problem(fmt::format_string<Args...> text, Args&&... args) {
    if (done_.problems.size() < Verified::problems_max) {
      done_.problems.push_back(fmt::format(text, std::forward<Args>(args)...));
    }
  }

  void check_pages() {
    auto check = database_.prepare("PRAGMA integrity_check(20)");
    if (check.has_error()) return problem("{}", check.error().message);
    while (true) {
      const auto row = check->step();
      if (row.has_error()) return problem("{}", row.error().message);
      if (!*row) return;
      if (check->bytes(0) != "ok") problem("SQLite: {}", check->bytes(0));
    }
  }

  Result<> read_heads() {
    TRY(Statement head, database_.prepare("SELECT last_batch, sequences FROM head WHERE id = 0"));
    TRY(const bool row, head.step());
    if (!row) return Error{"the journal has no head"};
    last_batch_ = from_column(head.number(0));
    TRY(sequences_, decode_counts(head.bytes(1), "the sequences of the partitions"));
    TRY(Statement upkeep,
        database_.prepare("SELECT indexed_batch, removed FROM upkeep WHERE id = 0"));
    TRY(const bool other, upkeep.step());
    if (!other) return Error{"the journal has no upkeep"};
    indexed_batch_ = from_column(upkeep.number(0));
    TRY(removed_, decode_counts(upkeep.bytes(1), "the counts of removed entries"));
    for (const std::uint64_t count : removed_) done_.removed += count;
    return {};
  }

  Result<> read_first() {
    TRY(Statement rows, database_.prepare("SELECT address, first FROM actors WHERE first > 1"));
    while (true) {
      TRY(const bool row, rows.step());
      if (!row) return {};
      first_.emplace(rows.bytes(0), from_column(rows.number(1)));
    }
  }

  // A damaged page ends one pass; the next begins behind it.
  Result<> read_batches() {
    std::uint64_t last = 0;
    TRY(Statement batches,
        database_.prepare("SELECT id, entries FROM batches WHERE id > ? ORDER BY id LIMIT 1"));
    TRY(Statement next, database_.prepare("SELECT min(id) FROM batches WHERE id > ?"));
    while (done_.problems.size() < Verified::problems_max) {
      const auto row = batches.bind(1, to_column(last)).step();
      if (row.has_error()) {
        const auto found = next.bind(1, to_column(last)).step();
        const std::uint64_t id = found && *found ? from_column(next.number(0)) : 0;
        next.reset();
        problem("batch {}: {}", id, row.error().message);
        if (id <= last) return {};
        last = id;
        continue;
      }
      if (!*row) break;
      last = from_column(batches.number(0));
      ++done_.batches;
      read_batch(last, batches.bytes(1));
      batches.reset();
    }
    if (last > last_batch_) {
      problem("batch {} is there, and the head knows of none after {}", last, last_batch_);
    }
    return {};
  }

  void read_batch(std::uint64_t id, std::string_view bytes) {
    BatchReader reader(bytes, id);
    Framed framed;
    while (true) {
      const auto more = reader.next(framed);
      if (more.has_error()) return problem("{}", more.error().message);
      if (!*more) return;
      const auto entry = decode_content(framed.content, framed.sequence);
      if (entry.has_error()) {
        problem("batch {}, the entry at byte {}: {}", id, framed.offset, entry.error().message);
        continue;
      }
      check_entry(id, framed.previous_batch, *entry);
    }
  }

  void check_entry(std::uint64_t batch, std::uint64_t previous, const Entry& entry) {
    ++done_.entries;
    const std::string& address = entry.subject.address;
    const Record& record = entry.record;
    const std::uint8_t partition = partition_of(address);
    if (entry.sequence <= seen_[partition]) {
      problem("batch {}: sequence {} of partition {} comes after {}",
              batch,
              entry.sequence,
              partition,
              seen_[partition]);
    }
    seen_[partition] = entry.sequence;
    ++counts_[partition];

    const auto [at, is_new] = actors_.try_emplace(address);
    Known& known = at->second;
    const auto where = [&] {
      return fmt::format("batch {}, entry {} of {}", batch, entry.subject.number, address);
    };
    if (is_new) {
      const auto first = first_.find(address);
      if (entry.subject.number != (first == first_.end() ? 1 : first->second) &&
          (first == first_.end() || entry.subject.number > first->second)) {
        problem("{}: the entries before it are missing", where());
      }
    } else {
      if (entry.subject.number != known.number + 1) {
        problem("{}: the one before it is {}", where(), known.number);
      }
      if (previous != known.batch) {
        problem("{}: it says that the one before is in batch {}, and that is in {}",
                where(),
                previous,
                known.batch);
      }
      const bool new_life = entry.subject.incarnation != known.incarnation;
      if (new_life != (known.kind == Kind::end)) {
        problem("{}: {}",
                where(),
                new_life ? "another life begins and the last has not ended"
                         : "a life goes on after its end");
      }
      if (!new_life && record.turn != known.turn + (is_turn(record.kind) ? 1 : 0)) {
        problem("{}: turn {} comes after turn {}", where(), record.turn, known.turn);
      }
      if (record.time_ns < known.clock_ns) problem("{}: the actor's clock goes back", where());
    }
    known = {.number = entry.subject.number,
             .batch = batch,
             .incarnation = entry.subject.incarnation,
             .turn = record.turn,
             .clock_ns = record.last_time_ns,
             .kind = record.kind};
  }

  void check_counts() {
    for (std::size_t i = 0; i < partitions; ++i) {
      if (seen_[i] > sequences_[i]) {
        problem("partition {}: sequence {} is there, and the head knows of none after {}",
                i,
                seen_[i],
                sequences_[i]);
      }
      if (counts_[i] + removed_[i] != sequences_[i]) {
        problem("partition {}: of {} entries {} were removed and {} are there: {} are missing",
                i,
                sequences_[i],
                removed_[i],
                counts_[i],
                static_cast<std::int64_t>(sequences_[i] - removed_[i] - counts_[i]));
      }
    }
  }

  Result<> check_actors() {
    TRY(Statement rows, database_.prepare("SELECT address, batch, number FROM actors"));
    while (true) {
      TRY(const bool row, rows.step());
      if (!row) break;
      const auto found = actors_.find(rows.bytes(0));
      const std::uint64_t number = from_column(rows.number(2));
      if (found == actors_.end()) {
        const auto first = first_.find(rows.bytes(0));
        if (first != first_.end() && first->second > number) continue;  // is being forgotten
        problem("{} is known as an actor and has no entry", rows.bytes(0));
        continue;
      }
      found->second.is_listed = true;
      if (found->second.batch <= indexed_batch_ && found->second.number != number) {
        problem("{}: the table has entry {} as its last, and that is {}",
                rows.bytes(0),
                number,
                found->second.number);
      }
    }
    for (const auto& [address, known] : actors_) {
      if (known.batch <= indexed_batch_ && !known.is_listed) {
        problem("{} has entries and is not known as an actor", address);
      }
    }
    return {};
  }

  Result<> check_checkpoints() {
    TRY(Statement rows,
        database_.prepare(
            "SELECT address, number, turn, incarnation, body FROM checkpoints ORDER BY id"));
    while (true) {
      const auto row = rows.step();
      if (row.has_error()) {
        problem("a checkpoint: {}", row.error().message);
        return {};
      }
      if (!*row) return {};
      ++done_.checkpoints;
      const std::string_view address = rows.bytes(0);
      const auto body = decode_checkpoint(rows.bytes(4));
      if (body.has_error()) {
        problem("checkpoint {} of {}: {}", rows.number(1), address, body.error().message);
        continue;
      }
      if (body->subject.address != address || to_column(body->subject.number) != rows.number(1) ||
          to_column(body->turn) != rows.number(2) ||
          to_column(body->subject.incarnation) != rows.number(3)) {
        problem("checkpoint {} of {} is that of another", rows.number(1), address);
      }
      const auto found = actors_.find(address);
      if (found == actors_.end() ? !first_.contains(address)
                                 : found->second.number < body->subject.number) {
        problem("checkpoint {} of {} has no entry", rows.number(1), address);
      }
    }
  }

  Result<> check_messages() {
    TRY(Statement rows, database_.prepare("SELECT sender, incarnation, number, body FROM outbox"));
    while (true) {
      TRY(const bool row, rows.step());
      if (!row) return {};
      ++done_.messages;
      const auto body = decode_outgoing(rows.bytes(3));
      if (body.has_error()) {
        problem("message {} of {}: {}", rows.number(2), rows.bytes(0), body.error().message);
      } else if (body->sender != rows.bytes(0) || to_column(body->incarnation) != rows.number(1) ||
                 to_column(body->number) != rows.number(2)) {
        problem("message {} of {} is that of another", rows.number(2), rows.bytes(0));
      }
    }
  }

  Result<> check_timers() {
    TRY(Statement rows, database_.prepare("SELECT address, name, due_ns, body FROM timers"));
    while (true) {
      TRY(const bool row, rows.step());
      if (!row) return {};
      ++done_.timers;
      const auto body = decode_alarm(rows.bytes(3));
      if (body.has_error()) {
        problem("timer \"{}\" of {}: {}", rows.bytes(1), rows.bytes(0), body.error().message);
      } else if (body->address != rows.bytes(0) || body->timer.name != rows.bytes(1) ||
                 body->timer.due_ns != rows.number(2)) {
        problem("timer \"{}\" of {} is that of another", rows.bytes(1), rows.bytes(0));
      }
    }
  }

  Result<> check_files() {
    TRY(const std::int64_t has,
        database_.number("SELECT count(*) FROM sqlite_schema WHERE name = 'files'"));
    if (has == 0) return {};
    TRY(Statement rows, database_.prepare("SELECT path, body, sum FROM files"));
    while (true) {
      TRY(const bool row, rows.step());
      if (!row) return {};
      ++done_.files;
      if (to_column(file_sum(rows.bytes(0), rows.bytes(1))) != rows.number(2)) {
        problem("the file {}: its checksum is wrong", rows.bytes(0));
      }
    }
  }

  void check_forgotten(const fs::path& file) {
    if (actors_.contains(forgotten_)) problem("{} has entries", forgotten_);
    if (done_.free_pages != 0) {
      problem("{} free pages have not been given back yet", done_.free_pages);
    }
    for (const std::string_view suffix : {"", "-wal"}) {
      const std::string name = file.string() + std::string(suffix);
      std::ifstream in(name, std::ios::binary);
      // Pieces that overlap, so that nothing is missed between them.
      std::string piece;
      std::string fresh(std::size_t{1} << 20, '\0');
      std::uint64_t offset = 0;
      while (in.read(fresh.data(), static_cast<std::streamsize>(fresh.size())) || in.gcount() > 0) {
        piece.append(fresh, 0, static_cast<std::size_t>(in.gcount()));
        for (std::size_t at = piece.find(forgotten_); at != std::string::npos;
             at = piece.find(forgotten_, at + 1)) {
          problem("{} is still in {} at byte {}", forgotten_, name, offset + at);
        }
        const std::size_t rest = std::min(piece.size(), forgotten_.size() - 1);
        offset += piece.size() - rest;
        piece.erase(0, piece.size() - rest);
      }
    }
  }

  Database& database_;
  const std::string forgotten_;
  Verified done_;
  std::uint64_t last_batch_ = 0;
  std::uint64_t indexed_batch_ = 0;
  Counts sequences_{};
  Counts removed_{};
  Counts seen_{};
  Counts counts_{};
  std::map<std::string, Known, std::less<>> actors_;
  std::map<std::string, std::uint64_t, std::less<>> first_;
};

}  // namespace

Result<Verified> verify(const fs::path& file, const std::string& forgotten) {
  TRY(Database database, open_to_read(file));
  // One state of it all, whatever is committed meanwhile.
  TRY_VOID(database.run("BEGIN"));
  return Verifier(database, forgotten).run(file);
}

}  // namespace troupe::journal
