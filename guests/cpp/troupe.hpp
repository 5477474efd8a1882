// Troupe's words for plugins in C++20: handlers of structs, and what a plugin says to its server. Without
// exceptions.
//
//   struct Add { int64_t by; TROUPE_FIELDS(by) };
//   struct State { int64_t count = 0; TROUPE_FIELDS(count) };
//
//   troupe::Result<State> add(Add event, State state) {
//     if (event.by > 100) return troupe::fail("too large");
//     state.count += event.by;
//     return state;
//   }
//   HANDLER_OF(add)
//
// HANDLER_OF(add) exports the event "add". The input of the call is JSON: an array has the arguments,
// any other value is the only one; what does not fit is an error that names the place. What the
// function returns is the output; fail(text) is the error of the call, of which the client gets the text.
//
// Values: integers, double, bool, std::string, std::vector, std::optional (null or left out),
// std::map<std::string, T>, structs with TROUPE_FIELDS, and troupe::Json for whatever comes.
//
// Copies of this file and of troupe.h, on which it stands, are part of your plugin.
#pragma once

#include "troupe.h"

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace troupe {

struct Error {
  std::string text;
};

inline Error fail(std::string text) {
  return {std::move(text)};
}

// A value, or why there is none.
template <class T>
class Result {
 public:
  Result(T value) : is_(std::move(value)) {}
  Result(Error error) : is_(std::move(error)) {}

  explicit operator bool() const { return is_.index() == 0; }
  const T& operator*() const { return *std::get_if<0>(&is_); }
  const std::string& error() const { return std::get_if<1>(&is_)->text; }

 private:
  std::variant<T, Error> is_;
};

// Any JSON, as its text.
struct Json {
  std::string text = "null";
};

// A struct with TROUPE_FIELDS.
struct AnyField {
  template <class T>
  void operator()(const char*, T&) const {}
};
template <class T>
concept HasFields = requires(T& value) { value.troupe_fields(AnyField()); };

// ---- From JSON

// Reads a value; on failure `path` and `wanted` say where and what.
class Reader {
 public:
  explicit Reader(std::string path) : path_(std::move(path)) {}

  std::string complaint() const { return path_ + " must be " + wanted_; }

  bool read(json from, bool& to) { return json_bool(from, &to) || refuse("true or false"); }

  template <class T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
  bool read(json from, T& to) {
    int64_t number = 0;
    if (!json_int(from, &number) || !std::in_range<T>(number)) {
      return refuse(sizeof(T) == 8 && std::is_signed_v<T> ? "a whole number" : "a whole number in its range");
    }
    to = static_cast<T>(number);
    return true;
  }

  bool read(json from, double& to) { return json_double(from, &to) || refuse("a number"); }

  bool read(json from, std::string& to) {
    const char* text = nullptr;
    size_t size = 0;
    if (!json_string(from, &text, &size)) return refuse("a string");
    to.assign(text, size);
    return true;
  }

  bool read(json from, Json& to) {
    if (json_is(from)) to.text.assign(from.at, from.end);
    return true;
  }

  template <class T>
  bool read(json from, std::optional<T>& to) {
    to.reset();
    return !json_is(from) || json_is_null(from) || read(from, to.emplace());
  }

  template <class T>
  bool read(json from, std::vector<T>& to) {
    if (!json_is(from) || *from.at != '[') return refuse("an array");
    to.clear();
    size_t index = 0;
    for (json each = json_first(from); json_is(each); each = json_next(each)) {
      if (!read_at("/" + std::to_string(index++), each, to.emplace_back())) return false;
    }
    return true;
  }

  template <class T>
  bool read(json from, std::map<std::string, T>& to) {
    if (!json_is(from) || *from.at != '{') return refuse("an object");
    to.clear();
    const char* limit = from.end - 1;
    for (const char* at = troupe_skip_space(from.at + 1, limit); at < limit;) {
      const json key = troupe_value_at(at, limit);
      const json value = troupe_value_at(troupe_skip_space(key.end, limit) + 1, limit);
      std::string name;
      read(key, name);
      if (!read_at("/" + name, value, to[name])) return false;
      at = troupe_skip_space(value.end, limit);
      if (at < limit) at = troupe_skip_space(at + 1, limit);
    }
    return true;
  }

  template <class T>
    requires HasFields<T>
  bool read(json from, T& to) {
    if (!json_is(from) || *from.at != '{') return refuse("an object");
    bool good = true;
    to.troupe_fields([&](const char* name, auto& field) {
      good = good && read_at(std::string("/") + name, json_get(from, name), field);
    });
    return good;
  }

 private:
  bool refuse(std::string_view wanted) {
    wanted_ = wanted;
    return false;
  }

  template <class T>
  bool read_at(const std::string& step, json from, T& to) {
    const size_t before = path_.size();
    path_ += step;
    if (!read(from, to)) return false;
    path_.resize(before);
    return true;
  }

  std::string path_;
  std::string wanted_;
};

// ---- To JSON

inline void write(json_writer& out, bool truth) {
  json_put_bool(&out, truth);
}
template <class T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
void write(json_writer& out, T number) {
  if constexpr (std::is_unsigned_v<T> && sizeof(T) == 8) {
    const std::string text = std::to_string(number);
    troupe_put_value(&out, text.data(), text.size());
  } else {
    json_put_int(&out, number);
  }
}
inline void write(json_writer& out, double number) {
  json_put_double(&out, number);
}
inline void write(json_writer& out, std::string_view text) {
  json_put_text(&out, text.data(), text.size());
}
inline void write(json_writer& out, const std::string& text) {
  write(out, std::string_view(text));
}
inline void write(json_writer& out, const char* text) {
  write(out, std::string_view(text));
}
inline void write(json_writer& out, const Json& value) {
  troupe_put_value(&out, value.text.data(), value.text.size());
}

template <class T>
  requires HasFields<T>
void write(json_writer& out, const T& value);
template <class T>
void write(json_writer& out, const std::vector<T>& list);
template <class T>
void write(json_writer& out, const std::map<std::string, T>& members);

template <class T>
void write(json_writer& out, const std::optional<T>& value) {
  if (value) {
    write(out, *value);
  } else {
    json_put_null(&out);
  }
}

template <class T>
void write(json_writer& out, const std::vector<T>& list) {
  json_begin_list(&out);
  for (const T& each : list) write(out, each);
  json_end_list(&out);
}

template <class T>
void write(json_writer& out, const std::map<std::string, T>& members) {
  json_begin(&out);
  for (const auto& [name, value] : members) {
    json_name(&out, name.c_str());
    write(out, value);
  }
  json_end(&out);
}

template <class T>
  requires HasFields<T>
void write(json_writer& out, const T& value) {
  json_begin(&out);
  const_cast<T&>(value).troupe_fields([&](const char* name, const auto& field) {
    json_name(&out, name);
    write(out, field);
  });
  json_end(&out);
}

template <class T>
json_writer to_json(const T& value) {
  json_writer out{};
  write(out, value);
  return out;
}

// ---- Fields: TROUPE_FIELDS(a, b, c) inside a struct

#define TROUPE_PARENTHESES ()
#define TROUPE_EXPAND(...) TROUPE_EXPAND3(TROUPE_EXPAND3(TROUPE_EXPAND3(TROUPE_EXPAND3(__VA_ARGS__))))
#define TROUPE_EXPAND3(...) TROUPE_EXPAND2(TROUPE_EXPAND2(TROUPE_EXPAND2(TROUPE_EXPAND2(__VA_ARGS__))))
#define TROUPE_EXPAND2(...) TROUPE_EXPAND1(TROUPE_EXPAND1(TROUPE_EXPAND1(TROUPE_EXPAND1(__VA_ARGS__))))
#define TROUPE_EXPAND1(...) __VA_ARGS__
#define TROUPE_FIELD(name, ...) \
  troupe_each(#name, name);     \
  __VA_OPT__(TROUPE_FIELD_AGAIN TROUPE_PARENTHESES(__VA_ARGS__))
#define TROUPE_FIELD_AGAIN() TROUPE_FIELD
#define TROUPE_FIELDS(...)                                \
  void troupe_fields([[maybe_unused]] auto&& troupe_each) { \
    __VA_OPT__(TROUPE_EXPAND(TROUPE_FIELD(__VA_ARGS__)))  \
  }

// ---- What a plugin says

struct Viewer {
  std::string id;
  TROUPE_FIELDS(id)
};

// Who is called, and by whom.
struct Self {
  std::string address;             // the actor: <plugin>/<key>
  std::string version;             // of the plugin's code
  std::optional<Viewer> viewer;    // whose event this is; none when no viewer caused the turn
  std::optional<std::string> topic;  // that the viewer has joined
  Json params;                     // of that join
  TROUPE_FIELDS(address, version, viewer, topic, params)
};

inline Self self() {
  Self self;
  if (!Reader("troupe_self").read(troupe_self(), self)) __builtin_trap();
  return self;
}

// An object without members, for events that need no detail.
struct Nothing {
  TROUPE_FIELDS()
};

// Sends an event to the client whose event this is, after the turn is committed. The detail is an object.
template <class T = Nothing>
void reply(const std::string& name, const T& detail = {}) {
  const json_writer out = to_json(detail);
  troupe_reply(name.c_str(), &out);
}

// Sends an event to all viewers of this actor, after the turn is committed. The detail is an object.
template <class T = Nothing>
void broadcast(const std::string& name, const T& detail = {}) {
  const json_writer out = to_json(detail);
  troupe_broadcast(name.c_str(), &out);
}

// Sends an event to all actors that are subscribed to the topic; they get it as handle_message.
template <class T = Nothing>
void publish(const std::string& topic, const std::string& event, const T& payload = {}) {
  const json_writer out = to_json(payload);
  troupe_publish(topic.c_str(), event.c_str(), &out);
}

// From now on this actor gets what is published to the topic.
inline void subscribe(const std::string& topic) {
  troupe_subscribe(topic.c_str());
}

// Sends an event to the actor with that address.
template <class T = Nothing>
void send(const std::string& to, const std::string& event, const T& payload = {}) {
  const json_writer out = to_json(payload);
  troupe_send(to.c_str(), event.c_str(), &out);
}

// Sends an event to this actor after a time of 10 ms or more. Setting a timer of the same name replaces it.
template <class T = Nothing>
void timer(const std::string& name, int64_t after_ms, const std::string& event, const T& payload = {}) {
  const json_writer out = to_json(payload);
  troupe_timer(name.c_str(), after_ms, event.c_str(), &out);
}

// Forgets the timer of that name, if there is one.
inline void cancel(const std::string& name) {
  troupe_cancel(name.c_str());
}

// ---- Handlers

template <class R>
bool finish(const Result<R>& result, json_writer* out) {
  if (!result) return troupe_fail(result.error().empty() ? "the handler failed" : result.error().c_str());
  write(*out, *result);
  return true;
}

template <class R>
bool call(Result<R> (*function)(), json, json, json_writer* out) {
  return finish(function(), out);
}

template <class R, class P>
bool call(Result<R> (*function)(P), json payload, json, json_writer* out) {
  std::decay_t<P> first{};
  Reader reader("payload");
  if (!reader.read(payload, first)) return troupe_fail(reader.complaint().c_str());
  return finish(function(std::move(first)), out);
}

template <class R, class P, class S>
bool call(Result<R> (*function)(P, S), json payload, json state, json_writer* out) {
  std::decay_t<P> first{};
  std::decay_t<S> second{};
  Reader reader("payload");
  if (!reader.read(payload, first)) return troupe_fail(reader.complaint().c_str());
  reader = Reader("state");
  if (!reader.read(state, second)) return troupe_fail(reader.complaint().c_str());
  return finish(function(std::move(first), std::move(second)), out);
}

}  // namespace troupe

// Exports a function that returns a Result as the event of its name.
#define HANDLER_OF(function) \
  HANDLER(function) { return troupe::call(function, payload, state, out); }
