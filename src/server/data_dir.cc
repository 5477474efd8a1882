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
// Five bits each: as much as 32 bytes have.
constexpr std::size_t admin_token_letters = 52;
constexpr std::string_view admin_address_file = "admin.address";

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

Error in_use(const fs::path& folder, int lock) {
  std::string pid = read_some(lock);
  while (pid.ends_with('\n')) pid.pop_back();
  return Error{fmt::format(
      "the data folder {} is in use by another troupe, pid {}; end that one first, or give this "
      "one a folder of its own with --data or data_dir",
      folder.string(),
      pid.empty() ? "unknown" : pid)};
}

std::string new_admin_token() {
  return Random().letters(admin_token_letters);
}

}  // namespace

std::vector<std::string> backup_folders() {
  return {"plugins"};
}

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
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    Error error = errno == EWOULDBLOCK ? in_use(folder, lock) : system_error("lock", path);
    ::close(lock);
    return error;
  }
  // Only who has the lock is a DataDir: its destructor removes the server's address.
  std::unique_ptr<DataDir> result(new DataDir(folder, lock));
  if (::ftruncate(lock, 0) != 0 || !write_all(lock, fmt::format("{}\n", ::getpid()))) {
    return system_error("write", path);
  }
  TRY(result->session_key_,
      result->read_secret(
          "session.key", session_key_bytes, new_session_key, "browsers then lose their sessions"));
  TRY(result->admin_token_,
      result->read_secret("admin.token",
                          admin_token_letters,
                          new_admin_token,
                          "commands elsewhere then need the new one"));
  return result;
}

DataDir::~DataDir() {
  std::error_code ignored;
  fs::remove(folder_ / admin_address_file, ignored);
  ::close(lock_);
}

Result<void> DataDir::write_admin_address(std::string_view address) {
  return write_file(folder_ / admin_address_file, fmt::format("{}\n", address), 0600);
}

Result<std::string> DataDir::read_secret(std::string_view name,
                                         std::size_t bytes,
                                         Make make,
                                         std::string_view consequence) {
  const fs::path path = folder_ / name;
  if (File file(path, O_RDONLY, 0); file.is_open()) {
    std::string secret = read_some(file.fd());
    if (secret.size() == bytes) return secret;
    return Error{fmt::format("{} has {} bytes and must have {}; remove it to make a new one ({})",
                             path.string(),
                             secret.size(),
                             bytes,
                             consequence)};
  }
  if (errno != ENOENT) return system_error("read", path);
  std::string secret = make();
  TRY_VOID(write_file(path, secret, 0600));
  return secret;
}

Result<void> write_file(const fs::path& path, std::string_view text, unsigned mode) {
  const fs::path aside = path.string() + ".new";
  {
    File file(aside, O_WRONLY | O_CREAT | O_TRUNC, mode);
    if (!file.is_open() || !write_all(file.fd(), text) || ::fsync(file.fd()) != 0) {
      return system_error("write", aside);
    }
  }
  if (::rename(aside.c_str(), path.c_str()) != 0) return system_error("write", path);
  const File folder(path.parent_path(), O_RDONLY | O_DIRECTORY, 0);
  if (!folder.is_open() || ::fsync(folder.fd()) != 0) return system_error("write", path);
  return {};
}

Result<std::string> read_admin_address(const fs::path& folder) {
  const fs::path path = folder / admin_address_file;
  const File file(path, O_RDONLY, 0);
  if (!file.is_open() && errno != ENOENT && errno != ENOTDIR) return system_error("read", path);
  if (!file.is_open()) {
    return Error{fmt::format(
        "no server runs on the data folder {}; start one with troupe serve, or name one with "
        "--server URL",
        folder.string())};
  }
  std::string address = read_some(file.fd());
  while (address.ends_with('\n')) address.pop_back();
  return address;
}

Result<std::string> read_admin_token(const fs::path& folder) {
  const fs::path path = folder / "admin.token";
  const File file(path, O_RDONLY, 0);
  if (!file.is_open()) {
    return Error{fmt::format("{}; set TROUPE_TOKEN, or name the server's data folder with --data",
                             system_error("read", path).message)};
  }
  return read_some(file.fd());
}

}  // namespace troupe::server
