// troupe.toml as plain values: every default filled in, every path absolute or relative to the
// working folder as the file's was, everything checked that can be checked without running a
// plugin.
//
// docs/guides/configuration.md describes each key; a test compares the two.
#pragma once

#include "actor/plugin.h"
#include "base/result.h"
#include "channel/context.h"
#include "channel/router.h"
#include "guest/engine.h"
#include "guest/instance.h"
#include "guest/module_cache.h"
#include "server/manifest.h"
#include "socket/limits.h"
#include "socket/tls.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::server {

// `127.0.0.1:4000`, `[::1]:4000` or `localhost:4000`. Port 0 takes any free one.
Result<void> check_address(std::string_view text);

struct HttpConfig {
  std::vector<std::string> listen;           // addresses with ports
  std::vector<std::string> origins;          // besides the server's own
  std::vector<std::string> trusted_proxies;  // addresses or networks
  std::size_t threads = 0;                   // 0: one for each core
  std::filesystem::path static_folder;       // served at /; empty: none
  socket::TlsFiles tls;                      // empty: none
};

// Bounds of the whole server. Those of a plugin are with the plugin.
struct ServerBounds {
  socket::Limits socket;
  channel::Bounds channel;
  guest::CompileLimits compile;
  std::size_t upload_bytes_max = std::size_t{32} << 20;  // a plugin's module
  std::size_t instances_max = 1000;
  std::chrono::milliseconds actor_idle_max = std::chrono::seconds(30);  // then it sleeps
  std::uint32_t instance_pages_max = 1024;
};

struct PluginConfig {
  std::string name;
  std::string place;  // FILE:LINE:COLUMN: plugins.NAME, for messages about it
  // One of the three at most; without any the plugin waits for a deploy.
  std::filesystem::path source;
  std::filesystem::path wasm;
  std::filesystem::path manifest;
  std::filesystem::path folder;  // what paths in a manifest are relative to
  bool wasi = true;
  actor::Behaviour behaviour = actor::Behaviour::live_state;
  bool init_payload = false;
  actor::Durability durability = actor::Durability::commit;
  guest::Environment base;         // what a manifest cannot say
  Manifest settings;               // what it could, as this table has it; without modules
  std::uint32_t pages_max = 1024;  // what a slot for an instance has
  actor::Bounds bounds;
  actor::SupervisorRules supervision;

  // What holds for an instance: the defaults, then what the manifest of its code says (null: it has
  // none), then what this table says.
  guest::Environment environment(const Manifest* manifest = nullptr) const;

  const std::filesystem::path& file() const {
    if (!source.empty()) return source;
    return wasm.empty() ? manifest : wasm;
  }
  bool has_file() const { return !file().empty(); }
};

struct TopicConfig {
  std::string place;  // FILE:LINE:COLUMN: topics[N]
  std::string mount;  // clients connect to MOUNT/websocket
  channel::TopicRule rule;
};

struct LogConfig {
  bool json = false;            // an object a line, or text for people
  std::string level = "debug";  // the least that is written: trace, debug, info, warn, error
};

struct Config {
  std::filesystem::path file;      // empty for `troupe dev FILE`, which has none
  std::filesystem::path data_dir;  // empty: nothing is kept when the server ends
  HttpConfig http;
  std::string admin;  // address with port; empty: none
  LogConfig log;
  std::filesystem::path journal;  // the database; empty: `journal.db` in the data folder
  ServerBounds bounds;
  std::vector<PluginConfig> plugins;  // by name
  std::vector<TopicConfig> topics;    // the first match wins
};

// Reads and checks a file. The error has one line for each mistake: FILE:LINE:COLUMN: KEY: what is
// wrong.
Result<Config> load_config(const std::filesystem::path& file);

// The data folder that a file names, or the default beside it; the rest of the file is not checked.
Result<std::filesystem::path> data_dir_of(const std::filesystem::path& file);

// Every key that load_config knows, such as `plugins.NAME.source`.
std::set<std::string> known_keys();

}  // namespace troupe::server
