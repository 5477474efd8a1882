// A server: every part built, and each given its neighbours.
//
// Owned by the program's main function; used from the main thread but where a comment says
// otherwise.
#pragma once

#include "actor/system.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "channel/context.h"
#include "guest/engine.h"
#include "guest/module_cache.h"
#include "journal/journal.h"
#include "server/api.h"
#include "server/config.h"
#include "server/data_dir.h"
#include "server/deployer.h"
#include "server/log_feed.h"
#include "server/plugin_loader.h"
#include "shard/shard.h"
#include "socket/listener.h"
#include "socket/route.h"

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace troupe::server {

// What `troupe dev` adds to a server.
struct DevExtras {
  std::vector<socket::Route> routes;
};

class App {
 public:
  // Takes the data folder and the addresses. Nothing is served before start(). `dev` is null for
  // `troupe serve`.
  // `log_feed` is a sink of the log.
  static Result<std::unique_ptr<App>> create(Config config,
                                             std::shared_ptr<Log> log,
                                             std::shared_ptr<LogFeed> log_feed,
                                             const DevExtras* dev);
  App(const App&) = delete;
  App& operator=(const App&) = delete;
  // Stops when stop() has not been called.
  ~App();

  const Config& config() const { return config_; }
  Log& log() { return *log_; }
  LoaderParts loader_parts();
  // Null under `troupe dev`.
  Deployer* deployer() { return deployer_.get(); }
  // What POST /reload does; set before start().
  void on_reload(std::function<void(Deployer::Done done)> reload) {
    api_->on_reload(std::move(reload));
  }
  // Where browsers come in, as URLs, and operators, with the ports that the system chose.
  std::vector<std::string> urls() const;
  const std::vector<std::string>& admin_addresses() const;

  // From now on this version answers; from any thread.
  void install(const std::shared_ptr<const actor::PluginVersion>& version);
  // From now on joins are led by these rules. Each plugin that they name has been installed. From
  // any thread.
  void route(std::span<const TopicConfig> topics);

  // Reads the certificate and its key again; see socket::Listener.
  Result<void> reload_tls() { return http_->reload_tls(); }

  // Once, when the plugins have been installed, before start(): sends what was on its way when the
  // last server ended.
  Result<void> resume();
  void start();
  // Clients get 1012, requests are finished, the threads end.
  void stop();

 private:
  App(Config config, std::shared_ptr<Log> log, std::shared_ptr<LogFeed> log_feed);
  Result<void> build(const DevExtras* dev);
  Result<std::unique_ptr<socket::Listener>> open_http(const DevExtras* dev);
  Result<std::unique_ptr<socket::Listener>> open_admin();
  void sleep_all();
  // Asked for over the admin address, so that there is one.
  ProcessMetrics process_metrics() const;

  // In the order of need: what stands below uses what stands above and ends before it.
  const Config config_;
  const std::shared_ptr<Log> log_;
  const std::shared_ptr<LogFeed> log_feed_;
  const SystemClock clock_;
  std::unique_ptr<DataDir> data_;  // null when nothing is kept
  std::string session_key_;
  std::filesystem::path cache_folder_;
  std::unique_ptr<guest::Engine> engine_;
  std::unique_ptr<guest::ModuleCache> cache_;
  std::unique_ptr<journal::Journal> journal_;  // null when nothing is kept
  shard::Shards shards_;
  actor::System system_;
  // By shard, then by mount.
  std::vector<std::map<std::string, std::unique_ptr<channel::Context>, std::less<>>> contexts_;
  std::atomic<bool> ready_ = false;
  std::unique_ptr<Deployer> deployer_;  // null under `troupe dev`
  std::unique_ptr<Api> api_;
  std::unique_ptr<socket::Listener> http_;
  std::unique_ptr<socket::Listener> admin_;  // null without an address
};

}  // namespace troupe::server
