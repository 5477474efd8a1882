#include "server/app.h"

#include "channel/socket_channels.h"
#include "journal/sqlite_journal.h"
#include "server/local_call.h"
#include "web/assets.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <latch>
#include <set>
#include <string_view>
#include <utility>

namespace troupe::server {
namespace {

// Instances of each shard beyond the actors that stay awake: three quarters for actors when all of
// these are in the middle of a turn, the rest for calls without an actor. As many as may be awake,
// within these.
constexpr std::size_t spare_instances_min = 8;
constexpr std::size_t spare_instances_max = 32;

std::size_t spare_instances(const ServerBounds& bounds) {
  return std::clamp<std::size_t>(bounds.instances_max, spare_instances_min, spare_instances_max);
}

actor::AwakeRules awake_rules(const ServerBounds& bounds) {
  const std::size_t spare = spare_instances(bounds);
  return {.instances_max = bounds.instances_max,
          .spare_instances = spare - spare / 4,
          .idle_max = bounds.actor_idle_max};
}

wire::Response asset_response(const web::Asset& asset) {
  return {.content_type = std::string(asset.type),
          .body = std::string(asset.text),
          .headers = {{"ETag", std::string(asset.etag)}, {"Cache-Control", "no-cache"}}};
}

// /troupe.js as `troupe dev` serves it: a version of its own, whose entity tag says so.
wire::Response dev_module_response() {
  wire::Response response = asset_response(web::browser_module());
  response.body.insert(0, web::dev_module_prefix);
  std::string& etag = response.headers.front().second;
  etag.insert(etag.size() - 1, "-dev");
  return response;
}

socket::Route get(std::string path, std::function<wire::Response(const wire::Request&)> answer) {
  return {.path = std::move(path),
          .methods = {"GET"},
          .handler = socket::answer_with(std::move(answer))};
}

// Where a command on this machine finds what listens at an address, perhaps everywhere.
std::string url_of(std::string address) {
  constexpr std::string_view everywhere = "0.0.0.0:";
  constexpr std::string_view everywhere_6 = "[::]:";
  if (address.starts_with(everywhere)) {
    address.replace(0, everywhere.size(), "127.0.0.1:");
  } else if (address.starts_with(everywhere_6)) {
    address.replace(0, everywhere_6.size(), "[::1]:");
  }
  return "http://" + address;
}

std::set<std::string> mounts_of(std::span<const TopicConfig> topics) {
  std::set<std::string> mounts;
  for (const TopicConfig& topic : topics) mounts.insert(topic.mount);
  return mounts;
}

}  // namespace

App::App(Config config, std::shared_ptr<Log> log, std::shared_ptr<LogFeed> log_feed)
    : config_(std::move(config)),
      log_(std::move(log)),
      log_feed_(std::move(log_feed)),
      shards_(config_.http.threads),
      system_(shards_, clock_, *log_, awake_rules(config_.bounds)) {}

App::~App() {
  stop();
}

Result<std::unique_ptr<App>> App::create(Config config,
                                         std::shared_ptr<Log> log,
                                         std::shared_ptr<LogFeed> log_feed,
                                         const DevExtras* dev) {
  std::unique_ptr<App> app(new App(std::move(config), std::move(log), std::move(log_feed)));
  TRY_VOID(app->build(dev));
  return app;
}

Result<void> App::build(const DevExtras* dev) {
  if (config_.data_dir.empty()) {
    session_key_ = new_session_key();
    cache_folder_ = user_cache_folder();
  } else {
    TRY(data_, DataDir::open(config_.data_dir));
    session_key_ = data_->session_key();
    cache_folder_ = data_->cache_folder();
    const std::filesystem::path file =
        config_.journal.empty() ? config_.data_dir / journal::file_name : config_.journal;
    const auto say = [log = log_] {
      log->info("the journal can be written again; turns are taken");
    };
    TRY(journal_, journal::open_sqlite({.file = file, .on_recovery = say}, clock_));
    TRY_VOID(system_.use(*journal_));
  }
  const ServerBounds& bounds = config_.bounds;
  const std::size_t instances = bounds.instances_max + shards_.size() * spare_instances(bounds);
  TRY(engine_,
      guest::Engine::create({.instances_max = static_cast<std::uint32_t>(instances),
                             .memory_pages_max = bounds.instance_pages_max}));
  TRY(cache_,
      guest::ModuleCache::open(cache_folder_ / "modules", bounds.compile, {.log = log_.get()}));

  const std::set<std::string> mounts = mounts_of(config_.topics);
  contexts_.resize(shards_.size());
  for (std::size_t shard = 0; shard < shards_.size(); ++shard) {
    for (const std::string& mount : mounts) {
      contexts_[shard][mount].reset(
          new channel::Context{.system = system_,
                               .shard = shard,
                               .log = *log_,
                               .bounds = bounds.channel,
                               .rules = std::make_shared<const std::vector<channel::TopicRule>>(),
                               .session_key = session_key_});
    }
  }
  if (dev == nullptr && data_) {
    TRY(Deployments deployments, Deployments::open(data_->plugins_folder()));
    deployer_ =
        std::make_unique<Deployer>(std::move(deployments),
                                   loader_parts(),
                                   system_,
                                   journal_.get(),
                                   clock_,
                                   [this](std::span<const TopicConfig> topics) { route(topics); });
    system_.use(*deployer_);
  }
  api_ = std::make_unique<Api>(ApiParts{.system = system_,
                                        .log = *log_,
                                        .journal = journal_.get(),
                                        .deployer = deployer_.get(),
                                        .log_feed = log_feed_,
                                        .token = data_ ? data_->admin_token() : "",
                                        .upload_bytes_max = bounds.upload_bytes_max,
                                        .process = [this] { return process_metrics(); },
                                        .reload = nullptr});
  TRY(http_, open_http(dev));
  TRY(admin_, open_admin());
  if (admin_ && data_) {
    TRY_VOID(data_->write_admin_address(url_of(admin_->addresses().front())));
  }
  return {};
}

Result<std::unique_ptr<socket::Listener>> App::open_http(const DevExtras* dev) {
  socket::ListenerOptions options{.listen = config_.http.listen,
                                  .static_root = config_.http.static_folder,
                                  .origins = config_.http.origins,
                                  .trusted_proxies = config_.http.trusted_proxies,
                                  .session_key = session_key_,
                                  .tls = config_.http.tls,
                                  .limits = config_.bounds.socket};
  options.mounts.clear();
  for (const auto& [mount, context] : contexts_.front()) options.mounts.push_back(mount);
  options.open_socket =
      [this](shard::Shard& shard, channel::FrameSink& sink, channel::ConnectInfo info) {
        channel::Context& context = *contexts_[shard.index()].find(info.mount)->second;
        return std::make_unique<channel::SocketChannels>(context, sink, std::move(info));
      };
  options.routes = {
      get("/troupe.js",
          [is_dev = dev != nullptr](const wire::Request&) {
            return is_dev ? dev_module_response() : asset_response(web::browser_module());
          }),
      get("/troupe.js.map",
          [](const wire::Request&) { return asset_response(web::browser_module_map()); })};
  if (dev != nullptr) {
    options.routes.insert(options.routes.end(), dev->routes.begin(), dev->routes.end());
  }
  return socket::Listener::create(std::move(options), shards_, *log_);
}

Result<std::unique_ptr<socket::Listener>> App::open_admin() {
  if (config_.admin.empty()) return std::unique_ptr<socket::Listener>();
  socket::ListenerOptions options{
      .listen = {config_.admin},
      .listen_setting = "--admin, or `listen` under [admin] in the configuration",
      .limits = config_.bounds.socket};
  options.mounts.clear();
  options.routes = api_->routes();
  options.routes.push_back(get("/readyz", [this](const wire::Request&) {
    if (!ready_) return socket::text_response(503, "The server is about to end.\n");
    const journal::Health health = journal_ ? journal_->health() : journal::Health{};
    if (!health.refusing) return socket::text_response(200, "ready\n");
    return socket::text_response(
        503, fmt::format("The journal cannot be written, and turns are refused: {}\n", health.why));
  }));
  return socket::Listener::create(std::move(options), shards_, *log_);
}

std::vector<std::string> App::urls() const {
  const std::string_view scheme = config_.http.tls.certificate.empty() ? "http" : "https";
  std::vector<std::string> urls;
  for (const std::string& address : http_->addresses()) {
    urls.push_back(fmt::format("{}://{}", scheme, address));
  }
  return urls;
}

ProcessMetrics App::process_metrics() const {
  ProcessMetrics metrics{.resident_bytes = resident_bytes()};
  const auto add = [&](const BoundCounts& counts) {
    for (std::size_t i = 0; i < bound_names.size(); ++i) {
      metrics.bounds_reached[i] += counts.count(static_cast<Bound>(i));
    }
  };
  for (const socket::Listener* listener : {http_.get(), admin_.get()}) {
    metrics.connections += listener->connection_count();
    add(listener->bounds());
  }
  for (const auto& mounts : contexts_) {
    for (const auto& [mount, context] : mounts) add(context->reached);
  }
  add(cache_->bounds());
  for (std::size_t shard = 0; shard < shards_.size(); ++shard) add(system_.bounds(shard));
  if (journal_) metrics.journal = {journal_->counters(), journal_->health().refusing};
  return metrics;
}

const std::vector<std::string>& App::admin_addresses() const {
  static const std::vector<std::string> none;
  return admin_ ? admin_->addresses() : none;
}

LoaderParts App::loader_parts() {
  return {.cache = *cache_, .engine = *engine_, .build_cache_folder = cache_folder_, .log = *log_};
}

void App::install(const std::shared_ptr<const actor::PluginVersion>& version) {
  system_.install(version);
}

void App::route(std::span<const TopicConfig> topics) {
  std::map<std::string, std::vector<channel::TopicRule>> by_mount;
  for (const TopicConfig& topic : topics) by_mount[topic.mount].push_back(topic.rule);
  for (std::size_t shard = 0; shard < shards_.size(); ++shard) {
    for (auto& [mount, context] : contexts_[shard]) {
      shards_[shard].send([&context = *context,
                           rules = std::make_shared<const std::vector<channel::TopicRule>>(
                               by_mount[mount])] { context.rules = rules; });
    }
  }
}

Result<void> App::resume() {
  return system_.resume();
}

void App::start() {
  ready_ = true;
  shards_.start();
  http_->start();
  if (admin_) admin_->start();
}

// What sleeps has a checkpoint, and the next start has nothing to repeat.
void App::sleep_all() {
  if (!journal_) return;
  std::latch asleep(static_cast<std::ptrdiff_t>(shards_.size()));
  for (std::size_t shard = 0; shard < shards_.size(); ++shard) {
    shards_[shard].send([this, shard, &asleep] {
      system_.on(shard).sleep_all();
      asleep.count_down();
    });
  }
  asleep.wait();
}

void App::stop() {
  if (!ready_.exchange(false)) return;
  http_->drain();
  if (admin_) admin_->drain();
  if (deployer_) deployer_->stop();
  sleep_all();
  shards_.stop();
}

}  // namespace troupe::server
