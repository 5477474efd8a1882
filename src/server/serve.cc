#include "server/serve.h"

#include "server/app.h"
#include "server/describe.h"
#include "server/plugin_loader.h"

#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <span>
#include <tuple>
#include <utility>

namespace troupe::server {
namespace {

namespace asio = boost::asio;

// Whether an actor could tell the difference.
bool same_version(const actor::PluginVersion& a, const actor::PluginVersion& b) {
  const auto settings = [](const actor::PluginVersion& version) {
    const guest::Limits& limits = version.environment.limits;
    const actor::Bounds& bounds = version.bounds;
    return std::tie(version.behaviour,
                    version.init_payload,
                    version.environment.config,
                    limits.memory_pages_max,
                    limits.output_bytes_max,
                    limits.vars_bytes_max,
                    limits.timeout,
                    bounds.mailbox_messages_max,
                    bounds.mailbox_bytes_max,
                    bounds.state_bytes_max,
                    bounds.effects_max,
                    bounds.effects_bytes_max,
                    bounds.log_bytes_per_second_max);
  };
  return a.module->content_hash() == b.module->content_hash() && settings(a) == settings(b);
}

// Applies a new configuration to a server that runs. What cannot be applied is an error, and then
// nothing is.
class Reloader {
 public:
  Reloader(App& app, std::vector<LoadedPlugin> plugins) : app_(app), plugins_(std::move(plugins)) {}

  Result<void> apply(const Config& config) {
    TRY(std::vector<LoadedPlugin> plugins, load_plugins(config, app_.loader_parts()));
    for (const TopicConfig& topic : config.topics) {
      const auto& known = app_.config().topics;
      if (std::none_of(known.begin(), known.end(), [&](const TopicConfig& each) {
            return each.mount == topic.mount;
          })) {
        return Error{fmt::format(
            "{}.socket: a new mount, \"{}\", needs a restart", topic.place, topic.mount)};
      }
    }
    for (const LoadedPlugin& plugin : plugins) {
      const auto old =
          std::find_if(plugins_.begin(), plugins_.end(), [&](const LoadedPlugin& each) {
            return each.config.name == plugin.config.name;
          });
      if (old != plugins_.end() && same_version(*old->version, *plugin.version)) continue;
      app_.install(plugin.version);
      app_.log().info("plugin {}: the new version is live", plugin.config.name);
    }
    plugins_ = std::move(plugins);
    app_.route(config.topics);
    return {};
  }

 private:
  App& app_;
  std::vector<LoadedPlugin> plugins_;
};

void print_start(const App& app) {
  fmt::print("{}\n", as_table(describe(app.config())));
  fmt::print("States are kept in memory only and end with the server.\n\n");
  for (const std::string& address : app.http_addresses()) fmt::print("http://{}\n", address);
  for (const std::string& address : app.admin_addresses()) {
    fmt::print("http://{} for operators\n", address);
  }
  std::fflush(stdout);
}

}  // namespace

Result<Config> load_config(const std::filesystem::path& file, const Overrides& overrides) {
  TRY(Config config, load_config(file));
  if (!overrides.listen.empty()) config.http.listen = overrides.listen;
  if (!overrides.admin.empty()) config.admin = overrides.admin;
  if (!overrides.data_dir.empty()) config.data_dir = overrides.data_dir;
  return config;
}

void run_until_signal(asio::io_context& io,
                      const std::function<void()>& start,
                      std::function<void()> hang_up) {
  // A reader of our output that goes away is an error of the write, not the end of the server.
  std::signal(SIGPIPE, SIG_IGN);
  asio::signal_set ends(io, SIGINT, SIGTERM);
  ends.async_wait([&io](const boost::system::error_code& error, int) {
    if (!error) io.stop();
  });
  asio::signal_set reloads(io, SIGHUP);
  const std::function<void()> wait = [&] {
    reloads.async_wait([&](const boost::system::error_code& error, int) {
      if (error) return;
      hang_up();
      wait();
    });
  };
  wait();
  start();
  io.run();
}

Result<void> serve(const std::filesystem::path& file,
                   const Overrides& overrides,
                   std::shared_ptr<Log> log) {
  TRY(Config config, load_config(file, overrides));
  TRY(const std::unique_ptr<App> app, App::create(std::move(config), log, nullptr));
  TRY(std::vector<LoadedPlugin> plugins, load_plugins(app->config(), app->loader_parts()));
  for (const LoadedPlugin& plugin : plugins) app->install(plugin.version);
  app->route(app->config().topics);
  Reloader reloader(*app, std::move(plugins));

  asio::io_context io(1);
  const auto start = [&] {
    app->start();
    print_start(*app);
  };
  run_until_signal(io, start, [&] {
    const Result<Config> next = load_config(file, overrides);
    const Result<void> applied = next ? reloader.apply(*next) : Result<void>(next.error());
    if (applied) {
      log->info("{} is applied: plugins and topics; other changes need a restart", file.string());
    } else {
      log->error("{} is not applied:\n{}", file.string(), applied.error().message);
    }
  });
  log->info("ending: clients are sent away, requests are finished");
  app->stop();
  return {};
}

}  // namespace troupe::server
