// What a turn wants to be done once it has committed: pushes to viewers.
//
// Collected while the guest runs and dropped when the turn does not commit. Lives in a turn.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::actor {

struct Push {
  bool to_all = false;  // to every viewer, or to the one whose event this is
  std::string name;
  std::string detail;  // JSON text
};

class Effects {
 public:
  Effects(std::size_t count_max, std::size_t bytes_max)
      : count_max_(count_max), bytes_max_(bytes_max) {}

  // The host functions troupe_reply and troupe_broadcast: input `{"name", "detail"}`.
  Result<> push(bool to_all, std::string_view input);

  const std::vector<Push>& pushes() const { return pushes_; }

 private:
  const std::size_t count_max_;
  const std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::vector<Push> pushes_;
};

// Names that the protocols use themselves: state:change, state:patch, error, phx_*, livestate-*.
bool is_reserved_event(std::string_view name);

}  // namespace troupe::actor
