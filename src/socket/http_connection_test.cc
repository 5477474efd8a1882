#include "socket/test_client.h"

#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace troupe::socket {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class HttpTest : public testing::Test {
 protected:
  HttpTest() {
    std::string name = (fs::temp_directory_path() / "troupe-http-XXXXXX").string();
    root = ::mkdtemp(name.data());
    fs::create_directories(root / "sub dir");
    write("index.html", "<h1>hello</h1>");
    write("app.js", "export const x = 1;");
    write("sub dir/index.html", "<h1>sub</h1>");
    write("empty.txt", "");
    for (std::size_t i = 0; i < 300'000; ++i) big += static_cast<char>('a' + i % 26);
    write("big.bin", big);
  }
  ~HttpTest() override { fs::remove_all(root); }

  void write(const std::string& name, std::string_view text) { std::ofstream(root / name) << text; }

  ListenerOptions options() {
    ListenerOptions options;
    options.static_root = root;
    return options;
  }

  fs::path root;
  std::string big;
};

// A route's handler: the body comes back.
auto echo_body() {
  return answer_with([](const wire::Request& request) { return text_response(200, request.body); });
}

Route echo_route() {
  return {.path = "/echo", .methods = {"PUT"}, .handler = echo_body()};
}

TEST_F(HttpTest, FilesAreServedWithTheirTypesOverOneConnection) {
  TestServer server(options());
  TestClient client = server.connect();
  auto response = client.get("/");
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.body, "<h1>hello</h1>");
  EXPECT_EQ(response.header("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(response.header("x-content-type-options"), "nosniff");
  EXPECT_EQ(response.header("connection"), "keep-alive");
  EXPECT_NE(response.header("date"), "");
  response = client.get("/app.js?cache=1");
  EXPECT_EQ(response.header("content-type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(response.body, "export const x = 1;");
  response = client.get("/empty.txt");
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.header("content-length"), "0");
  response = client.get("/big.bin");
  EXPECT_EQ(response.body, big);
}

TEST_F(HttpTest, PipelinedRequestsAreAnsweredInOrder) {
  TestServer server(options());
  TestClient client = server.connect();
  client.send(
      "GET /app.js HTTP/1.1\r\nHost: test\r\n\r\nGET /big.bin HTTP/1.1\r\nHost: test\r\n\r\nHEAD / "
      "HTTP/1.1\r\nHost: test\r\n\r\nGET /none HTTP/1.1\r\nHost: test\r\n\r\n");
  EXPECT_EQ(client.read_response().body, "export const x = 1;");
  EXPECT_EQ(client.read_response().body, big);
  EXPECT_EQ(client.read_response(false).header("content-length"), "14");
  EXPECT_EQ(client.read_response().status, 404U);
}

TEST_F(HttpTest, HeadHasTheHeadersWithoutTheBody) {
  TestServer server(options());
  TestClient client = server.connect();
  const auto response = client.request("HEAD /big.bin");
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.header("content-length"), "300000");
  EXPECT_EQ(client.get("/app.js").status, 200U);
}

TEST_F(HttpTest, AnUnchangedFileIsNotSentAgain) {
  TestServer server(options());
  TestClient client = server.connect();
  const auto first = client.get("/app.js");
  const std::string etag = first.header("etag");
  const std::string modified = first.header("last-modified");
  ASSERT_TRUE(etag.starts_with('"'));
  auto response = client.request("GET /app.js", "If-None-Match: \"x\", " + etag + "\r\n");
  EXPECT_EQ(response.status, 304U);
  EXPECT_EQ(response.header("etag"), etag);
  EXPECT_EQ(client.get("/app.js", "If-Modified-Since: " + modified + "\r\n").status, 304U);
  EXPECT_EQ(client.get("/app.js", "If-None-Match: \"x\"\r\n").status, 200U);
  EXPECT_EQ(client.get("/app.js", "If-None-Match: \"x\"\r\nIf-Modified-Since: " + modified + "\r\n")
                .status,
            200U);
  write("app.js", "export const x = 2;\n");
  EXPECT_EQ(client.get("/app.js", "If-None-Match: " + etag + "\r\n").body, "export const x = 2;\n");
}

TEST_F(HttpTest, PathsThatLeaveTheFolderAreRefused) {
  TestServer server(options());
  TestClient client = server.connect();
  EXPECT_EQ(client.get("/../etc/passwd").status, 400U);
  EXPECT_EQ(client.get("/%2e%2e/%2e%2e/etc/passwd").status, 400U);
  EXPECT_EQ(client.get("/sub%20dir/../../x").status, 400U);
  EXPECT_EQ(client.get("/%00").status, 400U);
  EXPECT_EQ(client.get("/sub%20dir/../app.js").status, 200U);
}

TEST_F(HttpTest, AFolderWithoutItsSlashIsRedirected) {
  TestServer server(options());
  TestClient client = server.connect();
  const auto response = client.get("/sub%20dir?a=b");
  EXPECT_EQ(response.status, 308U);
  EXPECT_EQ(response.header("location"), "/sub%20dir/?a=b");
  EXPECT_EQ(client.get("/sub%20dir/").body, "<h1>sub</h1>");
  // Not to another host.
  EXPECT_EQ(client.get("//sub%20dir").header("location"), "/sub%20dir/");
}

TEST_F(HttpTest, WhatIsNotThereIs404AndWhatIsNotAllowed405) {
  TestServer server(options());
  TestClient client = server.connect();
  const auto missing = client.get("/none");
  EXPECT_EQ(missing.status, 404U);
  EXPECT_NE(missing.body, "");
  EXPECT_EQ(client.request("POST /none").status, 404U);
  const auto refused = client.request("POST /app.js");
  EXPECT_EQ(refused.status, 405U);
  EXPECT_EQ(refused.header("allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(client.request("BREW /app.js").status, 405U);
  EXPECT_EQ(TestServer().connect().get("/").status, 404U);
}

TEST_F(HttpTest, HealthzAnswers) {
  TestServer server;
  EXPECT_EQ(server.connect().get("/healthz").body, "ok\n");
}

TEST_F(HttpTest, PagesGetASessionCookieOnce) {
  TestServer server(options());
  TestClient client = server.connect();
  const std::string cookie = client.get("/").header("set-cookie");
  EXPECT_TRUE(cookie.starts_with("troupe_session=")) << cookie;
  EXPECT_TRUE(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax")) << cookie;
  const std::string header = "Cookie: " + cookie.substr(0, cookie.find(';')) + "\r\n";
  EXPECT_EQ(client.get("/", header).header("set-cookie"), "");
  EXPECT_EQ(client.get("/app.js").header("set-cookie"), "");
}

TEST_F(HttpTest, PagesOfAllowedOriginsMayReadAnswers) {
  ListenerOptions with_origins = options();
  with_origins.origins = {"https://site.example"};
  TestServer server(std::move(with_origins));
  TestClient client = server.connect();
  auto response = client.get("/app.js", "Origin: https://site.example\r\n");
  EXPECT_EQ(response.header("access-control-allow-origin"), "https://site.example");
  EXPECT_EQ(response.header("vary"), "Origin");
  response = client.get("/app.js", "Origin: https://evil.example\r\n");
  EXPECT_EQ(response.header("access-control-allow-origin"), "");
  EXPECT_EQ(response.header("vary"), "Origin");
  EXPECT_NE(server.logged().find("origins = [\"https://evil.example\"]"), std::string::npos);
  EXPECT_EQ(client.get("/app.js").header("access-control-allow-origin"), "");
}

TEST_F(HttpTest, PreflightsAreAnsweredForAllowedOrigins) {
  ListenerOptions with_origins = options();
  with_origins.origins = {"https://site.example"};
  TestServer server(std::move(with_origins));
  TestClient client = server.connect();
  auto response = client.request("OPTIONS /app.js",
                                 "Origin: https://site.example\r\nAccess-Control-Request-Method: "
                                 "GET\r\nAccess-Control-Request-Headers: x-a, x-b\r\n");
  EXPECT_EQ(response.status, 204U);
  EXPECT_EQ(response.header("access-control-allow-origin"), "https://site.example");
  EXPECT_EQ(response.header("access-control-allow-methods"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(response.header("access-control-allow-headers"), "x-a, x-b");
  response = client.request(
      "OPTIONS /app.js", "Origin: https://evil.example\r\nAccess-Control-Request-Method: GET\r\n");
  EXPECT_EQ(response.status, 204U);
  EXPECT_EQ(response.header("access-control-allow-origin"), "");
  EXPECT_EQ(response.header("access-control-allow-methods"), "");
  EXPECT_EQ(client.request("OPTIONS *").status, 204U);
}

TEST_F(HttpTest, RoutesGetTheRequest) {
  ListenerOptions options;
  options.trusted_proxies = {"127.0.0.1"};
  options.routes.push_back({.path = "/api/*",
                            .methods = {"GET", "POST"},
                            .handler = answer_with([](const wire::Request& request) {
                              std::string text = request.method + "|" + request.path + "|" +
                                                 request.body + "|" + request.content_type + "|" +
                                                 request.authorization + "|" + request.host + "|" +
                                                 request.origin + "|" + request.remote_address;
                              for (const auto& [name, value] : request.query)
                                text += "|" + name + "=" + value;
                              EXPECT_EQ(request.request_id.size(), 16U);
                              return text_response(201, text);
                            })});
  TestServer server(std::move(options));
  TestClient client = server.connect();
  auto response = client.request("POST /api/a%20b?x=1&y",
                                 "Content-Length: 4\r\nContent-Type: text/x\r\nAuthorization: "
                                 "Bearer t\r\nOrigin: http://test\r\nX-Forwarded-For: 1.2.3.4\r\n",
                                 "body");
  EXPECT_EQ(response.status, 201U);
  EXPECT_EQ(response.body, "POST|/api/a b|body|text/x|Bearer t|test|http://test|1.2.3.4|x=1|y=");
  // The body has been read: the connection goes on.
  EXPECT_EQ(client.get("/api/").body, "GET|/api/||||test||127.0.0.1");
  EXPECT_EQ(client.request("HEAD /api/").body, "");
  EXPECT_EQ(client.request("DELETE /api/x").header("allow"), "GET, POST, HEAD, OPTIONS");
  EXPECT_EQ(client.request("POST /api/", "Origin: https://evil.example\r\n").status, 403U);
}

TEST_F(HttpTest, AChunkedBodyIsReadToo) {
  ListenerOptions options;
  options.routes.push_back(echo_route());
  TestServer server(std::move(options));
  TestClient client = server.connect();
  EXPECT_EQ(
      client
          .request(
              "PUT /echo", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
          .body,
      "abcde");
}

TEST_F(HttpTest, AClientThatAsksBeforeItSendsIsToldToContinue) {
  ListenerOptions options;
  options.routes.push_back(echo_route());
  TestServer server(std::move(options));
  TestClient client = server.connect();
  EXPECT_EQ(client.request("PUT /echo", "Content-Length: 3\r\nExpect: 100-continue\r\n").status,
            100U);
  client.send("abc");
  EXPECT_EQ(client.read_response().body, "abc");
}

TEST_F(HttpTest, WhatIsTooLargeIsAnswered) {
  ListenerOptions options;
  options.limits.body_bytes_max = 1000;
  options.limits.header_bytes_max = 2000;
  options.routes.push_back(echo_route());
  TestServer server(std::move(options));
  EXPECT_EQ(server.connect()
                .request("PUT /echo", "Content-Length: 1000\r\n", std::string(1000, 'x'))
                .status,
            200U);
  EXPECT_EQ(server.connect()
                .request("PUT /echo", "Content-Length: 1001\r\n", std::string(1001, 'x'))
                .status,
            413U);
  const std::string chunk = "3e9\r\n" + std::string(1001, 'x') + "\r\n0\r\n\r\n";
  EXPECT_EQ(server.connect().request("PUT /echo", "Transfer-Encoding: chunked\r\n", chunk).status,
            413U);
  EXPECT_EQ(server.connect().get("/", "X: " + std::string(2000, 'x') + "\r\n").status, 431U);
}

TEST_F(HttpTest, ARouteHasItsOwnBoundOnBodiesAndItsOwnErrors) {
  ListenerOptions options;
  options.limits.body_bytes_max = 1000;
  options.routes.push_back({.path = "/small", .methods = {"PUT"}, .handler = echo_body()});
  options.routes.push_back({.path = "/large",
                            .methods = {"PUT"},
                            .handler = echo_body(),
                            .body_bytes_max = 2000,
                            .body_bound = Bound::upload_bytes,
                            .has_problems = true});
  TestServer server(std::move(options));
  const auto put = [&](const std::string& path, std::size_t size) {
    return server.connect().request(
        "PUT " + path, fmt::format("Content-Length: {}\r\n", size), std::string(size, 'x'));
  };
  EXPECT_EQ(put("/small", 1000).status, 200U);
  EXPECT_EQ(put("/small", 1001).status, 413U);
  EXPECT_EQ(put("/large", 2000).status, 200U);
  const auto refused = put("/large", 2001);
  EXPECT_EQ(refused.status, 413U);
  EXPECT_EQ(refused.header("content-type"), "application/problem+json");
  const auto other_method = server.connect().request("POST /large");
  EXPECT_EQ(other_method.status, 405U);
  EXPECT_EQ(other_method.header("content-type"), "application/problem+json");
  const std::string chunk = "7d1\r\n" + std::string(2001, 'x') + "\r\n0\r\n\r\n";
  EXPECT_EQ(server.connect().request("PUT /large", "Transfer-Encoding: chunked\r\n", chunk).status,
            413U);
}

TEST_F(HttpTest, WhoIsNotAdmittedIsAnsweredBeforeTheBody) {
  ListenerOptions options;
  options.routes.push_back(
      {.path = "/guarded",
       .methods = {"PUT"},
       .handler = answer_with(
           [](const wire::Request& request) { return text_response(200, request.body); }),
       .admit = [](const wire::Request& request) -> std::optional<wire::Response> {
         if (request.authorization == "Bearer yes") return std::nullopt;
         return text_response(401, "no\n");
       }});
  TestServer server(std::move(options));
  EXPECT_EQ(
      server.connect()
          .request("PUT /guarded", "Content-Length: 3\r\nAuthorization: Bearer yes\r\n", "abc")
          .body,
      "abc");
  // No body is sent, and the answer comes.
  const auto refused = server.connect().request("PUT /guarded", "Content-Length: 3\r\n");
  EXPECT_EQ(refused.status, 401U);
  EXPECT_EQ(refused.header("connection"), "close");
}

TEST_F(HttpTest, ALargeBodyIsRefusedWithoutLosingTheAnswer) {
  TestServer server(options());
  TestClient client = server.connect();
  const std::size_t size = std::size_t{20} << 20;
  client.send(
      fmt::format("PUT /app.js HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n", size));
  client.send(std::string(size, 'x'));
  EXPECT_EQ(client.read_response().status, 413U);
}

TEST_F(HttpTest, ABodyThatNobodyReadsEndsTheConnection) {
  TestServer server(options());
  TestClient client = server.connect();
  const auto response =
      client.request("POST /none", "Content-Length: 27\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(response.status, 404U);
  EXPECT_EQ(response.header("connection"), "close");
  EXPECT_TRUE(client.is_closed_by_server());
}

TEST_F(HttpTest, WhatIsNoHttpIs400) {
  TestServer server;
  TestClient client = server.connect();
  client.send("\x16\x03\x01 hello\r\n\r\n");
  EXPECT_EQ(client.read_response().status, 400U);
  EXPECT_TRUE(client.is_closed_by_server());
  TestClient other = server.connect();
  EXPECT_EQ(other.request("GET /", "Content-Length: 1\r\nContent-Length: 2\r\n").status, 400U);
}

TEST_F(HttpTest, AConnectionIsClosedWhenTheClientWants) {
  TestServer server(options());
  TestClient client = server.connect();
  EXPECT_EQ(client.get("/app.js", "Connection: close\r\n").header("connection"), "close");
  EXPECT_TRUE(client.is_closed_by_server());
  TestClient old = server.connect();
  old.send("GET /app.js HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.read_response().status, 200U);
  EXPECT_TRUE(old.is_closed_by_server());
}

TEST_F(HttpTest, SlowAndSilentClientsAreDropped) {
  ListenerOptions quick = options();
  quick.limits.request_timeout = 50ms;
  quick.limits.idle_timeout = 50ms;
  TestServer server(std::move(quick));
  EXPECT_TRUE(server.connect().is_closed_by_server());
  TestClient half = server.connect();
  half.send("GET / HTTP/1.1\r\nHo");
  EXPECT_TRUE(half.is_closed_by_server());
  TestClient idle = server.connect();
  EXPECT_EQ(idle.get("/app.js").status, 200U);
  EXPECT_TRUE(idle.is_closed_by_server());
  EXPECT_EQ(server.reached(Bound::request), 2U);
  EXPECT_EQ(server.reached(Bound::idle), 1U);
}

TEST_F(HttpTest, AClientThatDoesNotTakeItsFileIsDropped) {
  ListenerOptions quick = options();
  quick.limits.write_timeout = 50ms;
  write("huge.bin", std::string(std::size_t{32} << 20, 'x'));
  TestServer server(std::move(quick));
  TestClient client(server.address(), 4096);
  client.send("GET /huge.bin HTTP/1.1\r\nHost: test\r\n\r\n");
  // Nothing is read until the server has given up: then less than the whole is there.
  while (server.listener->connection_count() == 0) std::this_thread::yield();
  while (server.listener->connection_count() > 0) std::this_thread::yield();
  EXPECT_LT(client.receive_all().size(), std::size_t{32} << 20);
  EXPECT_EQ(server.reached(Bound::write), 1U);
}

// Answers requests when the test says so, on the shard.
struct Later {
  std::promise<shard::Shard*> asked;
  std::optional<Responder> responder;

  RouteHandler handler() {
    return [this](shard::Shard& shard, const wire::Request&, Responder given) {
      responder.emplace(std::move(given));
      asked.set_value(&shard);
    };
  }
  shard::Shard& wait() { return *asked.get_future().get(); }
};

TEST_F(HttpTest, AHandlerMayAnswerLater) {
  Later later;
  ListenerOptions options;
  options.routes.push_back({.path = "/later", .methods = {"GET"}, .handler = later.handler()});
  TestServer server(std::move(options));
  TestClient client = server.connect();
  client.send(
      "GET /later HTTP/1.1\r\nHost: test\r\n\r\nGET /healthz HTTP/1.1\r\nHost: test\r\n\r\n");
  later.wait().send([&] { later.responder->answer(text_response(200, "at last")); });
  EXPECT_EQ(client.read_response().body, "at last");
  EXPECT_EQ(client.read_response().body, "ok\n");
}

TEST_F(HttpTest, AHandlerThatDropsItsRequestHasAnswered500) {
  ListenerOptions options;
  options.routes.push_back(
      {.path = "/lost",
       .methods = {"GET"},
       .handler = [](shard::Shard&, const wire::Request&, const Responder&) {}});
  TestServer server(std::move(options));
  EXPECT_EQ(server.connect().get("/lost").status, 500U);
}

TEST_F(HttpTest, AHandlerThatTakesTooLongIsNotWaitedFor) {
  Later later;
  ListenerOptions options;
  options.limits.answer_timeout = 30ms;
  options.routes.push_back({.path = "/later", .methods = {"GET"}, .handler = later.handler()});
  TestServer server(std::move(options));
  TestClient client = server.connect();
  EXPECT_EQ(client.get("/later").status, 504U);
  EXPECT_EQ(server.reached(Bound::answer), 1U);
  // The late answer is for nobody, least of all for the next request.
  std::promise<void> answered;
  later.wait().send([&] {
    later.responder->answer(text_response(200, "late"));
    answered.set_value();
  });
  answered.get_future().get();
  EXPECT_EQ(client.get("/healthz").body, "ok\n");
}

TEST_F(HttpTest, AnAnswerThatOutlivesTheServerIsDropped) {
  Later later;
  ListenerOptions options;
  options.routes.push_back({.path = "/later", .methods = {"GET"}, .handler = later.handler()});
  {
    TestServer server(std::move(options));
    TestClient client = server.connect();
    client.send("GET /later HTTP/1.1\r\nHost: test\r\n\r\n");
    later.wait();
  }
  later.responder->answer(text_response(200, "late"));
}

TEST_F(HttpTest, ARoutesEtagSavesItsBody) {
  ListenerOptions options;
  options.routes.push_back(
      {.path = "/troupe.js", .methods = {"GET"}, .handler = answer_with([](const wire::Request&) {
                                                   auto response = text_response(200, "module");
                                                   response.headers.emplace_back("ETag", "\"1\"");
                                                   return response;
                                                 })});
  TestServer server(std::move(options));
  TestClient client = server.connect();
  EXPECT_EQ(client.get("/troupe.js").header("etag"), "\"1\"");
  EXPECT_EQ(client.get("/troupe.js", "If-None-Match: \"1\"\r\n").status, 304U);
  EXPECT_EQ(client.get("/troupe.js", "If-None-Match: \"2\"\r\n").body, "module");
}

TEST_F(HttpTest, AHeaderCannotBeSplit) {
  ListenerOptions options;
  options.routes.push_back(
      {.path = "/x", .methods = {"GET"}, .handler = answer_with([](const wire::Request&) {
                                           auto response = text_response(200, "x");
                                           response.headers.emplace_back("X-A", "1\r\nX-B: 2");
                                           return response;
                                         })});
  TestServer server(std::move(options));
  const auto response = server.connect().get("/x");
  EXPECT_EQ(response.header("x-b"), "");
  EXPECT_EQ(response.header("x-a"), "1  X-B: 2");
}

// Keeps the event streams it has started, all of one shard.
struct Streams {
  std::promise<shard::Shard*> started;
  std::shared_ptr<wire::EventStream> stream;

  RouteHandler handler() {
    return [this](shard::Shard& shard, const wire::Request&, Responder responder) {
      stream = responder.start_events();
      started.set_value(&shard);
    };
  }
  template <class Result>
  Result on_shard(shard::Shard& shard, std::function<Result()> work) {
    std::promise<Result> done;
    shard.send([&] { done.set_value(work()); });
    return done.get_future().get();
  }
};

TEST_F(HttpTest, EventsAreStreamedUntilTheStreamIsReleased) {
  Streams streams;
  ListenerOptions options;
  options.routes.push_back({.path = "/events", .methods = {"GET"}, .handler = streams.handler()});
  TestServer server(std::move(options));
  TestClient client = server.connect();
  client.send("GET /events HTTP/1.1\r\nHost: test\r\n\r\n");
  const auto response = client.read_response(false);
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.header("content-type"), "text/event-stream");
  EXPECT_EQ(response.header("cache-control"), "no-store");
  shard::Shard& shard = *streams.started.get_future().get();
  EXPECT_TRUE(streams.on_shard<bool>(
      shard, [&] { return streams.stream->send("one") && streams.stream->send("two\nlines"); }));
  shard.send([&] { streams.stream.reset(); });
  EXPECT_EQ(client.receive_all(), "retry: 1000\n\ndata: one\n\ndata: two\ndata: lines\n\n");
}

TEST_F(HttpTest, AStreamSaysWhenItsClientHasGone) {
  Streams streams;
  ListenerOptions options;
  options.routes.push_back({.path = "/events", .methods = {"GET"}, .handler = streams.handler()});
  TestServer server(std::move(options));
  {
    TestClient client = server.connect();
    client.send("GET /events HTTP/1.1\r\nHost: test\r\n\r\n");
    EXPECT_EQ(client.read_response(false).status, 200U);
  }
  shard::Shard& shard = *streams.started.get_future().get();
  while (streams.on_shard<bool>(shard, [&] { return streams.stream->send("x"); })) {
  }
  shard.send([&] { streams.stream.reset(); });
}

TEST_F(HttpTest, AStreamTellsItsFeederThatItIsOver) {
  Streams streams;
  ListenerOptions options;
  options.routes.push_back({.path = "/events", .methods = {"GET"}, .handler = streams.handler()});
  TestServer server(std::move(options));
  std::promise<void> over;
  {
    TestClient client = server.connect();
    client.send("GET /events HTTP/1.1\r\nHost: test\r\n\r\n");
    EXPECT_EQ(client.read_response(false).status, 200U);
    shard::Shard& shard = *streams.started.get_future().get();
    streams.on_shard<bool>(shard, [&] {
      streams.stream->when_over([&over] { over.set_value(); });
      return true;
    });
  }
  over.get_future().get();
}

TEST_F(HttpTest, AStreamThatIsNotReadEnds) {
  Streams streams;
  ListenerOptions options;
  options.limits.unsent_bytes_max = 100'000;
  options.routes.push_back({.path = "/events", .methods = {"GET"}, .handler = streams.handler()});
  TestServer server(std::move(options));
  TestClient client(server.address(), 4096);
  client.send("GET /events HTTP/1.1\r\nHost: test\r\n\r\n");
  shard::Shard& shard = *streams.started.get_future().get();
  const std::string data(10'000, 'x');
  int sent = 0;
  while (streams.on_shard<bool>(shard, [&] { return streams.stream->send(data); })) ++sent;
  EXPECT_GE(sent, 10);
  shard.send([&] { streams.stream.reset(); });
}

TEST_F(HttpTest, ASilentStreamIsKeptAliveByComments) {
  Streams streams;
  ListenerOptions options;
  options.limits.stream_keep_alive = 20ms;
  options.routes.push_back({.path = "/events", .methods = {"GET"}, .handler = streams.handler()});
  TestServer server(std::move(options));
  TestClient client = server.connect();
  client.send("GET /events HTTP/1.1\r\nHost: test\r\n\r\n");
  client.read_response(false);
  const std::string two_comments = ": still here\n\n: still here\n\n";
  EXPECT_EQ(client.read_exactly(std::string("retry: 1000\n\n").size()), "retry: 1000\n\n");
  EXPECT_EQ(client.read_exactly(two_comments.size()), two_comments);
  shard::Shard& shard = *streams.started.get_future().get();
  shard.send([&] { streams.stream.reset(); });
  client.receive_all();
}

TEST_F(HttpTest, DrainEndsStreamsAndIdleConnectionsAndLetsRequestsFinish) {
  Streams streams;
  Later later;
  ListenerOptions options;
  options.routes.push_back({.path = "/events", .methods = {"GET"}, .handler = streams.handler()});
  options.routes.push_back({.path = "/later", .methods = {"GET"}, .handler = later.handler()});
  TestServer server(std::move(options));
  TestClient idle = server.connect();
  idle.get("/healthz");
  TestClient events = server.connect();
  events.send("GET /events HTTP/1.1\r\nHost: test\r\n\r\n");
  EXPECT_EQ(events.read_response(false).status, 200U);
  TestClient waiting = server.connect();
  waiting.send("GET /later HTTP/1.1\r\nHost: test\r\n\r\n");
  shard::Shard& shard = later.wait();

  auto drained = std::async(std::launch::async, [&] { server.listener->drain(); });
  EXPECT_TRUE(idle.is_closed_by_server());
  EXPECT_EQ(events.receive_all(), "retry: 1000\n\n");
  events.stop_sending();
  shard.send([&] { later.responder->answer(text_response(200, "finished")); });
  const auto response = waiting.read_response();
  EXPECT_EQ(response.body, "finished");
  EXPECT_EQ(response.header("connection"), "close");
  waiting.stop_sending();
  EXPECT_EQ(drained.wait_for(20s), std::future_status::ready);
  shard.send([&] { streams.stream.reset(); });
}

}  // namespace
}  // namespace troupe::socket
