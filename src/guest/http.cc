// The functions of Extism's module extism:host/env for HTTP, and the way of a request: from the
// guest's JSON over the list of hosts and the secrets to the network, and on to where redirects
// lead.
#include "guest/http.h"

#include "base/hex.h"
#include "base/json.h"
#include "guest/call.h"
#include "guest/handles.h"
#include "guest/http_client.h"
#include "guest/imports.h"
#include "guest/text.h"

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <utility>

namespace troupe::guest {

namespace {

using Value = wasmtime_val_raw_t;
using Caller = wasmtime_caller_t;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t url_in_text_bytes_max = 512;
constexpr std::size_t error_bytes_max = 2048;

// Which secrets a request may carry where it goes.
class Filler {
 public:
  Filler(const Secrets* secrets, const HttpUrl& url)
      : secrets_(secrets),
        host_(url.host()),
        stays_secret_(url.encrypted() || is_loopback_host(url.host())) {}

  Result<SecretText> fill(std::string_view text, Secrets::Place place) {
    if (!has_placeholder(text)) return SecretText(text);
    used_ = true;
    static const Secrets none;
    return (secrets_ == nullptr ? none : *secrets_).fill(text, {host_, stays_secret_, place});
  }
  bool used() const { return used_; }

 private:
  const Secrets* const secrets_;
  const std::string_view host_;
  const bool stays_secret_;
  bool used_ = false;
};

// A guest's request on its way: where it goes next, and with what. Placeholders are still in all of
// it.
struct Journey {
  HttpUrl url;
  std::string method;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

// What is meant for one server is not for another.
bool is_for_origin_only(const std::pair<std::string, std::string>& header) {
  return same_but_case(header.first, "authorization") || same_but_case(header.first, "cookie") ||
         has_placeholder(header.second);
}

// On to where the answer points, as browsers do it.
Result<void> follow(Journey& journey, int status, std::string_view location) {
  auto next = journey.url.join(location);
  if (next.has_error())
    return Error{"it was redirected to a URL that cannot be used: " + next.error().message};
  const bool drops_body = status == 303 ? journey.method != "GET" && journey.method != "HEAD"
                                        : status <= 302 && journey.method == "POST";
  if (drops_body) {
    journey.method = "GET";
    journey.body.clear();
    std::erase_if(journey.headers, [](const auto& header) {
      return header.first.size() > 8 && same_but_case(header.first.substr(0, 8), "content-");
    });
  }
  if (next->origin() != journey.url.origin()) std::erase_if(journey.headers, is_for_origin_only);
  journey.url = std::move(*next);
  return {};
}

Result<HttpExchange> make_exchange(const Journey& journey,
                                   const Environment& environment,
                                   std::string_view idempotency_key) {
  const Reach reach = reach_of(environment.allowed_hosts, journey.url.host());
  if (reach == Reach::nothing) {
    return Error{"HTTP request to " + readable(journey.url.text(), url_in_text_bytes_max) +
                 " is not allowed"};
  }
  Filler filler(environment.secrets.get(), journey.url);
  TRY(const SecretText url, filler.fill(journey.url.text(), Secrets::Place::url));
  TRY(HttpUrl target, HttpUrl::parse(url.view()));
  HttpExchange exchange{.url = std::move(target), .method = journey.method};
  bool has_key = false;
  for (const auto& [name, value] : journey.headers) {
    TRY(const SecretText text, filler.fill(value, Secrets::Place::header));
    exchange.headers.push_back(header_line(name, text.view()));
    has_key = has_key || same_but_case(name, "idempotency-key");
  }
  if (!has_key) {
    exchange.headers.emplace_back("Idempotency-Key: " + std::string(idempotency_key));
  }
  TRY(exchange.body, filler.fill(journey.body, Secrets::Place::body));
  if (filler.used()) {
    // Nobody could find a secret in an answer that is compressed.
    std::erase_if(exchange.headers, [](const SecretText& line) {
      const std::string_view text = line.view();
      return same_but_case(text.substr(0, text.find_first_of(":;")), "accept-encoding");
    });
  }
  exchange.reach = filler.used() && !journey.url.encrypted() ? Reach::loopback : reach;
  return exchange;
}

// Header names with their last value, as JSON. What is not text is left out.
std::string headers_json(const HttpReply& reply) {
  std::map<std::string_view, std::string_view> headers;
  for (const auto& [name, value] : reply.headers) {
    if (readable(name, name.size()) == name && readable(value, value.size()) == value) {
      headers.insert_or_assign(name, value);
    }
  }
  std::string json;
  json::quote_object(json, headers);
  return json;
}

// The limits that hold for the body of one answer: the smallest, and what reaching it means.
struct BodyLimit {
  std::size_t bytes;
  enum class Kind { configured, of_the_call, memory } kind;
};

BodyLimit body_limit(const Call& call) {
  const Limits& limits = call.environment.limits;
  constexpr std::size_t wasm_page_bytes = 65536;
  const std::array candidates = {
      BodyLimit{limits.http_response_bytes_max, BodyLimit::Kind::configured},
      BodyLimit{HttpState::answers_bytes_max -
                    std::min(call.http.answers_bytes, HttpState::answers_bytes_max),
                BodyLimit::Kind::of_the_call},
      BodyLimit{limits.memory_pages_max * wasm_page_bytes, BodyLimit::Kind::memory}};
  return std::ranges::min(candidates, {}, &BodyLimit::bytes);
}

std::string text_of(BodyLimit limit) {
  switch (limit.kind) {
    case BodyLimit::Kind::configured:
      return "HTTP response exceeds the configured maximum number of bytes: " +
             std::to_string(limit.bytes);
    case BodyLimit::Kind::of_the_call:
      return "the HTTP responses of this call have more than the " +
             std::to_string(HttpState::answers_bytes_max) + " bytes allowed together";
    case BodyLimit::Kind::memory:
      return "oom";
  }
  return {};
}

// Of the call's latest request: 1 for the first.
std::string idempotency_key(const HttpState& http) {
  const auto* const input_id = reinterpret_cast<const char*>(http.turn.input_id.data());
  const journal::InputId id = journal::sender_id(
      {input_id, http.turn.input_id.size()}, http.turn.incarnation, http.turn.turn);
  return hex(id) + "-" + std::to_string(http.requests);
}

// Goes the whole way. An answer with status 0 and no error has not come in time.
Task<journal::HttpAnswer> travel(shard::Shard& shard,
                                 Call& call,
                                 HttpState::Asked& asked,
                                 SteadyClock::time_point deadline) {
  const Environment& environment = call.environment;
  const auto failed = [&](std::string text) {
    if (environment.secrets) environment.secrets->hide(text);
    return journal::HttpAnswer{.error = readable(text, error_bytes_max)};
  };
  auto url = HttpUrl::parse(asked.request.url);
  if (url.has_error()) {
    co_return failed("Invalid URL: " + url.error().message + ": " +
                     readable(asked.request.url, url_in_text_bytes_max));
  }
  Journey journey{std::move(*url),
                  std::move(asked.request.method),
                  std::move(asked.request.headers),
                  std::move(asked.body)};
  const std::string key = idempotency_key(call.http);
  const BodyLimit limit = body_limit(call);
  for (std::size_t redirects = 0;; ++redirects) {
    auto exchange = make_exchange(journey, environment, key);
    if (exchange.has_error()) co_return failed(std::move(exchange.error().message));
    exchange->answer_bytes_max = limit.bytes;
    exchange->deadline = deadline;
    Task<HttpResult> under_way = guest::exchange(shard, std::move(*exchange));
    HttpResult result = co_await std::move(under_way);
    const std::string place =
        "HTTP request to " + readable(journey.url.text(), url_in_text_bytes_max);
    if (result.has_error()) {
      if (result.error().kind == HttpFailure::Kind::timeout) co_return journal::HttpAnswer{};
      if (result.error().kind == HttpFailure::Kind::too_large) {
        call.memory_refused = limit.kind == BodyLimit::Kind::memory;
        co_return failed(text_of(limit));
      }
      co_return failed(place + " failed: " + result.error().message);
    }
    if (environment.secrets) {
      environment.secrets->hide(result->body);
      for (auto& [name, value] : result->headers) environment.secrets->hide(value);
    }
    const std::string* location = result->redirect();
    if (location == nullptr) {
      co_return journal::HttpAnswer{
          .status = result->status,
          .headers = environment.http_response_headers ? headers_json(*result) : std::string(),
          .body = std::move(result->body)};
    }
    if (redirects == HttpReply::redirects_max) {
      co_return failed(place + " failed: it was redirected more than " +
                       std::to_string(HttpReply::redirects_max) + " times");
    }
    if (const Result<void> followed = follow(journey, result->status, *location); !followed) {
      co_return failed(place + " failed: " + followed.error().message);
    }
  }
}

// An error of the guest, unless it ran out of memory.
wasm_trap_t* refuse_request(Call& call, std::string reason) {
  call.refused_by_host = !call.memory_refused;
  return refuse(call, std::move(reason));
}

std::optional<std::string> take_request(Call& call,
                                        std::uint64_t request,
                                        std::uint64_t body,
                                        HttpState::Asked& asked) {
  Arena& arena = call.arena;
  call.http.status = 0;
  call.http.headers.clear();
  if (!is_handle(request)) {
    return "invalid handle offset for http request: " + std::to_string(request);
  }
  if (!is_handle(body)) return "invalid handle offset for http body: " + std::to_string(body);
  auto read = read_http_request(arena.block(request));
  asked.body = body == 0 ? std::string_view() : arena.block(body);
  arena.free(request);
  if (body != 0) arena.free(body);
  if (read.has_error()) return std::move(read.error().message);
  asked.request = std::move(*read);
  if (call.vars == nullptr) return "HTTP requests cannot be made while the plugin starts up";
  if (++call.http.requests > HttpState::requests_max) {
    return "more than the " + std::to_string(HttpState::requests_max) +
           " HTTP requests allowed in one call";
  }
  if (asked.request.method == "HEAD" && !asked.body.empty()) {
    return "Invalid HTTP request: HEAD cannot have a body";
  }
  return std::nullopt;
}

// Whether the guest can go on: its answer has come, or there was nothing to wait for.
bool is_answered(void* call) {
  return !static_cast<Call*>(call)->http.asked.has_value();
}

void http_request(void*,
                  Caller*,
                  const wasmtime_val_t* arguments,
                  std::size_t,
                  wasmtime_val_t* results,
                  std::size_t,
                  wasm_trap_t** trap,
                  wasmtime_async_continuation_t* continuation) {
  Call& call = *running_call;
  results[0].kind = WASMTIME_I64;
  results[0].of.i64 = 0;
  *continuation = {is_answered, &call, nullptr};
  HttpState::Asked asked{.result = results, .trap = trap};
  std::optional<std::string> refusal = take_request(call,
                                                    static_cast<std::uint64_t>(arguments[0].of.i64),
                                                    static_cast<std::uint64_t>(arguments[1].of.i64),
                                                    asked);
  if (refusal) {
    *trap = refuse_request(call, *std::move(refusal));
  } else {
    call.http.asked = std::move(asked);
  }
}

wasm_trap_t* http_status_code(void*, Caller*, Value* v, std::size_t) {
  v->i32 = running_call->http.status;
  return nullptr;
}

wasm_trap_t* http_headers(void*, Caller*, Value* v, std::size_t) {
  return give(v, running_call->http.headers);
}

constexpr std::string_view kernel = "extism:host/env";

constexpr std::array functions{
    HostFunction{kernel, "http_request", "hh", "h", nullptr, http_request},
    HostFunction{kernel, "http_status_code", "", "i", http_status_code},
    HostFunction{kernel, "http_headers", "", "h", http_headers},
};

}  // namespace

Task<bool> answer_http(shard::Shard& shard, Call& call, SteadyClock::time_point deadline) {
  HttpState& http = call.http;
  HttpState::Asked& asked = *http.asked;
  std::optional<journal::HttpAnswer> recorded = call.host.recorded_answer();
  const bool is_made = !recorded.has_value();
  journal::HttpAnswer answer;
  if (is_made) {
    const SteadyClock::time_point begin = SteadyClock::now();
    Task<bool> leaving = call.host.may_leave();
    const bool may_leave = co_await std::move(leaving);
    if (may_leave) {
      Task<journal::HttpAnswer> under_way = travel(shard, call, asked, deadline);
      answer = co_await std::move(under_way);
    } else {
      answer.error = "the request was not made: the turns before it could not be recorded";
    }
    if (answer.status == 0 && answer.error.empty()) co_return false;
    answer.took_ns = std::chrono::nanoseconds(SteadyClock::now() - begin).count();
  } else {
    answer = *std::move(recorded);
  }
  call.source.advance(static_cast<std::uint64_t>(answer.took_ns));
  http.answers_bytes += answer.body.size();
  http.status = answer.status;
  http.headers = answer.headers;
  const Arena::Handle body = call.arena.put(answer.body);
  if (!answer.error.empty()) {
    *asked.trap = refuse_request(call, answer.error);
  } else if (body == 0 && !answer.body.empty()) {
    call.memory_refused = true;
    *asked.trap = refuse(call, "oom");
  } else {
    asked.result->of.i64 = static_cast<std::int64_t>(body);
  }
  if (is_made) call.host.answered(std::move(answer));
  http.asked.reset();
  co_return true;
}

std::span<const HostFunction> http_functions() {
  return functions;
}

}  // namespace troupe::guest
