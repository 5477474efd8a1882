// SQLite's log (the file "-wal"), written in few large pieces.
//
// SQLite writes its log page by page, each with a head of its own: two system calls for 4 KiB. But
// nobody reads a commit there before it is synced. So what SQLite appends is gathered here and
// written at the sync, or before anything else is done with the file. Where a torn write may damage
// what is beside it, SQLite fills the last sector after the sync: there nothing is gathered.
//
// A VFS of SQLite over another (https://sqlite.org/vfs.html): of all files the log alone is ours,
// the others are the other VFS's own. For a connection that writes with `synchronous = FULL`; those
// that read need nothing of it. One connection at a time.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <string>

namespace troupe::journal {

class GatheredLog {
 public:
  // What is more is written before the sync. The largest page that SQLite knows, and so the most a
  // VFS is ever asked to write at once: its own takes 128 KiB for nothing, and says the disk is
  // full.
  static constexpr std::size_t gathered_bytes_max = std::size_t{64} << 10;

  // Over the VFS of this name; empty for SQLite's own. Registered under name() while this lives,
  // which is longer than every connection that was opened by it.
  explicit GatheredLog(const std::string& under);
  GatheredLog(const GatheredLog&) = delete;
  GatheredLog& operator=(const GatheredLog&) = delete;
  ~GatheredLog();

  const std::string& name() const { return name_; }

  // After a rollback, before anything else: what was gathered is of no commit, and somebody else
  // may write there next.
  void forget();

  struct File;

 private:
  struct Vfs : sqlite3_vfs {
    sqlite3_vfs* under = nullptr;  // null when there is none of that name
    File* file = nullptr;          // null while there is none
  };
  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out);

  const std::string name_;
  Vfs vfs_{};  // SQLite has its address
};

}  // namespace troupe::journal
