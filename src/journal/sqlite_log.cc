#include "journal/sqlite_log.h"

#include <fmt/format.h>

#include <memory>
#include <string_view>

namespace troupe::journal {

// SQLite's file of the log; that of the VFS below follows it in memory.
struct GatheredLog::File {
  sqlite3_file base{};
  File** owner = nullptr;  // who knows it
  std::string gathered;
  sqlite3_int64 offset = 0;  // where it belongs
  bool gathers = false;

  sqlite3_file* under() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  const sqlite3_io_methods& methods() { return *under()->pMethods; }

  bool takes(std::string_view bytes, sqlite3_int64 at) const {
    return at == offset + static_cast<sqlite3_int64>(gathered.size()) &&
           gathered.size() + bytes.size() <= GatheredLog::gathered_bytes_max;
  }
  // What could not be written is forgotten: so is the transaction it is of.
  int write() {
    if (gathered.empty()) return SQLITE_OK;
    const int code =
        methods().xWrite(under(), gathered.data(), static_cast<int>(gathered.size()), offset);
    gathered.clear();
    return code;
  }
};

namespace {

using LogFile = GatheredLog::File;

LogFile& log_of(sqlite3_file* file) {
  return *reinterpret_cast<LogFile*>(file);
}

int close_log(sqlite3_file* file) {
  // What a commit has gathered was written at its sync.
  LogFile& log = log_of(file);
  *log.owner = nullptr;
  const int closed = log.methods().xClose(log.under());
  std::destroy_at(&log);
  return closed;
}

int write_log(sqlite3_file* file, const void* from, int count, sqlite3_int64 offset) {
  LogFile& log = log_of(file);
  const std::string_view bytes(static_cast<const char*>(from), static_cast<std::size_t>(count));
  if (!log.gathers) return log.methods().xWrite(log.under(), from, count, offset);
  if (!log.takes(bytes, offset)) {
    if (const int code = log.write(); code != SQLITE_OK) return code;
    log.offset = offset;
  }
  log.gathered += bytes;
  return SQLITE_OK;
}

// All else is done with the file as SQLite believes it to be.
template <auto Method, class... Arguments>
int written_first(sqlite3_file* file, Arguments... arguments) {
  LogFile& log = log_of(file);
  if (const int code = log.write(); code != SQLITE_OK) return code;
  return (log.methods().*Method)(log.under(), arguments...);
}

template <auto Method, class... Arguments>
int passed_on(sqlite3_file* file, Arguments... arguments) {
  LogFile& log = log_of(file);
  return (log.methods().*Method)(log.under(), arguments...);
}

using Methods = sqlite3_io_methods;
// Of the first version: a log is neither mapped nor shared.
constexpr Methods log_methods{
    .iVersion = 1,
    .xClose = close_log,
    .xRead = written_first<&Methods::xRead>,
    .xWrite = write_log,
    .xTruncate = written_first<&Methods::xTruncate>,
    .xSync = written_first<&Methods::xSync>,
    .xFileSize = written_first<&Methods::xFileSize>,
    .xLock = passed_on<&Methods::xLock>,
    .xUnlock = passed_on<&Methods::xUnlock>,
    .xCheckReservedLock = passed_on<&Methods::xCheckReservedLock>,
    .xFileControl = passed_on<&Methods::xFileControl>,
    .xSectorSize = passed_on<&Methods::xSectorSize>,
    .xDeviceCharacteristics = passed_on<&Methods::xDeviceCharacteristics>,
};

}  // namespace

GatheredLog::GatheredLog(const std::string& under)
    : name_(fmt::format("gathered-log-{}", fmt::ptr(this))) {
  sqlite3_vfs* const found = sqlite3_vfs_find(under.empty() ? nullptr : under.c_str());
  if (found == nullptr) return;  // who opens by name() is told so
  static_cast<sqlite3_vfs&>(vfs_) = *found;
  vfs_.under = found;
  vfs_.szOsFile = static_cast<int>(sizeof(File)) + found->szOsFile;
  vfs_.pNext = nullptr;
  vfs_.zName = name_.c_str();
  vfs_.xOpen = open;
  sqlite3_vfs_register(&vfs_, 0);
}

GatheredLog::~GatheredLog() {
  if (vfs_.under != nullptr) sqlite3_vfs_unregister(&vfs_);
}

int GatheredLog::open(
    sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  Vfs& own = *static_cast<Vfs*>(vfs);
  sqlite3_vfs* const below = own.under;
  if ((flags & SQLITE_OPEN_WAL) == 0) return below->xOpen(below, path, file, flags, out_flags);
  file->pMethods = nullptr;
  File& log = *std::construct_at(reinterpret_cast<File*>(file));
  const int code = below->xOpen(below, path, log.under(), flags, out_flags);
  if (code != SQLITE_OK) {
    if (log.under()->pMethods != nullptr) log.methods().xClose(log.under());
    std::destroy_at(&log);
    return code;
  }
  log.gathers =
      (log.methods().xDeviceCharacteristics(log.under()) & SQLITE_IOCAP_POWERSAFE_OVERWRITE) != 0;
  log.gathered.reserve(gathered_bytes_max);
  log.base.pMethods = &log_methods;
  log.owner = &own.file;
  own.file = &log;
  return SQLITE_OK;
}

void GatheredLog::forget() {
  if (vfs_.file != nullptr) vfs_.file->gathered.clear();
}

}  // namespace troupe::journal
