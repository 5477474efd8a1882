// The one thread that writes the journal: what is queued becomes a commit as soon as the last one
// has ended, so that a slow disk makes larger commits and not a longer queue.
//
// Between commits, a little at a time, it keeps the tables in order: positions of actors, pruning,
// forgetting, SQLite's own log. When a commit fails, all that it held and all that is queued fails,
// and until a probe could be written every append is refused. Owned by SqliteJournal.
#pragma once

#include "base/clock.h"
#include "journal/journal.h"
#include "journal/sqlite_db.h"
#include "journal/sqlite_index.h"
#include "journal/sqlite_journal.h"
#include "journal/sqlite_log.h"
#include "journal/sqlite_store.h"

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace troupe::journal {

struct Bundle;

// What an Appender and the writer share. Shared by them and the bundles of the queue.
struct AppenderState {
  std::uint64_t id = 0;
  std::atomic<std::uint64_t> failed_epoch = 0;  // nothing of this epoch or before is taken any more
  Ticket handled = 0;             // of the writer's thread: the last it has committed or failed
  std::mutex mutex;               // guards the following
  Committed* target = nullptr;    // null when its appender is gone
  std::unique_ptr<Bundle> spare;  // an empty one for its next entries; may be null
};

// What goes beside an entry into other tables, encoded.
struct Extras {
  struct Message {
    std::string sender;
    std::uint64_t incarnation = 0;
    std::uint64_t number = 0;
    std::string body;
  };
  struct Alarm {
    std::string name;
    std::int64_t due_ns = 0;
    std::string body;
  };
  std::vector<Message> sent;
  std::vector<Message> received;
  std::vector<Alarm> timers_set;
  std::vector<std::string> timers_cancelled;
  std::vector<std::string> topics_joined;
  std::vector<std::string> topics_left;
  std::string checkpoint;  // body
  std::size_t bytes = 0;
};

// An entry that waits.
struct Queued {
  Ticket ticket = 0;
  std::uint8_t partition = 0;
  Kind kind = Kind::turn;
  std::uint64_t incarnation = 0;
  std::uint64_t number = 0;
  std::uint64_t turn = 0;
  std::int64_t time_ns = 0;
  // Where its address begins in the bundle's text; its content follows.
  std::size_t at = 0;
  std::size_t address_size = 0;
  std::size_t content_size = 0;
  std::unique_ptr<Extras> extras;  // null: none
};

// What an appender has gathered, in its order.
struct Bundle {
  std::shared_ptr<AppenderState> appender;
  std::uint64_t epoch = 0;
  std::string text;
  std::vector<Queued> items;
  std::size_t extras_bytes = 0;

  std::string_view address(const Queued& item) const {
    return std::string_view(text).substr(item.at, item.address_size);
  }
  std::string_view content(const Queued& item) const {
    return std::string_view(text).substr(item.at + item.address_size, item.content_size);
  }
  std::size_t bytes() const { return text.size() + items.size() * sizeof(Queued) + extras_bytes; }
};
using Bundles = std::vector<std::unique_ptr<Bundle>>;

// A checkpoint that nobody waits for.
struct Kept {
  std::shared_ptr<AppenderState> appender;
  std::uint64_t epoch = 0;
  Ticket ticket = 0;  // of its entry or a later one, which has been pushed before it; 0: durable
  Subject subject;
  std::uint64_t turn = 0;
  std::int64_t time_ns = 0;
  std::string body;
};

struct Dropped {
  std::vector<Extras::Message> messages;
};

class Writer {
 public:
  static Result<std::unique_ptr<Writer>> open(const SqliteOptions& options, const Clock& clock);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  // Commits what waits.
  ~Writer();

  // From any thread.
  //
  // Why a bundle of so many entries and bytes cannot be taken now; nothing when it can.
  std::optional<Refusal> refusal(std::size_t entries, std::size_t bytes);
  // Not empty. When the disk cannot be written, all of its epoch fails.
  void push(std::unique_ptr<Bundle> bundle);
  // It is written with the next commit, or alone when there is none for some time. Lost when the
  // disk cannot be written, or as much as may wait does so.
  void push(Kept kept);
  bool push(Dropped dropped);
  void claim(std::uint8_t partition, std::uint64_t appender) {
    owners_[partition].store(appender, std::memory_order_release);
  }
  bool owns(std::uint8_t partition, std::uint64_t appender) const {
    return owners_[partition].load(std::memory_order_acquire) == appender;
  }
  void forget(std::string address, Journal::Reply<void> reply);
  void prune(Journal::Reply<std::uint64_t> reply);

  const Index& index() const { return index_; }
  Health health() const;
  Counters counters() const;

 private:
  struct Forgetting {
    std::string address;
    Journal::Reply<void> reply;
    bool begun = false;
    std::uint64_t number = 0;            // of its tombstone
    std::vector<std::uint64_t> batches;  // still to be rewritten, the oldest last
  };
  struct Pruning {
    std::vector<Journal::Reply<std::uint64_t>> replies;
    std::int64_t cutoff_ns = 0;
    std::uint64_t next_batch = 0;
    std::uint64_t removed = 0;
    // Up to which number each actor that was met may be pruned.
    std::map<std::string, std::uint64_t, std::less<>> bases;
  };
  // What one commit is made of.
  struct Group;

  Writer(SqliteOptions options, const Clock& clock, std::unique_ptr<GatheredLog> log, Store store);
  Result<> prepare();
  Result<> read_unindexed();

  void run();
  Bundles take();

  void commit(Bundles bundles);
  Result<> write(Group& group);
  std::string wrong_with(const Bundle& bundle, const Queued& item, const Position& last) const;
  Result<> write_entry(Group& group, const Bundle& bundle, const Queued& item, Position& position);
  Result<> write_batch(Group& group);
  Result<> write_extras(std::string_view address, const Queued& item, std::uint64_t batch);
  Result<> write_checkpoint(const Subject& subject,
                            std::uint64_t turn,
                            std::uint64_t batch,
                            std::int64_t time_ns,
                            std::string_view body);
  Result<> write_kept(Group& group);
  Result<> write_dropped(const Dropped& dropped);
  Result<> write_head(std::uint64_t last_batch, const Counts& sequences);
  Result<> settle_some(std::vector<std::string>& settled, std::size_t count_max);
  Result<std::optional<Position>> position_in(const Group& group, std::string_view address);
  Result<std::optional<Position>> position_of(std::string_view address);

  void fail_all(const Error& why, const Bundles& bundles);
  static void give_back(Bundles bundles);
  static void fail(AppenderState& appender, std::uint64_t epoch, const Error& why);
  void refuse(const Error& why);
  void probe();

  // Upkeep: each does a little, in a transaction of its own, and says whether there is more.
  bool do_upkeep();
  void settle_when_due();
  void begin_pruning();
  bool prune_some();
  Result<bool> prune_batches(Pruning& pruning);
  Result<std::uint64_t> base_of(Pruning& pruning, std::string_view address);
  void end_pruning(const Result<>& how);
  bool forget_some();
  Result<> begin_forgetting(Forgetting& forgetting);
  Result<> forget_batches(Forgetting& forgetting);
  Result<bool> free_pages();
  // Keeps of a batch the frames that are wanted.
  Result<std::uint64_t> rewrite(std::uint64_t id,
                                std::string_view entries,
                                const std::function<bool(const Glance&)>& wanted,
                                BatchReader::Sums sums = BatchReader::Sums::checked);
  Result<> write_removed();
  bool checkpoint_log(int mode);
  Result<> in_transaction(const std::function<Result<>()>& work);

  const SqliteOptions options_;
  const Clock& clock_;
  const std::unique_ptr<GatheredLog> log_;
  Store store_;
  Index index_;

  // Of the writer's thread.
  const std::unique_ptr<Group> group_;  // of the commit it is at
  std::uint64_t generation_ = 0;
  std::uint64_t last_batch_ = 0;
  std::uint64_t indexed_batch_ = 0;
  std::uint64_t settling_to_ = 0;    // what indexed_batch_ will be
  std::size_t unindexed_bytes_ = 0;  // of the batches since settling_to_
  Counts sequences_{};
  Counts removed_{};
  std::int64_t next_prune_ns_ = 0;
  std::optional<Pruning> pruning_;
  std::deque<Forgetting> forgetting_;
  bool log_is_done_ = true;  // nothing has been committed since SQLite's log was worked in
  bool overtaken_ = false;   // another process has the journal
  Statement begin_, commit_, rollback_, insert_batch_, update_batch_, delete_batch_, update_head_,
      update_removed_, settle_, set_indexed_, insert_checkpoint_, insert_message_, delete_message_,
      set_timer_, cancel_timer_, join_topic_, leave_topic_, base_, next_batches_, set_first_,
      delete_checkpoints_, delete_actor_, clear_timers_, clear_topics_, clear_outbox_, probe_;

  std::array<std::atomic<std::uint64_t>, partitions> owners_{};
  std::atomic<int> wal_pages_ = 0;
  // As health_ says, and what the queue holds: read without the lock before each append.
  std::atomic<bool> refusing_ = false;
  std::atomic<std::size_t> queue_entries_ = 0;
  std::atomic<std::size_t> queue_bytes_ = 0;

  mutable std::mutex mutex_;  // guards the following
  std::condition_variable work_;
  std::deque<std::unique_ptr<Bundle>> queue_;
  std::vector<Kept> kept_;
  std::size_t kept_bytes_ = 0;
  std::vector<Dropped> dropped_;
  std::vector<Forgetting> forget_asked_;
  std::vector<Journal::Reply<std::uint64_t>> prune_asked_;
  std::size_t dropped_count_ = 0;
  bool waiting_ = false;
  bool resting_ = false;  // it waits for longer than idle_after
  bool ending_ = false;
  Health health_;
  Counters counters_;

  std::thread thread_;  // last
};

}  // namespace troupe::journal
