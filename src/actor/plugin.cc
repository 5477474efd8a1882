#include "actor/plugin.h"

#include <algorithm>
#include <array>

namespace troupe::actor {

bool PluginVersion::is_event(std::string_view function) const {
  static constexpr std::array<std::string_view, 12> life_cycle = {
      "init",   "authorize",    "handle_message", "terminate",       "migrate",   "mount",
      "render", "handle_event", "handle_params",  "get_constraints", "init_game", "hs_init"};
  if (function.empty() || function.front() == '_') return false;
  if (std::find(life_cycle.begin(), life_cycle.end(), function) != life_cycle.end()) return false;
  return module->has_function(function);
}

}  // namespace troupe::actor
