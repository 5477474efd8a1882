#include "server/data_dir.h"

#include "base/random.h"

#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <span>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace troupe::server {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t session_key_bytes = 32;

Error system_error(std::string_view what, const fs::path& path) {
  return Error{fmt::format("cannot {} {}: {}",
                           what,
                           path.string(),
                           std::error_code(errno, std::generic_category()).message())};
}

class File {
 public:
  File(const fs::path& path, int flags, mode_t mode)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

 private:
  const int fd_;
};

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// What a small file holds, at most 4 KiB of it.
std::string read_some(int fd) {
  std::string text(4096, '\0');
  const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
}

}  // namespace

std::string new_session_key() {
  std::string key(session_key_bytes, '\0');
  Random().fill({reinterpret_cast<std::uint8_t*>(key.data()), key.size()});
  return key;
}

Result<std::unique_ptr<DataDir>> DataDir::open(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder, error)) {
    if (folder.has_parent_path()) fs::create_directories(folder.parent_path(), error);
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
      return system_error("make the folder", folder);
    }
  }
  const fs::path path = folder / "lock";
  const int lock = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return system_error("open", path);
  std::unique_ptr<DataDir> result(new DataDir(folder, lock));

  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_error("lock", path);
    std::string pid = read_some(lock);
    while (pid.ends_with('\n')) pid.pop_back();
    return Error{fmt::format(
        "the data folder {} is in use by another troupe, pid {}; end that one first, or give this "
        "one a folder of its own with --data or data_dir",
        folder.string(),
        pid.empty() ? "unknown" : pid)};
  }
  if (::ftruncate(lock, 0) != 0 || !write_all(lock, fmt::format("{}\n", ::getpid()))) {
    return system_error("write", path);
  }
  TRY_VOID(result->read_session_key());
  return result;
}

DataDir::~DataDir() {
  ::close(lock_);
}

Result<void> DataDir::read_session_key() {
  const fs::path path = folder_ / "session.key";
  if (File file(path, O_RDONLY, 0); file.is_open()) {
    session_key_ = read_some(file.fd());
    if (session_key_.size() == session_key_bytes) return {};
    return Error{fmt::format(
        "{} has {} bytes and must have {}; remove it to make a new one (browsers then lose their "
        "sessions)",
        path.string(),
        session_key_.size(),
        session_key_bytes)};
  }
  if (errno != ENOENT) return system_error("read", path);

  // Written aside and renamed, so that a crash leaves no half of a key.
  session_key_ = new_session_key();
  const fs::path aside = folder_ / "session.key.new";
  {
    File file(aside, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (!file.is_open() || !write_all(file.fd(), session_key_) || ::fsync(file.fd()) != 0) {
      return system_error("write", aside);
    }
  }
  if (::rename(aside.c_str(), path.c_str()) != 0) return system_error("write", path);
  return {};
}

}  // namespace troupe::server
