// The folder in which a server keeps what outlives it. One server at a time has it.
//
// Holds: lock (with the pid of the server that has the folder), session.key, cache/ (compiled
// modules). Owned by the app; unlocked by the destructor or the end of the process.
#pragma once

#include "base/result.h"

#include <filesystem>
#include <memory>
#include <string>

namespace troupe::server {

class DataDir {
 public:
  // Makes the folder, with mode 0700, when it is missing. A folder that another server has is an
  // error that names its pid.
  static Result<std::unique_ptr<DataDir>> open(const std::filesystem::path& folder);

  DataDir(const DataDir&) = delete;
  DataDir& operator=(const DataDir&) = delete;
  ~DataDir();

  std::filesystem::path cache_folder() const { return folder_ / "cache"; }
  // 32 random bytes, made at the first start and kept with mode 0600: what believed sessions are
  // worth after a restart. Never logged.
  const std::string& session_key() const { return session_key_; }

 private:
  DataDir(std::filesystem::path folder, int lock) : folder_(std::move(folder)), lock_(lock) {}
  Result<void> read_session_key();

  const std::filesystem::path folder_;
  const int lock_;
  std::string session_key_;
};

// A key like DataDir's, for a server that keeps nothing.
std::string new_session_key();

}  // namespace troupe::server
