#include "guest/download.h"

#include "guest/loopback_server.h"

#include <gtest/gtest.h>

#include <string>

namespace troupe::guest {
namespace {

using test::answer_of;
using test::LoopbackServer;
using test::ReceivedRequest;

std::string refusal(const Download& what) {
  const Result<std::string> got = download(what);
  return got ? "it was not refused" : got.error().message;
}

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST(Download, GivesTheBodyAndSendsWhatTheOperatorWrote) {
  LoopbackServer server([](const ReceivedRequest& request) {
    return answer_of(request.method + " " + request.path + " " + request.header("Authorization"));
  });
  EXPECT_EQ(download({.url = server.url("/a.wasm?v=1"),
                      .method = "post",
                      .headers = {{"Authorization", "Bearer x"}}})
                .value(),
            "POST /a.wasm?v=1 Bearer x");
}

TEST(Download, KeepsHeadersFromOtherServers) {
  LoopbackServer other([](const ReceivedRequest& request) {
    return answer_of("got \"" + request.header("X-Token") + "\"");
  });
  LoopbackServer server([&](const ReceivedRequest& request) {
    const std::string to = request.path == "/away" ? other.url("/") : "/here";
    if (request.path == "/here") return answer_of("got \"" + request.header("X-Token") + "\"");
    return answer_of("", "302 Found", "Location: " + to + "\r\n");
  });
  const auto from = [&](std::string_view path) {
    return download({.url = server.url(path), .headers = {{"X-Token", "t"}}}).value();
  };
  EXPECT_EQ(from("/near"), "got \"t\"");
  EXPECT_EQ(from("/away"), "got \"\"");
}

TEST(Download, FollowsNoRedirectIntoAnotherNetwork) {
  LoopbackServer server([](const ReceivedRequest&) {
    return answer_of("", "302 Found", "Location: http://127.0.0.2:1/\r\n");
  });
  EXPECT_SAYS(refusal({.url = server.url("/")}), "no public address");
}

TEST(Download, EndsWhereItsBoundsAre) {
  LoopbackServer server([](const ReceivedRequest& request) {
    if (request.path.starts_with("/large")) return answer_of(std::string(101, 'x'));
    if (request.path == "/missing") return answer_of("", "404 Not Found");
    if (request.path == "/never")
      return std::string("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    return answer_of("", "307 Temporary Redirect", "Location: /round\r\n");
  });
  EXPECT_SAYS(refusal({.url = server.url("/large?key=k"), .bytes_max = 100}),
              "/large: it has more than 100 bytes");
  EXPECT_SAYS(refusal({.url = server.url("/missing")}), "status 404");
  EXPECT_SAYS(refusal({.url = server.url("/round")}), "redirected more than 10 times");
  EXPECT_SAYS(refusal({.url = server.url("/never"), .time_max = std::chrono::milliseconds(50)}),
              "it took more than 50 ms");
  EXPECT_EQ(download({.url = server.url("/large"), .bytes_max = 101}).value().size(), 101U);
}

TEST(Download, RefusesWhatCannotBeAsked) {
  EXPECT_SAYS(refusal({.url = "file:///etc/passwd"}), "only http and https are offered");
  EXPECT_SAYS(refusal({.url = "http://127.0.0.1:1/", .method = "A B"}), "is no method");
  EXPECT_SAYS(refusal({.url = "http://127.0.0.1:1/", .headers = {{"a", "x\r\ny"}}}),
              "control character");
  EXPECT_EQ(refusal({.url = "http://user:password@127.0.0.1:1/x?token=y"}).find("password"),
            std::string::npos);
}

}  // namespace
}  // namespace troupe::guest
