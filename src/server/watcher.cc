#include "server/watcher.h"

#include <boost/asio/buffer.hpp>
#include <fmt/format.h>
#include <sys/inotify.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <system_error>
#include <utility>

namespace troupe::server {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t events =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ONLYDIR;

fs::path existing_folder(fs::path path) {
  std::error_code error;
  while (!fs::is_directory(path, error) && path.has_relative_path()) path = path.parent_path();
  return path;
}

}  // namespace

Result<std::unique_ptr<Watcher>> Watcher::create(boost::asio::io_context& io, Changed changed) {
  const int inotify = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (inotify < 0) {
    return Error{fmt::format("cannot watch files: {}",
                             std::error_code(errno, std::generic_category()).message())};
  }
  return std::unique_ptr<Watcher>(new Watcher(io, inotify, std::move(changed)));
}

Watcher::Watcher(boost::asio::io_context& io, int inotify, Changed changed)
    : inotify_(io, inotify), settled_(io), changed_(std::move(changed)) {
  read();
}

void Watcher::watch(const std::vector<fs::path>& files, Scope scope) {
  scope_ = scope;
  files_.clear();
  std::set<fs::path> wanted;
  for (const fs::path& file : files) {
    std::error_code error;
    const fs::path path = fs::absolute(file, error).lexically_normal();
    // A link and what it leads to: either may be written.
    for (const fs::path& each : {path, fs::weakly_canonical(path, error)}) {
      if (each.empty()) continue;
      files_.insert(each);
      wanted.insert(existing_folder(each.parent_path()));
    }
  }
  for (auto folder = folders_.begin(); folder != folders_.end();) {
    if (wanted.erase(folder->second) > 0) {
      ++folder;
      continue;
    }
    ::inotify_rm_watch(inotify_.native_handle(), folder->first);
    folder = folders_.erase(folder);
  }
  for (const fs::path& folder : wanted) {
    const int watch = ::inotify_add_watch(inotify_.native_handle(), folder.c_str(), events);
    if (watch >= 0) folders_[watch] = folder;
  }
}

void Watcher::read() {
  inotify_.async_read_some(boost::asio::buffer(buffer_),
                           [this, alive = std::weak_ptr(alive_)](
                               const boost::system::error_code& error, std::size_t size) {
                             if (error || alive.expired()) return;
                             take(size);
                             read();
                           });
}

void Watcher::take(std::size_t size) {
  bool relevant = false;
  for (std::size_t at = 0; at + sizeof(inotify_event) <= size;) {
    inotify_event event{};
    std::memcpy(&event, buffer_.data() + at, sizeof event);
    const char* name = buffer_.data() + at + offsetof(inotify_event, name);
    at += sizeof event + event.len;
    if ((event.mask & IN_Q_OVERFLOW) != 0) relevant = true;
    const auto folder = folders_.find(event.wd);
    if (folder == folders_.end()) continue;
    if ((event.mask & IN_IGNORED) != 0) {
      // The folder is gone; watch() finds it again, or its parent.
      folders_.erase(folder);
      relevant = true;
    } else if (scope_ == Scope::folders) {
      relevant = true;
    } else if (event.len > 0) {
      relevant = relevant || files_.contains(folder->second / name);
    }
  }
  if (!relevant) return;
  if (!noticed_) noticed_ = std::chrono::steady_clock::now();
  settled_.expires_after(settle_time);
  settled_.async_wait(
      [this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
        if (!error && !alive.expired()) changed_(*std::exchange(noticed_, std::nullopt));
      });
}

}  // namespace troupe::server
