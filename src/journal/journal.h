// Where the turns of durable actors are kept, and what is read back of them.
//
// An append that has been committed survives the end of this process and of the machine's power;
// the output gate lets out only what rests on those. Whatever does file I/O does it on threads of
// the journal's own: nothing here makes a shard wait.
//
//   auto appender = journal->appender(on_committed);      // one for each shard
//   appender->claim(partition_of(address));
//   appender->append({address, incarnation, number}, record, changes)  -> ticket, or why not
//   ... on_committed.committed(ticket)                    // on the journal's thread
//
// Owned by server/app. Made by open_sqlite() (journal/sqlite_journal.h). Its functions may be
// called from any thread; an Appender belongs to one.
#pragma once

#include "base/result.h"
#include "journal/record.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::journal {

// The how-manyeth append of an Appender.
using Ticket = std::uint64_t;

// Told what came of appends, by the journal's writer thread or out of flush(): do little and come
// back, as by sending a message to the shard. Not called any more once its Appender is gone.
class Committed {
 public:
  virtual ~Committed() = default;
  // All up to and with this ticket are durable.
  virtual void committed(Ticket last) = 0;
  // Those after the last one that was committed are not, and none that is appended before
  // Appender::recover() will be: go back with every actor that has an undurable turn.
  virtual void failed(const Error& why) = 0;
};

enum class Refusal : std::uint8_t {
  full,       // as much as may wait does so: try again when something has been committed
  refusing,   // the disk cannot be written; ends by itself. health() says why
  failed,     // an append before this one has failed: recover() first
  not_owner,  // the partition belongs to another appender now
  too_large,  // an entry of more than entry_bytes_max
};
std::string_view name_of(Refusal refusal);
// For whoever is refused: what it means and what to do.
std::string_view text_of(Refusal refusal);

struct Appended {
  Ticket ticket = 0;  // 0: refused
  Refusal refusal = Refusal::full;
  explicit operator bool() const { return ticket != 0; }
};

// What goes into the same commit as an entry, and is gone when that is not committed.
struct Beside {
  // Messages of this actor for durable ones; their sender is the entry's subject.
  std::vector<Outgoing> sent;
  // A message that this entry's turn has handled: it leaves the outbox. Sender, incarnation and
  // number tell which.
  std::vector<Outgoing> received;
  // After this entry; its subject is the entry's.
  const Checkpoint* checkpoint = nullptr;
};

// What one shard appends, in order. Lives on that shard; not thread-safe.
class Appender {
 public:
  virtual ~Appender() = default;

  // Makes this the one that may append to the partition. What its owner before has not yet
  // committed fails. Load the partition's actors after this.
  virtual void claim(std::uint8_t partition) = 0;

  // Asks for the entry to be committed, after those before it. `number` must be one more than that
  // of the actor's last entry: an actor that goes on from a past that is not the newest is refused,
  // as a failure. `record.last_time_ns` may be 0. On a refusal nothing has been appended. It waits
  // here until flush(): what goes to the writer at once has one commit, and one lock.
  virtual Appended append(const SubjectView& subject,
                          const Record& record,
                          const Changes& changes = {},
                          const Beside& beside = {}) = 0;

  // What has been appended goes to the writer. The end of the appender and drop() do it too.
  virtual void flush() = 0;

  // Keeps a checkpoint that holds everything up to the entry of its number, which has been
  // appended. Nobody waits for it: it is compressed and written when there is time, and when it is
  // lost the one before is used. False when as much as may wait does so.
  virtual bool keep(Checkpoint checkpoint) = 0;
  // Takes messages out of the outbox that have reached somebody who keeps no journal, or nobody.
  // No one waits for it either; what is not dropped will be sent again after a restart.
  virtual bool drop(std::vector<Outgoing> delivered) = 0;

  // After failed(): every actor is back at what is durable; appends are taken again.
  virtual void recover() = 0;
};

// The end of a turn, or what was when an entry had been written.
struct At {
  enum class Kind { turn, entry };
  Kind kind = Kind::turn;
  std::uint64_t number = 0;
};

// An actor as the journal has it.
struct Past {
  Subject last;  // its last entry: the next one's number is one more
  std::uint64_t turn = 0;
  std::int64_t last_time_ns = 0;
  bool ended = false;  // the last entry is a tombstone
  // The last checkpoint, and everything of the same life since then that was committed by its turn,
  // oldest first: what the one way back needs. Both are empty for one that has ended.
  std::optional<Checkpoint> checkpoint;
  std::vector<Entry> entries;
  // The changes of all entries since the checkpoint are in these, those of undone turns too.
  std::uint64_t sent = 0;
  std::vector<Timer> timers;
  std::vector<std::string> topics;
};

struct ActorLine {
  std::string address;
  std::uint64_t incarnation = 0;
  std::uint64_t turn = 0;
  std::uint64_t number = 0;
  bool ended = false;
};

struct Subscription {
  std::string topic;
  std::string address;
  friend bool operator==(const Subscription&, const Subscription&) = default;
};

// How much of the past is kept. What is newer than either says stays; and of each actor always the
// last checkpoint and what came after. The entries of an ended actor go when they are older.
struct Retention {
  std::chrono::hours age{24 * 30};
  std::uint32_t checkpoints = 2;
  std::chrono::milliseconds every{std::chrono::hours(1)};  // how often old entries are looked for
  bool forever = false;                                    // nothing is pruned
};

struct Bounds {
  // Appends that wait for the writer: more than a second of work of a slow disk.
  std::size_t queue_entries_max = 16'384;
  std::size_t queue_bytes_max = std::size_t{64} << 20;
  // What one commit takes: the last of them waits for the writing of all.
  std::size_t commit_entries_max = 4'096;
  std::size_t commit_bytes_max = std::size_t{8} << 20;
  // Checkpoints that wait to be compressed, and as much again of those that wait for a commit.
  std::size_t checkpoints_bytes_max = std::size_t{128} << 20;
  // Reads that wait; more are answered with an Error.
  std::size_t reads_max = 4'096;
  std::size_t readers = 2;  // threads, each with a connection
  // What a start has to read again, at the most.
  std::size_t unindexed_bytes_max = std::size_t{32} << 20;
  // Of SQLite's write-ahead log: it is worked in when there is nothing else to do and it is larger
  // than the first, or whatever there is to do when it is larger than the second.
  std::size_t wal_bytes_idle = std::size_t{1} << 20;
  std::size_t wal_bytes_max = std::size_t{128} << 20;
  // Between two tries to write while the disk cannot be written.
  std::chrono::milliseconds probe_every{500};
};

struct Health {
  bool refusing = false;
  std::string why;  // of refusing
};

// Counted since the journal was opened.
struct Counters {
  std::uint64_t commits = 0;
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t failures = 0;
  std::uint64_t refused = 0;
  std::uint64_t pruned = 0;
  std::uint64_t queued = 0;     // now
  std::uint64_t wal_bytes = 0;  // now
  std::uint64_t writer_cpu_ns = 0;
};

class Journal {
 public:
  virtual ~Journal() = default;

  // `committed` must outlive the appender, and the appender be destroyed before the journal.
  virtual std::unique_ptr<Appender> appender(Committed& committed) = 0;

  // The reads. Each answers by calling back once, on a thread of the journal; they see all that was
  // committed when they began. A damaged entry or page is an Error that names it.
  template <class T>
  using Reply = std::function<void(Result<T>)>;

  // An actor; nothing when the journal does not know the address. `at`: as it was then in its
  // present life, for show, rewind, fork and replay; there must have been that turn or entry, and
  // it must not have been pruned.
  virtual void load(std::string address,
                    std::optional<At> at,
                    Reply<std::optional<Past>> reply) = 0;
  void load(std::string address, Reply<std::optional<Past>> reply) {
    load(std::move(address), std::nullopt, std::move(reply));
  }
  // Its entries, the newest first, from the one of that number on (0: the newest) backwards.
  virtual void history(std::string address,
                       std::uint64_t from,
                       std::size_t limit,
                       Reply<std::vector<Entry>> reply) = 0;
  // In the order of addresses: those after `after` that begin with `prefix`.
  virtual void list(std::string prefix,
                    std::string after,
                    std::size_t limit,
                    Reply<std::vector<ActorLine>> reply) = 0;
  // The timers that are due at `until_ns` or before and after the last one that was read (an empty
  // one to begin with), the earliest first.
  virtual void timers(std::int64_t until_ns,
                      Alarm after,
                      std::size_t limit,
                      Reply<std::vector<Alarm>> reply) = 0;
  // By topic and address, after that one (an empty one to begin with).
  virtual void subscriptions(Subscription after,
                             std::size_t limit,
                             Reply<std::vector<Subscription>> reply) = 0;
  // What has not been received yet, by sender, incarnation and number, after that one (an empty one
  // to begin with).
  virtual void outbox(Outgoing after, std::size_t limit, Reply<std::vector<Outgoing>> reply) = 0;

  // Work of the writer beside the appends, a little at a time. Each calls back on its thread.
  //
  // Removes what an actor has left: entries, checkpoints, timers, messages, and the pages they were
  // on. Refused while it lives: its last entry must be a tombstone.
  virtual void forget(std::string address, Reply<void> reply) = 0;
  // Removes now what is older than the policy wants to keep, and gives the number of entries.
  virtual void prune(Reply<std::uint64_t> reply) = 0;

  virtual Health health() const = 0;
  virtual Counters counters() const = 0;
};

}  // namespace troupe::journal
