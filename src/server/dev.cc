#include "server/dev.h"

#include "server/app.h"
#include "server/describe.h"
#include "server/dev_feed.h"
#include "server/local_call.h"
#include "server/log.h"
#include "server/log_feed.h"
#include "server/plugin_loader.h"
#include "server/source.h"
#include "server/watcher.h"
#include "web/assets.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace troupe::server {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using Time = std::chrono::steady_clock::time_point;

std::chrono::milliseconds since(Time begun) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               begun);
}

// How a build ended, on its way from a worker to the main thread.
struct Built {
  std::string plugin;
  std::uint64_t generation;
  Time begun;
  fs::file_time_type read;  // when reading the sources began
  std::vector<fs::path> sources;
  // A version, or why there is none.
  std::shared_ptr<const actor::PluginVersion> version;
  std::shared_ptr<const Code> code;
  CodeError error;
};

// Lives on the main thread; builds happen on two workers, so that the next save does not wait for
// the optimising compiler.
class DevSession {
 public:
  DevSession(std::shared_ptr<DevFeed> feed,
             std::shared_ptr<LogFeed> log_feed,
             std::shared_ptr<Log> log,
             Overrides overrides)
      : feed_(std::move(feed)),
        log_feed_(std::move(log_feed)),
        log_(std::move(log)),
        overrides_(std::move(overrides)) {}
  DevSession(const DevSession&) = delete;
  DevSession& operator=(const DevSession&) = delete;
  ~DevSession() {
    for (asio::thread_pool* workers : {&builds_, &optimisations_}) {
      workers->stop();
      workers->join();
    }
  }

  Result<void> run(Config config) {
    const DevExtras extras{.routes = routes(config)};
    TRY(fast_engine_,
        guest::Engine::create({.compiler = guest::Compiler::fast,
                               .instances_max = static_cast<std::uint32_t>(
                                   config.bounds.instances_max + spare_instances),
                               .memory_pages_max = config.bounds.instance_pages_max}));
    TRY(app_, App::create(config, log_, log_feed_, &extras));
    if (!config.file.empty()) {
      TRY(config_watcher_, Watcher::create(io_, [this](Time) { read_config(); }));
      config_watcher_->watch({config.file}, Watcher::Scope::files);
    }
    TRY_VOID(apply(config));
    while (builds_under_way_ > 0) io_.run_one();
    TRY_VOID(app_->resume());
    const auto start = [this] {
      app_->start();
      print_start();
    };
    run_until_signal(io_, start, [this] { read_config(); });
    feed_->close();
    app_->stop();
    return {};
  }

 private:
  static constexpr std::uint32_t spare_instances = 64;

  struct Watched {
    PluginConfig config;
    std::unique_ptr<Watcher> watcher;
    std::set<fs::path> sources;  // of the last build
    // Of the newest build that was begun. Written by the main thread, read by the workers too.
    std::shared_ptr<std::atomic<std::uint64_t>> generation =
        std::make_shared<std::atomic<std::uint64_t>>(0);
    bool live = false;  // some version answers
  };

  std::vector<socket::Route> routes(const Config& config) {
    std::vector<socket::Route> routes = {
        {.path = "/dev/events",
         .methods = {"GET"},
         .handler = [feed = feed_](
                        shard::Shard& shard, const wire::Request&, socket::Responder responder) {
           feed->listen(shard, responder.start_events());
         }}};
    if (config.file.empty()) {
      routes.push_back({.path = "/",
                        .methods = {"GET"},
                        .handler = socket::answer_with([](const wire::Request&) {
                          const web::Asset& page = web::dev_page();
                          return wire::Response{.content_type = std::string(page.type),
                                                .body = std::string(page.text),
                                                .headers = {{"ETag", std::string(page.etag)},
                                                            {"Cache-Control", "no-cache"}}};
                        })});
    }
    return routes;
  }

  void print_start() {
    fmt::print("{}\n", as_table(describe(app_->config())));
    for (const std::string& url : app_->urls()) fmt::print("{}\n", url);
    std::fflush(stdout);
  }

  // Takes plugins and topics from here on, and builds all plugins.
  Result<void> apply(const Config& config) {
    topics_ = config.topics;
    std::erase_if(watched_, [&](const auto& each) {
      return std::none_of(config.plugins.begin(), config.plugins.end(), [&](const auto& plugin) {
        return plugin.name == each.first;
      });
    });
    for (const PluginConfig& plugin : config.plugins) {
      if (!plugin.has_file()) {
        log_->warn("plugin {}: has no file, and troupe dev takes no deploys", plugin.name);
        continue;
      }
      Watched& watched = watched_[plugin.name];
      watched.config = plugin;
      if (!watched.watcher) {
        TRY(watched.watcher, Watcher::create(io_, [this, name = plugin.name](Time noticed) {
              build(name, noticed);
            }));
      }
      watched.watcher->watch({plugin.file()}, Watcher::Scope::files);
      build(plugin.name, std::chrono::steady_clock::now());
    }
    route();
    return {};
  }

  void read_config() {
    const fs::path& file = app_->config().file;
    if (file.empty()) return;
    const Result<Config> config = load_config(file, overrides_);
    const Result<void> applied = config ? apply(*config) : Result<void>(config.error());
    if (applied) {
      log_->info("{} is applied: plugins and topics; other changes need a restart", file.string());
    } else {
      log_->error("{} is not applied:\n{}", file.string(), applied.error().message);
    }
  }

  // Joins are led to plugins that answer; the others come when they are built.
  void route() {
    std::vector<TopicConfig> topics;
    for (const TopicConfig& topic : topics_) {
      const auto plugin = watched_.find(topic.rule.plugin);
      if (plugin != watched_.end() && plugin->second.live) topics.push_back(topic);
    }
    app_->route(topics);
  }

  // The quick compiler is for JavaScript, whose core it is known to take.
  static bool is_quick(const PluginConfig& plugin) {
    return !plugin.source.empty() && !is_project(plugin.source);
  }

  void build(const std::string& name, Time noticed) {
    Watched& watched = watched_.at(name);
    const std::uint64_t generation = ++*watched.generation;
    ++builds_under_way_;
    asio::post(builds_, [this, plugin = watched.config, generation, noticed] {
      LoaderParts parts = app_->loader_parts();
      Built built{.plugin = plugin.name,
                  .generation = generation,
                  .begun = noticed,
                  .read = fs::file_time_type::clock::now()};
      CodeResult code = read_code(plugin, parts.build_cache_folder);
      if (!code) {
        built.error = std::move(code).error();
        built.sources = built.error.sources;
      } else {
        built.code = std::make_shared<const Code>(std::move(*code));
        built.sources = built.code->sources;
        auto version = make_version(
            plugin, *built.code, parts.cache, is_quick(plugin) ? *fast_engine_ : parts.engine);
        if (version) {
          built.version = std::move(*version);
        } else {
          built.error.message = version.error().message;
        }
      }
      asio::post(io_, [this, built = std::move(built)] { take(built); });
    });
  }

  void take(const Built& built) {
    --builds_under_way_;
    const auto found = watched_.find(built.plugin);
    if (found == watched_.end()) return;
    Watched& watched = found->second;
    const std::string file = watched.config.file().filename().string();
    std::vector<fs::path> sources = built.sources;
    sources.push_back(watched.config.file());
    // A build that failed may have missed a file that is made later.
    watched.watcher->watch(sources, built.code ? Watcher::Scope::files : Watcher::Scope::folders);
    if (changed_unseen(watched, sources, built.read)) build(built.plugin, built.begun);
    // A newer build is on its way and has the last word.
    if (built.generation != *watched.generation) return;

    if (built.code) log_build(*log_, built.plugin, *built.code);
    if (!built.version) {
      log_->error("{} is not live; {}\n{}",
                  file,
                  watched.live ? "the code before it goes on" : "nothing answers yet",
                  built.error.message);
      feed_->failed(built.plugin,
                    since(built.begun),
                    built.error.build ? built.error.build->message : built.error.message,
                    built.error.build ? &*built.error.build : nullptr);
      return;
    }
    const LoadedPlugin loaded{watched.config, {.exports = built.code->exports}, built.version};
    if (const Result<void> events = check_events(topics_, {&loaded, 1}); !events) {
      log_->warn("{}", events.error().message);
    }
    app_->install(built.version);
    if (!std::exchange(watched.live, true)) route();
    const auto time = since(built.begun);
    log_->info("built {} in {} ms, live", file, time.count());
    feed_->built(built.plugin, time);
    feed_->swapped(built.plugin,
                   built.version->module->content_hash(),
                   topic_to_try(built.plugin),
                   events_of(*built.version, *built.code));
    if (is_quick(watched.config)) optimise(watched, built);
  }

  // Whether a file that was not watched while it was read has changed since. Asked once for each
  // such file.
  static bool changed_unseen(Watched& watched,
                             const std::vector<fs::path>& sources,
                             fs::file_time_type read) {
    const bool changed = std::any_of(sources.begin(), sources.end(), [&](const fs::path& source) {
      std::error_code error;
      return !watched.sources.contains(source) && fs::last_write_time(source, error) >= read &&
             !error;
    });
    watched.sources = {sources.begin(), sources.end()};
    return changed;
  }

  // The same code again by the optimising compiler, put in quietly when nothing newer has come.
  void optimise(const Watched& watched, const Built& built) {
    asio::post(optimisations_,
               [this,
                plugin = watched.config,
                newest = watched.generation,
                code = built.code,
                generation = built.generation] {
                 if (*newest != generation) return;
                 LoaderParts parts = app_->loader_parts();
                 auto version = make_version(plugin, *code, parts.cache, parts.engine);
                 asio::post(io_, [this, newest, generation, version = std::move(version)] {
                   if (*newest != generation) return;
                   if (version) {
                     app_->install(*version);
                   } else {
                     log_->warn("{}", version.error().message);
                   }
                 });
               });
  }

  std::string topic_to_try(const std::string& plugin) const {
    for (const TopicConfig& topic : topics_) {
      if (topic.rule.plugin != plugin) continue;
      std::string match = topic.rule.match;
      if (match.ends_with('*')) match.replace(match.size() - 1, 1, "try");
      return match;
    }
    return "";
  }

  const std::shared_ptr<DevFeed> feed_;
  const std::shared_ptr<LogFeed> log_feed_;
  const std::shared_ptr<Log> log_;
  const Overrides overrides_;
  std::unique_ptr<guest::Engine> fast_engine_;
  std::unique_ptr<App> app_;
  asio::io_context io_{1};  // may hold versions on their way: ends before the engines
  std::vector<TopicConfig> topics_;
  std::map<std::string, Watched> watched_;
  std::size_t builds_under_way_ = 0;
  std::unique_ptr<Watcher> config_watcher_;
  asio::thread_pool builds_{1};
  asio::thread_pool optimisations_{1};
};

}  // namespace

Result<Config> config_for_file(const fs::path& file, const Overrides& overrides) {
  const Result<fs::path> source = find_source(file);
  if (!source) {
    return Error{
        fmt::format("{}; troupe new makes a plugin to begin with", source.error().message)};
  }
  PluginConfig plugin;
  plugin.name = name_of_source(*source);
  plugin.place = file.string();
  if (!actor::is_plugin_name(plugin.name)) {
    return Error{fmt::format(
        "{} cannot be named after its file: {}", file.string(), actor::plugin_name_rule)};
  }
  (is_module(file) ? plugin.wasm : plugin.source) = *source;

  TopicConfig topic;
  topic.mount = "/socket";
  topic.rule.match = plugin.name + ":*";
  topic.rule.plugin = plugin.name;
  TRY(topic.rule.actor, channel::KeyTemplate::parse("{topic}"));

  Config config;
  config.http.listen = {"127.0.0.1:4000"};
  if (!overrides.listen.empty()) config.http.listen = overrides.listen;
  config.admin = overrides.admin;
  config.data_dir = overrides.data_dir;
  config.plugins.push_back(std::move(plugin));
  config.topics.push_back(std::move(topic));
  return config;
}

Result<void> dev(Config config, const Overrides& overrides) {
  const auto feed = std::make_shared<DevFeed>();
  const auto log_feed = std::make_shared<LogFeed>();
  const std::shared_ptr<Log> log = make_log(LogStyle::terminal, {feed, log_feed}, config.log);
  DevSession session(feed, log_feed, log, overrides);
  return session.run(std::move(config));
}

}  // namespace troupe::server
