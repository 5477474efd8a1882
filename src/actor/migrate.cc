#include "actor/migrate.h"

#include "actor/pure_call.h"
#include "base/json.h"

#include <fmt/format.h>

#include <utility>

namespace troupe::actor {

Task<Result<state::Canonical>> migrate(Actors& actors,
                                       Plugin& plugin,
                                       std::shared_ptr<const PluginVersion> to,
                                       std::string from,
                                       std::string state) {
  if (!to->module->has_function("migrate")) co_return state::Canonical::read(state);
  const std::size_t bytes_max = to->bounds.state_bytes_max;
  std::string input = "{\"from\":";
  json::quote(input, from);
  input += ",\"to\":";
  json::quote(input, to->module->content_hash());
  input += ",\"state\":";
  input += state;
  input += '}';
  const PureOutcome outcome =
      co_await pure_call(actors, plugin, std::move(to), "migrate", std::move(input));
  if (outcome.ending != guest::Ending::done) {
    co_return Error{
        fmt::format("migrate failed ({}): {}", guest::name_of(outcome.ending), outcome.message)};
  }
  if (outcome.output.size() > bytes_max) {
    co_return Error{fmt::format("migrate returned {} bytes, more than the {} allowed for a state",
                                outcome.output.size(),
                                bytes_max)};
  }
  auto next = state::Canonical::read(outcome.output);
  if (next.has_error()) {
    co_return Error{fmt::format("migrate returned no JSON: {}", next.error().message)};
  }
  if (!next->root().is_object()) {
    co_return Error{fmt::format("migrate returned {}; the state must be an object",
                                json::describe(next->root().kind()))};
  }
  co_return std::move(*next);
}

}  // namespace troupe::actor
