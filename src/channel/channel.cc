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
constexpr std::string_view call_prefix = "call:";
// The join parameter that stands for a browser where cookies do not reach; no guest sees it.
constexpr std::string_view session_param = "troupe_session";
constexpr std::size_t session_param_bytes_min = 22;
constexpr std::size_t session_param_bytes_max = 128;
constexpr std::size_t letters = 16;
// Before the ref of a call: how it came, and how it is answered.
constexpr char text_mark = 't';
constexpr char binary_mark = 'b';

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

std::string mark_of(std::string_view ref, bool binary) {
  std::string mark(1, binary ? binary_mark : text_mark);
  mark += ref;
  return mark;
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
  if (asked_) client_.context.system.leave(viewer_);
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

  actor::Address address(rule_.plugin, *key);
  const bool own_actor = rule_.actor.has_join();
  auto canonical = state::Canonical::read(visible_params(params));
  assert(canonical.has_value());
  viewer_ = std::make_shared<actor::Viewer>(actor::Viewer{
      .shard = context.shard,
      .actor_shard = own_actor ? context.shard : context.system.shard_of(address),
      .address = std::move(address),
      .ends_actor = own_actor,
      .id = session.empty() ? join_letters : session,
      .person = session.empty() ? client_.remote_address : session,
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
      co_await actor::pure_call(actors, plugin, plugin.version, "authorize", std::move(input));
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

// The plugin has nothing against it; the actor has the last word.
void Channel::welcome() {
  asked_ = true;
  viewer_->outbox = this;
  client_.context.system.join(viewer_);
}

void Channel::joined() {
  client_.sink.send_text(
      wire::reply_frame(join_ref_, ref_, topic_json_, wire::ReplyStatus::ok, "{}"));
  joined_ = true;
  for (const Waiting& waiting : std::exchange(early_, {})) {
    handle(waiting.ref, waiting.event, waiting.payload);
  }
}

void Channel::refused(std::string_view payload) {
  over_ = true;
  asked_ = false;
  client_.sink.send_text(
      wire::reply_frame(join_ref_, ref_, topic_json_, wire::ReplyStatus::error, payload));
}

void Channel::refuse(std::string_view reason) {
  refused(reason_payload(reason));
}

void Channel::ended(actor::EndReason reason) {
  over_ = true;
  asked_ = false;
  if (reason == actor::EndReason::crashed) {
    client_.sink.send_text(wire::error_frame(join_ref_, topic_json_, "{}"));
  } else {
    client_.sink.send_text(wire::close_frame(join_ref_, topic_json_));
  }
}

void Channel::on_event(std::string_view ref, std::string_view event, std::string_view payload) {
  if (over_) return;
  if (joined_) return handle(ref, event, payload);
  if (early_.size() < client_.context.bounds.events_waiting_max) {
    early_.push_back({std::string(ref), std::string(event), std::string(payload)});
  } else {
    too_many_waiting();
  }
}

void Channel::too_many_waiting() {
  client_.context.reached.reached(Bound::channel_events);
  error(actor::error_payload("busy", "too many events are waiting; try again"));
}

void Channel::refuse_event(std::string_view ref, std::string_view event, bool binary) {
  constexpr std::string_view message = "too many events a second; try again";
  if (over_) return;
  if (!event.starts_with(call_prefix)) return error(actor::error_payload("busy", message));
  called(mark_of(ref, binary), {.verdict = actor::Verdict::busy, .message = std::string(message)});
}

void Channel::on_binary(std::string_view ref, std::string_view event, std::string_view payload) {
  if (over_) return;
  if (!event.starts_with(call_prefix)) {
    return error(actor::error_payload(
        "error", fmt::format("\"{}\" came as binary; events are JSON", event)));
  }
  if (!joined_) {
    return error(actor::error_payload("busy", "the join is under way; try again"));
  }
  call(ref, event.substr(call_prefix.size()), payload, true);
}

void Channel::handle(std::string_view ref, std::string_view event, std::string_view payload) {
  if (event.starts_with(call_prefix)) {
    json::Tape tape;
    [[maybe_unused]] const auto parsed = json::parse(payload, tape);
    assert(parsed.has_value() && "the whole frame has been parsed before");
    // A function takes bytes: of a text its characters, of anything else the JSON.
    return tape.root().is_string()
               ? call(ref, event.substr(call_prefix.size()), tape.root().string(), false)
               : call(ref, event.substr(call_prefix.size()), payload, false);
  }
  if (unanswered_ >= client_.context.bounds.events_waiting_max) {
    return too_many_waiting();
  }
  if (event == "lvs_refresh") {
    ++unanswered_;
    client_.context.system.refresh(viewer_);
    return;
  }
  const bool is_event = event.starts_with(event_prefix);
  if (is_event) event.remove_prefix(event_prefix.size());
  if (!is_event || !rule_.allows(event)) {
    return error(actor::error_payload("error", fmt::format("unknown event \"{}\"", event)));
  }
  ++unanswered_;
  client_.context.system.event(viewer_, event, payload);
}

void Channel::call(std::string_view ref,
                   std::string_view function,
                   std::string_view input,
                   bool binary) {
  const std::string mark = mark_of(ref, binary);
  actor::Answer answer{.verdict = actor::Verdict::busy,
                       .message = "too many calls are waiting; try again"};
  if (unanswered_ >= client_.context.bounds.events_waiting_max) {
    client_.context.reached.reached(Bound::channel_events);
    return called(mark, answer);
  }
  if (!rule_.offers(function)) {
    answer.verdict = actor::Verdict::missing;
    answer.message = fmt::format("unknown function \"{}\"", function);
    return called(mark, answer);
  }
  ++unanswered_;
  client_.context.system.call(viewer_, function, input, mark);
}

// What is JSON goes out as such, other text as a string; bytes need a binary call.
void Channel::called(std::string_view mark, const actor::Answer& answer) {
  const std::string_view ref = mark.substr(1);
  const auto reply = [&](wire::ReplyStatus status, std::string_view response) {
    if (is_full()) return client_.sink.close(CloseCode::try_again_later);
    client_.sink.send_text(wire::reply_frame(join_ref_, ref, topic_json_, status, response));
  };
  const auto fail = [&](std::string_view type, std::string_view message) {
    reply(wire::ReplyStatus::error, actor::error_payload(type, message));
  };
  if (answer.verdict != actor::Verdict::done) return fail(actor::type_of(answer), answer.message);
  if (mark.front() == binary_mark) {
    const auto head = wire::binary_reply_head(join_ref_, ref, topic_, wire::ReplyStatus::ok);
    if (head.has_error()) return fail("output", head.error().message);
    if (is_full()) return client_.sink.close(CloseCode::try_again_later);
    const std::array<std::string_view, 2> pieces = {*head, answer.output};
    return client_.sink.send_binary(pieces);
  }
  json::Tape tape;
  if (json::parse(answer.output, tape).has_value()) {
    return reply(wire::ReplyStatus::ok, answer.output);
  }
  if (!json::is_utf8(answer.output)) {
    return fail("output",
                "the function returned bytes that are no text; call it with a binary message");
  }
  std::string text;
  json::quote(text, answer.output);
  reply(wire::ReplyStatus::ok, text);
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
