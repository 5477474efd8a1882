// The folder in which a server keeps what outlives it. One server at a time has it.
//
// Holds: lock (with the pid of the server that has the folder), session.key, admin.token,
// admin.address (while a server runs), plugins/ (deployments.h), cache/ (compiled modules). Owned
// by the app; unlocked by the destructor or the end of the process.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

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
  // What operators show to the API: letters of 32 random bytes, made and kept in the same way.
  const std::string& admin_token() const { return admin_token_; }

  std::filesystem::path plugins_folder() const { return folder_ / "plugins"; }

  // Where commands find the server, as long as it runs: http://ADDRESS:PORT.
  Result<void> write_admin_address(std::string_view address);

 private:
  DataDir(std::filesystem::path folder, int lock) : folder_(std::move(folder)), lock_(lock) {}
  // A secret in a file of this name, which is made when it is missing.
  using Make = std::string (*)();
  Result<std::string> read_secret(std::string_view name,
                                  std::size_t bytes,
                                  Make make,
                                  std::string_view consequence);

  const std::filesystem::path folder_;
  const int lock_;
  std::string session_key_;
  std::string admin_token_;
};

// For commands, of a folder that a server has: where it listens for operators, and what to show it.
// An error says what is missing and how to start a server.
Result<std::string> read_admin_address(const std::filesystem::path& folder);
Result<std::string> read_admin_token(const std::filesystem::path& folder);

// Writes a file under another name and renames it, so that a crash leaves the old one or the new
// one, and on the disk before it is seen.
Result<void> write_file(const std::filesystem::path& path, std::string_view text, unsigned mode);

// The folders below the data folder that a backup holds beside the journal: the plugins' code.
std::vector<std::string> backup_folders();

// A key like DataDir's, for a server that keeps nothing.
std::string new_session_key();

}  // namespace troupe::server
