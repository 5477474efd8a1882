#include "actor/pure_call.h"

#include "guest/host.h"
#include "guest/instance.h"
#include "guest/vars.h"

#include <fmt/format.h>

#include <array>
#include <memory>
#include <utility>

namespace troupe::actor {

namespace {

class PureHost final : public guest::Host {
 public:
  PureHost(Actors& actors, Plugin& plugin, std::string_view function)
      : actors_(actors), plugin_(plugin), function_(function) {}

  Result<std::string> call(std::string_view function, std::string_view) override {
    return Error{
        fmt::format("troupe_{} cannot be used in {}: no actor is behind it", function, function_)};
  }

  void log(guest::LogLevel level, std::string_view text) override {
    plugin_.write_log(actors_.log(),
                      actors_.clock().now_ns(),
                      level,
                      fmt::format("{} {}", plugin_.version->name, function_),
                      text);
  }

 private:
  Actors& actors_;
  Plugin& plugin_;
  const std::string_view function_;
};

}  // namespace

Task<PureOutcome> pure_call(Actors& actors,
                            Plugin& plugin,
                            std::shared_ptr<const PluginVersion> version,
                            std::string function,
                            std::string input) {
  guest::TurnInputs inputs{actors.clock().now_ns(), {}};
  actors.random().fill(inputs.seed);
  actors.random().fill(inputs.name.input_id);
  PureHost host(actors, plugin, function);
  guest::Vars vars;

  auto [instance, outcome] = co_await guest::Instance::create(
      actors.shard(), plugin.lane, version->module, version->environment, inputs, host);
  if (instance) {
    const std::array<std::string_view, 1> pieces = {input};
    outcome = co_await instance->call(function, pieces, inputs, vars, host);
  }
  if (outcome.ending != guest::Ending::done && outcome.ending != guest::Ending::error) {
    actors.log().warn("[{} {}] failed ({}): {}{}{}",
                      version->name,
                      function,
                      guest::name_of(outcome.ending),
                      outcome.message,
                      outcome.detail.empty() ? "" : "\n",
                      outcome.detail);
  }
  co_return PureOutcome{outcome.ending, std::string(outcome.output), std::move(outcome.message)};
}

}  // namespace troupe::actor
