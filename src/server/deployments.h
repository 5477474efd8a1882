// The versions of each plugin that are kept, and which of them is current:
// docs/formats/deployments.md.
//
// Files and decisions only; what runs is the Deployer's business. Owned by the app. Not
// thread-safe: one thread at a time.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::server {

// Of one plugin; more go, oldest first, unless they are in use.
inline constexpr std::size_t versions_kept_max = 16;

struct Deployment {
  std::string hash;  // of the content, SHA-256 in hex
  std::string code;  // of its modules alone: what actors' turns name
  enum class Kind { module, manifest };
  Kind kind = Kind::module;
  std::uint64_t bytes = 0;
  std::int64_t time_ms = 0;  // of its last deployment, since 1970
  std::string origin;        // "file" or "upload"
};

struct DeployedPlugin {
  std::string taken_from_file;  // hash; empty: never
  std::string current;          // hash; empty: it waits for a deploy
  std::vector<Deployment> versions;

  const Deployment* find(std::string_view hash) const;
  // The version before the current one; null when there is none.
  const Deployment* previous() const;
};

class Deployments {
 public:
  // Reads all indices. The folder is made when it is missing. An error names the file that is
  // broken.
  static Result<Deployments> open(std::filesystem::path folder);

  Deployments(const Deployments&) = delete;
  Deployments& operator=(const Deployments&) = delete;
  Deployments(Deployments&&) = default;
  Deployments& operator=(Deployments&&) = delete;

  // Null when nothing was ever deployed under that name.
  const DeployedPlugin* find(std::string_view plugin) const;

  // Whether a file's content, by its hash, is a deployment: it is not what was taken from the file
  // last.
  bool is_news(std::string_view plugin, std::string_view hash) const;

  // The bytes of a version that is kept, one of find()'s.
  Result<std::string> read(std::string_view plugin, std::string_view hash) const;

  // Keeps a version and makes it current. `in_use` are contents that actors run: they stay.
  Result<void> add(const std::string& plugin,
                   Deployment deployment,
                   std::string_view content,
                   const std::set<std::string>& in_use);
  // Makes one of the versions current.
  Result<void> choose(const std::string& plugin, const std::string& hash);
  // Forgets all versions; what was taken from the file is remembered.
  Result<void> remove(const std::string& plugin);

 private:
  explicit Deployments(std::filesystem::path folder) : folder_(std::move(folder)) {}
  Result<void> write_index(const std::string& plugin, const DeployedPlugin& index);
  std::filesystem::path file_of(std::string_view plugin, const Deployment& version) const;

  std::filesystem::path folder_;
  std::map<std::string, DeployedPlugin, std::less<>> plugins_;
};

}  // namespace troupe::server
