#include "socket/refused_origins.h"

#include <algorithm>

namespace troupe::socket {

bool RefusedOrigins::is_news(std::string_view origin, Time now) {
  while (!seen_.empty() && now - seen_.front().at >= forgotten_after) seen_.pop_front();
  const bool known = std::any_of(
      seen_.begin(), seen_.end(), [&](const Seen& seen) { return seen.origin == origin; });
  if (known || seen_.size() >= remembered_max) return false;
  seen_.push_back({std::string(origin), now});
  return true;
}

}  // namespace troupe::socket
