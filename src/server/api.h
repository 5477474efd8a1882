// The API for operators and applications: /api/v1 and /metrics on the admin address.
//
// Owned by the app; outlives the listener that has its routes. The handlers run on the shard of
// their connection.
#pragma once

#include "actor/system.h"
#include "base/log.h"
#include "base/result.h"
#include "journal/journal.h"
#include "server/deployer.h"
#include "server/log_feed.h"
#include "server/metrics.h"
#include "socket/route.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::server {

struct ApiParts {
  actor::System& system;
  Log& log;
  journal::Journal* journal = nullptr;  // null when nothing is kept
  // Null under `troupe dev`, which takes plugins from their files.
  Deployer* deployer = nullptr;
  std::shared_ptr<LogFeed> log_feed;
  std::string token;
  std::size_t upload_bytes_max = std::size_t{32} << 20;
  // What /metrics tells of the server besides its actors. From any thread.
  std::function<ProcessMetrics()> process;
  // Reads the configuration again and applies it; `done` may be called on any thread. Empty: not
  // offered.
  std::function<void(Deployer::Done done)> reload;
};

// A handler's request: who answers, on which shard.
struct ApiCall {
  shard::Shard& shard;
  wire::Request request;
  std::string plugin;  // whose actor it is about; empty: of none
  // Shared by the steps of the answer, of which one answers.
  std::shared_ptr<socket::Responder> responder;
};

class Api {
 public:
  explicit Api(ApiParts parts) : parts_(std::move(parts)) {}
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  std::vector<socket::Route> routes();
  // Set before anything is served.
  void on_reload(std::function<void(Deployer::Done done)> reload) {
    parts_.reload = std::move(reload);
  }

 private:
  // What a path below /api/v1 names, and the method.
  void handle(ApiCall call);
  void handle_actors(ApiCall call, std::string_view rest);
  void handle_plugins(ApiCall call, std::string_view rest);

  // Actors (api_actors.cc).
  // For a message whose answer is that of the call: `respond` puts what was done into words; what
  // was not done is a problem.
  actor::AskPtr ask(ApiCall call, std::function<wire::Response(actor::Answer)> respond);
  void list_actors(ApiCall call);
  void answer_list(ApiCall& call, std::vector<actor::ActorSummary> actors, std::size_t limit);
  void send(ApiCall call, const actor::Address& address, actor::Message::Kind kind);
  void call_function(ApiCall call, const actor::Address& address, std::string_view function);
  void send_event(ApiCall call, const actor::Address& address, std::string_view event);
  void watch_actor(ApiCall call, const actor::Address& address);
  // `found` is called with the shard of the actor, also when only the journal has it; the call is
  // refused when there is no such actor.
  void find_actor(ApiCall call,
                  const actor::Address& address,
                  std::function<void(ApiCall call, std::size_t shard)> found);
  void watch_logs(ApiCall call, const actor::Address& address);
  void listen_to_logs(ApiCall& call, const actor::Address& address);
  // The past (api_history.cc).
  void show_past(ApiCall call, const actor::Address& address);
  void list_history(ApiCall call, const actor::Address& address);
  void rewind(ApiCall call, const actor::Address& address);
  void fork(ApiCall call, const actor::Address& address);
  void replay(ApiCall call, const actor::Address& address);
  void end_and_forget(ApiCall call, const actor::Address& address);
  // The turn a parameter names; refuses the call when it names none.
  std::optional<std::uint64_t> turn_of(ApiCall& call, std::string_view name);
  // Whether a parameter asks for something: `NAME`, `NAME=true` or `NAME=false`; refuses the call
  // when it has another value.
  std::optional<bool> flag_of(ApiCall& call, std::string_view name);
  bool has_plugin(std::string_view name) const;
  // What to tell of a message that nobody could take.
  std::string why_missing(const ApiCall& call, const actor::Answer& answer) const;

  // Plugins (api_plugins.cc).
  void list_plugins(ApiCall call, std::string name);
  void put_plugin(ApiCall call, std::string name);
  void delete_plugin(ApiCall call, std::string name);
  void roll_back(ApiCall call, std::string name);
  void reload(ApiCall call);
  // Answers on the shard of the call with what has come of a deploy.
  Deployer::Done answer_later(ApiCall call);

  void metrics(ApiCall call);

  // Answers, and says so in the log when something was changed.
  void answer(ApiCall& call, wire::Response response);
  void refuse(ApiCall& call, std::uint16_t status, std::string type, std::string detail);
  void refuse_method(ApiCall& call, std::string_view allowed);

  ApiParts parts_;
};

// The value of a query's parameter; empty when there is none.
std::string_view parameter(const wire::Request& request, std::string_view name);
wire::Response json_response(std::uint16_t status, std::string body);
// What is answered to whoever asked an actor that did not do it.
wire::Response problem_of(const actor::Answer& answer, const wire::Request& request);

}  // namespace troupe::server
