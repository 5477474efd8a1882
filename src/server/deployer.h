// Which version of each plugin runs, and how it comes to another: deploys, rollbacks, the
// configuration read again.
//
// One at a time, on a thread of its own, since compiling takes long; `done` is called on that
// thread. Owned by the app.
#pragma once

#include "actor/archive.h"
#include "actor/system.h"
#include "base/clock.h"
#include "base/result.h"
#include "journal/journal.h"
#include "server/config.h"
#include "server/deployments.h"
#include "server/plugin_loader.h"

#include <boost/asio/thread_pool.hpp>

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::server {

struct DeployOutcome {
  enum class Kind {
    deployed,   // `hash` is the version that runs now
    unchanged,  // it ran already
    done,       // what was asked for has been done
    missing,    // there is no such plugin or version
    refused,    // the code cannot be this plugin: `reasons`
    conflict,   // `migrate` failed, or actors live: `reasons` or `message`; nothing has changed
    failed,     // the server could not: `message`
  };
  Kind kind = Kind::done;
  std::string hash;
  std::string message;
  std::vector<std::string> reasons;
};

// What is known about a plugin without asking its actors.
struct PluginView {
  std::string name;
  actor::Behaviour behaviour;
  DeployedPlugin deployed;
  std::vector<std::string> functions;  // of the current version, that clients may call
  std::string not_capturable;          // why its memory cannot be kept asleep; empty: it can
};

class Deployer final : public actor::Archive {
 public:
  using Done = std::function<void(DeployOutcome)>;
  using Route = std::function<void(std::span<const TopicConfig>)>;

  // `parts`, `system`, `journal` and `clock` outlive it; `route` leads joins by new rules. Without
  // a journal, all actors are in memory.
  Deployer(Deployments deployments,
           LoaderParts parts,
           actor::System& system,
           journal::Journal* journal,
           const Clock& clock,
           Route route);
  Deployer(const Deployer&) = delete;
  Deployer& operator=(const Deployer&) = delete;
  ~Deployer() override;

  // Loads and installs every plugin, before the shards run. Blocks.
  Result<void> load(const Config& config);

  // From any thread, while the shards run.
  // `content`: a module, or a manifest that has its modules in it.
  void deploy(std::string plugin, std::string content, Done done);
  // To the version before the current one, or to that with this hash.
  void roll_back(std::string plugin, std::string hash, Done done);
  void remove(std::string plugin, bool force, Done done);
  // Applies changed plugins and topics of a configuration; what cannot be applied is `refused`, and
  // then nothing is.
  void apply(Config config, Done done);
  std::vector<PluginView> list() const;
  // Those that are kept, run as the plugin's present configuration says.
  void find_versions(std::string plugin, std::string code, Found done) override;
  using Tried = std::function<void(Result<std::shared_ptr<const actor::PluginVersion>>)>;
  // Other code, as deploy() takes it, run as the plugin's present configuration says, and deployed
  // nowhere.
  void try_code(std::string plugin, std::string content, Tried done);

  // Ends what is under way; what waits is dropped. The shards must still run.
  void stop();

 private:
  void post(std::function<DeployOutcome()> work, Done done);
  DeployOutcome deploy_now(const std::string& name, std::string content);
  DeployOutcome roll_back_now(const std::string& name, const std::string& hash);
  DeployOutcome remove_now(const std::string& name, bool force);
  DeployOutcome apply_now(const Config& config);
  Result<Versions> versions_now(const std::string& name, const std::string& code);
  Result<std::shared_ptr<const actor::PluginVersion>> kept_version(const LoadedPlugin& plugin,
                                                                   const std::string& hash);
  Result<std::shared_ptr<const actor::PluginVersion>> version_of(const std::string& name,
                                                                 std::string content);

  // Checks the code and tries `migrate`; the version is set when all is well.
  struct Candidate {
    std::shared_ptr<const actor::PluginVersion> version;
    DeployOutcome refusal;
  };
  Candidate prepare(const LoadedPlugin& plugin, const Code& code);
  // What actors say of a version's `migrate`. Nothing when the server ends.
  std::optional<std::vector<std::string>> try_migrate(
      const std::shared_ptr<const actor::PluginVersion>& version);
  struct Use {
    std::size_t actors = 0;
    std::set<std::string> versions;  // by content
  };
  std::optional<Use> use_of(const std::string& plugin);
  // The plugin's actors that the journal knows to live, asleep or not. Nothing when the server
  // ends.
  using Addresses = Result<std::vector<actor::Address>>;
  std::optional<Addresses> living_in_journal(const std::string& plugin);
  // Ends them one after another. What could not be ended is why; empty: nothing.
  std::optional<std::string> end(const std::vector<actor::Address>& addresses);
  template <class T>
  std::optional<T> wait_for(const std::function<void(std::function<void(T)>)>& ask);

  LoadedPlugin* find(std::string_view name);
  DeployOutcome missing(const std::string& name) const;
  Result<void> record(const LoadedPlugin& plugin,
                      const Code& code,
                      std::string_view origin,
                      const std::set<std::string>& in_use);
  void publish();

  Deployments deployments_;
  LoaderParts parts_;
  actor::System& system_;
  journal::Journal* const journal_;
  const Clock& clock_;
  const Route route_;

  // Touched by the worker, and before it has work by load().
  std::vector<LoadedPlugin> plugins_;
  std::vector<TopicConfig> topics_;
  std::set<std::string> mounts_;  // that the server has
  // By hash, of those that actors had to be brought back with.
  std::map<std::string, std::weak_ptr<const actor::PluginVersion>> old_versions_;

  mutable std::mutex mutex_;  // guards what follows
  std::vector<PluginView> views_;
  bool stopping_ = false;
  std::condition_variable news_;

  boost::asio::thread_pool worker_{1};  // last: ends before what it uses
};

}  // namespace troupe::server
