// Tells when one of some files has changed, however an editor saves it: in place, or as a new file
// renamed over the old one.
//
// Watches the folders of the files (inotify), since a file that is replaced takes a watch on itself
// away. Lives on the thread that runs the io_context; not thread-safe.
#pragma once

#include "base/result.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe::server {

class Watcher {
 public:
  // An editor makes several changes for one save: one call follows the last of them after this
  // long.
  static constexpr std::chrono::milliseconds settle_time{10};

  // Gets the time at which the first of the changes was noticed.
  using Time = std::chrono::steady_clock::time_point;
  using Changed = std::function<void(Time noticed)>;

  static Result<std::unique_ptr<Watcher>> create(boost::asio::io_context& io, Changed changed);
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  ~Watcher() = default;

  enum class Scope {
    files,    // the files themselves
    folders,  // whatever is in their folders: a file that is missed may appear there
  };
  // Replaces what is watched. Changes since the last call of `changed` are not forgotten.
  void watch(const std::vector<std::filesystem::path>& files, Scope scope);

 private:
  Watcher(boost::asio::io_context& io, int inotify, Changed changed);
  void read();
  void take(std::size_t size);

  boost::asio::posix::stream_descriptor inotify_;
  boost::asio::steady_timer settled_;
  Changed changed_;
  std::optional<Time> noticed_;
  std::map<int, std::filesystem::path> folders_;  // by watch descriptor
  std::set<std::filesystem::path> files_;
  Scope scope_ = Scope::files;
  alignas(8) std::array<char, 4096> buffer_{};
  // What the loop has queued for a watcher that is no more looks here first.
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace troupe::server
