#include "channel/channel.h"

#include "actor/pure_call.h"
#include "base/json.h"
#include "state/canonical.h"
#include "wire/phoenix.h"
#include "wire/session_id.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

namespace troupe::channel {

namespace {

constexpr std::string_view event_prefix = "lvs_evt:";
// The join parameter that stands for a browser where cookies do not reach; no guest sees it.
constexpr std::string_view session_param = "troupe_session";
constexpr std::size_t session_param_bytes_min = 22;
constexpr std::size_t session_param_bytes_max = 128;
constexpr std::size_t letters = 16;

// The params of a join as guests see them: canonical, without the session.
std::string visible_params(json::Value params) {
  if (!params.find(session_param)) return std::string(params.raw());
  std::string text = "{";
  for (const json::Member member : params.members()) {
    if (member.name.is(session_param)) continue;
    if (text.size() > 1) text += ',';
    text += member.name.raw();
    text += ':';
    text += member.value.raw();
  }
  text += '}';
  return text;
}

std::string session_of_params(const Context& context, json::Value params) {
  const auto value = params.find(session_param);
  if (!value || !value->is_string()) return {};
  const std::string session = value->string();
  if (session.size() < session_param_bytes_min || session.size() > session_param_bytes_max)
    return {};
  return wire::session_letters(context.session_key, "join parameter", session);
}

std::string error_payload(std::string_view type, std::string_view message) {
  std::string payload = "{\"type\":";
  json::quote(payload, type);
  payload += ",\"message\":";
  json::quote(payload, message);
  payload += '}';
  return payload;
}

std::string reason_payload(std::string_view reason) {
  std::string payload = "{\"reason\":";
  json::quote(payload, reason);
  payload += '}';
  return payload;
}

}  // namespace

Channel::Channel(Client& client, TopicRules rules, const TopicRule& rule, const Join& join)
    : client_(client),
      rules_(std::move(rules)),
      rule_(rule),
      topic_(join.topic),
      topic_json_(join.topic_json),
      join_ref_(join.join_ref),
      ref_(join.ref),
      head_(wire::push_head(join.join_ref, join.topic_json)) {
  start(join);
}

Channel::~Channel() {
  authorize_.reset();
  if (!viewer_) return;
  viewer_->outbox = nullptr;
  if (joined_) client_.context.system.leave(viewer_);
}

void Channel::start(const Join& join) {
  Context& context = client_.context;
  actor::Actors& actors = context.system.on(context.shard);

  json::Tape tape;
  // The whole frame has been parsed before; its payload is JSON.
  [[maybe_unused]] const auto parsed = json::parse(join.payload, tape);
  assert(parsed.has_value());
  const json::Value params = tape.root();

  std::string session = client_.session;
  if (session.empty()) session = session_of_params(context, params);
  const std::string join_letters = actors.random().letters(letters);

  auto key =
      rule_.actor.key({join.topic, *rule_.rest_of(join.topic), join_letters, session, params});
  if (key.has_error()) return refuse(key.error().message);

  actor::Address address{rule_.plugin, std::move(*key)};
  const bool own_actor = rule_.actor.has_join();
  auto canonical = state::Canonical::read(visible_params(params));
  assert(canonical.has_value());
  viewer_ = std::make_shared<actor::Viewer>(actor::Viewer{
      .shard = context.shard,
      .actor_shard = own_actor ? context.shard : context.system.shard_of(address),
      .address = std::move(address),
      .ends_actor = own_actor,
      .id = session.empty() ? join_letters : session,
      .topic = topic_,
      .params = std::string(canonical->text()),
  });

  actor::Plugin* plugin = actors.find_plugin(rule_.plugin);
  if (plugin == nullptr) return refuse("unavailable");
  if (plugin->version->module->has_function("authorize")) {
    authorize_ = authorize(*plugin);
    authorize_.start();
  } else {
    welcome();
  }
}

Task<> Channel::authorize(actor::Plugin& plugin) {
  std::string input = "[";
  json::quote(input, topic_);
  input += ',';
  input += viewer_->params;
  input += ",{\"viewer\":{\"id\":";
  json::quote(input, viewer_->id);
  input += "},\"origin\":";
  json::quote(input, client_.origin);
  input += ",\"address\":";
  json::quote(input, client_.remote_address);
  input += "}]";

  actor::Actors& actors = client_.context.system.on(client_.context.shard);
  const actor::PureOutcome outcome =
      co_await actor::pure_call(actors, plugin, "authorize", std::move(input));
  if (outcome.ending == guest::Ending::error) {
    refuse(outcome.message);
    co_return;
  }
  if (outcome.ending != guest::Ending::done) {
    refuse("unavailable");
    co_return;
  }
  if (!outcome.output.empty()) {
    json::Tape tape;
    if (json::parse(outcome.output, tape).has_error() || !tape.root().is_object()) {
      client_.context.log.warn(
          "[{} authorize] returned neither nothing nor an object; the join of \"{}\" is refused",
          rule_.plugin,
          topic_);
      refuse("unavailable");
      co_return;
    }
  }
  welcome();
}

void Channel::welcome() {
  client_.sink.send_text(
      wire::reply_frame(join_ref_, ref_, topic_json_, wire::ReplyStatus::ok, "{}"));
  joined_ = true;
  viewer_->outbox = this;
  client_.context.system.join(viewer_);
  for (const Waiting& waiting : std::exchange(early_, {})) handle(waiting.event, waiting.payload);
}

void Channel::refuse(std::string_view reason) {
  over_ = true;
  client_.sink.send_text(wire::reply_frame(
      join_ref_, ref_, topic_json_, wire::ReplyStatus::error, reason_payload(reason)));
}

void Channel::on_event(std::string_view event, std::string_view payload) {
  if (over_) return;
  if (joined_) return handle(event, payload);
  if (early_.size() < client_.context.bounds.events_waiting_max) {
    early_.push_back({std::string(event), std::string(payload)});
  } else {
    error(error_payload("busy", "too many events are waiting; try again"));
  }
}

void Channel::on_binary(std::string_view event) {
  if (over_) return;
  error(error_payload("error", fmt::format("\"{}\" came as binary; events are JSON", event)));
}

void Channel::handle(std::string_view event, std::string_view payload) {
  if (unanswered_ >= client_.context.bounds.events_waiting_max) {
    return error(error_payload("busy", "too many events are waiting; try again"));
  }
  if (event == "lvs_refresh") {
    ++unanswered_;
    client_.context.system.refresh(viewer_);
    return;
  }
  const bool is_event = event.starts_with(event_prefix);
  if (is_event) event.remove_prefix(event_prefix.size());
  if (!is_event || !rule_.allows(event)) {
    return error(error_payload("error", fmt::format("unknown event \"{}\"", event)));
  }
  ++unanswered_;
  client_.context.system.event(viewer_, event, payload);
}

void Channel::on_drained() {
  if (!behind_ || catching_up_) return;
  catching_up_ = true;
  ++unanswered_;
  client_.context.system.refresh(viewer_);
}

void Channel::state(std::string_view state, actor::StateReason reason) {
  if (reason == actor::StateReason::joined) version_ = 0;
  catching_up_ = false;
  behind_ = is_full();
  if (behind_) return;
  const fmt::format_int version(version_);
  const std::array<std::string_view, 6> pieces = {head_,
                                                  "\"state:change\",{\"state\":",
                                                  state,
                                                  ",\"version\":",
                                                  {version.data(), version.size()},
                                                  "}]"};
  client_.sink.send_text(pieces);
}

void Channel::patch(std::string_view patch) {
  version_ = version_ < rule_.max_version ? version_ + 1 : 0;
  if (is_full()) behind_ = true;
  if (behind_) {
    if (!is_full()) on_drained();
    return;
  }
  const fmt::format_int version(version_);
  const std::array<std::string_view, 6> pieces = {head_,
                                                  "\"state:patch\",{\"patch\":",
                                                  patch,
                                                  ",\"version\":",
                                                  {version.data(), version.size()},
                                                  "}]"};
  client_.sink.send_text(pieces);
}

void Channel::push(std::string_view name, std::string_view detail) {
  std::string event;
  json::quote(event, name);
  send(event, detail);
}

void Channel::error(std::string_view payload) {
  send("\"error\"", payload);
}

void Channel::answered() {
  --unanswered_;
}

// Custom events and errors are never left out: a client that does not read them loses its socket.
void Channel::send(std::string_view event, std::string_view payload) {
  if (is_full()) return client_.sink.close(CloseCode::try_again_later);
  client_.sink.send_text(wire::push_frame(head_, event, payload));
}

bool Channel::is_full() const {
  return client_.sink.unsent_bytes() > client_.context.bounds.unsent_bytes_max;
}

}  // namespace troupe::channel
