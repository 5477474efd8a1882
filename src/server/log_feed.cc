#include "server/log_feed.h"

#include "base/json.h"
#include "base/printable.h"
#include "server/log.h"
#include "server/log_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace troupe::server {

void LogFeed::sink_it_(const spdlog::details::log_msg& line) {
  const LogLine parsed = parse_log_line({line.payload.data(), line.payload.size()});
  if (parsed.actor.empty()) return;
  const auto time =
      std::chrono::duration_cast<std::chrono::milliseconds>(line.time.time_since_epoch());
  std::string message = fmt::format(R"({{"level":"{}","text":)", name_of(line.level));
  json::quote(message, cut(parsed.text, line_bytes_max));
  message += fmt::format(R"(,"time":{})", time.count());
  if (!parsed.turn.empty()) message += fmt::format(R"(,"turn":{})", parsed.turn);
  message += '}';

  const std::lock_guard lock(feed_mutex_);
  for (const std::shared_ptr<Listener>& listener : listeners_) {
    if (listener->actor != parsed.actor) continue;
    listener->shard.send([listener, message] { listener->stream->send(message); });
  }
  Kept& kept = kept_of(parsed.actor);
  kept.last = ++count_;
  kept.lines.push_back(std::move(message));
  if (kept.lines.size() > lines_max) kept.lines.pop_front();
}

LogFeed::Kept& LogFeed::kept_of(std::string_view actor) {
  const auto found = kept_.find(actor);
  if (found != kept_.end()) return found->second;
  if (kept_.size() >= actors_max) {
    kept_.erase(std::min_element(kept_.begin(), kept_.end(), [](const auto& a, const auto& b) {
      return a.second.last < b.second.last;
    }));
  }
  return kept_[std::string(actor)];
}

bool LogFeed::has_room() {
  const std::lock_guard lock(feed_mutex_);
  return listeners_.size() < listeners_max;
}

bool LogFeed::has_lines(std::string_view actor) {
  const std::lock_guard lock(feed_mutex_);
  return kept_.contains(actor);
}

void LogFeed::listen(std::string_view actor,
                     shard::Shard& shard,
                     std::shared_ptr<wire::EventStream> stream) {
  const auto listener = std::make_shared<Listener>(std::string(actor), shard, std::move(stream));
  {
    const std::lock_guard lock(feed_mutex_);
    if (const auto found = kept_.find(actor); found != kept_.end()) {
      for (const std::string& line : found->second.lines) listener->stream->send(line);
    }
    listeners_.push_back(listener);
  }
  listener->stream->when_over([this, gone = listener.get()] { leave(gone); });
}

void LogFeed::leave(const Listener* listener) {
  std::shared_ptr<Listener> gone;  // ends on its own shard, which is this one, without the lock
  const std::lock_guard lock(feed_mutex_);
  const auto found = std::find_if(listeners_.begin(), listeners_.end(), [&](const auto& each) {
    return each.get() == listener;
  });
  if (found == listeners_.end()) return;
  gone = std::move(*found);
  listeners_.erase(found);
}

}  // namespace troupe::server
