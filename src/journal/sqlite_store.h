// The tables of the SQLite home, read: docs/formats/journal.md, "The SQLite home".
//
// A Store is a connection with the statements that readers, the writer's upkeep and the program's
// own commands share. It belongs to one thread at a time.
#pragma once

#include "base/result.h"
#include "journal/decode.h"
#include "journal/journal.h"
#include "journal/sqlite_db.h"
#include "journal/sqlite_index.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::journal {

// A number for each partition, as a column holds them.
using Counts = std::array<std::uint64_t, partitions>;
std::string encode(const Counts& counts);
Result<Counts> decode_counts(std::string_view bytes, std::string_view what);

// Makes the tables when the database is new, and sets how it is written.
Result<> prepare_to_write(Database& database);
// An Error for what is not a journal, or one of a newer program.
Result<> check_version(Database& database, const std::filesystem::path& file);

// Incarnations are 64 bits without a sign, SQLite's numbers have one.
inline std::int64_t to_column(std::uint64_t number) {
  return static_cast<std::int64_t>(number);
}
inline std::uint64_t from_column(std::int64_t number) {
  return static_cast<std::uint64_t>(number);
}

class Store {
 public:
  static Result<Store> create(Database database);
  Database& database() { return database_; }

  // One state of the database for several reads.
  class Snapshot {
   public:
    explicit Snapshot(Store& store) : store_(store) { began_ = store.begin_.run().has_value(); }
    Snapshot(const Snapshot&) = delete;
    Snapshot& operator=(const Snapshot&) = delete;
    ~Snapshot() {
      store_.release();
      if (began_) static_cast<void>(store_.end_.run());
    }

   private:
    Store& store_;
    bool began_;
  };

  // From the table alone.
  Result<std::optional<Position>> position(std::string_view address);
  // Where its kept entries begin: what has a lower number was pruned.
  Result<std::uint64_t> first_kept(std::string_view address);
  // Nothing when there is no such batch. Borrowed until the next call.
  Result<std::optional<std::string_view>> batch(std::uint64_t id);
  // Gives the batch up that was borrowed.
  void release() { batch_.reset(); }

  // The reads of journal.h. `position` is what the index said, or nothing.
  Result<std::optional<Past>> load(const std::string& address,
                                   std::optional<At> at,
                                   std::optional<Position> position);
  Result<std::vector<Entry>> history(const std::string& address,
                                     std::uint64_t from,
                                     std::size_t limit,
                                     std::optional<Position> position);
  Result<std::vector<ActorLine>> list(const std::string& prefix,
                                      const std::string& after,
                                      std::size_t limit,
                                      Index::Map fresh);
  Result<std::vector<Alarm>> timers(std::int64_t until_ns, const Alarm& after, std::size_t limit);
  Result<std::vector<Subscription>> subscriptions(const Subscription& after, std::size_t limit);
  Result<std::vector<Outgoing>> outbox(const Outgoing& after, std::size_t limit);
  // The batches that hold entries of the actor, the last first, as far as they are there.
  Result<std::vector<std::uint64_t>> batches_of(const std::string& address, Position position);
  // Those that have the address anywhere, the last first: reads the whole journal.
  Result<std::vector<std::uint64_t>> batches_naming(const std::string& address);
  Result<Entry> entry(const std::string& address, std::uint64_t batch, std::uint64_t number);

 private:
  // Goes back over an actor's entries.
  class Walk;

  explicit Store(Database database) : database_(std::move(database)) {}
  // A batch from which one comes to the entry of that number soonest.
  Result<std::uint64_t> batch_near(const std::string& address,
                                   std::uint64_t number,
                                   const Position& position);
  Result<std::optional<Checkpoint>> checkpoint(const std::string& address,
                                               std::uint64_t incarnation,
                                               std::uint64_t number_max);

  Database database_;
  Statement begin_;
  Statement end_;
  Statement position_;
  Statement batch_;
  Statement checkpoint_;
  Statement near_number_;
  Statement near_turn_;
  Statement list_;
  Statement timers_;
  Statement subscriptions_;
  Statement outbox_;
};

}  // namespace troupe::journal
