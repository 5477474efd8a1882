#include "journal/sqlite_journal.h"

#include "journal/sqlite_store.h"
#include "journal/sqlite_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace troupe::journal {

namespace {

// Threads that do one thing after another, as much as may wait.
template <class Job>
class Queue {
 public:
  // Makes room for a job that is pushed or released later. False when the bound is reached; a job
  // larger than it is taken when nothing else waits.
  bool reserve(std::size_t size, std::size_t size_max) {
    const std::lock_guard lock(mutex_);
    if (ending_ || (size_ != 0 && size_ + size > size_max)) return false;
    size_ += size;
    return true;
  }
  void release(std::size_t size) {
    const std::lock_guard lock(mutex_);
    size_ -= size;
  }
  // There is room for it.
  void push(Job job, std::size_t size) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.emplace_back(std::move(job), size);
    }
    there_is_one_.notify_one();
  }

  // What waits is still done; then run() returns.
  void end() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    there_is_one_.notify_all();
  }

  template <class Do>
  void run(Do do_job) {
    while (true) {
      std::unique_lock lock(mutex_);
      there_is_one_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      auto [job, size] = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      do_job(std::move(job));
      lock.lock();
      size_ -= size;
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable there_is_one_;
  std::deque<std::pair<Job, std::size_t>> jobs_;
  std::size_t size_ = 0;
  bool ending_ = false;
};

struct Unpacked {
  std::shared_ptr<AppenderState> appender;
  std::uint64_t epoch = 0;
  Ticket ticket = 0;
  Checkpoint checkpoint;
};
using Packing = Queue<Unpacked>;
using Reading = Queue<std::function<void(Store&)>>;

std::size_t bytes_of(const Checkpoint& checkpoint) {
  std::size_t bytes = checkpoint.state.size() + (checkpoint.memory ? checkpoint.memory->size() : 0);
  for (const auto& [name, value] : checkpoint.vars) bytes += name.size() + value.size();
  return bytes + sizeof checkpoint;
}

Extras::Message key_of(const Outgoing& message) {
  return {.sender = message.sender, .incarnation = message.incarnation, .number = message.number};
}

class SqliteAppender final : public Appender {
 public:
  SqliteAppender(Writer& writer,
                 Packing& packing,
                 const Bounds& bounds,
                 std::uint64_t id,
                 Committed& committed)
      : writer_(writer), packing_(packing), bounds_(bounds) {
    state_->id = id;
    state_->target = &committed;
  }
  SqliteAppender(const SqliteAppender&) = delete;
  SqliteAppender& operator=(const SqliteAppender&) = delete;
  ~SqliteAppender() override {
    flush();
    const std::lock_guard lock(state_->mutex);
    state_->target = nullptr;
  }

  void claim(std::uint8_t partition) override { writer_.claim(partition, state_->id); }

  Appended append(const SubjectView& subject,
                  const Record& record,
                  const Changes& changes,
                  const Beside& beside) override {
    if (state_->failed_epoch.load(std::memory_order_acquire) >= epoch_) {
      return {.refusal = Refusal::failed};
    }
    Queued item{.ticket = last_ticket_ + 1,
                .partition = partition_of(subject.address),
                .kind = record.kind,
                .incarnation = subject.incarnation,
                .number = subject.number,
                .turn = record.turn,
                .time_ns = record.time_ns};
    if (!writer_.owns(item.partition, state_->id)) return {.refusal = Refusal::not_owner};
    if (!bundle_) begin_bundle();
    std::string& text = bundle_->text;
    item.at = text.size();
    item.address_size = subject.address.size();
    text += subject.address;
    append_content(text, subject, record, changes, beside.checkpoint != nullptr);
    item.content_size = text.size() - item.at - item.address_size;
    item.extras = extras_of(subject, changes, beside);
    const std::size_t extra_bytes = item.extras ? item.extras->bytes : 0;
    std::optional<Refusal> refusal;
    if (item.content_size > entry_bytes_max) {
      refusal = Refusal::too_large;
    } else {
      refusal = writer_.refusal(bundle_->items.size() + 1,
                                bundle_->bytes() + sizeof(Queued) + extra_bytes);
    }
    if (refusal) {
      text.resize(item.at);
      return {.refusal = *refusal};
    }
    bundle_->extras_bytes += extra_bytes;
    bundle_->items.push_back(std::move(item));
    return {.ticket = ++last_ticket_};
  }

  void flush() override {
    if (!has_appended()) return;
    writer_.push(std::move(bundle_));
    flushed_ = last_ticket_;
    for (Checkpoint& one : kept_) pack(std::move(one));
    kept_.clear();
  }

  bool keep(Checkpoint checkpoint) override {
    if (!packing_.reserve(bytes_of(checkpoint), bounds_.checkpoints_bytes_max)) return false;
    // Not before the writer has the entry it is of.
    if (has_appended()) {
      kept_.push_back(std::move(checkpoint));
    } else {
      pack(std::move(checkpoint));
    }
    return true;
  }

  bool drop(std::vector<Outgoing> delivered) override {
    flush();
    Dropped dropped;
    dropped.messages.reserve(delivered.size());
    for (const Outgoing& message : delivered) dropped.messages.push_back(key_of(message));
    return writer_.push(std::move(dropped));
  }

  void recover() override {
    bundle_.reset();
    for (const Checkpoint& one : kept_) packing_.release(bytes_of(one));
    kept_.clear();
    flushed_ = 0;
    epoch_ = std::max(epoch_, state_->failed_epoch.load(std::memory_order_acquire)) + 1;
  }

 private:
  bool has_appended() const { return bundle_ && !bundle_->items.empty(); }

  void pack(Checkpoint checkpoint) {
    const std::size_t bytes = bytes_of(checkpoint);
    packing_.push({.appender = state_,
                   .epoch = epoch_,
                   .ticket = flushed_,
                   .checkpoint = std::move(checkpoint)},
                  bytes);
  }

  void begin_bundle() {
    {
      const std::lock_guard lock(state_->mutex);
      bundle_ = std::move(state_->spare);
    }
    if (!bundle_) bundle_ = std::make_unique<Bundle>();
    bundle_->appender = state_;
    bundle_->epoch = epoch_;
  }

  static std::unique_ptr<Extras> extras_of(const SubjectView& subject,
                                           const Changes& changes,
                                           const Beside& beside) {
    if (beside.sent.empty() && beside.received.empty() && beside.checkpoint == nullptr &&
        changes.timers_set.empty() && changes.timers_cancelled.empty() &&
        changes.topics_joined.empty() && changes.topics_left.empty()) {
      return nullptr;
    }
    auto extras = std::make_unique<Extras>();
    for (const Outgoing& message : beside.sent) {
      Outgoing whole = message;
      whole.sender = subject.address;
      whole.incarnation = subject.incarnation;
      extras->sent.push_back({.number = message.number, .body = encode(whole)});
      extras->bytes += extras->sent.back().body.size();
    }
    for (const Outgoing& message : beside.received) extras->received.push_back(key_of(message));
    for (const Timer& timer : changes.timers_set) {
      extras->timers_set.push_back(
          {.name = timer.name,
           .due_ns = timer.due_ns,
           .body = encode(Alarm{std::string(subject.address), subject.incarnation, timer})});
      extras->bytes += extras->timers_set.back().body.size();
    }
    extras->timers_cancelled = changes.timers_cancelled;
    extras->topics_joined = changes.topics_joined;
    extras->topics_left = changes.topics_left;
    if (beside.checkpoint != nullptr) {
      assert(SubjectView(beside.checkpoint->subject) == subject &&
             "the checkpoint holds its own entry");
      extras->checkpoint = encode(*beside.checkpoint);
      extras->bytes += extras->checkpoint.size();
    }
    return extras;
  }

  Writer& writer_;
  Packing& packing_;
  const Bounds& bounds_;
  const std::shared_ptr<AppenderState> state_ = std::make_shared<AppenderState>();
  std::unique_ptr<Bundle> bundle_;  // what has been appended and not flushed; null: nothing
  std::vector<Checkpoint> kept_;    // of entries in it
  std::uint64_t epoch_ = 1;
  Ticket last_ticket_ = 0;
  Ticket flushed_ = 0;  // the last in this epoch
};

class SqliteJournal final : public Journal {
 public:
  SqliteJournal(const SqliteOptions& options, std::unique_ptr<Writer> writer)
      : bounds_(options.bounds), writer_(std::move(writer)) {}
  SqliteJournal(const SqliteJournal&) = delete;
  SqliteJournal& operator=(const SqliteJournal&) = delete;
  ~SqliteJournal() override {
    packing_.end();
    if (packer_.joinable()) packer_.join();
    reading_.end();
    for (std::thread& thread : threads_) thread.join();
  }

  Result<> start(const SqliteOptions& options) {
    for (std::size_t i = 0; i < std::max<std::size_t>(bounds_.readers, 1); ++i) {
      TRY(Database database, Database::open(options.file, Database::Mode::read, options.vfs));
      TRY(Store store, Store::create(std::move(database)));
      threads_.emplace_back([this, mine = std::move(store)]() mutable {
        reading_.run([&mine](const std::function<void(Store&)>& read) { read(mine); });
      });
    }
    packer_ = std::thread([this] {
      packing_.run([this](const Unpacked& unpacked) {
        const Checkpoint& checkpoint = unpacked.checkpoint;
        writer_->push(Kept{.appender = unpacked.appender,
                           .epoch = unpacked.epoch,
                           .ticket = unpacked.ticket,
                           .subject = checkpoint.subject,
                           .turn = checkpoint.turn,
                           .time_ns = checkpoint.last_time_ns,
                           .body = encode(checkpoint)});
      });
    });
    return {};
  }

  std::unique_ptr<Appender> appender(Committed& committed) override {
    return std::make_unique<SqliteAppender>(*writer_, packing_, bounds_, ++appenders_, committed);
  }

  void load(std::string address, std::optional<At> at, Reply<std::optional<Past>> reply) override {
    read(std::move(reply), [this, address = std::move(address), at](Store& store) {
      return store.load(address, at, writer_->index().find(address));
    });
  }

  void history(std::string address,
               std::uint64_t from,
               std::size_t limit,
               Reply<std::vector<Entry>> reply) override {
    read(std::move(reply), [this, address = std::move(address), from, limit](Store& store) {
      return store.history(address, from, limit, writer_->index().find(address));
    });
  }

  void list(std::string prefix,
            std::string after,
            std::size_t limit,
            Reply<std::vector<ActorLine>> reply) override {
    read(std::move(reply),
         [this, prefix = std::move(prefix), after = std::move(after), limit](Store& store) {
           return store.list(prefix, after, limit, writer_->index().range(prefix, after, limit));
         });
  }

  void timers(std::int64_t until_ns,
              Alarm after,
              std::size_t limit,
              Reply<std::vector<Alarm>> reply) override {
    read(std::move(reply), [until_ns, after = std::move(after), limit](Store& store) {
      return store.timers(until_ns, after, limit);
    });
  }

  void subscriptions(Subscription after,
                     std::size_t limit,
                     Reply<std::vector<Subscription>> reply) override {
    read(std::move(reply), [after = std::move(after), limit](Store& store) {
      return store.subscriptions(after, limit);
    });
  }

  void outbox(Outgoing after, std::size_t limit, Reply<std::vector<Outgoing>> reply) override {
    read(std::move(reply),
         [after = std::move(after), limit](Store& store) { return store.outbox(after, limit); });
  }

  void forget(std::string address, Reply<void> reply) override {
    writer_->forget(std::move(address), std::move(reply));
  }
  void prune(Reply<std::uint64_t> reply) override { writer_->prune(std::move(reply)); }
  Health health() const override { return writer_->health(); }
  Counters counters() const override { return writer_->counters(); }

 private:
  template <class T, class Read>
  void read(Reply<T> reply, Read read) {
    // Shared, since a std::function is copied.
    auto answer = std::make_shared<Reply<T>>(std::move(reply));
    if (!reading_.reserve(1, bounds_.reads_max)) {
      (*answer)(Error{fmt::format("{} reads of the journal are waiting: try again in a moment",
                                  bounds_.reads_max)});
      return;
    }
    reading_.push(
        [answer, read = std::move(read)](Store& store) mutable { (*answer)(read(store)); }, 1);
  }

  const Bounds bounds_;
  const std::unique_ptr<Writer> writer_;
  std::atomic<std::uint64_t> appenders_ = 0;
  Packing packing_;
  Reading reading_;
  std::thread packer_;
  std::vector<std::thread> threads_;
};

}  // namespace

std::string_view name_of(Refusal refusal) {
  constexpr std::array<std::string_view, 5> names = {
      "full", "refusing", "failed", "not owner", "too large"};
  return names[static_cast<std::size_t>(refusal)];
}

std::string_view text_of(Refusal refusal) {
  constexpr std::array<std::string_view, 5> texts = {
      "the journal has all the work it can take; try again in a moment",
      "the journal cannot be written at the moment; try again later",
      "the journal could not be written; the actor goes back to its last commit",
      "another server has taken over this actor",
      "the turn's record is larger than the journal takes"};
  return texts[static_cast<std::size_t>(refusal)];
}

Result<std::unique_ptr<Journal>> open_sqlite(SqliteOptions options, const Clock& clock) {
  TRY(auto writer, Writer::open(options, clock));
  auto journal = std::make_unique<SqliteJournal>(options, std::move(writer));
  TRY_VOID(journal->start(options));
  return std::unique_ptr<Journal>(std::move(journal));
}

}  // namespace troupe::journal
