#include "guest/wasi_files.h"

#include "guest/call.h"

#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace troupe::guest::wasi_files {

namespace {

using OpenPtr = Files::OpenPtr;
using Answer = std::optional<Errno>;

// Of one read or write; what is asked beyond it is left for the next one, as the kernel does.
constexpr std::size_t transfer_bytes_max = std::size_t{1} << 20;
constexpr std::size_t vectors_max = 1024;
constexpr std::size_t path_bytes_max = 4096;

Errno of_system(int error) {
  switch (error) {
    case 0:
      return Errno::success;
    case EACCES:
      return Errno::access;
    case EAGAIN:
      return Errno::again;
    case EBADF:
      return Errno::bad_descriptor;
    case EBUSY:
      return Errno::busy;
    case EEXIST:
      return Errno::exists;
    case EFBIG:
      return Errno::too_large;
    case EINVAL:
      return Errno::invalid;
    case EISDIR:
      return Errno::is_a_directory;
    case ELOOP:
      return Errno::loop;
    case EMFILE:
    case ENFILE:
      return Errno::too_many_descriptors;
    case EMLINK:
      return Errno::too_many_links;
    case ENAMETOOLONG:
      return Errno::name_too_long;
    case ENOENT:
      return Errno::no_entry;
    case ENOMEM:
      return Errno::no_memory;
    case ENOSPC:
    case EDQUOT:
      return Errno::no_space;
    case ENOSYS:
      return Errno::not_supported_at_all;
    case ENOTDIR:
      return Errno::not_a_directory;
    case ENOTEMPTY:
      return Errno::not_empty;
    case EOPNOTSUPP:
      return Errno::not_supported;
    case EOVERFLOW:
      return Errno::overflow;
    case EPERM:
      return Errno::not_permitted;
    case EPIPE:
      return Errno::broken_pipe;
    case EROFS:
      return Errno::read_only;
    case ESPIPE:
      return Errno::illegal_seek;
    case ETXTBSY:
      return Errno::text_busy;
    case EXDEV:
      return Errno::other_device;
    default:
      return Errno::io;
  }
}

// A result of the system: -1 leaves its reason in errno.
int error_of(long result) {
  return result < 0 ? errno : 0;
}

// Leaves work. `Outcome` is made by the work on the other thread, and given to `finish`.
template <class Outcome, class Work, class Finish>
Answer aside(const FileCall& c, Work work, Finish finish) {
  auto outcome = std::make_shared<Outcome>();
  c.call.file_work = FileWork{
      .work = [outcome, work = std::move(work)]() mutable { *outcome = work(); },
      .finish = [outcome, finish = std::move(finish)]() mutable { return finish(*outcome); }};
  return std::nullopt;
}

// For work with no other outcome than an errno.
template <class Work>
Answer aside(const FileCall& c, Work work) {
  return aside<int>(c, std::move(work), [](int error) { return of_system(error); });
}

// What is between a folder and the last part of a path is looked up by the kernel, and never leads
// out of the folder. -1 with errno.
int open_below(int folder, const std::string& path, std::uint64_t flags, std::uint64_t mode = 0) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  constexpr int tries_max = 8;  // somebody moves folders about at the same time
  for (int tried = 0;; ++tried) {
    const auto fd =
        static_cast<int>(::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how));
    if (fd >= 0 || errno != EAGAIN || tried == tries_max) {
      if (fd < 0 && errno == EXDEV) errno = EPERM;  // it would have led out
      return fd;
    }
  }
}

// The folder that holds what a path names, and its name there.
struct Place {
  Place(int folder, std::string path) {
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    const std::size_t slash = path.rfind('/');
    name = slash == std::string::npos ? path : path.substr(slash + 1);
    if (name.empty() || name == "." || name == "..") {
      error = EINVAL;
      return;
    }
    const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    parent_.emplace(open_below(folder, parent, O_PATH | O_DIRECTORY));
    if (!*parent_) error = errno;
  }

  int folder() const { return parent_->get(); }

  std::string name;
  int error = 0;

 private:
  std::optional<Descriptor> parent_;
};

std::optional<std::string> path_at(const FileCall& c, std::size_t argument) {
  const std::uint32_t at = c.u32(argument);
  const std::uint32_t length = c.u32(argument + 1);
  if (length > path_bytes_max || !c.memory.holds(at, length)) return std::nullopt;
  std::string path(c.memory.text(at, length));
  if (path.find('\0') != std::string::npos) return std::nullopt;
  return path;
}

// The file of argument `at` that is to be changed or not; an errno when it cannot.
struct Found {
  OpenPtr open;
  Errno error = Errno::success;
};

Found file(const FileCall& c, std::size_t at = 0) {
  OpenPtr open = c.files.find(c.u32(at));
  if (open == nullptr) return {nullptr, Errno::bad_descriptor};
  if (open->is_folder) return {nullptr, Errno::is_a_directory};
  return {std::move(open)};
}

Found folder(const FileCall& c, std::size_t at, bool changes) {
  OpenPtr open = c.files.find(c.u32(at));
  if (open == nullptr) return {nullptr, Errno::bad_descriptor};
  if (!open->is_folder) return {nullptr, Errno::not_a_directory};
  if (changes && open->read_only) return {nullptr, Errno::not_supported};
  return {std::move(open)};
}

// Something done to the last part of a path: work(folder, name) gives an errno.
template <class Work>
Answer at_place(const FileCall& c, std::size_t argument, Work work) {
  Found found = folder(c, argument, true);
  if (!found.open) return found.error;
  std::optional<std::string> path = path_at(c, argument + 1);
  if (!path) return Errno::invalid;
  return aside(c, [open = std::move(found.open), path = *std::move(path), work = std::move(work)] {
    const Place place(open->descriptor.get(), path);
    return place.error != 0 ? place.error : work(place.folder(), place.name);
  });
}

// The pieces of the guest's memory that a read fills or a write empties, together no more than the
// bound.
struct Pieces {
  std::vector<std::span<std::uint8_t>> list;
  std::size_t bytes = 0;
};

std::optional<Pieces> pieces_at(const FileCall& c) {
  const std::uint32_t vectors = c.u32(1);
  const std::uint32_t count = c.u32(2);
  if (!c.memory.holds(vectors, std::uint64_t{count} * 8)) return std::nullopt;
  Pieces pieces;
  for (std::uint32_t i = 0; i < std::min<std::size_t>(count, vectors_max); ++i) {
    std::uint32_t at = 0;
    std::uint32_t length = 0;
    c.memory.read(std::uint64_t{vectors} + 8ULL * i, at);
    c.memory.read(std::uint64_t{vectors} + 8ULL * i + 4, length);
    if (!c.memory.holds(at, length)) return std::nullopt;
    length = static_cast<std::uint32_t>(
        std::min<std::size_t>(length, transfer_bytes_max - pieces.bytes));
    if (length != 0) pieces.list.push_back(c.memory.range(at, length));
    pieces.bytes += length;
  }
  return pieces;
}

struct Transfer {
  std::string bytes;
  std::size_t count = 0;
  int error = 0;
};

// `result` is where the number of bytes is written, `offset` a place in the file or none.
Answer read_into(const FileCall& c, std::uint32_t result, std::optional<off_t> offset) {
  Found found = file(c);
  if (!found.open) return found.error;
  std::optional<Pieces> pieces = pieces_at(c);
  if (!pieces || !c.memory.holds(result, 4)) return Errno::fault;
  return aside<Transfer>(
      c,
      [open = std::move(found.open), offset, bytes = pieces->bytes] {
        Transfer transfer{.bytes = std::string(bytes, '\0')};
        const int fd = open->descriptor.get();
        const ssize_t count = offset ? ::pread(fd, transfer.bytes.data(), bytes, *offset)
                                     : ::read(fd, transfer.bytes.data(), bytes);
        transfer.error = error_of(count);
        transfer.count = static_cast<std::size_t>(std::max<ssize_t>(count, 0));
        return transfer;
      },
      [memory = c.memory, pieces = *std::move(pieces), result](const Transfer& transfer) {
        std::string_view bytes(transfer.bytes.data(), transfer.count);
        for (const auto& piece : pieces.list) {
          const std::size_t part = std::min(bytes.size(), piece.size());
          std::copy_n(bytes.data(), part, piece.data());
          bytes.remove_prefix(part);
        }
        memory.write(result, static_cast<std::uint32_t>(transfer.count));
        return of_system(transfer.error);
      });
}

Answer write_from(const FileCall& c, std::uint32_t result, std::optional<off_t> offset) {
  Found found = file(c);
  if (!found.open) return found.error;
  if (found.open->read_only) return Errno::not_supported;
  const std::optional<Pieces> pieces = pieces_at(c);
  if (!pieces || !c.memory.holds(result, 4)) return Errno::fault;
  std::string bytes;
  bytes.reserve(pieces->bytes);
  for (const auto& piece : pieces->list) {
    bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  }
  return aside<Transfer>(
      c,
      [open = std::move(found.open), offset, bytes = std::move(bytes)] {
        const int fd = open->descriptor.get();
        const ssize_t count = offset ? ::pwrite(fd, bytes.data(), bytes.size(), *offset)
                                     : ::write(fd, bytes.data(), bytes.size());
        return Transfer{.count = static_cast<std::size_t>(std::max<ssize_t>(count, 0)),
                        .error = error_of(count)};
      },
      [memory = c.memory, result](const Transfer& transfer) {
        memory.write(result, static_cast<std::uint32_t>(transfer.count));
        return of_system(transfer.error);
      });
}

enum FileType : std::uint8_t {
  unknown = 0,
  block_device = 1,
  character_device = 2,
  directory = 3,
  regular_file = 4,
  socket = 6,
  symbolic_link = 7,
};

FileType type_of(mode_t mode) {
  if (S_ISREG(mode)) return regular_file;
  if (S_ISDIR(mode)) return directory;
  if (S_ISLNK(mode)) return symbolic_link;
  if (S_ISCHR(mode)) return character_device;
  if (S_ISBLK(mode)) return block_device;
  if (S_ISSOCK(mode)) return socket;
  return unknown;
}

struct Status {
  struct stat stat;
  int error = 0;
};

constexpr std::size_t status_bytes = 64;

// As WASI lays it out.
auto give_status(const GuestMemory& memory, std::uint32_t to) {
  return [memory, to](const Status& status) {
    if (status.error != 0) return of_system(status.error);
    const struct stat& s = status.stat;
    const auto nanoseconds = [](const timespec& time) {
      return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
             static_cast<std::uint64_t>(time.tv_nsec);
    };
    const std::array<std::uint64_t, 8> words = {static_cast<std::uint64_t>(s.st_dev),
                                                static_cast<std::uint64_t>(s.st_ino),
                                                type_of(s.st_mode),
                                                static_cast<std::uint64_t>(s.st_nlink),
                                                static_cast<std::uint64_t>(s.st_size),
                                                nanoseconds(s.st_atim),
                                                nanoseconds(s.st_mtim),
                                                nanoseconds(s.st_ctim)};
    memory.write(to, words);
    return Errno::success;
  };
}

// Access and modification, by WASI's flags; nothing when they contradict each other.
std::optional<std::array<timespec, 2>> times_of(std::uint64_t accessed,
                                                std::uint64_t modified,
                                                std::uint32_t flags) {
  const auto time = [](std::uint64_t ns, bool given, bool now) {
    if (now) return timespec{.tv_sec = 0, .tv_nsec = UTIME_NOW};
    if (!given) return timespec{.tv_sec = 0, .tv_nsec = UTIME_OMIT};
    return timespec{.tv_sec = static_cast<time_t>(ns / 1'000'000'000),
                    .tv_nsec = static_cast<long>(ns % 1'000'000'000)};
  };
  const auto has = [&](std::uint32_t flag) { return (flags & flag) != 0; };
  if ((has(1) && has(2)) || (has(4) && has(8))) return std::nullopt;
  return std::array{time(accessed, has(1), has(2)), time(modified, has(4), has(8))};
}

template <class Work>
Answer with_file(const FileCall& c, bool changes, Work work) {
  Found found = file(c);
  if (!found.open) return found.error;
  if (changes && found.open->read_only) return Errno::not_supported;
  return aside(c, [open = std::move(found.open), work = std::move(work)] {
    return error_of(work(open->descriptor.get()));
  });
}

constexpr std::uint32_t append_flag = 1;
constexpr std::uint32_t data_sync_flag = 2;
constexpr std::uint32_t sync_flags = 8 | 16;

// The entries of a folder from the n-th on, as WASI lays them out, until the room is used up: the
// last one may be cut, which tells the guest that there are more.
std::string entries_of(int folder, std::uint64_t from, std::size_t room, int& error) {
  const int fd = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* list = fd < 0 ? nullptr : ::fdopendir(fd);
  if (list == nullptr) {
    error = errno;
    if (fd >= 0) ::close(fd);
    return {};
  }
  std::string out;
  for (std::uint64_t n = 0; out.size() < room; ++n) {
    errno = 0;
    const dirent* entry = ::readdir(list);
    if (entry == nullptr) {
      error = errno;
      break;
    }
    if (n < from) continue;
    const std::string_view name = entry->d_name;
    const std::array<std::uint64_t, 2> head = {n + 1, entry->d_ino};
    const std::array<std::uint32_t, 2> tail = {static_cast<std::uint32_t>(name.size()),
                                               type_of(DTTOIF(entry->d_type))};
    out.append(reinterpret_cast<const char*>(head.data()), sizeof head);
    out.append(reinterpret_cast<const char*>(tail.data()), sizeof tail);
    out.append(name);
  }
  ::closedir(list);
  if (out.size() > room) out.resize(room);
  return out;
}

}  // namespace

Answer fd_advise(const FileCall& c) {
  return file(c).error;
}

Answer fd_allocate(const FileCall& c) {
  const Found found = file(c);
  return found.open ? Errno::not_supported : found.error;
}

Answer fd_close(const FileCall& c) {
  OpenPtr open = c.files.remove(c.u32(0));
  if (open == nullptr) return Errno::bad_descriptor;
  // What it has written may have to go out first.
  return aside(c, [open = std::move(open)]() mutable {
    open.reset();
    return 0;
  });
}

Answer fd_datasync(const FileCall& c) {
  return with_file(c, false, [](int fd) { return ::fdatasync(fd); });
}

Answer fd_sync(const FileCall& c) {
  return with_file(c, false, [](int fd) { return ::fsync(fd); });
}

Answer fd_fdstat_get(const FileCall& c) {
  const OpenPtr open = c.files.find(c.u32(0));
  if (open == nullptr) return Errno::bad_descriptor;
  const std::uint32_t to = c.u32(1);
  if (!c.memory.holds(to, 24)) return Errno::fault;
  std::uint16_t flags = 0;
  if (!open->is_folder && (::fcntl(open->descriptor.get(), F_GETFL) & O_APPEND) != 0) {
    flags = append_flag;
  }
  // What may be done shows when it is tried.
  constexpr std::uint64_t all_rights = (1U << 29) - 1;
  c.memory.write(to, std::uint64_t{0});
  c.memory.write(to, open->is_folder ? directory : regular_file);
  c.memory.write(to + 2, flags);
  c.memory.write(to + 8, all_rights);
  c.memory.write(to + 16, all_rights);
  return Errno::success;
}

Answer fd_fdstat_set_flags(const FileCall& c) {
  const Found found = file(c);
  if (!found.open) return found.error;
  const int fd = found.open->descriptor.get();
  const int flags = ::fcntl(fd, F_GETFL);
  const bool append = (c.u32(1) & append_flag) != 0;
  return of_system(error_of(::fcntl(fd, F_SETFL, append ? flags | O_APPEND : flags & ~O_APPEND)));
}

Answer fd_filestat_get(const FileCall& c) {
  OpenPtr open = c.files.find(c.u32(0));
  if (open == nullptr) return Errno::bad_descriptor;
  if (!c.memory.holds(c.u32(1), status_bytes)) return Errno::fault;
  return aside<Status>(
      c,
      [open = std::move(open)] {
        Status status;
        status.error = error_of(::fstat(open->descriptor.get(), &status.stat));
        return status;
      },
      give_status(c.memory, c.u32(1)));
}

Answer fd_filestat_set_size(const FileCall& c) {
  return with_file(
      c, true, [size = static_cast<off_t>(c.u64(1))](int fd) { return ::ftruncate(fd, size); });
}

Answer fd_filestat_set_times(const FileCall& c) {
  const auto times = times_of(c.u64(1), c.u64(2), c.u32(3));
  if (!times) return Errno::invalid;
  return with_file(c, true, [times = *times](int fd) { return ::futimens(fd, times.data()); });
}

Answer fd_read(const FileCall& c) {
  return read_into(c, c.u32(3), std::nullopt);
}

Answer fd_pread(const FileCall& c) {
  return read_into(c, c.u32(4), static_cast<off_t>(c.u64(3)));
}

Answer fd_write(const FileCall& c) {
  return write_from(c, c.u32(3), std::nullopt);
}

Answer fd_pwrite(const FileCall& c) {
  return write_from(c, c.u32(4), static_cast<off_t>(c.u64(3)));
}

Answer fd_prestat_get(const FileCall& c) {
  const OpenPtr open = c.files.find(c.u32(0));
  if (open == nullptr || open->name.empty()) return Errno::bad_descriptor;
  // A folder, and the length of its name.
  const std::array<std::uint32_t, 2> prestat = {0, static_cast<std::uint32_t>(open->name.size())};
  return c.memory.write(c.u32(1), prestat) ? Errno::success : Errno::fault;
}

Answer fd_prestat_dir_name(const FileCall& c) {
  const OpenPtr open = c.files.find(c.u32(0));
  if (open == nullptr || open->name.empty()) return Errno::bad_descriptor;
  const std::uint32_t room = c.u32(2);
  if (open->name.size() > room) return Errno::name_too_long;
  if (!c.memory.holds(c.u32(1), room)) return Errno::fault;
  std::ranges::copy(open->name, c.memory.range(c.u32(1), room).begin());
  return Errno::success;
}

Answer fd_readdir(const FileCall& c) {
  Found found = folder(c, 0, false);
  if (!found.open) return found.error;
  const std::uint32_t to = c.u32(1);
  const std::uint32_t room = c.u32(2);
  const std::uint32_t used_to = c.u32(4);
  if (!c.memory.holds(to, room) || !c.memory.holds(used_to, 4)) return Errno::fault;
  return aside<Transfer>(
      c,
      [open = std::move(found.open), from = c.u64(3), room] {
        Transfer transfer;
        transfer.bytes = entries_of(open->descriptor.get(),
                                    from,
                                    std::min<std::size_t>(room, transfer_bytes_max),
                                    transfer.error);
        return transfer;
      },
      [memory = c.memory, to, used_to](const Transfer& transfer) {
        std::ranges::copy(transfer.bytes, memory.range(to, transfer.bytes.size()).begin());
        memory.write(used_to, static_cast<std::uint32_t>(transfer.bytes.size()));
        return of_system(transfer.error);
      });
}

Answer fd_renumber(const FileCall& c) {
  return c.files.renumber(c.u32(0), c.u32(1)) ? Errno::success : Errno::bad_descriptor;
}

Answer fd_seek(const FileCall& c) {
  const Found found = file(c);
  if (!found.open) return found.error;
  constexpr std::array whences = {SEEK_SET, SEEK_CUR, SEEK_END};
  const std::uint32_t whence = c.u32(2);
  if (whence >= whences.size()) return Errno::invalid;
  if (!c.memory.holds(c.u32(3), 8)) return Errno::fault;
  const off_t at =
      ::lseek(found.open->descriptor.get(), static_cast<off_t>(c.u64(1)), whences[whence]);
  if (at < 0) return of_system(errno);
  c.memory.write(c.u32(3), static_cast<std::uint64_t>(at));
  return Errno::success;
}

Answer fd_tell(const FileCall& c) {
  const Found found = file(c);
  if (!found.open) return found.error;
  const off_t at = ::lseek(found.open->descriptor.get(), 0, SEEK_CUR);
  if (at < 0) return of_system(errno);
  return c.memory.write(c.u32(1), static_cast<std::uint64_t>(at)) ? Errno::success : Errno::fault;
}

Answer path_create_directory(const FileCall& c) {
  return at_place(c, 0, [](int folder, const std::string& name) {
    return error_of(::mkdirat(folder, name.c_str(), 0777));
  });
}

Answer path_remove_directory(const FileCall& c) {
  return at_place(c, 0, [](int folder, const std::string& name) {
    return error_of(::unlinkat(folder, name.c_str(), AT_REMOVEDIR));
  });
}

Answer path_unlink_file(const FileCall& c) {
  return at_place(c, 0, [](int folder, const std::string& name) {
    return error_of(::unlinkat(folder, name.c_str(), 0));
  });
}

// Its first argument is what the link says, its second the link's own place.
Answer path_symlink(const FileCall& c) {
  std::optional<std::string> target = path_at(c, 0);
  if (!target) return Errno::invalid;
  // It would lead out of the folder for everybody else who follows it.
  if (target->starts_with('/')) return Errno::not_permitted;
  return at_place(c, 2, [target = *std::move(target)](int folder, const std::string& name) {
    return error_of(::symlinkat(target.c_str(), folder, name.c_str()));
  });
}

namespace {

// From one place to another: the old path's arguments begin at `from`, the new one's at `to`.
template <class Work>
Answer between_places(
    const FileCall& c, std::size_t from, std::size_t path, std::size_t to, Work work) {
  Found old_folder = folder(c, from, true);
  if (!old_folder.open) return old_folder.error;
  Found new_folder = folder(c, to, true);
  if (!new_folder.open) return new_folder.error;
  std::optional<std::string> old_path = path_at(c, path);
  std::optional<std::string> new_path = path_at(c, to + 1);
  if (!old_path || !new_path) return Errno::invalid;
  return aside(c,
               [old_open = std::move(old_folder.open),
                new_open = std::move(new_folder.open),
                old_path = *std::move(old_path),
                new_path = *std::move(new_path),
                work] {
                 const Place before(old_open->descriptor.get(), old_path);
                 if (before.error != 0) return before.error;
                 const Place after(new_open->descriptor.get(), new_path);
                 if (after.error != 0) return after.error;
                 return error_of(work(
                     before.folder(), before.name.c_str(), after.folder(), after.name.c_str()));
               });
}

}  // namespace

Answer path_rename(const FileCall& c) {
  return between_places(c, 0, 1, 3, ::renameat);
}

Answer path_link(const FileCall& c) {
  constexpr std::uint32_t follow = 1;
  if ((c.u32(1) & follow) != 0) return Errno::invalid;
  return between_places(
      c, 0, 2, 4, [](int old_folder, const char* old_name, int new_folder, const char* new_name) {
        return ::linkat(old_folder, old_name, new_folder, new_name, 0);
      });
}

Answer path_readlink(const FileCall& c) {
  Found found = folder(c, 0, false);
  if (!found.open) return found.error;
  std::optional<std::string> path = path_at(c, 1);
  if (!path) return Errno::invalid;
  const std::uint32_t to = c.u32(3);
  const std::uint32_t room = c.u32(4);
  const std::uint32_t used_to = c.u32(5);
  if (!c.memory.holds(to, room) || !c.memory.holds(used_to, 4)) return Errno::fault;
  return aside<Transfer>(
      c,
      [open = std::move(found.open), path = *std::move(path)] {
        Transfer transfer{.bytes = std::string(path_bytes_max, '\0')};
        const Place place(open->descriptor.get(), path);
        if (place.error != 0) return Transfer{.error = place.error};
        const ssize_t count = ::readlinkat(
            place.folder(), place.name.c_str(), transfer.bytes.data(), transfer.bytes.size());
        transfer.error = error_of(count);
        transfer.bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        return transfer;
      },
      [memory = c.memory, to, room, used_to](const Transfer& transfer) {
        const std::size_t count = std::min<std::size_t>(transfer.bytes.size(), room);
        std::copy_n(transfer.bytes.data(), count, memory.range(to, room).begin());
        memory.write(used_to, static_cast<std::uint32_t>(count));
        return of_system(transfer.error);
      });
}

Answer path_filestat_get(const FileCall& c) {
  Found found = folder(c, 0, false);
  if (!found.open) return found.error;
  std::optional<std::string> path = path_at(c, 2);
  if (!path) return Errno::invalid;
  if (!c.memory.holds(c.u32(4), status_bytes)) return Errno::fault;
  const std::uint64_t links = (c.u32(1) & 1) != 0 ? 0 : O_NOFOLLOW;
  return aside<Status>(
      c,
      [open = std::move(found.open), path = *std::move(path), links] {
        Status status;
        const Descriptor fd(open_below(open->descriptor.get(), path, O_PATH | links));
        status.error = fd ? error_of(::fstat(fd.get(), &status.stat)) : errno;
        return status;
      },
      give_status(c.memory, c.u32(4)));
}

Answer path_filestat_set_times(const FileCall& c) {
  Found found = folder(c, 0, true);
  if (!found.open) return found.error;
  std::optional<std::string> path = path_at(c, 2);
  const auto times = times_of(c.u64(4), c.u64(5), c.u32(6));
  if (!path || !times) return Errno::invalid;
  const std::uint64_t links = (c.u32(1) & 1) != 0 ? 0 : O_NOFOLLOW;
  return aside(c, [open = std::move(found.open), path = *std::move(path), times = *times, links] {
    const Descriptor fd(open_below(open->descriptor.get(), path, O_PATH | links));
    return fd ? error_of(::utimensat(fd.get(), "", times.data(), AT_EMPTY_PATH)) : errno;
  });
}

Answer path_open(const FileCall& c) {
  enum : std::uint32_t { create = 1, must_be_folder = 2, exclusive = 4, truncate = 8 };
  constexpr std::uint64_t right_to_read = (1U << 1) | (1U << 14);
  constexpr std::uint64_t right_to_write = (1U << 6) | (1U << 8) | (1U << 22);
  Found found = folder(c, 0, false);
  if (!found.open) return found.error;
  std::optional<std::string> path = path_at(c, 2);
  if (!path) return Errno::invalid;
  const std::uint32_t how = c.u32(4);
  const std::uint64_t rights = c.u64(5);
  const std::uint32_t file_flags = c.u32(7);
  const std::uint32_t to = c.u32(8);
  if (!c.memory.holds(to, 4)) return Errno::fault;

  const bool reads = (rights & right_to_read) != 0;
  const bool writes = (rights & right_to_write) != 0 && (how & must_be_folder) == 0;
  if (found.open->read_only && (writes || (how & (create | truncate)) != 0)) {
    return Errno::not_supported;
  }
  // What could keep the opening waiting, such as a pipe, is refused once it is open.
  std::uint64_t flags = O_NONBLOCK | O_NOCTTY;
  flags |= writes ? (reads ? O_RDWR : O_WRONLY) : O_RDONLY;
  if ((how & create) != 0) flags |= O_CREAT;
  if ((how & must_be_folder) != 0) flags |= O_DIRECTORY;
  if ((how & exclusive) != 0) flags |= O_EXCL;
  if ((how & truncate) != 0) flags |= O_TRUNC;
  if ((file_flags & append_flag) != 0) flags |= O_APPEND;
  if ((file_flags & data_sync_flag) != 0) flags |= O_DSYNC;
  if ((file_flags & sync_flags) != 0) flags |= O_SYNC;
  if ((c.u32(1) & 1) == 0) flags |= O_NOFOLLOW;

  struct Opened {
    OpenPtr open;
    int error = 0;
  };
  return aside<Opened>(
      c,
      [parent = std::move(found.open), path = *std::move(path), flags]() -> Opened {
        const std::uint64_t mode = (flags & O_CREAT) != 0 ? 0666 : 0;
        const int fd = open_below(parent->descriptor.get(), path, flags, mode);
        if (fd < 0) return {.error = errno};
        struct stat status{};
        const int error = error_of(::fstat(fd, &status));
        auto open =
            std::make_shared<const Files::Open>(fd, S_ISDIR(status.st_mode), parent->read_only);
        if (error != 0) return {.error = error};
        if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) return {.error = EPERM};
        return {.open = std::move(open)};
      },
      [&files = c.files, memory = c.memory, to](Opened& opened) {
        if (opened.error != 0) return of_system(opened.error);
        const std::optional<std::uint32_t> number = files.add(std::move(opened.open));
        if (!number) return Errno::too_many_descriptors;
        memory.write(to, *number);
        return Errno::success;
      });
}

}  // namespace troupe::guest::wasi_files
