// The rows of the API about actors.
#include "actor/ask.h"
#include "base/json.h"
#include "server/api.h"
#include "server/plugin_loader.h"
#include "server/watch.h"
#include "wire/problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <iterator>
#include <set>
#include <utility>

namespace troupe::server {
namespace {

using actor::Answer;
using actor::Verdict;

constexpr std::size_t list_limit_default = 100;
constexpr std::size_t list_limit_max = 1000;

std::uint16_t status_of(const Answer& answer) {
  switch (answer.verdict) {
    case Verdict::done:
      return 200;
    case Verdict::error:
      return 422;
    case Verdict::failed:
      return answer.ending == guest::Ending::timeout ? 504 : 500;
    case Verdict::missing:
    case Verdict::refused:
      return 404;
    case Verdict::conflict:
      return 409;
    case Verdict::busy:
      return 429;
    case Verdict::down:
    case Verdict::unavailable:
      return 503;
  }
  return 500;
}

std::string event_answer(const Answer& answer) {
  std::string body = fmt::format(R"({{"seq":{},"state":{},"replies":[)",
                                 answer.turn,
                                 answer.state.empty() ? "null" : answer.state);
  for (const actor::Push& reply : answer.replies) {
    if (body.back() != '[') body += ',';
    body += "{\"name\":";
    json::quote(body, reply.name);
    body += fmt::format(",\"detail\":{}}}", reply.detail);
  }
  return body + "]}";
}

// Those that only the journal has: nobody has sent them anything for a while.
void add_sleepers(std::vector<actor::ActorSummary>& actors,
                  const std::vector<journal::ActorLine>& lines) {
  std::set<std::string, std::less<>> known;
  for (const actor::ActorSummary& actor : actors) known.insert(actor.address);
  for (const journal::ActorLine& line : lines) {
    if (line.ended || known.contains(line.address)) continue;
    std::string json = "{\"address\":";
    json::quote(json, line.address);
    json += fmt::format(",\"status\":\"asleep\",\"turn\":{},\"viewers\":0}}", line.turn);
    actors.push_back({line.address, std::move(json)});
  }
}

}  // namespace

wire::Response problem_of(const Answer& answer, const wire::Request& request) {
  std::int64_t retry_seconds = (answer.retry_ms + 999) / 1000;
  if (answer.verdict == Verdict::busy) retry_seconds = 1;
  return wire::problem_response({.status = status_of(answer),
                                 .type = std::string(actor::type_of(answer)),
                                 .detail = answer.message,
                                 .request_id = request.request_id,
                                 .retry_seconds = retry_seconds});
}

bool Api::has_plugin(std::string_view name) const {
  if (parts_.deployer == nullptr) return true;  // nobody can tell
  const std::vector<PluginView> views = parts_.deployer->list();
  return std::ranges::find(views, name, &PluginView::name) != views.end();
}

// Actors know only of plugins that have code.
std::string Api::why_missing(const ApiCall& call, const Answer& answer) const {
  if (parts_.deployer == nullptr || call.plugin.empty()) return answer.message;
  for (const PluginView& view : parts_.deployer->list()) {
    if (view.name == call.plugin && view.deployed.current.empty()) return no_code_yet(view.name);
  }
  return answer.message;
}

void Api::list_actors(ApiCall call) {
  const std::string_view wanted = parameter(call.request, "limit");
  std::size_t limit = list_limit_default;
  if (!wanted.empty()) {
    const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), limit);
    if (error != std::errc() || end != wanted.data() + wanted.size() || limit < 1 ||
        limit > list_limit_max) {
      return refuse(
          call, 400, "bad-limit", fmt::format("`limit` is a number from 1 to {}", list_limit_max));
    }
  }
  const std::size_t shard = call.shard.index();
  std::string plugin(parameter(call.request, "plugin"));
  std::string after(parameter(call.request, "after"));
  std::string prefix = plugin.empty() ? std::string() : plugin + '/';
  std::string from = after;
  // One more than is shown tells whether there are more.
  parts_.system.gather(
      shard,
      [plugin = std::move(plugin), after = std::move(after), limit](const actor::Actors& actors) {
        return actors.list(plugin, after, limit + 1);
      },
      [this, call = std::move(call), limit, prefix = std::move(prefix), from = std::move(from)](
          std::vector<std::vector<actor::ActorSummary>> shards) mutable {
        std::vector<actor::ActorSummary> all;
        for (auto& each : shards) std::move(each.begin(), each.end(), std::back_inserter(all));
        if (parts_.journal == nullptr) return answer_list(call, std::move(all), limit);
        // Shared with the journal's thread, which copies its functions.
        auto shared = std::make_shared<ApiCall>(std::move(call));
        auto known = std::make_shared<std::vector<actor::ActorSummary>>(std::move(all));
        parts_.journal->list(
            prefix,
            from,
            limit + 1,
            [this, shared, known, limit](Result<std::vector<journal::ActorLine>> lines) {
              shared->shard.send([this, shared, known, limit, lines = std::move(lines)] {
                if (lines.has_error()) {
                  return refuse(*shared, 500, "journal", lines.error().message);
                }
                add_sleepers(*known, *lines);
                answer_list(*shared, std::move(*known), limit);
              });
            });
      });
}

void Api::answer_list(ApiCall& call, std::vector<actor::ActorSummary> actors, std::size_t limit) {
  // The journal may have actors of plugins that the configuration has no more.
  const std::string plugin(parameter(call.request, "plugin"));
  if (actors.empty() && !plugin.empty() && !has_plugin(plugin)) {
    return refuse(call, 404, "missing", fmt::format("there is no plugin \"{}\"", plugin));
  }
  std::ranges::sort(actors, {}, &actor::ActorSummary::address);
  const bool has_more = actors.size() > limit;
  if (has_more) actors.resize(limit);
  std::string body = "{\"actors\":[";
  for (const actor::ActorSummary& each : actors) {
    if (body.back() != '[') body += ',';
    body += each.json;
  }
  body += "],\"next\":";
  if (has_more) {
    json::quote(body, actors.back().address);
  } else {
    body += "null";
  }
  body += '}';
  answer(call, json_response(200, std::move(body)));
}

actor::AskPtr Api::ask(ApiCall call, std::function<wire::Response(Answer)> respond) {
  const std::size_t shard = call.shard.index();
  return std::make_shared<const actor::Ask>(actor::Ask{
      shard, [this, call = std::move(call), respond = std::move(respond)](Answer answered) mutable {
        if (answered.verdict != Verdict::done) {
          if (answered.verdict == Verdict::missing) answered.message = why_missing(call, answered);
          return answer(call, problem_of(answered, call.request));
        }
        answer(call, respond(std::move(answered)));
      }});
}

void Api::send(ApiCall call, const actor::Address& address, actor::Message::Kind kind) {
  auto respond = [kind](Answer answered) -> wire::Response {
    if (kind == actor::Message::Kind::end) return {.status = 204};
    return json_response(200, std::move(answered.output));
  };
  parts_.system.send(address, {.kind = kind, .ask = ask(std::move(call), std::move(respond))});
}

void Api::call_function(ApiCall call, const actor::Address& address, std::string_view function) {
  std::string input = std::move(call.request.body);
  auto respond = [](Answer answered) -> wire::Response {
    return {.content_type = "application/octet-stream",
            .body = std::move(answered.output),
            .headers = {{"Cache-Control", "no-store"}}};
  };
  parts_.system.send(address,
                     {.kind = actor::Message::Kind::call,
                      .ask = ask(std::move(call), std::move(respond)),
                      .name = std::string(function),
                      .payload = std::move(input)});
}

void Api::send_event(ApiCall call, const actor::Address& address, std::string_view event) {
  std::string payload = std::move(call.request.body);
  json::Tape tape;
  if (const auto parsed = json::parse(payload, tape); !parsed) {
    return refuse(call,
                  400,
                  "bad-json",
                  fmt::format("an event's payload is JSON: {}", parsed.error().message));
  }
  auto respond = [](const Answer& answered) { return json_response(200, event_answer(answered)); };
  parts_.system.send(address,
                     {.kind = actor::Message::Kind::event,
                      .ask = ask(std::move(call), respond),
                      .name = std::string(event),
                      .payload = std::move(payload)});
}

void Api::find_actor(ApiCall call,
                     const actor::Address& address,
                     std::function<void(ApiCall call, std::size_t shard)> found) {
  const std::size_t shard = call.shard.index();
  parts_.system.gather(
      shard,
      // No vector<bool>: its elements are not written by two threads at once, but are not objects
      // either.
      [text = address.text()](actor::Actors& actors) -> int {
        return actors.find(text) != nullptr ? 1 : 0;
      },
      [this, call = std::move(call), address, found = std::move(found)](
          const std::vector<int>& has) mutable {
        const auto there = std::find(has.begin(), has.end(), 1);
        if (there != has.end()) {
          return found(std::move(call), static_cast<std::size_t>(there - has.begin()));
        }
        // The journal may have one, which is asked about itself and sleeps on.
        const std::size_t index = call.shard.index();
        auto told = [this, call = std::move(call), address, found = std::move(found)](
                        Answer answered) mutable {
          if (answered.verdict == Verdict::done) {
            return found(std::move(call), parts_.system.shard_of(address));
          }
          if (answered.verdict == Verdict::missing) answered.message = why_missing(call, answered);
          answer(call, problem_of(answered, call.request));
        };
        parts_.system.send(
            address,
            {.kind = actor::Message::Kind::show,
             .ask = std::make_shared<const actor::Ask>(actor::Ask{index, std::move(told)})});
      });
}

void Api::watch_actor(ApiCall call, const actor::Address& address) {
  find_actor(std::move(call), address, [this, address](ApiCall found, std::size_t shard) {
    watch(parts_.system, found.shard.index(), shard, address, found.responder->start_events());
  });
}

void Api::watch_logs(ApiCall call, const actor::Address& address) {
  if (!parts_.log_feed->has_room()) {
    return answer(call,
                  wire::problem_response({.status = 503,
                                          .type = "busy",
                                          .detail = "too many clients read logs already",
                                          .request_id = call.request.request_id,
                                          .retry_seconds = 5}));
  }
  // What an actor has said outlives it.
  if (parts_.log_feed->has_lines(address.text())) return listen_to_logs(call, address);
  find_actor(std::move(call), address, [this, address](ApiCall found, std::size_t) {
    listen_to_logs(found, address);
  });
}

void Api::listen_to_logs(ApiCall& call, const actor::Address& address) {
  parts_.log_feed->listen(address.text(), call.shard, call.responder->start_events());
}

}  // namespace troupe::server
