#include "server/deployer.h"

#include "actor/ask.h"
#include "guest/module_cache.h"
#include "server/suggest.h"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <tuple>
#include <utility>

namespace troupe::server {
namespace {

using Kind = DeployOutcome::Kind;

// The shard that gathers what the actors of all say.
constexpr std::size_t asking_shard = 0;
constexpr std::int64_t ns_per_ms = 1'000'000;

// Whether an actor could tell the difference.
bool same_version(const actor::PluginVersion& a, const actor::PluginVersion& b) {
  const auto settings = [](const actor::PluginVersion& version) {
    const guest::Limits& limits = version.environment.limits;
    return std::tie(version.behaviour,
                    version.init_payload,
                    version.durability,
                    version.environment.config,
                    version.environment.allowed_hosts,
                    version.environment.secrets,  // those read again may be others
                    version.environment.http_response_headers,
                    version.environment.allowed_paths,
                    limits.fuel_max,
                    limits.snapshot_bytes_max,
                    limits.log_level,
                    limits.http_response_bytes_max,
                    limits.memory_pages_max,
                    limits.output_bytes_max,
                    limits.vars_bytes_max,
                    limits.timeout,
                    version.bounds,
                    version.supervision);
  };
  return a.hash == b.hash && settings(a) == settings(b);
}

DeployOutcome failed(std::string message) {
  return {.kind = Kind::failed, .message = std::move(message)};
}

// The configuration for code that comes from no file.
PluginConfig as_sent(PluginConfig config, const Code& code) {
  config.source.clear();
  config.manifest.clear();
  config.wasm = code.manifest ? "the manifest" : "the module";  // as messages call it
  return config;
}

const std::string server_ends = "the server is about to end";

}  // namespace

Deployer::Deployer(Deployments deployments,
                   LoaderParts parts,
                   actor::System& system,
                   journal::Journal* journal,
                   const Clock& clock,
                   Route route)
    : deployments_(std::move(deployments)),
      parts_(parts),
      system_(system),
      journal_(journal),
      clock_(clock),
      route_(std::move(route)) {
  parts_.deployments = &deployments_;
}

Deployer::~Deployer() {
  stop();
}

void Deployer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  news_.notify_all();
  worker_.stop();
  worker_.join();
}

Result<void> Deployer::load(const Config& config) {
  TRY(plugins_, load_plugins(config, parts_));
  topics_ = config.topics;
  for (const TopicConfig& topic : topics_) mounts_.insert(topic.mount);
  for (LoadedPlugin& plugin : plugins_) {
    if (plugin.is_news) TRY_VOID(record(plugin, plugin.code, "file", {}));
    plugin.code = {};
    if (plugin.version) system_.install(plugin.version);
  }
  route_(topics_);
  publish();
  return {};
}

void Deployer::post(std::function<DeployOutcome()> work, Done done) {
  boost::asio::post(worker_, [this, work = std::move(work), done = std::move(done)] {
    DeployOutcome outcome = work();
    publish();
    done(std::move(outcome));
  });
}

void Deployer::deploy(std::string plugin, std::string content, Done done) {
  post(
      [this, plugin = std::move(plugin), content = std::move(content)]() mutable {
        return deploy_now(plugin, std::move(content));
      },
      std::move(done));
}

void Deployer::roll_back(std::string plugin, std::string hash, Done done) {
  post(
      [this, plugin = std::move(plugin), hash = std::move(hash)] {
        return roll_back_now(plugin, hash);
      },
      std::move(done));
}

void Deployer::remove(std::string plugin, bool force, Done done) {
  post([this, plugin = std::move(plugin), force] { return remove_now(plugin, force); },
       std::move(done));
}

void Deployer::apply(Config config, Done done) {
  post([this, config = std::move(config)] { return apply_now(config); }, std::move(done));
}

std::vector<PluginView> Deployer::list() const {
  const std::lock_guard lock(mutex_);
  return views_;
}

void Deployer::publish() {
  std::vector<PluginView> views;
  for (const LoadedPlugin& plugin : plugins_) {
    PluginView view{.name = plugin.config.name, .behaviour = plugin.config.behaviour};
    const DeployedPlugin* deployed = deployments_.find(plugin.config.name);
    if (deployed != nullptr) view.deployed = *deployed;
    if (plugin.version) {
      view.functions = events_of(*plugin.version, {});
      view.not_capturable = plugin.version->module->not_capturable();
    }
    views.push_back(std::move(view));
  }
  const std::lock_guard lock(mutex_);
  views_ = std::move(views);
}

LoadedPlugin* Deployer::find(std::string_view name) {
  const auto found = std::find_if(plugins_.begin(), plugins_.end(), [&](const auto& plugin) {
    return plugin.config.name == name;
  });
  return found == plugins_.end() ? nullptr : &*found;
}

DeployOutcome Deployer::missing(const std::string& name) const {
  std::vector<std::string> names;
  for (const LoadedPlugin& plugin : plugins_) names.push_back(plugin.config.name);
  return {.kind = Kind::missing,
          .message = fmt::format("the configuration has no plugin \"{}\"{}; add [plugins.{}] to it "
                                 "and reload",
                                 name,
                                 suggestion(name, names),
                                 name)};
}

DeployOutcome Deployer::deploy_now(const std::string& name, std::string content) {
  LoadedPlugin* plugin = find(name);
  if (plugin == nullptr) return missing(name);
  const Result<Code> code = code_of(std::move(content), From::upload);
  if (!code) return {.kind = Kind::refused, .reasons = {code.error().message}};
  const std::string hash = guest::content_hash(code->kept());
  const DeployedPlugin* deployed = deployments_.find(name);
  if (deployed != nullptr && deployed->current == hash) {
    return {.kind = Kind::unchanged, .hash = hash};
  }
  Candidate candidate = prepare(*plugin, *code);
  if (!candidate.version) return candidate.refusal;
  const auto use = use_of(name);
  if (!use) return failed(server_ends);
  std::shared_ptr<const actor::PluginVersion> before =
      std::exchange(plugin->version, candidate.version);
  if (const auto kept = record(*plugin, *code, "upload", use->versions); !kept) {
    plugin->version = std::move(before);
    return failed(kept.error().message);
  }
  system_.install(plugin->version);
  parts_.log.info("plugin {}: version {} was deployed", name, hash.substr(0, 12));
  return {.kind = Kind::deployed, .hash = hash};
}

DeployOutcome Deployer::roll_back_now(const std::string& name, const std::string& hash) {
  LoadedPlugin* plugin = find(name);
  if (plugin == nullptr) return missing(name);
  const DeployedPlugin* deployed = deployments_.find(name);
  const Deployment* target = deployed == nullptr ? nullptr
                             : hash.empty()      ? deployed->previous()
                                                 : deployed->find(hash);
  if (target == nullptr && hash.empty()) {
    return {.kind = Kind::conflict,
            .message = fmt::format("the plugin {} has no version before the one that runs", name)};
  }
  if (target == nullptr) {
    return {.kind = Kind::missing,
            .message = fmt::format("the plugin {} has no version {}", name, hash)};
  }
  if (target->hash == deployed->current) return {.kind = Kind::unchanged, .hash = target->hash};
  const std::string to = target->hash;
  Result<std::string> content = deployments_.read(name, to);
  if (!content) return failed(content.error().message);
  const Result<Code> code = code_of(std::move(*content), From::deployment);
  if (!code) return failed(code.error().message);
  Candidate candidate = prepare(*plugin, *code);
  if (!candidate.version) return candidate.refusal;
  if (const auto chosen = deployments_.choose(name, to); !chosen) {
    return failed(chosen.error().message);
  }
  plugin->version = candidate.version;
  system_.install(plugin->version);
  parts_.log.info("plugin {}: rolled back to version {}", name, to.substr(0, 12));
  return {.kind = Kind::deployed, .hash = to};
}

DeployOutcome Deployer::remove_now(const std::string& name, bool force) {
  LoadedPlugin* plugin = find(name);
  if (plugin == nullptr) return missing(name);
  const auto use = use_of(name);
  if (!use) return failed(server_ends);
  const auto kept = living_in_journal(name);
  if (!kept) return failed(server_ends);
  if (kept->has_error()) return failed(kept->error().message);
  // The journal knows all that are in memory, but those whose durability is "none".
  const std::size_t actors = std::max(use->actors, (*kept)->size());
  if (actors > 0 && !force) {
    return {.kind = Kind::conflict,
            .message = fmt::format("{} actors of the plugin {} live; end them first, or force it, "
                                   "which ends them",
                                   actors,
                                   name)};
  }
  const auto mistake = end(**kept);
  if (!mistake) return failed(server_ends);
  if (!mistake->empty()) return failed(*mistake);
  if (const auto removed = deployments_.remove(name); !removed) {
    return failed(removed.error().message);
  }
  plugin->version.reset();
  system_.uninstall(name);
  parts_.log.info("plugin {}: deleted; it waits for a deploy", name);
  return {.kind = Kind::done};
}

void Deployer::find_versions(std::string plugin, std::string code, Found done) {
  boost::asio::post(
      worker_, [this, plugin = std::move(plugin), code = std::move(code), done = std::move(done)] {
        done(versions_now(plugin, code));
      });
}

void Deployer::try_code(std::string plugin, std::string content, Tried done) {
  boost::asio::post(
      worker_,
      [this,
       name = std::move(plugin),
       content = std::move(content),
       done = std::move(done)]() mutable { done(version_of(name, std::move(content))); });
}

Result<std::shared_ptr<const actor::PluginVersion>> Deployer::version_of(const std::string& name,
                                                                         std::string content) {
  const LoadedPlugin* plugin = find(name);
  if (plugin == nullptr) return Error{missing(name).message};
  TRY(const Code code, code_of(std::move(content), From::upload));
  return make_version(as_sent(plugin->config, code), code, parts_.cache, parts_.engine);
}

Result<Deployer::Versions> Deployer::versions_now(const std::string& name,
                                                  const std::string& code) {
  const LoadedPlugin* plugin = find(name);
  const DeployedPlugin* deployed = deployments_.find(name);
  Versions versions;
  std::string why;
  if (plugin != nullptr && deployed != nullptr) {
    for (const Deployment& each : std::views::reverse(deployed->versions)) {
      if (!each.code.empty() && each.code != code) continue;
      auto version = kept_version(*plugin, each.hash);
      if (!version) {
        why = "; " + version.error().message;
      } else if ((*version)->module->content_hash() == code) {
        versions.push_back(*std::move(version));
      }
    }
  }
  if (!versions.empty()) return versions;
  return Error{
      fmt::format("its last turns ran with code {} of the plugin {}, which is not kept any more: "
                  "deploy it once "
                  "more, and then the present one{}",
                  code,
                  name,
                  why)};
}

Result<std::shared_ptr<const actor::PluginVersion>> Deployer::kept_version(
    const LoadedPlugin& plugin, const std::string& hash) {
  std::weak_ptr<const actor::PluginVersion>& known = old_versions_[hash];
  if (auto version = known.lock()) return version;
  TRY(std::string content, deployments_.read(plugin.config.name, hash));
  TRY(const Code code, code_of(std::move(content), From::deployment));
  TRY(auto version, make_version(as_sent(plugin.config, code), code, parts_.cache, parts_.engine));
  known = version;
  return version;
}

DeployOutcome Deployer::apply_now(const Config& config) {
  for (const TopicConfig& topic : config.topics) {
    if (mounts_.contains(topic.mount)) continue;
    return {.kind = Kind::refused,
            .reasons = {fmt::format(
                "{}.socket: a new mount, \"{}\", needs a restart", topic.place, topic.mount)}};
  }
  auto loaded = load_plugins(config, parts_);
  if (!loaded) return {.kind = Kind::refused, .reasons = {loaded.error().message}};
  const auto is_changed = [this](const LoadedPlugin& next) {
    const LoadedPlugin* old = find(next.config.name);
    return next.version &&
           (old == nullptr || !old->version || !same_version(*old->version, *next.version));
  };
  for (const LoadedPlugin& next : *loaded) {
    if (!is_changed(next)) continue;
    auto mistakes = try_migrate(next.version);
    if (!mistakes) return failed(server_ends);
    if (!mistakes->empty()) return {.kind = Kind::conflict, .reasons = std::move(*mistakes)};
  }
  for (LoadedPlugin& next : *loaded) {
    if (next.is_news) {
      const auto use = use_of(next.config.name);
      if (!use) return failed(server_ends);
      const auto kept = record(next, next.code, "file", use->versions);
      if (!kept) return failed(kept.error().message);
    }
    next.code = {};
    if (!is_changed(next)) continue;
    system_.install(next.version);
    parts_.log.info("plugin {}: the new version is live", next.config.name);
  }
  plugins_ = std::move(*loaded);
  topics_ = config.topics;
  route_(topics_);
  return {.kind = Kind::done};
}

Deployer::Candidate Deployer::prepare(const LoadedPlugin& plugin, const Code& code) {
  Checked checked = check_code(as_sent(plugin.config, code), code, topics_, parts_);
  if (!checked) return {nullptr, {.kind = Kind::refused, .reasons = std::move(checked).error()}};
  auto mistakes = try_migrate(*checked);
  if (!mistakes) return {nullptr, failed(server_ends)};
  if (!mistakes->empty()) {
    return {nullptr, {.kind = Kind::conflict, .reasons = std::move(*mistakes)}};
  }
  return {std::move(*checked), {}};
}

template <class T>
std::optional<T> Deployer::wait_for(const std::function<void(std::function<void(T)>)>& ask) {
  // Shared with the answer, which may come when nobody waits any more.
  const auto answer = std::make_shared<std::optional<T>>();
  ask([this, answer](T value) {
    {
      const std::lock_guard lock(mutex_);
      *answer = std::move(value);
    }
    news_.notify_all();
  });
  std::unique_lock lock(mutex_);
  news_.wait(lock, [&] { return answer->has_value() || stopping_; });
  return std::move(*answer);
}

std::optional<std::vector<std::string>> Deployer::try_migrate(
    const std::shared_ptr<const actor::PluginVersion>& version) {
  return wait_for<std::vector<std::string>>(
      [&](auto told) { system_.try_migrate(asking_shard, version, std::move(told)); });
}

std::optional<Deployer::Use> Deployer::use_of(const std::string& plugin) {
  return wait_for<Use>([&](auto told) {
    system_.gather(
        asking_shard,
        [](const actor::Actors& actors) { return actors.counters(); },
        [plugin,
         told = std::move(told)](const std::vector<std::vector<actor::PluginCounters>>& shards) {
          Use use;
          for (const auto& shard : shards) {
            for (const actor::PluginCounters& each : shard) {
              if (each.plugin != plugin) continue;
              use.actors += each.actors;
              for (const auto& [hash, count] : each.versions) use.versions.insert(hash);
            }
          }
          told(std::move(use));
        });
  });
}

std::optional<Deployer::Addresses> Deployer::living_in_journal(const std::string& plugin) {
  constexpr std::size_t page = 4096;
  std::vector<actor::Address> addresses;
  if (journal_ == nullptr) return Addresses(std::move(addresses));
  using Lines = Result<std::vector<journal::ActorLine>>;
  std::string after;
  while (true) {
    const auto lines = wait_for<Lines>(
        [&](auto told) { journal_->list(plugin + '/', after, page, std::move(told)); });
    if (!lines) return std::nullopt;
    if (lines->has_error()) return Addresses(lines->error());
    for (const journal::ActorLine& line : **lines) {
      const auto address = actor::Address::read(line.address);
      if (!line.ended && address) addresses.push_back(*address);
    }
    if ((*lines)->size() < page) return Addresses(std::move(addresses));
    after = (*lines)->back().address;
  }
}

std::optional<std::string> Deployer::end(const std::vector<actor::Address>& addresses) {
  for (const actor::Address& address : addresses) {
    const auto answer = wait_for<actor::Answer>([&](auto told) {
      system_.send(
          address,
          {.kind = actor::Message::Kind::end,
           .ask = std::make_shared<const actor::Ask>(actor::Ask{asking_shard, std::move(told)})});
    });
    if (!answer) return std::nullopt;
    if (answer->verdict != actor::Verdict::done && answer->verdict != actor::Verdict::missing) {
      return fmt::format(
          "{} cannot be ended, and the plugin stays: {}", address.text(), answer->message);
    }
  }
  return std::string();
}

Result<void> Deployer::record(const LoadedPlugin& plugin,
                              const Code& code,
                              std::string_view origin,
                              const std::set<std::string>& in_use) {
  using Kind = Deployment::Kind;
  return deployments_.add(plugin.config.name,
                          {.hash = plugin.version->hash,
                           .code = plugin.version->module->content_hash(),
                           .kind = code.manifest ? Kind::manifest : Kind::module,
                           .bytes = code.kept().size(),
                           .time_ms = clock_.now_ns() / ns_per_ms,
                           .origin = std::string(origin)},
                          code.kept(),
                          in_use);
}

}  // namespace troupe::server
