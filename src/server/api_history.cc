// The rows of the API about the past of actors.
#include "actor/ask.h"
#include "base/json.h"
#include "journal/inspect.h"
#include "server/api.h"
#include "wire/problem.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>
#include <vector>

namespace troupe::server {
namespace {

using actor::Answer;
using actor::Message;
using actor::Verdict;

constexpr std::uint64_t entries_default = 100;
constexpr std::uint64_t entries_max = 1000;

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Answers with what the actor says of itself.
auto description(std::uint16_t status) {
  return [status](Answer answered) { return json_response(status, std::move(answered.output)); };
}

}  // namespace

std::optional<std::uint64_t> Api::turn_of(ApiCall& call, std::string_view name) {
  const auto turn = number_in(parameter(call.request, name));
  if (turn && *turn > 0) return turn;
  refuse(call,
         400,
         "bad-turn",
         fmt::format("the parameter `{}` is the number of a turn, as the history has them", name));
  return std::nullopt;
}

void Api::show_past(ApiCall call, const actor::Address& address) {
  const auto turn = turn_of(call, "at");
  if (!turn) return;
  parts_.system.tell_past(address, *turn, ask(std::move(call), description(200)));
}

void Api::list_history(ApiCall call, const actor::Address& address) {
  if (parts_.journal == nullptr) {
    return refuse(call, 404, "missing", "this server keeps no history");
  }
  const auto from_text = parameter(call.request, "from");
  const auto limit_text = parameter(call.request, "limit");
  const auto from = from_text.empty() ? std::optional<std::uint64_t>(0) : number_in(from_text);
  const auto limit = limit_text.empty() ? std::optional(entries_default) : number_in(limit_text);
  if (!from || !limit || *limit < 1 || *limit > entries_max) {
    return refuse(call,
                  400,
                  "bad-limit",
                  fmt::format("`from` is the number of an entry, `limit` a number from 1 to {}",
                              entries_max));
  }
  // Shared with the journal's thread, which copies its functions.
  const auto shared = std::make_shared<ApiCall>(std::move(call));
  parts_.journal->history(
      address.text(),
      *from,
      *limit,
      [this, shared, address](Result<std::vector<journal::Entry>> entries) {
        shared->shard.send([this, shared, address, entries = std::move(entries)]() mutable {
          if (entries.has_error()) {
            return refuse(*shared, 500, "journal", entries.error().message);
          }
          if (entries->empty()) {
            return refuse(
                *shared, 404, "missing", fmt::format("there is no actor {}", address.text()));
          }
          std::string body = "{\"entries\":[";
          for (const journal::Entry& entry : *entries) {
            if (body.back() != '[') body += ',';
            body += journal::as_json(entry);
          }
          const std::uint64_t last = entries->back().subject.number;
          body += fmt::format("],\"next\":{}}}", last > 1 ? std::to_string(last - 1) : "null");
          answer(*shared, json_response(200, std::move(body)));
        });
      });
}

void Api::rewind(ApiCall call, const actor::Address& address) {
  const auto turn = turn_of(call, "turn");
  if (!turn) return;
  parts_.system.send(address,
                     {.kind = Message::Kind::rewind,
                      .ask = ask(std::move(call), description(200)),
                      .generation = *turn});
}

void Api::fork(ApiCall call, const actor::Address& address) {
  const actor::Address to(address.plugin(), parameter(call.request, "to"));
  if (!actor::is_key(to.key())) {
    return refuse(call,
                  400,
                  "bad-key",
                  fmt::format("the parameter `to` is the key of the actor that is to begin: {}",
                              actor::key_rule));
  }
  std::optional<std::uint64_t> turn = 0;
  if (!parameter(call.request, "turn").empty()) {
    turn = turn_of(call, "turn");
    if (!turn) return;
  }
  parts_.system.send(to,
                     {.kind = Message::Kind::fork,
                      .ask = ask(std::move(call), description(201)),
                      .name = address.text(),
                      .generation = *turn});
}

// With the module or the manifest in the body, or with what ran the turns.
void Api::replay(ApiCall call, const actor::Address& address) {
  actor::ReplayOrder order{.address = address};
  if (!parameter(call.request, "from").empty()) {
    const auto turn = turn_of(call, "from");
    if (!turn) return;
    order.from = *turn;
  }
  std::string content = std::move(call.request.body);
  if (!content.empty() && parts_.deployer == nullptr) {
    return refuse(call, 409, "dev", "troupe dev takes plugins from their files");
  }
  shard::Shard& shard = call.shard;
  actor::AskPtr asking = ask(std::move(call), description(200));
  if (content.empty()) return parts_.system.replay(std::move(order), std::move(asking));
  using Version = Result<std::shared_ptr<const actor::PluginVersion>>;
  parts_.deployer->try_code(
      std::string(address.plugin()),
      std::move(content),
      [this, &shard, order, asking](Version version) mutable {
        if (version) {
          order.version = *std::move(version);
          return parts_.system.replay(std::move(order), asking);
        }
        shard.send([asking, text = version.error().message] {
          asking->answer(
              {.verdict = Verdict::error, .ending = guest::Ending::error, .message = text});
        });
      });
}

// Ends the actor, if it lives, and removes what the journal has of it.
void Api::end_and_forget(ApiCall call, const actor::Address& address) {
  if (parts_.journal == nullptr) return send(std::move(call), address, Message::Kind::end);
  using Lines = Result<std::vector<journal::ActorLine>>;
  const std::size_t shard = call.shard.index();
  const auto shared = std::make_shared<ApiCall>(std::move(call));
  const auto forgotten = [this, shared, address](Result<void> result) {
    shared->shard.send([this, shared, address, result = std::move(result)]() mutable {
      if (result.has_error()) return refuse(*shared, 500, "journal", result.error().message);
      parts_.system.forgotten(address.text());
      answer(*shared, {.status = 204});
    });
  };
  auto ask = std::make_shared<const actor::Ask>(
      actor::Ask{shard, [this, shared, address, forgotten](const Answer& answered) {
                   // One that has ended before is not there, but its history may be.
                   const bool is_done = answered.verdict == Verdict::done;
                   if (!is_done && answered.verdict != Verdict::missing) {
                     return answer(*shared, problem_of(answered, shared->request));
                   }
                   parts_.journal->list(address.text(), "", 1, [=, this](Lines lines) {
                     const bool is_known =
                         lines && !lines->empty() && lines->front().address == address.text();
                     if (is_known) return parts_.journal->forget(address.text(), forgotten);
                     shared->shard.send([=, this] {
                       if (lines.has_error()) {
                         return refuse(*shared, 500, "journal", lines.error().message);
                       }
                       // One that the journal was never told of is forgotten with its end.
                       if (is_done) return answer(*shared, {.status = 204});
                       refuse(*shared, 404, "missing", "there is no actor " + address.text());
                     });
                   });
                 }});
  parts_.system.send(address, {.kind = Message::Kind::end, .ask = std::move(ask)});
}

}  // namespace troupe::server
