#include "server/local_plugin.h"

#include "base/clock.h"
#include "base/random.h"
#include "base/task.h"
#include "guest/host.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace troupe::server {

namespace {

// The largest that a guest with 32-bit addresses can use; what a plugin may really have is its
// environment's limit.
constexpr std::uint32_t slot_pages = 65'536;

guest::TurnInputs inputs_now() {
  guest::TurnInputs inputs{.time_ns = SystemClock().now_ns()};
  Random random;
  random.fill(inputs.seed);
  random.fill(inputs.name.input_id);
  return inputs;
}

}  // namespace

class LocalPlugin::LocalHost final : public guest::Host {
 public:
  explicit LocalHost(const Options& options) : options_(options) {}

  Result<std::string> call(std::string_view function, std::string_view input) override {
    if (options_.ask) return options_.ask(function, input);
    return Error{fmt::format("troupe_{} cannot be used here: no actor is behind it", function)};
  }

  void log(guest::LogLevel level, std::string_view text) override {
    if (options_.log) options_.log(level, text);
  }

  bool wrote(guest::LogLevel stream, std::string_view bytes) override {
    if (options_.wrote) options_.wrote(stream, bytes);
    return static_cast<bool>(options_.wrote);
  }

  void traced(const guest::TracedCall& call) override {
    if (options_.traced) options_.traced(call);
  }

 private:
  const Options& options_;
};

Result<std::shared_ptr<LocalRuntime>> LocalRuntime::create(const Options& options) {
  TRY(std::unique_ptr<guest::Engine> engine,
      guest::Engine::create({.compiler = options.compiler,
                             .instances_max = options.instances_max,
                             .memory_pages_max = slot_pages,
                             .fuel = options.fuel,
                             .trace = options.trace}));
  TRY(std::unique_ptr<guest::ModuleCache> cache,
      guest::ModuleCache::open(options.cache_folder / "modules", {}));
  return std::shared_ptr<LocalRuntime>(new LocalRuntime(std::move(engine), std::move(cache)));
}

Result<std::unique_ptr<LocalPlugin>> LocalPlugin::create(std::shared_ptr<LocalRuntime> runtime,
                                                         const guest::Program& program,
                                                         Options options) {
  TRY(std::shared_ptr<const guest::Module> module,
      runtime->cache().load(runtime->engine(), program));
  return std::unique_ptr<LocalPlugin>(
      new LocalPlugin(std::move(runtime), std::move(module), std::move(options)));
}

LocalPlugin::LocalPlugin(std::shared_ptr<LocalRuntime> runtime,
                         std::shared_ptr<const guest::Module> module,
                         Options options)
    : runtime_(std::move(runtime)),
      module_(std::move(module)),
      options_(std::move(options)),
      host_(std::make_unique<LocalHost>(options_)),
      shard_(0) {}

LocalPlugin::~LocalPlugin() = default;

Task<guest::Outcome> LocalPlugin::run(std::string_view function, std::string_view input) {
  if (!instance_) {
    auto [instance, outcome] = co_await guest::Instance::create(
        shard_, lane_, module_, options_.environment, inputs_now(), *host_);
    if (!instance) co_return std::move(outcome);
    instance_ = std::move(instance);
  }
  const std::array<std::string_view, 1> pieces = {input};
  co_return co_await instance_->call(function, pieces, inputs_now(), vars_, *host_);
}

const guest::Outcome& LocalPlugin::call(std::string_view function, std::string_view input) {
  if (calling_) {
    refusal_ = {};
    refusal_.ending = guest::Ending::error;
    refusal_.message = "cannot make reentrant calls into plugin";
    refusal_.code = -1;
    return refusal_;
  }
  calling_ = true;
  reset();
  cancelled_ = false;
  cancellable_ = true;
  Task<guest::Outcome> task = run(function, input);
  task.start();
  while (!task.done() && !cancelled_) shard_.io().run_one();
  cancellable_ = false;
  if (task.done()) {
    outcome_ = task.take();
  } else {
    task.reset();
    outcome_.ending = guest::Ending::timeout;
    outcome_.message = "the call was cancelled";
    outcome_.code = 134;
  }
  vars_.commit();
  using guest::Ending;
  const bool returned = outcome_.ending == Ending::done || outcome_.ending == Ending::error ||
                        outcome_.ending == Ending::output || outcome_.ending == Ending::missing;
  if (instance_ && (!returned || instance_->spent())) instance_.reset();
  calling_ = false;
  return outcome_;
}

void LocalPlugin::cancel() {
  if (!cancellable_) return;
  cancelled_ = true;
  shard_.send([] {});  // wakes the call from a wait
}

void LocalPlugin::set_config(std::string_view key, std::optional<std::string> value) {
  auto& config = options_.environment.config;
  if (value) {
    config.insert_or_assign(std::string(key), *std::move(value));
  } else if (const auto found = config.find(key); found != config.end()) {
    config.erase(found);
  }
}

}  // namespace troupe::server
