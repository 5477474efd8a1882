// What the tests of this folder share.
#pragma once

#include "base/clock.h"
#include "base/test_random.h"
#include "journal/journal.h"
#include "journal/sqlite_journal.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe::journal {

using test::Random;

inline std::vector<std::string> random_names(Random& random, std::string_view prefix) {
  std::vector<std::string> names;
  for (std::size_t i = random.below(4); i > 0; --i) {
    names.push_back(std::string(prefix) + std::to_string(i) + random.text(5));
  }
  std::ranges::sort(names);
  return names;
}

inline Timer random_timer(Random& random, std::string name) {
  return {.name = std::move(name),
          .event = random.text(10),
          .payload = random.text(30),
          .due_ns = static_cast<std::int64_t>(random()),
          .generation = random()};
}

inline Answer random_answer(Random& random) {
  if (random.one_in(2)) return random.text(20);
  return HttpAnswer{.status = static_cast<int>(random.below(1000)),
                    .headers = random.text(20),
                    .body = random.text(50),
                    .error = random.text(10),
                    .took_ns = static_cast<std::int64_t>(random() >> 1)};
}

inline Entry random_entry(Random& random) {
  Entry entry;
  entry.subject = {"todo/" + random.text(40), random(), 1 + random.below(1000)};
  entry.sequence = 1 + random() / 2;
  entry.has_checkpoint = random.one_in(2);
  Record& record = entry.record;
  record.kind = static_cast<Kind>(1 + random.below(8));
  record.turn = random();
  record.time_ns = static_cast<std::int64_t>(random() >> 2);
  record.last_time_ns = record.time_ns + static_cast<std::int64_t>(random.below(1000));
  record.code = random.one_in(2) ? "00ff12" : random.one_in(2) ? "Not hex" : "";
  record.result = static_cast<TurnResult>(random.below(3));
  record.committed = random.one_in(2);
  record.reason = random.text(20);
  if (is_turn(record.kind)) {
    for (std::uint8_t& byte : record.input_id) byte = static_cast<std::uint8_t>(random());
    record.function = random.text(12);
    record.input = random.text(random.one_in(20) ? 100'000 : 60);
    if (random.one_in(2)) record.seed.fill(7);
    for (std::size_t i = random.below(3); i > 0; --i)
      record.answers.push_back(random_answer(random));
    if (random.one_in(2)) record.start_up = {.time_ns = 5, .seed = {7}};
    if (random.one_in(2)) record.outcome.fill(9);
  } else if (record.kind == Kind::upgrade || record.kind == Kind::config) {
    record.input = random.text(20);
  } else if (record.kind == Kind::rewind || record.kind == Kind::fork) {
    record.source = {random.text(20), random(), random() | 1};
  }
  Changes& changes = entry.changes;
  changes.sent = random.one_in(2) ? random() : 0;
  for (std::string& name : random_names(random, "set")) {
    changes.timers_set.push_back(random_timer(random, std::move(name)));
  }
  changes.timers_cancelled = random_names(random, "cancelled");
  changes.topics_joined = random_names(random, "joined");
  changes.topics_left = random_names(random, "left");
  return entry;
}

inline Checkpoint random_checkpoint(Random& random) {
  Checkpoint checkpoint;
  checkpoint.subject = {"todo/" + random.text(40), random(), random()};
  checkpoint.turn = random();
  checkpoint.last_time_ns = static_cast<std::int64_t>(random());
  checkpoint.sent = random();
  checkpoint.timer_generation = random();
  checkpoint.code = random.one_in(2) ? "00ff12" : "";
  checkpoint.state = random.text(200);
  for (std::string& name : random_names(random, "var")) {
    checkpoint.vars.emplace_back(std::move(name), random.text(30));
  }
  for (std::string& name : random_names(random, "timer")) {
    checkpoint.timers.push_back(random_timer(random, std::move(name)));
  }
  checkpoint.topics = random_names(random, "topic");
  if (random.one_in(2)) checkpoint.memory = std::string(random.below(100'000), 'm');
  return checkpoint;
}

// A clock that stands where it is set.
class StoppedClock final : public Clock {
 public:
  std::int64_t now_ns() const override { return now_ns_; }
  std::atomic<std::int64_t> now_ns_ = 1'700'000'000'000'000'000;
};

// Remembers what it was told, and lets a test wait for it.
class Told final : public Committed {
 public:
  void committed(Ticket last) override {
    {
      const std::lock_guard lock(mutex_);
      last_ = last;
    }
    changed_.notify_all();
  }
  void failed(const Error& why) override {
    {
      const std::lock_guard lock(mutex_);
      failure_ = why.message;
    }
    changed_.notify_all();
  }

  Ticket last() const {
    const std::lock_guard lock(mutex_);
    return last_;
  }
  // What failed, and forgets it; empty when nothing did.
  std::string take_failure() {
    const std::lock_guard lock(mutex_);
    return std::exchange(failure_, {});
  }
  // True when the ticket was committed, false when something failed before.
  bool wait_for(Ticket ticket) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return last_ >= ticket || !failure_.empty(); });
    return last_ >= ticket;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Ticket last_ = 0;
  std::string failure_;
};

// Waits for the answer of a read.
template <class T>
struct Awaited {
  std::shared_ptr<std::promise<Result<T>>> promise = std::make_shared<std::promise<Result<T>>>();
  Journal::Reply<T> reply() {
    return [kept = promise](Result<T> result) { kept->set_value(std::move(result)); };
  }
  Result<T> get() { return promise->get_future().get(); }
};

inline Result<std::optional<Past>> load(Journal& journal,
                                        const std::string& address,
                                        std::optional<At> at = {}) {
  Awaited<std::optional<Past>> answer;
  journal.load(address, at, answer.reply());
  return answer.get();
}
inline Result<std::vector<Entry>> history(Journal& journal,
                                          const std::string& address,
                                          std::uint64_t from = 0,
                                          std::size_t limit = 1'000'000) {
  Awaited<std::vector<Entry>> answer;
  journal.history(address, from, limit, answer.reply());
  return answer.get();
}

inline Record a_turn(std::uint64_t turn, std::string input = "[1]") {
  Record record;
  record.turn = turn;
  record.kind = turn == 1 ? Kind::init : Kind::turn;
  record.function = turn == 1 ? "init" : "add";
  record.input = std::move(input);
  record.time_ns = 1'700'000'000'000'000'000 + static_cast<std::int64_t>(turn) * 1000;
  record.seed.fill(static_cast<std::uint8_t>(turn));
  record.code = "00112233445566778899aabbccddeeff";
  record.committed = true;
  record.outcome.fill(static_cast<std::uint8_t>(turn + 1));
  return record;
}

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "troupe-journal-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path file() const { return path_ / file_name; }

 private:
  std::filesystem::path path_;
};

}  // namespace troupe::journal
