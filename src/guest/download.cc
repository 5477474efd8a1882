#include "guest/download.h"

#include "base/task.h"
#include "guest/http_client.h"
#include "guest/http_request.h"
#include "guest/text.h"
#include "shard/shard.h"

#include <string_view>
#include <utility>

namespace troupe::guest {

namespace {

constexpr std::size_t url_in_text_bytes_max = 512;

Error failed(const HttpUrl& url, std::string_view reason) {
  return Error{"cannot fetch " + readable(url.shown(), url_in_text_bytes_max) + ": " +
               std::string(reason)};
}

Task<Result<std::string>> fetch(shard::Shard& shard,
                                const Download& what,
                                HttpRequest request,
                                HttpUrl url) {
  const auto deadline = std::chrono::steady_clock::now() + what.time_max;
  const std::string host = url.host();
  for (std::size_t redirects = 0;; ++redirects) {
    CO_TRY(HttpUrl target, HttpUrl::parse(url.text()));
    HttpExchange exchange{.url = std::move(target), .method = request.method};
    for (const auto& [name, value] : request.headers) {
      exchange.headers.push_back(header_line(name, value));
    }
    exchange.reach = url.host() == host ? Reach::everything : Reach::public_addresses;
    exchange.answer_bytes_max = what.bytes_max;
    exchange.deadline = deadline;
    Task<HttpResult> under_way = guest::exchange(shard, std::move(exchange));
    HttpResult result = co_await std::move(under_way);
    if (result.has_error()) {
      if (result.error().kind == HttpFailure::Kind::timeout) {
        co_return failed(url, "it took more than " + std::to_string(what.time_max.count()) + " ms");
      }
      if (result.error().kind == HttpFailure::Kind::too_large) {
        co_return failed(url, "it has more than " + std::to_string(what.bytes_max) + " bytes");
      }
      co_return failed(url, result.error().message);
    }
    const std::string* location = result->redirect();
    if (location == nullptr) {
      if (result->status >= 200 && result->status < 300) co_return std::move(result->body);
      co_return failed(url, "the server answered with status " + std::to_string(result->status));
    }
    if (redirects == HttpReply::redirects_max) {
      co_return failed(
          url,
          "it was redirected more than " + std::to_string(HttpReply::redirects_max) + " times");
    }
    auto next = url.join(*location);
    if (next.has_error()) {
      co_return failed(url,
                       "it was redirected to a URL that cannot be used: " + next.error().message);
    }
    if (url.encrypted() && !next->encrypted()) {
      co_return failed(url, "it was redirected from https to http");
    }
    if (next->origin() != url.origin()) request.headers.clear();
    url = std::move(*next);
  }
}

}  // namespace

Result<std::string> download(const Download& what) {
  HttpRequest request;
  TRY_VOID(request.set_method(what.method));
  for (const auto& [name, value] : what.headers) TRY_VOID(request.add_header(name, value));
  auto url = HttpUrl::parse(what.url);
  if (url.has_error()) return Error{"Invalid URL: " + url.error().message};
  shard::Shard shard(0);  // its event loop, for this alone
  Task<Result<std::string>> task = fetch(shard, what, std::move(request), *std::move(url));
  task.start();
  while (!task.done()) shard.io().run_one();
  return task.take();
}

}  // namespace troupe::guest
