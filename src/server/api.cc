#include "server/api.h"

#include "base/printable.h"
#include "wire/problem.h"
#include "wire/uri.h"

#include <fmt/format.h>
#include <sodium/utils.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

namespace troupe::server {
namespace {

constexpr std::string_view prefix = "/api/v1/";

// In a time that does not depend on where they differ.
bool is_token(std::string_view authorization, const std::string& token) {
  constexpr std::string_view scheme = "Bearer ";
  if (!authorization.starts_with(scheme)) return false;
  authorization.remove_prefix(scheme.size());
  return !token.empty() && authorization.size() == token.size() &&
         ::sodium_memcmp(authorization.data(), token.data(), token.size()) == 0;
}

// What a client wrote, bounded and in one line.
std::string for_log(std::string_view text) {
  return printable(cut(text, actor::key_bytes_max));
}

// The first part of a path, which is taken off it.
std::string_view take_part(std::string_view& path) {
  const std::size_t slash = path.find('/');
  const std::string_view part = path.substr(0, slash);
  path = slash == path.npos ? std::string_view() : path.substr(slash + 1);
  return part;
}

}  // namespace

std::string_view parameter(const wire::Request& request, std::string_view name) {
  const std::string* value = wire::find_parameter(request.query, name);
  return value != nullptr ? std::string_view(*value) : std::string_view();
}

wire::Response json_response(std::uint16_t status, std::string body) {
  body += '\n';
  return {.status = status,
          .content_type = "application/json",
          .body = std::move(body),
          .headers = {{"Cache-Control", "no-store"}}};
}

std::optional<bool> Api::flag_of(ApiCall& call, std::string_view name) {
  const std::string* value = wire::find_parameter(call.request.query, name);
  if (value == nullptr || *value == "false") return false;
  if (value->empty() || *value == "true") return true;
  refuse(call, 400, "bad-flag", fmt::format("the parameter `{}` is `true` or `false`", name));
  return std::nullopt;
}

std::vector<socket::Route> Api::routes() {
  const auto admit = [this](const wire::Request& request) -> std::optional<wire::Response> {
    if (is_token(request.authorization, parts_.token)) return std::nullopt;
    wire::Response response = wire::problem_response(
        {.status = 401,
         .type = "unauthorized",
         .detail = "this needs the header `Authorization: Bearer TOKEN`; the token is in the file "
                   "admin.token of the server's data folder",
         .request_id = request.request_id});
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return response;
  };
  const auto make_call = [](shard::Shard& shard, wire::Request request, socket::Responder r) {
    return ApiCall{
        shard, std::move(request), {}, std::make_shared<socket::Responder>(std::move(r))};
  };
  const auto handler = [this, make_call](
                           shard::Shard& shard, wire::Request request, socket::Responder r) {
    handle(make_call(shard, std::move(request), std::move(r)));
  };
  const std::vector<std::string> methods = {"GET", "POST", "PUT", "DELETE"};
  return {{.path = "/api/v1/*",
           .methods = methods,
           .handler = handler,
           .admit = admit,
           .has_problems = true},
          {.path = "/api/v1/plugins/*",
           .methods = methods,
           .handler = handler,
           .admit = admit,
           .body_bytes_max = parts_.upload_bytes_max,
           .body_bound = Bound::upload_bytes,
           .has_problems = true},
          {.path = "/metrics",
           .methods = {"GET"},
           .handler = [this, make_call](
                          shard::Shard& shard, wire::Request request, socket::Responder r) {
             metrics(make_call(shard, std::move(request), std::move(r)));
           }}};
}

void Api::handle(ApiCall call) {
  const std::string path = call.request.path;
  std::string_view rest = path;
  rest.remove_prefix(std::min(rest.size(), prefix.size()));
  const std::string_view what = take_part(rest);
  if (what == "actors") return handle_actors(std::move(call), rest);
  if (what == "plugins") return handle_plugins(std::move(call), rest);
  if (what == "reload" && rest.empty()) {
    if (call.request.method != "POST") return refuse_method(call, "POST");
    return reload(std::move(call));
  }
  refuse(call, 404, "missing", "there is nothing at this address; see docs/guides/actors.md");
}

void Api::handle_actors(ApiCall call, std::string_view rest) {
  const std::string method = call.request.method;
  const std::string_view plugin = take_part(rest);
  const actor::Address address(plugin, parameter(call.request, "key"));
  if (address.plugin().empty()) {
    if (method != "GET") return refuse_method(call, "GET");
    return list_actors(std::move(call));
  }
  if (!actor::is_plugin_name(address.plugin())) {
    return refuse(call, 404, "missing", std::string(actor::plugin_name_rule));
  }
  if (!actor::is_key(address.key())) {
    return refuse(call,
                  400,
                  "bad-key",
                  fmt::format("the parameter `key` names the actor: {}", actor::key_rule));
  }
  call.plugin = address.plugin();
  const std::string_view verb = take_part(rest);
  using Kind = actor::Message::Kind;
  if (verb.empty()) {
    const bool of_the_past = !parameter(call.request, "at").empty();
    if (method == "GET" && of_the_past) return show_past(std::move(call), address);
    if (method == "GET") return send(std::move(call), address, Kind::show);
    if (method != "DELETE") return refuse_method(call, "GET, DELETE");
    const std::optional<bool> forgets = flag_of(call, "forget");
    if (!forgets) return;
    return *forgets ? end_and_forget(std::move(call), address)
                    : send(std::move(call), address, Kind::end);
  }
  const bool takes_name = verb == "call" || verb == "event";
  if (takes_name != !rest.empty()) {
    return refuse(
        call, 404, "missing", "there is nothing at this address; see docs/guides/actors.md");
  }
  if (verb == "watch" || verb == "logs") {
    if (method != "GET") return refuse_method(call, "GET");
    return verb == "watch" ? watch_actor(std::move(call), address)
                           : watch_logs(std::move(call), address);
  }
  if (verb == "history") {
    if (method != "GET") return refuse_method(call, "GET");
    return list_history(std::move(call), address);
  }
  if (verb == "rewind" || verb == "fork" || verb == "replay") {
    if (method != "POST") return refuse_method(call, "POST");
    if (verb == "replay") return replay(std::move(call), address);
    return verb == "rewind" ? rewind(std::move(call), address) : fork(std::move(call), address);
  }
  if (takes_name || verb == "restart" || verb == "stop") {
    if (method != "POST") return refuse_method(call, "POST");
    if (verb == "call") return call_function(std::move(call), address, rest);
    if (verb == "event") return send_event(std::move(call), address, rest);
    return send(std::move(call), address, verb == "stop" ? Kind::stop : Kind::restart);
  }
  refuse(call, 404, "missing", "there is nothing at this address; see docs/guides/actors.md");
}

void Api::handle_plugins(ApiCall call, std::string_view rest) {
  const std::string method = call.request.method;
  std::string name(take_part(rest));
  if (parts_.deployer == nullptr) {
    return refuse(call, 409, "dev", "troupe dev takes plugins from their files");
  }
  if (name.empty()) {
    if (method != "GET") return refuse_method(call, "GET");
    return list_plugins(std::move(call), "");
  }
  if (rest == "rollback") {
    if (method != "POST") return refuse_method(call, "POST");
    return roll_back(std::move(call), std::move(name));
  }
  if (!rest.empty()) {
    return refuse(
        call, 404, "missing", "there is nothing at this address; see docs/guides/actors.md");
  }
  if (method == "GET") return list_plugins(std::move(call), std::move(name));
  if (method == "PUT") return put_plugin(std::move(call), std::move(name));
  if (method == "DELETE") return delete_plugin(std::move(call), std::move(name));
  refuse_method(call, "GET, PUT, DELETE");
}

void Api::metrics(ApiCall call) {
  const std::size_t shard = call.shard.index();
  parts_.system.gather(
      shard,
      [](const actor::Actors& actors) { return actors.counters(); },
      [this, call = std::move(call)](
          const std::vector<std::vector<actor::PluginCounters>>& shards) mutable {
        answer(call,
               {.content_type = std::string(metrics_type),
                .body = metrics_text(shards, parts_.process()),
                .headers = {{"Cache-Control", "no-store"}}});
      });
}

void Api::answer(ApiCall& call, wire::Response response) {
  const wire::Request& request = call.request;
  if (request.method != "GET") {
    const bool is_call = request.path.find("/call/") != std::string::npos ||
                         request.path.find("/event/") != std::string::npos;
    // Calls are what actors are for, and far too many for a line each.
    parts_.log.log(is_call ? spdlog::level::debug : spdlog::level::info,
                   "[#{}] {} {} {}: {}",
                   request.request_id,
                   request.method,
                   for_log(request.path),
                   for_log(parameter(request, "key")),
                   response.status);
  }
  response.headers.emplace_back("X-Request-Id", request.request_id);
  call.responder->answer(std::move(response));
}

void Api::refuse(ApiCall& call, std::uint16_t status, std::string type, std::string detail) {
  answer(call,
         wire::problem_response({.status = status,
                                 .type = std::move(type),
                                 .detail = std::move(detail),
                                 .request_id = call.request.request_id}));
}

void Api::refuse_method(ApiCall& call, std::string_view allowed) {
  wire::Response response =
      wire::problem_response({.status = 405,
                              .type = "method",
                              .detail = fmt::format("this address takes {}", allowed),
                              .request_id = call.request.request_id});
  response.headers.emplace_back("Allow", std::string(allowed));
  answer(call, std::move(response));
}

}  // namespace troupe::server
