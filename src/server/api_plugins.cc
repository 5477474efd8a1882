// The rows of the API about plugins, and the configuration read again.
#include "base/json.h"
#include "server/api.h"
#include "server/describe.h"
#include "wire/problem.h"

#include <fmt/format.h>

#include <iterator>
#include <map>
#include <optional>
#include <utility>

namespace troupe::server {
namespace {

using Kind = DeployOutcome::Kind;
using ByPlugin = std::map<std::string, actor::PluginCounters>;

ByPlugin sum_of(const std::vector<std::vector<actor::PluginCounters>>& shards) {
  ByPlugin sums;
  for (const auto& shard : shards) {
    for (const actor::PluginCounters& each : shard) sums[each.plugin].add(each);
  }
  return sums;
}

std::string plugin_json(const PluginView& view, const actor::PluginCounters& use) {
  std::string json = "{\"name\":";
  json::quote(json, view.name);
  json += fmt::format(",\"behaviour\":\"{}\",\"version\":", name_of(view.behaviour));
  if (view.deployed.current.empty()) {
    json += "null";
  } else {
    json::quote(json, view.deployed.current);
  }
  json += ",\"functions\":";
  json::quote_array(json, view.functions);
  json += ",\"not_capturable\":";
  if (view.not_capturable.empty()) {
    json += "null";
  } else {
    json::quote(json, view.not_capturable);
  }
  json += fmt::format(",\"actors\":{},\"awake\":{},\"versions\":[", use.actors, use.awake);
  for (const Deployment& each : view.deployed.versions) {
    if (json.back() != '[') json += ',';
    const auto running = use.versions.find(each.hash);
    json += fmt::format(
        R"({{"hash":"{}","kind":"{}","bytes":{},"time_ms":{},"origin":"{}","current":{},"actors":{}}})",
        each.hash,
        each.kind == Deployment::Kind::manifest ? "manifest" : "module",
        each.bytes,
        each.time_ms,
        each.origin,
        each.hash == view.deployed.current,
        running == use.versions.end() ? 0 : running->second);
  }
  return json + "]}";
}

wire::Response response_of(const DeployOutcome& outcome, const wire::Request& request) {
  const auto problem = [&](std::uint16_t status, std::string type, std::string detail) {
    return wire::problem_response({.status = status,
                                   .type = std::move(type),
                                   .detail = std::move(detail),
                                   .request_id = request.request_id,
                                   .reasons = outcome.reasons});
  };
  const auto detail = [&](std::string_view otherwise) {
    if (!outcome.message.empty()) return outcome.message;
    if (outcome.reasons.empty()) return std::string(otherwise);
    return fmt::format("{}: {}", otherwise, fmt::join(outcome.reasons, "; "));
  };
  switch (outcome.kind) {
    case Kind::deployed:
      return json_response(request.method == "PUT" ? 201 : 200,
                           fmt::format(R"({{"version":"{}"}})", outcome.hash));
    case Kind::unchanged:
      return json_response(200, fmt::format(R"({{"version":"{}"}})", outcome.hash));
    case Kind::done:
      return {.status = 204};
    case Kind::missing:
      return problem(404, "missing", outcome.message);
    case Kind::refused:
      return problem(422, "refused", detail("refused"));
    case Kind::conflict:
      return problem(
          409, "conflict", detail("live actors cannot migrate, so nothing was switched"));
    case Kind::failed:
      return problem(503, "unavailable", outcome.message);
  }
  return problem(500, "unavailable", outcome.message);
}

}  // namespace

Deployer::Done Api::answer_later(ApiCall call) {
  return [this, call = std::move(call)](DeployOutcome outcome) {
    call.shard.send([this, call, outcome = std::move(outcome)]() mutable {
      answer(call, response_of(outcome, call.request));
    });
  };
}

void Api::list_plugins(ApiCall call, std::string name) {
  std::vector<PluginView> views = parts_.deployer->list();
  if (!name.empty()) {
    std::erase_if(views, [&](const PluginView& view) { return view.name != name; });
    if (views.empty()) {
      return refuse(call,
                    404,
                    "missing",
                    fmt::format("there is no plugin \"{}\" in the configuration", name));
    }
  }
  const std::size_t shard = call.shard.index();
  parts_.system.gather(
      shard,
      [](const actor::Actors& actors) { return actors.counters(); },
      [this, call = std::move(call), views = std::move(views), one = !name.empty()](
          const std::vector<std::vector<actor::PluginCounters>>& shards) mutable {
        ByPlugin sums = sum_of(shards);
        if (one) {
          const PluginView& view = views.front();
          return answer(call, json_response(200, plugin_json(view, sums[view.name])));
        }
        std::string body = "{\"plugins\":[";
        for (const PluginView& view : views) {
          if (body.back() != '[') body += ',';
          body += plugin_json(view, sums[view.name]);
        }
        answer(call, json_response(200, body + "]}"));
      });
}

void Api::put_plugin(ApiCall call, std::string name) {
  if (call.request.body.empty()) {
    return refuse(
        call, 422, "refused", "the body is empty; send a WebAssembly module or an Extism manifest");
  }
  std::string content = std::move(call.request.body);
  parts_.deployer->deploy(std::move(name), std::move(content), answer_later(std::move(call)));
}

void Api::delete_plugin(ApiCall call, std::string name) {
  const std::optional<bool> force = flag_of(call, "force");
  if (!force) return;
  parts_.deployer->remove(std::move(name), *force, answer_later(std::move(call)));
}

void Api::roll_back(ApiCall call, std::string name) {
  std::string hash(parameter(call.request, "to"));
  parts_.deployer->roll_back(std::move(name), std::move(hash), answer_later(std::move(call)));
}

void Api::reload(ApiCall call) {
  if (!parts_.reload) {
    return refuse(call, 409, "dev", "troupe dev reads its files when they are saved");
  }
  parts_.reload(answer_later(std::move(call)));
}

}  // namespace troupe::server
