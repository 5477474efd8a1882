#include "wire/uri.h"

#include <simdjson.h>

#include <cstddef>
#include <utility>
#include <vector>

namespace troupe::wire {

namespace {

constexpr std::string_view hex_digits = "0123456789ABCDEF";

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string percent_encode(std::string_view text, std::string_view kept) {
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (is_alphanumeric(c) || kept.find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += '%';
      encoded += hex_digits[byte >> 4U];
      encoded += hex_digits[byte & 15U];
    }
  }
  return encoded;
}

std::optional<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    } else if (text[i] == '+' && plus_is_space) {
      decoded += ' ';
    } else {
      decoded += text[i];
    }
  }
  if (!simdjson::validate_utf8(decoded)) return std::nullopt;
  return decoded;
}

// Segments are told apart before they are decoded: an encoded '/' belongs to one.
Result<std::string> decode_path(std::string_view path) {
  std::string normal;
  std::vector<std::size_t> starts;  // of the segments in `normal`
  for (std::size_t start = 1; start <= path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const auto decoded = percent_decode(path.substr(start, end - start));
    if (!decoded) return Error{"the path has a broken %-escape or is not UTF-8"};
    const std::string& segment = *decoded;
    const bool last = end == path.size();
    start = end + 1;
    if (segment == "..") {
      if (starts.empty()) return Error{"the path leaves the root by \"..\""};
      normal.erase(starts.back());
      starts.pop_back();
      if (last) normal += '/';
    } else if (segment == "." || segment.empty()) {
      if (last) normal += '/';
    } else {
      starts.push_back(normal.size());
      normal += '/';
      normal += segment;
    }
  }
  return normal;
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text) {
  return decode(text, false);
}

std::string percent_encode_key_part(std::string_view part) {
  return percent_encode(part, "._:@~-");
}

std::string percent_encode_path(std::string_view path) {
  return percent_encode(path, "/._:@~-");
}

Result<Parameters> parse_query(std::string_view query) {
  Parameters parameters;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view segment = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (segment.empty()) continue;
    const std::size_t equals = std::min(segment.find('='), segment.size());
    auto name = decode(segment.substr(0, equals), true);
    auto value = decode(segment.substr(std::min(equals + 1, segment.size())), true);
    if (!name || !value) return Error{"the query has a broken %-escape or is not UTF-8"};
    parameters.emplace_back(std::move(*name), std::move(*value));
  }
  return parameters;
}

const std::string* find_parameter(const Parameters& parameters, std::string_view name) {
  for (const auto& [key, value] : parameters) {
    if (key == name) return &value;
  }
  return nullptr;
}

Result<Target> parse_target(std::string_view target) {
  if (const std::size_t scheme = target.find("://");
      !target.starts_with('/') && scheme != target.npos) {
    const std::size_t path = target.find_first_of("/?", scheme + 3);
    target = path == target.npos ? std::string_view("/") : target.substr(path);
  }
  const std::size_t fragment = target.find('#');
  target = target.substr(0, fragment);
  const std::size_t mark = std::min(target.find('?'), target.size());
  std::string_view raw_path = target.substr(0, mark);
  if (raw_path.empty() && mark < target.size()) raw_path = "/";
  if (!raw_path.starts_with('/')) return Error{"the request's target does not begin with '/'"};

  TRY(std::string path, decode_path(raw_path));
  if (path.find('\0') != path.npos) return Error{"the path has a NUL"};
  TRY(Parameters query, parse_query(target.substr(std::min(mark + 1, target.size()))));
  return Target{.path = std::move(path), .query = std::move(query)};
}

}  // namespace troupe::wire
