// The journal on a disk that fails: what was said to be durable is there afterwards, whatever the
// disk has lost.
#include "journal/faulty_disk.h"

#include "journal/inspect.h"
#include "journal/testing.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace troupe::journal {

namespace fs = std::filesystem;

// What a file has on the disk for certain, and what was written since.
struct FaultyFile {
  struct Change {
    std::size_t offset = 0;
    std::string bytes;
    bool truncates = false;  // to `offset`
  };
  std::string synced;
  std::vector<Change> pending;

  static void apply(std::string& text, const Change& change, std::size_t count) {
    if (change.truncates) {
      text.resize(std::min(text.size(), change.offset));
      return;
    }
    if (text.size() < change.offset + count) text.resize(change.offset + count, '\0');
    text.replace(change.offset, count, change.bytes, 0, count);
  }
};

struct FaultyDisk::State {
  State(std::uint64_t seed, Promise promise) : random(seed), promise(promise) {}

  // Whether the next write or sync goes through; else SQLite's code for why not.
  int next() {
    const std::uint64_t left = operations_left.load();
    if (left == 0 && fault.load() == Fault::none) fault = Fault::error;
    if (left != 0 && left != forever) operations_left = left - 1;
    switch (fault.load()) {
      case Fault::none:
        return SQLITE_OK;
      case Fault::full:
        return SQLITE_FULL;
      case Fault::error:
        return SQLITE_IOERR_WRITE;
    }
    return SQLITE_OK;
  }

  static constexpr std::uint64_t forever = std::numeric_limits<std::uint64_t>::max();
  static State* current;

  Random random;
  const Promise promise;
  std::atomic<Fault> fault = Fault::none;
  std::atomic<std::uint64_t> operations_left = forever;
  std::mutex mutex;  // guards the files
  std::map<std::string, FaultyFile> files;
  sqlite3_vfs* real = nullptr;
  sqlite3_vfs vfs{};
};

FaultyDisk::State* FaultyDisk::State::current = nullptr;

namespace {

using State = FaultyDisk::State;

constexpr std::size_t part_bytes = 4096;

// SQLite's file of ours; the system's follows it in memory.
struct Handle {
  sqlite3_file base;
  std::string* path;  // null for files without a name
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

Handle& handle_of(sqlite3_file* file) {
  return *reinterpret_cast<Handle*>(file);
}
sqlite3_file* real_of(sqlite3_file* file) {
  return handle_of(file).real();
}

int close_file(sqlite3_file* file) {
  delete handle_of(file).path;
  handle_of(file).path = nullptr;
  return real_of(file)->pMethods->xClose(real_of(file));
}
int read_file(sqlite3_file* file, void* to, int count, sqlite3_int64 offset) {
  return real_of(file)->pMethods->xRead(real_of(file), to, count, offset);
}
int write_file(sqlite3_file* file, const void* from, int count, sqlite3_int64 offset) {
  State& state = *State::current;
  if (const int code = state.next(); code != SQLITE_OK) return code;
  if (const std::string* path = handle_of(file).path) {
    const std::lock_guard lock(state.mutex);
    // Of a large piece the disk may have any part.
    const std::string_view bytes(static_cast<const char*>(from), static_cast<std::size_t>(count));
    for (std::size_t at = 0; at < bytes.size(); at += part_bytes) {
      state.files[*path].pending.push_back({.offset = static_cast<std::size_t>(offset) + at,
                                            .bytes = std::string(bytes.substr(at, part_bytes))});
    }
  }
  return real_of(file)->pMethods->xWrite(real_of(file), from, count, offset);
}
int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  State& state = *State::current;
  if (const int code = state.next(); code != SQLITE_OK) return code;
  if (const std::string* path = handle_of(file).path) {
    const std::lock_guard lock(state.mutex);
    state.files[*path].pending.push_back(
        {.offset = static_cast<std::size_t>(size), .truncates = true});
  }
  return real_of(file)->pMethods->xTruncate(real_of(file), size);
}
int sync_file(sqlite3_file* file, int) {
  State& state = *State::current;
  if (state.next() != SQLITE_OK) return SQLITE_IOERR_FSYNC;
  if (const std::string* path = handle_of(file).path) {
    const std::lock_guard lock(state.mutex);
    FaultyFile& own = state.files[*path];
    for (const FaultyFile::Change& change : own.pending) {
      FaultyFile::apply(own.synced, change, change.bytes.size());
    }
    own.pending.clear();
  }
  return SQLITE_OK;
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real_of(file)->pMethods->xFileSize(real_of(file), size);
}
int lock_file(sqlite3_file* file, int level) {
  return real_of(file)->pMethods->xLock(real_of(file), level);
}
int unlock_file(sqlite3_file* file, int level) {
  return real_of(file)->pMethods->xUnlock(real_of(file), level);
}
int check_lock(sqlite3_file* file, int* result) {
  return real_of(file)->pMethods->xCheckReservedLock(real_of(file), result);
}
int control(sqlite3_file* file, int operation, void* argument) {
  return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}
int sector_size(sqlite3_file* file) {
  return real_of(file)->pMethods->xSectorSize(real_of(file));
}
int characteristics(sqlite3_file*) {
  return State::current->promise == FaultyDisk::Promise::nothing ? 0
                                                                 : SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}
int map_shared(sqlite3_file* file, int page, int size, int extend, volatile void** out) {
  return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, out);
}
int lock_shared(sqlite3_file* file, int offset, int count, int flags) {
  return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}
void barrier(sqlite3_file* file) {
  real_of(file)->pMethods->xShmBarrier(real_of(file));
}
int unmap_shared(sqlite3_file* file, int remove) {
  return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

const sqlite3_io_methods methods{2,
                                 close_file,
                                 read_file,
                                 write_file,
                                 truncate_file,
                                 sync_file,
                                 file_size,
                                 lock_file,
                                 unlock_file,
                                 check_lock,
                                 control,
                                 sector_size,
                                 characteristics,
                                 map_shared,
                                 lock_shared,
                                 barrier,
                                 unmap_shared,
                                 nullptr,
                                 nullptr};

int open_file(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  State& state = *State::current;
  Handle& handle = handle_of(file);
  handle.base.pMethods = nullptr;
  handle.path = nullptr;
  const int code = state.real->xOpen(state.real, path, handle.real(), flags, out_flags);
  if (code != SQLITE_OK) return code;
  handle.base.pMethods = &methods;
  if (path == nullptr) return SQLITE_OK;
  handle.path = new std::string(path);
  const std::lock_guard lock(state.mutex);
  if (!state.files.contains(path)) {
    std::ifstream stream(path, std::ios::binary);
    state.files[path].synced.assign(std::istreambuf_iterator<char>(stream), {});
  }
  return SQLITE_OK;
}
int delete_file(sqlite3_vfs*, const char* path, int sync) {
  State& state = *State::current;
  {
    const std::lock_guard lock(state.mutex);
    state.files.erase(path);
  }
  return state.real->xDelete(state.real, path, sync);
}

}  // namespace

FaultyDisk::FaultyDisk(std::uint64_t seed, Promise promise)
    : state_(std::make_unique<State>(seed, promise)) {
  State& state = *state_;
  State::current = &state;
  state.real = sqlite3_vfs_find(nullptr);
  state.vfs = *state.real;
  state.vfs.zName = "faulty";
  state.vfs.pNext = nullptr;
  state.vfs.szOsFile = static_cast<int>(sizeof(Handle)) + state.real->szOsFile;
  state.vfs.xOpen = open_file;
  state.vfs.xDelete = delete_file;
  sqlite3_vfs_register(&state.vfs, 0);
}

FaultyDisk::~FaultyDisk() {
  sqlite3_vfs_unregister(&state_->vfs);
  State::current = nullptr;
}

void FaultyDisk::fail(Fault fault) {
  state_->operations_left = State::forever;
  state_->fault = fault;
}

void FaultyDisk::fail_after(std::uint64_t operations) {
  state_->operations_left = operations;
}

void FaultyDisk::crash() {
  State& state = *state_;
  fail(Fault::none);
  for (auto& [path, file] : state.files) {
    std::string text = file.synced;
    for (const FaultyFile::Change& change : file.pending) {
      if (state.random.one_in(2)) continue;
      const bool is_torn = state.random.one_in(4);
      FaultyFile::apply(
          text,
          change,
          is_torn ? state.random.below(change.bytes.size() + 1) : change.bytes.size());
    }
    file.pending.clear();
    file.synced = text;
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
    // It is memory, and gone.
    fs::remove(path + "-shm");
  }
}

namespace {

constexpr std::size_t actors = 6;

// Appends turns of several actors, and remembers which were said to be durable.
class FaultyDiskTest : public testing::TestWithParam<FaultyDisk::Promise> {
 protected:
  void open() {
    told_.emplace();
    auto opened = open_sqlite({.file = folder_.file(),
                               .bounds = bounds_,
                               .vfs = FaultyDisk::name(),
                               .on_recovery = [this] { ++recoveries_; }},
                              clock_);
    ASSERT_TRUE(opened.has_value()) << opened.error().message << ' ' << random_.seed();
    journal_ = std::move(*opened);
    appender_ = journal_->appender(*told_);
    for (std::size_t i = 0; i < partitions; ++i) appender_->claim(static_cast<std::uint8_t>(i));
    waiting_.clear();
  }
  void close() {
    appender_.reset();
    journal_.reset();
  }

  static std::string address(std::size_t actor) { return "todo/" + std::to_string(actor); }

  // False when it failed.
  bool wait_for_last() {
    appender_->flush();
    return told_->wait_for(waiting_.back().first);
  }

  // False when the journal takes no more.
  bool append_one() {
    const std::size_t actor = random_.below(actors);
    const std::uint64_t number = appended_[actor] + 1;
    Record record = a_turn(number, random_.text(random_.one_in(10) ? 30'000 : 200));
    const Appended done = appender_->append({address(actor), 77, number}, record);
    if (!done) return false;
    ++appended_[actor];
    if (random_.one_in(3)) appender_->flush();
    waiting_.emplace_back(done.ticket, actor);
    if (random_.one_in(20)) {
      appender_->keep({.subject = {address(actor), 77, number},
                       .turn = number,
                       .last_time_ns = record.time_ns,
                       .code = "00ff",
                       .state = "{}",
                       .memory = random_.text(20'000)});
    }
    return true;
  }
  void note_durable() {
    const Ticket last = told_->last();
    while (!waiting_.empty() && waiting_.front().first <= last) {
      ++durable_[waiting_.front().second];
      waiting_.erase(waiting_.begin());
    }
  }

  // Everything that was durable is there, and nothing but a continuation of it.
  void expect_all() {
    for (std::size_t actor = 0; actor < actors; ++actor) {
      const auto entries = history(*journal_, address(actor));
      ASSERT_TRUE(entries.has_value()) << entries.error().message << ' ' << random_.seed();
      ASSERT_GE(entries->size(), durable_[actor]) << random_.seed();
      ASSERT_LE(entries->size(), appended_[actor]) << random_.seed();
      for (std::size_t i = 0; i < entries->size(); ++i) {
        ASSERT_EQ((*entries)[i].subject.number, entries->size() - i) << random_.seed();
      }
      appended_[actor] = durable_[actor] = entries->size();
    }
    const auto verified = verify(folder_.file());
    ASSERT_TRUE(verified.has_value()) << verified.error().message << ' ' << random_.seed();
    EXPECT_EQ(verified->problems, std::vector<std::string>()) << random_.seed();
  }

  Random random_;
  Folder folder_;
  FaultyDisk disk_{random_(), GetParam()};
  StoppedClock clock_;
  Bounds bounds_{.probe_every = std::chrono::milliseconds(5)};
  std::optional<Told> told_;
  std::atomic<int> recoveries_ = 0;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Appender> appender_;
  std::vector<std::pair<Ticket, std::size_t>> waiting_;
  std::array<std::uint64_t, actors> appended_{};
  std::array<std::uint64_t, actors> durable_{};
};

TEST_P(FaultyDiskTest, WhatWasDurableSurvivesTheLossOfPower) {
  for (int round = 0; round < 40; ++round) {
    open();
    if (HasFatalFailure()) return;
    expect_all();
    if (HasFatalFailure()) return;
    disk_.fail_after(random_.below(120));
    for (int i = 0; i < 400 && append_one(); ++i) {
      if (random_.one_in(5)) wait_for_last();
    }
    // From here on nothing more reaches the disk; what was told until then holds.
    disk_.fail(FaultyDisk::Fault::error);
    close();
    note_durable();
    disk_.crash();
  }
  open();
  expect_all();
  EXPECT_GT(*std::ranges::max_element(durable_), 0U);
  close();
}

TEST_P(FaultyDiskTest, AFullDiskRefusesAndRecoversByItself) {
  open();
  for (const FaultyDisk::Fault fault : {FaultyDisk::Fault::full, FaultyDisk::Fault::error}) {
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(append_one());
    ASSERT_TRUE(wait_for_last());
    note_durable();
    ASSERT_TRUE(waiting_.empty());

    const int before = recoveries_;
    disk_.fail(fault);
    ASSERT_TRUE(append_one());
    EXPECT_FALSE(wait_for_last());
    EXPECT_NE(told_->take_failure(), "");
    EXPECT_TRUE(journal_->health().refusing);
    EXPECT_NE(journal_->health().why, "");
    appender_->recover();
    const Appended refused = appender_->append({address(0), 77, durable_[0] + 1}, a_turn(1));
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.refusal, Refusal::refusing);
    expect_all();  // reads go on
    waiting_.clear();

    disk_.fail(FaultyDisk::Fault::none);
    while (recoveries_ == before) std::this_thread::yield();
    EXPECT_FALSE(journal_->health().refusing);
  }
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(append_one());
  ASSERT_TRUE(wait_for_last());
  note_durable();
  close();
  open();
  expect_all();
  close();
}

INSTANTIATE_TEST_SUITE_P(OfADisk,
                         FaultyDiskTest,
                         testing::Values(FaultyDisk::Promise::powersafe_overwrite,
                                         FaultyDisk::Promise::nothing),
                         [](const auto& info) {
                           return info.param == FaultyDisk::Promise::nothing
                                      ? "ThatPromisesNothing"
                                      : "ThatTearsOnlyItsOwn";
                         });

}  // namespace
}  // namespace troupe::journal
