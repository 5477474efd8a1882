// From the topic of a join to the actor behind it.
//
// A topic rule names a pattern (`todo:all`, or `todo:*` with the star at the end), a plugin, and a
// template for the actor's key. The first rule that matches wins. Pure: values in, values out; any
// thread.
#pragma once

#include "base/json.h"
#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::channel {

// How the key of a topic's actor is made:
//   {topic}            the topic; all its viewers share one actor
//   {rest}             what the star matched
//   {topic}/{join}     an actor for each join, which ends with it (the default)
//   {topic}/{session}  an actor for each browser
//   p/{param.NAME}     an actor for each value of a join parameter
// Text and placeholders may be mixed; parameters live under `p/` only. Each part put in is
// percent-encoded.
class KeyTemplate {
 public:
  // Errors name the placeholder that is unknown or in the wrong place.
  static Result<KeyTemplate> parse(std::string_view text);

  struct Values {
    std::string_view topic;
    std::string_view rest;
    std::string_view join;     // letters of the join's own
    std::string_view session;  // letters of the browser's session; empty when it has none
    json::Value params;        // the join's payload
  };
  // An error's message is the reason for the refusal of the join: `invalid parameter NAME`, ...
  Result<std::string> key(const Values& values) const;

  // Whether each join has an actor of its own.
  bool has_join() const { return has_join_; }
  bool has_session() const { return has_session_; }
  const std::string& text() const { return text_; }

 private:
  struct Part {
    enum class Kind { text, topic, rest, join, session, param } kind;
    std::string text;  // of a text, or the parameter's name
  };
  std::string text_;
  std::vector<Part> parts_;
  bool has_join_ = false;
  bool has_session_ = false;
};

struct TopicRule {
  std::string match;
  std::string plugin;
  KeyTemplate actor;
  std::optional<std::vector<std::string>> events;  // the whole list of events, when given
  std::vector<std::string> functions;              // that clients may call
  std::uint64_t max_version = 1000;                // the version after it is 0

  // What the star matched (empty without a star), or nothing when the topic does not match.
  std::optional<std::string_view> rest_of(std::string_view topic) const;
  bool allows(std::string_view event) const;
  bool offers(std::string_view function) const;
};

// The rules of a server. Immutable; replaced whole when the configuration changes, so channels
// share it.
using TopicRules = std::shared_ptr<const std::vector<TopicRule>>;

const TopicRule* find_rule(const std::vector<TopicRule>& rules, std::string_view topic);

}  // namespace troupe::channel
