#include "socket/static_files.h"

#include "wire/http_date.h"
#include "wire/mime.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace troupe::socket {

namespace {

// One that begins with a dot, "." and ".." among them.
bool has_hidden_segment(std::string_view path) {
  for (std::size_t slash = path.find("/."); slash != path.npos;
       slash = path.find("/.", slash + 1)) {
    if (!path.substr(slash).starts_with("/.well-known/")) return true;
  }
  return false;
}

// Where an open file lies, as the kernel knows it.
std::string real_path(const FileDescriptor& file) {
  std::array<char, PATH_MAX> path;
  const std::string link = fmt::format("/proc/self/fd/{}", file.number());
  const ssize_t size = ::readlink(link.c_str(), path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : std::string();
}

}  // namespace

Result<StaticFiles> StaticFiles::create(const std::filesystem::path& root) {
  FileDescriptor folder(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open()) {
    return Error{fmt::format("the folder of static files {} cannot be opened: {}",
                             root.string(),
                             std::generic_category().message(errno))};
  }
  std::string real_root = real_path(folder);
  if (real_root.empty()) {
    return Error{
        fmt::format("the folder of static files {} cannot be served: /proc is not mounted, and "
                    "without it links that lead out of the folder could not be told",
                    root.string())};
  }
  if (!real_root.ends_with('/')) real_root += '/';
  return StaticFiles(std::move(folder), std::move(real_root));
}

bool StaticFiles::contains(const FileDescriptor& file) const {
  return real_path(file).starts_with(real_root_);
}

std::variant<StaticFile, FolderWithoutSlash, NoSuchFile> StaticFiles::open(
    std::string_view path) const {
  const bool has_empty_segment = path.find("//") != path.npos;
  if (!path.starts_with('/') || has_empty_segment || has_hidden_segment(path)) return NoSuchFile{};
  std::string relative(path.substr(1));
  if (relative.empty() || relative.ends_with('/')) relative += "index.html";

  // A pipe or a device would be waited for, or taken for a terminal.
  constexpr int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  FileDescriptor file(::openat(root_.number(), relative.c_str(), flags));
  struct stat status{};
  if (!file.is_open() || ::fstat(file.number(), &status) != 0 || !contains(file))
    return NoSuchFile{};
  if (S_ISDIR(status.st_mode)) {
    return path.ends_with('/') ? decltype(open(path))(NoSuchFile{}) : FolderWithoutSlash{};
  }
  if (!S_ISREG(status.st_mode)) return NoSuchFile{};

  const auto size = static_cast<std::uint64_t>(status.st_size);
  return StaticFile{.descriptor = std::move(file),
                    .size = size,
                    .content_type = std::string(wire::content_type_of(relative)),
                    .etag = fmt::format("\"{:x}-{:x}-{:x}{:08x}\"",
                                        status.st_ino,
                                        size,
                                        status.st_mtim.tv_sec,
                                        status.st_mtim.tv_nsec),
                    .last_modified = wire::http_date(status.st_mtim.tv_sec)};
}

std::optional<std::string> read_piece(const FileDescriptor& file,
                                      std::uint64_t offset,
                                      std::size_t size) {
  std::string piece(size, '\0');
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t got = ::pread(
        file.number(), piece.data() + filled, size - filled, static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  piece.resize(filled);
  return piece;
}

}  // namespace troupe::socket
