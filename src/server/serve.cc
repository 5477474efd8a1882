#include "server/serve.h"

#include "server/app.h"
#include "server/deployer.h"
#include "server/describe.h"
#include "server/log.h"
#include "server/log_feed.h"

#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <utility>

namespace troupe::server {
namespace {

namespace asio = boost::asio;

void print_start(const App& app) {
  const std::vector<TopicRow> rows = describe(app.config());
  fmt::print("{}\n", as_table(rows));
  if (std::ranges::all_of(rows, [](const TopicRow& row) { return row.durability == "none"; })) {
    fmt::print("States are kept in memory only and end with the server.\n\n");
  }
  for (const std::string& url : app.urls()) fmt::print("{}\n", url);
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

Result<void> serve(const std::filesystem::path& file, const Overrides& overrides) {
  TRY(Config config, load_config(file, overrides));
  const auto log_feed = std::make_shared<LogFeed>();
  const std::shared_ptr<Log> log = make_log(LogStyle::server, {log_feed}, config.log);
  TRY(const std::unique_ptr<App> app, App::create(std::move(config), log, log_feed, nullptr));
  TRY_VOID(app->deployer()->load(app->config()));

  const auto reload = [&, file, overrides](Deployer::Done done) {
    const auto told = [log, file, done = std::move(done)](DeployOutcome outcome) {
      if (outcome.kind == DeployOutcome::Kind::done) {
        log->info("{} is applied: plugins, topics and certificate; other changes need a restart",
                  file.string());
      } else {
        log->error("{} is not applied:\n{}{}",
                   file.string(),
                   outcome.message,
                   fmt::join(outcome.reasons, "\n"));
      }
      done(std::move(outcome));
    };
    const auto refuse = [&](std::string reason) {
      told({.kind = DeployOutcome::Kind::refused, .reasons = {std::move(reason)}});
    };
    Result<Config> next = load_config(file, overrides);
    if (!next) return refuse(next.error().message);
    if (const Result<void> tls = app->reload_tls(); !tls) return refuse(tls.error().message);
    app->deployer()->apply(std::move(*next), told);
  };
  asio::io_context io(1);
  app->on_reload([&](Deployer::Done done) {
    asio::post(io, [&reload, done = std::move(done)] { reload(done); });
  });
  TRY_VOID(app->resume());
  const auto start = [&] {
    app->start();
    print_start(*app);
  };
  run_until_signal(io, start, [&] { reload([](const DeployOutcome&) {}); });
  log->info("ending: clients are sent away, requests are finished");
  app->stop();
  return {};
}

}  // namespace troupe::server
