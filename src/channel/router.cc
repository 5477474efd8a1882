#include "channel/router.h"

#include "actor/address.h"
#include "wire/uri.h"

#include <fmt/format.h>

#include <algorithm>

namespace troupe::channel {

namespace {

constexpr std::size_t param_bytes_max = 128;
constexpr std::string_view param_prefix = "p/";

}  // namespace

Result<KeyTemplate> KeyTemplate::parse(std::string_view text) {
  KeyTemplate result;
  result.text_ = text;
  if (text.empty())
    return Error{"the template is empty; \"{topic}\" gives one actor for each topic"};

  bool has_param = false;
  while (!text.empty()) {
    const std::size_t open = text.find_first_of("{}");
    if (open != 0) {
      result.parts_.push_back({Part::Kind::text, std::string(text.substr(0, open))});
      text = open == std::string_view::npos ? std::string_view() : text.substr(open);
      continue;
    }
    const std::size_t close = text.find('}');
    if (text.front() == '}' || close == std::string_view::npos) {
      return Error{fmt::format("\"{}\" has an unpaired brace", result.text_)};
    }
    const std::string_view name = text.substr(1, close - 1);
    text.remove_prefix(close + 1);

    if (name == "topic") {
      result.parts_.push_back({Part::Kind::topic, {}});
    } else if (name == "rest") {
      result.parts_.push_back({Part::Kind::rest, {}});
    } else if (name == "join") {
      result.parts_.push_back({Part::Kind::join, {}});
      result.has_join_ = true;
    } else if (name == "session") {
      result.parts_.push_back({Part::Kind::session, {}});
      result.has_session_ = true;
    } else if (name.starts_with("param.") && name.size() > 6) {
      result.parts_.push_back({Part::Kind::param, std::string(name.substr(6))});
      has_param = true;
    } else {
      return Error{
          fmt::format("\"{{{}}}\" is unknown; there are {{topic}}, {{rest}}, {{join}}, {{session}} "
                      "and {{param.NAME}}",
                      name)};
    }
  }

  // A client chooses its parameters: under a prefix of their own they cannot name anybody else's
  // actor.
  const bool under_p = result.text_.starts_with(param_prefix);
  if (has_param && !under_p) {
    return Error{fmt::format("join parameters live under \"p/\"; write \"p/{}\"", result.text_)};
  }
  if (!has_param && under_p) {
    return Error{"keys under \"p/\" are for join parameters; use another prefix"};
  }
  for (const Part& part : result.parts_) {
    if (part.kind == Part::Kind::text &&
        !std::all_of(part.text.begin(), part.text.end(), [](char letter) {
          const std::string_view one(&letter, 1);
          return letter == '/' || wire::percent_encode_key_part(one) == one;
        })) {
      return Error{fmt::format(
          "\"{}\" has a letter that keys do not have; use A-Z a-z 0-9 . _ : @ ~ - and /",
          part.text)};
    }
  }
  return result;
}

Result<std::string> KeyTemplate::key(const Values& values) const {
  std::string key;
  for (const Part& part : parts_) {
    switch (part.kind) {
      case Part::Kind::text:
        key += part.text;
        break;
      case Part::Kind::topic:
        key += wire::percent_encode_key_part(values.topic);
        break;
      case Part::Kind::rest:
        key += wire::percent_encode_key_part(values.rest);
        break;
      case Part::Kind::join:
        key += values.join;
        break;
      case Part::Kind::session:
        if (values.session.empty())
          return Error{"this topic needs a session: a cookie, or the parameter troupe_session"};
        key += values.session;
        break;
      case Part::Kind::param: {
        const auto value = values.params.find(part.text);
        std::string buffer;
        std::string_view text;
        if (value && value->is_string()) {
          text = value->string(buffer);
        } else if (value && value->integer()) {
          text = value->raw();
        }
        if (text.empty() || text.size() > param_bytes_max) {
          return Error{fmt::format("invalid parameter {}", part.text)};
        }
        key += wire::percent_encode_key_part(text);
        break;
      }
    }
  }
  if (key.size() > actor::key_bytes_max) return Error{"topic too long"};
  return key;
}

std::optional<std::string_view> TopicRule::rest_of(std::string_view topic) const {
  if (match.ends_with('*')) {
    const std::string_view prefix(match.data(), match.size() - 1);
    if (!topic.starts_with(prefix)) return std::nullopt;
    return topic.substr(prefix.size());
  }
  if (topic != match) return std::nullopt;
  return std::string_view();
}

bool TopicRule::offers(std::string_view function) const {
  return std::find(functions.begin(), functions.end(), function) != functions.end();
}

bool TopicRule::allows(std::string_view event) const {
  return !events || std::find(events->begin(), events->end(), event) != events->end();
}

const TopicRule* find_rule(const std::vector<TopicRule>& rules, std::string_view topic) {
  const auto found = std::find_if(rules.begin(), rules.end(), [&](const TopicRule& rule) {
    return rule.rest_of(topic).has_value();
  });
  return found == rules.end() ? nullptr : &*found;
}

}  // namespace troupe::channel
