#include "wire/origin.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <utility>

namespace troupe::wire {

namespace {

constexpr std::size_t host_bytes_max = 255;  // of a name in DNS

struct HostAndPort {
  std::string host;
  std::optional<std::uint16_t> port;
};

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

bool is_scheme(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789+.-") == text.npos;
}

bool is_host(std::string_view text) {
  if (text.empty() || text.size() > host_bytes_max) return false;
  if (text.starts_with('[')) {
    return text.size() > 2 && text.ends_with(']') &&
           text.substr(1, text.size() - 2).find_first_not_of("0123456789abcdef:.") == text.npos;
  }
  return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-") == text.npos;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

std::optional<HostAndPort> parse_host_and_port(std::string_view text) {
  std::string_view host = text;
  std::optional<std::uint16_t> port;
  const std::size_t bracket = text.rfind(']');
  const std::size_t colon = text.find(':', bracket == text.npos ? 0 : bracket);
  if (colon != text.npos) {
    port = parse_port(text.substr(colon + 1));
    if (!port) return std::nullopt;
    host = text.substr(0, colon);
  }
  HostAndPort parsed{.host = lower_case(host), .port = port};
  if (!is_host(parsed.host)) return std::nullopt;
  return parsed;
}

std::uint16_t port_of_scheme(std::string_view scheme) {
  if (scheme == "https" || scheme == "wss") return 443;
  if (scheme == "http" || scheme == "ws") return 80;
  return 0;
}

}  // namespace

std::optional<Origin> parse_origin(std::string_view header) {
  const std::size_t separator = header.find("://");
  if (separator == header.npos) return std::nullopt;
  std::string scheme = lower_case(header.substr(0, separator));
  auto rest = parse_host_and_port(header.substr(separator + 3));
  if (!is_scheme(scheme) || !rest) return std::nullopt;
  const std::uint16_t port = rest->port.value_or(port_of_scheme(scheme));
  return Origin{.scheme = std::move(scheme), .host = std::move(rest->host), .port = port};
}

bool is_own_origin(const Origin& origin, std::string_view host_header) {
  const auto own = parse_host_and_port(host_header);
  return own && own->host == origin.host &&
         own->port.value_or(port_of_scheme(origin.scheme)) == origin.port;
}

Result<OriginRules::Rule> OriginRules::parse_rule(std::string_view entry) {
  const Error malformed{
      fmt::format("\"{}\" is not an origin; write \"https://site.example\", \"//site.example\" for "
                  "any scheme, or \"//*.site.example\" for a site with its subdomains",
                  entry)};
  const std::size_t separator = entry.find("//");
  if (separator == entry.npos) return malformed;
  Rule rule;
  if (separator > 0) {
    if (entry[separator - 1] != ':') return malformed;
    rule.scheme = lower_case(entry.substr(0, separator - 1));
    if (!is_scheme(rule.scheme)) return malformed;
  }
  std::string_view rest = entry.substr(separator + 2);
  if (rest.starts_with("*.")) {
    rule.with_subdomains = true;
    rest.remove_prefix(2);
  }
  auto host_and_port = parse_host_and_port(rest);
  if (!host_and_port) return malformed;
  rule.host = std::move(host_and_port->host);
  rule.port = host_and_port->port;
  // `https://site.example` is what a browser sends for port 443, not for any port.
  if (!rule.port && port_of_scheme(rule.scheme) != 0) rule.port = port_of_scheme(rule.scheme);
  return rule;
}

Result<OriginRules> OriginRules::parse(std::span<const std::string> entries) {
  OriginRules rules;
  for (const std::string& entry : entries) {
    TRY(Rule rule, parse_rule(entry));
    rules.rules_.push_back(std::move(rule));
  }
  return rules;
}

bool OriginRules::allow(const Origin& origin) const {
  return std::any_of(rules_.begin(), rules_.end(), [&](const Rule& rule) {
    if (!rule.scheme.empty() && rule.scheme != origin.scheme) return false;
    if (rule.port && *rule.port != origin.port) return false;
    if (rule.host == origin.host) return true;
    return rule.with_subdomains && origin.host.size() > rule.host.size() &&
           origin.host.ends_with(rule.host) &&
           origin.host[origin.host.size() - rule.host.size() - 1] == '.';
  });
}

OriginVerdict OriginRules::judge(std::string_view origin_header,
                                 std::string_view host_header) const {
  if (origin_header.empty()) return OriginVerdict::absent;
  const auto origin = parse_origin(origin_header);
  if (!origin) return OriginVerdict::refused;
  if (is_own_origin(*origin, host_header)) return OriginVerdict::own;
  return allow(*origin) ? OriginVerdict::allowed : OriginVerdict::refused;
}

}  // namespace troupe::wire
