#include "guest/secrets.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace troupe::guest {

namespace {

constexpr std::string_view opening = "{{secret.";
constexpr std::string_view closing = "}}";
constexpr std::size_t name_bytes_max = 64;

bool is_name(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !text.empty() && text.size() <= name_bytes_max && std::ranges::all_of(text, fits);
}

std::string placeholder(std::string_view name) {
  return std::string(opening) + std::string(name) + std::string(closing);
}

struct Found {
  std::string_view before;
  std::string_view name;
  std::string_view after;
};

std::optional<Found> find_placeholder(std::string_view text) {
  for (std::size_t at = 0; (at = text.find(opening, at)) != std::string_view::npos; ++at) {
    const std::size_t name_at = at + opening.size();
    // No further than a name can reach: the text may be large and full of openings.
    const std::size_t end = text.substr(name_at, name_bytes_max + closing.size()).find(closing);
    if (end == std::string_view::npos) continue;
    const std::string_view name = text.substr(name_at, end);
    if (!is_name(name)) continue;
    return Found{text.substr(0, at), name, text.substr(name_at + end + closing.size())};
  }
  return std::nullopt;
}

// All but the characters that stand for themselves everywhere in a URL.
SecretText percent_encoded(std::string_view value) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  SecretText out;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out.append({&c, 1});
    } else {
      const char escape[] = {'%', digits[byte >> 4], digits[byte & 15]};
      out.append({escape, sizeof escape});
    }
  }
  return out;
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  std::size_t at = text.find(what);
  if (at == std::string::npos) return;
  std::string out;
  std::size_t from = 0;
  for (; at != std::string::npos; at = text.find(what, from)) {
    out.append(text, from, at - from).append(with);
    from = at + what.size();
  }
  out.append(text, from);
  text = std::move(out);
}

}  // namespace

Result<void> Secrets::add(std::string name,
                          std::string_view value,
                          std::vector<std::string> hosts) {
  if (!is_name(name)) {
    return Error{"a secret's name is 1 to " + std::to_string(name_bytes_max) +
                 " of A-Z a-z 0-9 _, so that {{secret.NAME}} can be told from other text"};
  }
  if (value.size() < value_bytes_min || value.size() > value_bytes_max) {
    return Error{"the value of the secret " + name + " has " + std::to_string(value.size()) +
                 " bytes; it must have " + std::to_string(value_bytes_min) + " to " +
                 std::to_string(value_bytes_max)};
  }
  if (hosts.empty()) {
    return Error{"the secret " + name +
                 " has no hosts; name those it may be sent to, such as hosts = "
                 "[\"api.example.com\"]"};
  }
  for (const std::string& host : hosts) {
    const bool plain = !host.empty() && host.find_first_of("*?/@ ") == std::string::npos &&
                       std::ranges::none_of(host, [](char c) { return c >= 'A' && c <= 'Z'; });
    if (!plain) {
      return Error{"the secret " + name + " names the host \"" + host +
                   "\"; write it out in lower case, without scheme, path or pattern"};
    }
  }
  secrets_.insert_or_assign(std::move(name),
                            Secret{SecretText(value), percent_encoded(value), std::move(hosts)});
  return {};
}

Result<SecretText> Secrets::fill(std::string_view text, const Target& target) const {
  SecretText out;
  while (const std::optional<Found> found = find_placeholder(text)) {
    const std::string named = placeholder(found->name);
    const auto known = secrets_.find(found->name);
    if (known == secrets_.end()) {
      return Error{"there is no secret " + std::string(found->name) +
                   " for this plugin; name it under `secrets`, or remove " + named};
    }
    const Secret& secret = known->second;
    if (std::ranges::find(secret.hosts, target.host) == secret.hosts.end()) {
      return Error{named + " may not be sent to " + std::string(target.host) +
                   ": this host is not among the secret's `hosts`"};
    }
    if (!target.stays_secret) {
      return Error{named + " may not be sent to " + std::string(target.host) +
                   " over http, where others could read it; use https"};
    }
    if (target.place == Place::header && secret.value.view().find_first_of(std::string_view(
                                             "\r\n\0", 3)) != std::string_view::npos) {
      return Error{named + " has more than one line, which no header can"};
    }
    out.append(found->before);
    out.append((target.place == Place::url ? secret.encoded : secret.value).view());
    text = found->after;
  }
  out.append(text);
  return out;
}

void Secrets::hide(std::string& text) const {
  // Longer ones first: one value may be a part of another.
  std::vector<std::pair<std::string_view, std::string_view>> values;
  for (const auto& [name, secret] : secrets_) {
    values.emplace_back(secret.value.view(), name);
    if (secret.encoded.view() != secret.value.view()) {
      values.emplace_back(secret.encoded.view(), name);
    }
  }
  std::ranges::stable_sort(
      values, std::ranges::greater(), [](const auto& value) { return value.first.size(); });
  for (const auto& [value, name] : values) replace_all(text, value, placeholder(name));
}

bool has_placeholder(std::string_view text) {
  return find_placeholder(text).has_value();
}

}  // namespace troupe::guest
