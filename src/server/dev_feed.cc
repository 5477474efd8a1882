#include "server/dev_feed.h"

#include "base/json.h"
#include "server/log.h"
#include "server/log_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace troupe::server {
namespace {

std::string json_string(std::string_view text) {
  std::string out;
  json::quote(out, text);
  return out;
}

// The lines around the place, with a mark, as in the terminal: what render() says between the head
// and the stack.
std::string excerpt_of(const js::BuildError& error) {
  if (error.excerpt.empty() || error.column < 1) return {};
  const std::string number = std::to_string(error.line);
  return fmt::format("{} | {}\n{} | {}^\n",
                     number,
                     error.excerpt,
                     std::string(number.size(), ' '),
                     std::string(static_cast<std::size_t>(error.column) - 1, ' '));
}

}  // namespace

void DevFeed::swapped(std::string_view plugin,
                      std::string_view version,
                      std::string_view topic,
                      std::span<const std::string> events) {
  std::string list;
  json::quote_array(list, events);
  std::string message =
      fmt::format(R"({{"type":"plugin","name":{},"version":{},"topic":{},"events":{}}})",
                  json_string(plugin),
                  json_string(version),
                  json_string(topic),
                  list);
  const std::lock_guard lock(feed_mutex_);
  publish(message);
  plugins_.insert_or_assign(std::string(plugin), std::move(message));
}

void DevFeed::built(std::string_view plugin, std::chrono::milliseconds time) {
  std::string message = fmt::format(
      R"({{"type":"build","plugin":{},"ok":true,"ms":{}}})", json_string(plugin), time.count());
  const std::lock_guard lock(feed_mutex_);
  publish(message);
  builds_.insert_or_assign(std::string(plugin), std::move(message));
}

void DevFeed::failed(std::string_view plugin,
                     std::chrono::milliseconds time,
                     std::string_view message,
                     const js::BuildError* build) {
  std::string error = fmt::format(R"({{"message":{})", json_string(message));
  if (build != nullptr && !build->file.empty()) {
    error += fmt::format(R"(,"file":{})", json_string(build->file));
    if (build->line > 0) error += fmt::format(R"(,"line":{})", build->line);
    if (build->column > 0) error += fmt::format(R"(,"column":{})", build->column);
    if (const std::string excerpt = excerpt_of(*build); !excerpt.empty()) {
      error += fmt::format(R"(,"excerpt":{})", json_string(excerpt));
    }
  }
  std::string text =
      fmt::format(R"({{"type":"build","plugin":{},"ok":false,"ms":{},"error":{}}}}})",
                  json_string(plugin),
                  time.count(),
                  error);
  const std::lock_guard lock(feed_mutex_);
  publish(text);
  builds_.insert_or_assign(std::string(plugin), std::move(text));
}

void DevFeed::sink_it_(const spdlog::details::log_msg& line) {
  const LogLine parsed = parse_log_line({line.payload.data(), line.payload.size()});
  if (parsed.plugin.empty()) return;
  const auto time =
      std::chrono::duration_cast<std::chrono::milliseconds>(line.time.time_since_epoch());
  std::string message =
      fmt::format(R"({{"type":"log","plugin":{},"level":"{}","text":{},"time":{}}})",
                  json_string(parsed.plugin),
                  line.level == spdlog::level::trace ? "debug" : name_of(line.level),
                  json_string(parsed.text),
                  time.count());
  const std::lock_guard lock(feed_mutex_);
  publish(message);
  log_.push_back(std::move(message));
  if (log_.size() > log_lines_max) log_.pop_front();
}

void DevFeed::publish(const std::string& message) {
  const auto gone = std::partition(listeners_.begin(), listeners_.end(), [](const auto& listener) {
    return !listener->gone.load();
  });
  // A stream ends on its own shard.
  for (auto listener = gone; listener != listeners_.end(); ++listener) {
    shard::Shard& shard = (*listener)->shard;
    shard.send([ended = std::move(*listener)] {});
  }
  listeners_.erase(gone, listeners_.end());
  for (const std::shared_ptr<Listener>& listener : listeners_) {
    listener->shard.send([listener, message] {
      if (!listener->stream->send(message)) listener->gone = true;
    });
  }
}

void DevFeed::listen(shard::Shard& shard, std::shared_ptr<wire::EventStream> stream) {
  auto listener = std::make_shared<Listener>(shard, std::move(stream));
  const std::lock_guard lock(feed_mutex_);
  for (const auto& [plugin, message] : plugins_) listener->stream->send(message);
  for (const auto& [plugin, message] : builds_) listener->stream->send(message);
  for (const std::string& message : log_) listener->stream->send(message);
  listeners_.push_back(std::move(listener));
}

void DevFeed::close() {
  const std::lock_guard lock(feed_mutex_);
  for (const std::shared_ptr<Listener>& listener : listeners_) {
    listener->shard.send([listener] { listener->stream->close(); });
  }
  listeners_.clear();
}

}  // namespace troupe::server
