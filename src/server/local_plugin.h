// An Extism plugin run by whoever holds it, without a server: what libextism's Plugin is.
//
// It keeps its instance and its variables from call to call. After a call that did not return (a
// trap, a timeout, an exit) the next one begins with a fresh instance and the variables as they
// are; after `_start` without those too. Every call begins with cleared Extism memory.
//
// A call blocks its thread until the function has ended. Not thread-safe, but for cancel().
#pragma once

#include "base/result.h"
#include "guest/engine.h"
#include "guest/host_function.h"
#include "guest/instance.h"
#include "guest/module_cache.h"
#include "guest/outcome.h"
#include "guest/program.h"
#include "guest/vars.h"
#include "shard/shard.h"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace troupe::server {

// What plugins share: an engine, and the folder of compiled code. Its plugins are made on any
// thread, and called on one at a time.
class LocalRuntime {
 public:
  struct Options {
    guest::Compiler compiler = guest::Compiler::optimising;
    bool fuel = false;                   // count instructions, for Limits::fuel_max
    bool trace = false;                  // report calls of host functions, to Options::traced
    std::uint32_t instances_max = 32;    // of all plugins together; each linked module is one
    std::filesystem::path cache_folder;  // of compiled code
  };
  static Result<std::shared_ptr<LocalRuntime>> create(const Options& options);

  guest::Engine& engine() const { return *engine_; }
  guest::ModuleCache& cache() const { return *cache_; }

 private:
  LocalRuntime(std::unique_ptr<guest::Engine> engine, std::unique_ptr<guest::ModuleCache> cache)
      : engine_(std::move(engine)), cache_(std::move(cache)) {}

  const std::unique_ptr<guest::Engine> engine_;
  const std::unique_ptr<guest::ModuleCache> cache_;
};

class LocalPlugin {
 public:
  struct Options {
    guest::Environment environment;
    // What the plugin says, line by line; may be empty. On the calling thread.
    std::function<void(guest::LogLevel level, std::string_view text)> log;
    // What it writes to standard output (info) and error (warn), as it is; without this as lines of
    // the log.
    std::function<void(guest::LogLevel stream, std::string_view bytes)> wrote;
    // Each call of a host function, where the runtime traces.
    std::function<void(const guest::TracedCall& call)> traced;
    // Troupe's functions, by name without troupe_; without it they refuse.
    std::function<Result<std::string>(std::string_view function, std::string_view input)> ask;
  };

  // Compiles, links and checks the modules; `program` is needed no longer than this call.
  static Result<std::unique_ptr<LocalPlugin>> create(std::shared_ptr<LocalRuntime> runtime,
                                                     const guest::Program& program,
                                                     Options options);

  LocalPlugin(const LocalPlugin&) = delete;
  LocalPlugin& operator=(const LocalPlugin&) = delete;
  ~LocalPlugin();

  const guest::Module& module() const { return *module_; }

  // The outcome is valid until the next call or reset(). A call from within one of the plugin's own
  // host functions is refused with Ending::error.
  const guest::Outcome& call(std::string_view function, std::string_view input);
  // Ends the call in progress, if there is one, as a timeout. From any thread.
  void cancel();

  // Forgets the last outcome. Instance and variables stay, as with libextism.
  void reset() { outcome_ = {}; }
  // Drops the instance; the next call starts a fresh one. Variables stay.
  void restart() { instance_.reset(); }

  // What config_get answers from now on; nothing takes a key away.
  void set_config(std::string_view key, std::optional<std::string> value);
  const guest::Vars& vars() const { return vars_; }

 private:
  class LocalHost;

  LocalPlugin(std::shared_ptr<LocalRuntime> runtime,
              std::shared_ptr<const guest::Module> module,
              Options options);
  Task<guest::Outcome> run(std::string_view function, std::string_view input);

  const std::shared_ptr<LocalRuntime> runtime_;
  const std::shared_ptr<const guest::Module> module_;
  Options options_;
  const std::unique_ptr<LocalHost> host_;
  shard::Shard shard_;
  shard::RunQueue::Lane lane_;
  guest::Vars vars_;
  std::unique_ptr<guest::Instance> instance_;
  guest::Outcome outcome_;
  bool calling_ = false;
  guest::Outcome refusal_;  // of a call within a call
  std::atomic<bool> cancellable_ = false;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace troupe::server
