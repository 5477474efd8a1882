#include "guest/http_request.h"

#include "base/json.h"
#include "guest/text.h"

#include <algorithm>
#include <array>
#include <optional>

namespace troupe::guest {

namespace {

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

// What RFC 9110 calls a token.
bool is_token(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  const auto fits = [&](char c) {
    const char l = lower_case(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') ||
           marks.find(c) != std::string_view::npos;
  };
  return !text.empty() && std::ranges::all_of(text, fits);
}

bool is_header_value(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f';
  });
}

// They say how a message travels and where it ends, or to which of a server's names it goes.
bool is_set_by_host(std::string_view name) {
  constexpr std::array<std::string_view, 11> names = {"connection",
                                                      "content-length",
                                                      "expect",
                                                      "host",
                                                      "keep-alive",
                                                      "proxy-authorization",
                                                      "proxy-connection",
                                                      "te",
                                                      "trailer",
                                                      "transfer-encoding",
                                                      "upgrade"};
  return std::ranges::any_of(names,
                             [&](std::string_view each) { return same_but_case(each, name); });
}

Error invalid(std::string_view what) {
  return Error{"Invalid HTTP request: " + std::string(what)};
}

std::string quoted(std::string_view text) {
  std::string out;
  json::quote(out, text.substr(0, 64));
  return out;
}

Result<void> read_headers(json::Value headers, HttpRequest& request) {
  if (!headers.is_object()) {
    return invalid("headers must be an object, not " + std::string(describe(headers.kind())));
  }
  if (headers.size() > HttpRequest::headers_max) {
    return invalid("it has " + std::to_string(headers.size()) + " headers, more than the " +
                   std::to_string(HttpRequest::headers_max) + " allowed");
  }
  for (const json::Member member : headers.members()) {
    std::string name = member.name.string();
    if (!member.value.is_string()) {
      return invalid("the header " + quoted(name) + " must be a string, not " +
                     std::string(describe(member.value.kind())));
    }
    TRY_VOID(request.add_header(std::move(name), member.value.string()));
  }
  return {};
}

Result<void> read_method(json::Value value, HttpRequest& request) {
  if (value.is_null()) return {};
  if (!value.is_string()) {
    return invalid("method must be a string, not " + std::string(describe(value.kind())));
  }
  return request.set_method(value.string());
}

}  // namespace

Result<void> HttpRequest::set_method(std::string_view text) {
  method = text;
  std::ranges::transform(method, method.begin(), upper);
  if (!is_token(method) || method.size() > method_bytes_max) {
    return invalid(quoted(method) + " is no method");
  }
  if (method == "CONNECT" || method == "TRACE") {
    return invalid("the method " + method + " is not offered");
  }
  return {};
}

Result<void> HttpRequest::add_header(std::string name, std::string value) {
  if (headers.size() == headers_max) {
    return invalid("it has more than the " + std::to_string(headers_max) + " headers allowed");
  }
  if (!is_token(name)) return invalid(quoted(name) + " is no name of a header");
  if (!is_header_value(value)) {
    return invalid("the header " + quoted(name) + " has a control character in its value");
  }
  if (is_set_by_host(name)) {
    return invalid("the header " + quoted(name) + " is set by the host; leave it out");
  }
  std::size_t bytes = name.size() + value.size();
  for (const auto& [other, its_value] : headers) bytes += other.size() + its_value.size();
  if (bytes > header_bytes_max) {
    return invalid("its headers have more than the " + std::to_string(header_bytes_max) +
                   " bytes allowed");
  }
  headers.emplace_back(std::move(name), std::move(value));
  return {};
}

Result<HttpRequest> read_http_request(std::string_view text) {
  if (text.size() > HttpRequest::json_bytes_max) {
    return invalid("it has " + std::to_string(text.size()) + " bytes, more than the " +
                   std::to_string(HttpRequest::json_bytes_max) +
                   " allowed; what is to be sent is its body");
  }
  json::Tape tape;
  constexpr unsigned nesting_max = 2;
  if (const Result<void> parsed = json::parse(text, tape, nesting_max); !parsed) {
    return invalid(parsed.error().message);
  }
  const json::Value root = tape.root();
  if (!root.is_object()) {
    return invalid("it must be an object, not " + std::string(describe(root.kind())));
  }
  HttpRequest request;
  std::optional<json::Value> url;
  for (const json::Member member : root.members()) {
    if (member.name.is("url")) {
      url = member.value;
    } else if (member.name.is("method")) {
      TRY_VOID(read_method(member.value, request));
    } else if (member.name.is("headers")) {
      request.headers.clear();
      TRY_VOID(read_headers(member.value, request));
    } else {
      return invalid("unknown key " + quoted(member.name.string()) +
                     "; there are url, headers and method");
    }
  }
  if (!url || !url->is_string()) {
    return invalid(url ? "url must be a string, not " + std::string(describe(url->kind()))
                       : "it has no url");
  }
  request.url = url->string();
  return request;
}

}  // namespace troupe::guest
