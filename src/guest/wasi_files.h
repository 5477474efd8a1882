// The functions of WASI preview 1 on files (files.h). Private to this folder.
#pragma once

#include "guest/files.h"
#include "guest/wasi_abi.h"
#include "guest/wasmtime.h"

#include <cstdint>
#include <functional>
#include <optional>

namespace troupe::guest {

struct Call;

// Work that a guest waits for: first on another thread, without the guest, then with its memory.
struct FileWork {
  std::function<void()> work;
  std::function<Errno()> finish;
  wasmtime_val_t* result;
};

// One call of such a function. Its arguments are those of WASI, by their place.
struct FileCall {
  Call& call;
  Files& files;
  GuestMemory memory;
  const wasmtime_val_t* arguments;

  std::uint32_t u32(std::size_t at) const {
    return static_cast<std::uint32_t>(arguments[at].of.i32);
  }
  std::uint64_t u64(std::size_t at) const {
    return static_cast<std::uint64_t>(arguments[at].of.i64);
  }
};

// Each answers at once, or leaves work (Call::file_work) and nothing.
using FileFunction = std::optional<Errno> (*)(const FileCall&);

namespace wasi_files {

std::optional<Errno> fd_advise(const FileCall&);
std::optional<Errno> fd_allocate(const FileCall&);
std::optional<Errno> fd_close(const FileCall&);
std::optional<Errno> fd_datasync(const FileCall&);
std::optional<Errno> fd_fdstat_get(const FileCall&);
std::optional<Errno> fd_fdstat_set_flags(const FileCall&);
std::optional<Errno> fd_filestat_get(const FileCall&);
std::optional<Errno> fd_filestat_set_size(const FileCall&);
std::optional<Errno> fd_filestat_set_times(const FileCall&);
std::optional<Errno> fd_pread(const FileCall&);
std::optional<Errno> fd_prestat_get(const FileCall&);
std::optional<Errno> fd_prestat_dir_name(const FileCall&);
std::optional<Errno> fd_pwrite(const FileCall&);
std::optional<Errno> fd_read(const FileCall&);
std::optional<Errno> fd_readdir(const FileCall&);
std::optional<Errno> fd_renumber(const FileCall&);
std::optional<Errno> fd_seek(const FileCall&);
std::optional<Errno> fd_sync(const FileCall&);
std::optional<Errno> fd_tell(const FileCall&);
std::optional<Errno> fd_write(const FileCall&);
std::optional<Errno> path_create_directory(const FileCall&);
std::optional<Errno> path_filestat_get(const FileCall&);
std::optional<Errno> path_filestat_set_times(const FileCall&);
std::optional<Errno> path_link(const FileCall&);
std::optional<Errno> path_open(const FileCall&);
std::optional<Errno> path_readlink(const FileCall&);
std::optional<Errno> path_remove_directory(const FileCall&);
std::optional<Errno> path_rename(const FileCall&);
std::optional<Errno> path_symlink(const FileCall&);
std::optional<Errno> path_unlink_file(const FileCall&);

}  // namespace wasi_files

}  // namespace troupe::guest
