// HTTP as a guest meets it, against servers on this machine.
#include "base/json.h"
#include "guest/loopback_server.h"
#include "guest/test_support.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <latch>
#include <memory>
#include <mutex>
#include <netdb.h>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace troupe::guest {
namespace {

using test::answer_of;
using test::finish;
using test::LoopbackServer;
using test::module_text;
using test::number_in;
using test::Plugin;
using test::ReceivedRequest;
using namespace std::chrono_literals;

// Each export takes eight bytes, the length of the request's JSON, then the JSON, then the body.
std::string fetching_text() {
  return module_text(R"(
    (func $slice (param $at i64) (param $length i64) (result i64) (local $block i64) (local $i i64)
      (local.set $block (call $alloc (local.get $length)))
      (block $end (loop $next
        (br_if $end (i64.ge_u (local.get $i) (local.get $length)))
        (call $store_u8 (i64.add (local.get $block) (local.get $i))
                        (call $input_load_u8 (i64.add (local.get $at) (local.get $i))))
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br $next)))
      (local.get $block))
    (func $request (result i64) (local $length i64)
      (local.set $length (call $input_load_u64 (i64.const 0)))
      (call $http_request
        (call $slice (i64.const 8) (local.get $length))
        (call $slice (i64.add (i64.const 8) (local.get $length))
                     (i64.sub (i64.sub (call $input_length) (i64.const 8)) (local.get $length)))))
    (func $now (result i64)
      (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 4000)))
      (i64.load (i32.const 4000)))
    (func (export "fetch") (call $say_block (call $request)))
    (func (export "handle") (call $say_number (call $request)))
    (func (export "status")
      (drop (call $request))
      (call $say_number (i64.extend_i32_u (call $http_status_code))))
    (func (export "status_now") (call $say_number (i64.extend_i32_u (call $http_status_code))))
    (func (export "headers")
      (drop (call $request))
      (call $say_block (call $http_headers)))
    (func (export "clock_moved") (local $before i64)
      (local.set $before (call $now))
      (drop (call $request))
      (call $say_number (i64.sub (call $now) (local.get $before))))
    (func (export "for_ever") (loop $next (call $free (call $request)) (br $next)))
    (func (export "three_times")
      (drop (call $request)) (drop (call $request)) (call $say_block (call $request)))
    (func (export "quick") (call $say (i32.const 0) (i32.const 2)))
    (data (i32.const 0) "ok"))");
}

std::string input_of(std::string_view json, std::string_view body = {}) {
  const std::uint64_t length = json.size();
  std::string input(reinterpret_cast<const char*>(&length), sizeof length);
  input += json;
  input += body;
  return input;
}

std::string request_to(std::string_view url, std::string_view more = {}) {
  std::string json = "{\"url\":";
  json::quote(json, url);
  json += more;
  return json + "}";
}

// Notes the answers that are to be recorded, too.
struct RecordingHost : test::NotingHost {
  void answered(journal::HttpAnswer answer) override { answers.push_back(std::move(answer)); }
  std::vector<journal::HttpAnswer> answers;
};

class Fetching : public Plugin {
 public:
  explicit Fetching(std::vector<std::string> hosts = {"127.0.0.1"}) : Plugin(fetching_text()) {
    environment.allowed_hosts = std::move(hosts);
    environment.limits.timeout = 20'000ms;
  }

  Outcome fetch(std::string_view url, std::string_view more = {}, std::string_view body = {}) {
    instance.reset();
    return call("fetch", input_of(request_to(url, more), body));
  }
  std::string body(std::string_view url, std::string_view more = {}, std::string_view body = {}) {
    const Outcome outcome = fetch(url, more, body);
    EXPECT_EQ(outcome.ending, Ending::done) << outcome.message;
    return std::string(outcome.output);
  }
  // The text of a request that ends in an error.
  std::string error(std::string_view url, std::string_view more = {}, std::string_view body = {}) {
    const Outcome outcome = fetch(url, more, body);
    EXPECT_EQ(outcome.ending, Ending::error);
    return outcome.message;
  }
  Task<Outcome> start(std::string_view function, const std::string& input) {
    const std::string_view piece[] = {input};
    Task<Outcome> task = instance->call(function, piece, inputs, vars, host);
    task.start();
    return task;
  }
};

std::string echo(const ReceivedRequest& request) {
  return answer_of(request.head + "\n" + request.body);
}

TEST(Http, GetsABodyAndAStatus) {
  LoopbackServer server([](const auto&) { return answer_of("hello"); });
  Fetching plugin;
  EXPECT_EQ(plugin.body(server.url("/a?b=c")), "hello");
  EXPECT_EQ(number_in(plugin.output("status", input_of(request_to(server.url("/"))))), 200U);
  const std::vector<ReceivedRequest> received = server.received();
  ASSERT_EQ(received.size(), 2U);
  EXPECT_EQ(received[0].method, "GET");
  EXPECT_EQ(received[0].path, "/a?b=c");
  EXPECT_EQ(received[0].header("Host"), "127.0.0.1:" + std::to_string(server.port()));
  EXPECT_EQ(received[0].header("User-Agent"), "troupe");
  EXPECT_EQ(received[0].header("Content-Length"), "");
  EXPECT_EQ(received[0].header("Cookie"), "");
}

TEST(Http, SendsMethodHeadersAndBody) {
  LoopbackServer server(echo);
  Fetching plugin;
  plugin.body(server.url("/"),
              R"(,"method":"put","headers":{"X-One":"1","User-Agent":"me","X-Empty":""})",
              "the body");
  const ReceivedRequest request = server.received().at(0);
  EXPECT_EQ(request.method, "PUT");
  EXPECT_EQ(request.header("X-One"), "1");
  EXPECT_NE(request.head.find("\r\nX-Empty:\r\n"), std::string::npos);
  EXPECT_EQ(request.header("User-Agent"), "me");
  EXPECT_EQ(request.header("Content-Type"), "");
  EXPECT_EQ(request.header("Expect"), "");
  EXPECT_EQ(request.body, "the body");
}

TEST(Http, EveryMethodSendsItsBodyOrNone) {
  LoopbackServer server([](const ReceivedRequest& request) {
    if (request.method == "HEAD")
      return std::string("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    return answer_of(request.method);
  });
  Fetching plugin;
  for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "FROB"}) {
    const std::string more = R"(,"method":")" + std::string(method) + "\"";
    EXPECT_EQ(plugin.body(server.url("/"), more), method);
    EXPECT_EQ(plugin.body(server.url("/"), more, "body"), method);
  }
  EXPECT_EQ(plugin.body(server.url("/"), R"(,"method":"HEAD")"), "");
  EXPECT_EQ(plugin.error(server.url("/"), R"(,"method":"HEAD")", "body"),
            "Invalid HTTP request: HEAD cannot have a body");
  for (const ReceivedRequest& request : server.received()) {
    const bool says_length =
        request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
    if (request.body.empty()) {
      EXPECT_EQ(request.header("Content-Length"), says_length ? "0" : "") << request.method;
    } else {
      EXPECT_EQ(request.body, "body") << request.method;
    }
  }
}

TEST(Http, AnErrorStatusIsAnAnswer) {
  LoopbackServer server([](const auto&) { return answer_of("gone", "404 Not Found"); });
  Fetching plugin;
  EXPECT_EQ(plugin.body(server.url("/")), "gone");
  EXPECT_EQ(number_in(plugin.output("status", input_of(request_to(server.url("/"))))), 404U);
}

TEST(Http, AnEmptyBodyIsNoBlock) {
  LoopbackServer server([](const auto&) { return answer_of("", "204 No Content"); });
  Fetching plugin;
  EXPECT_EQ(number_in(plugin.output("handle", input_of(request_to(server.url("/"))))), 0U);
}

TEST(Http, StatusAndHeadersAreThoseOfThisTurn) {
  LoopbackServer server([](const auto&) { return answer_of("x"); });
  Fetching plugin;
  plugin.environment.http_response_headers = true;
  EXPECT_EQ(number_in(plugin.output("status", input_of(request_to(server.url("/"))))), 200U);
  EXPECT_EQ(number_in(plugin.output("status_now")), 0U);
}

TEST(Http, HeadersAreGivenWhenTheyAreAsked) {
  LoopbackServer server([](const auto&) {
    return answer_of(
        "x", "200 OK", "X-One: 1\r\nx-two:  zwei \r\nX-ONE: \"last\"\r\nBad: \xff\r\n");
  });
  Fetching plugin;
  const std::string input = input_of(request_to(server.url("/")));
  EXPECT_EQ(plugin.output("headers", input), "");
  plugin.environment.http_response_headers = true;
  EXPECT_EQ(plugin.output("headers", input),
            R"({"content-length":"1","x-one":"\"last\"","x-two":"zwei"})");
}

TEST(Http, TheTurnsRecordHasTheAnswerAndItsClockMovesOn) {
  LoopbackServer server([](const auto&) { return answer_of("body", "201 Created"); });
  Fetching plugin;
  plugin.environment.http_response_headers = true;
  plugin.wake();
  RecordingHost host;
  const std::string input = input_of(request_to(server.url("/")));
  const std::string_view piece[] = {input};
  const Outcome outcome = finish(
      plugin.shard, plugin.instance->call("clock_moved", piece, plugin.inputs, plugin.vars, host));
  ASSERT_EQ(outcome.ending, Ending::done) << outcome.message;
  ASSERT_EQ(host.answers.size(), 1U);
  const journal::HttpAnswer& answer = host.answers[0];
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.body, "body");
  EXPECT_EQ(answer.headers, R"({"content-length":"4"})");
  EXPECT_EQ(answer.error, "");
  EXPECT_GT(answer.took_ns, 0);
  EXPECT_EQ(number_in(outcome.output), static_cast<std::uint64_t>(answer.took_ns) + 1000);
}

TEST(Http, EachRequestOfATurnHasAKeyOfItsOwn) {
  LoopbackServer server(echo);
  Fetching plugin;
  plugin.inputs.name = {.input_id = {0xab, 0xcd}, .incarnation = 3, .turn = 7};
  const std::string input = input_of(request_to(server.url("/")));
  plugin.output("three_times", input);
  plugin.output("fetch", input);
  plugin.body(server.url("/"), R"(,"headers":{"idempotency-key":"mine"})");
  ++plugin.inputs.name.turn;
  plugin.output("fetch", input);
  const std::vector<ReceivedRequest> received = server.received();
  ASSERT_EQ(received.size(), 6U);
  const std::string turn = received[0].header("Idempotency-Key").substr(0, 32);
  EXPECT_EQ(turn.find_first_not_of("0123456789abcdef"), std::string::npos) << turn;
  EXPECT_EQ(received[0].header("Idempotency-Key"), turn + "-1");
  EXPECT_EQ(received[1].header("Idempotency-Key"), turn + "-2");
  EXPECT_EQ(received[2].header("Idempotency-Key"), turn + "-3");
  EXPECT_EQ(received[3].header("Idempotency-Key"), turn + "-1");
  EXPECT_EQ(received[4].header("Idempotency-Key"), "");
  EXPECT_EQ(received[4].header("idempotency-key"), "mine");
  EXPECT_NE(received[5].header("Idempotency-Key"), turn + "-1");
}

TEST(Http, ConnectionsAreUsedAgain) {
  LoopbackServer server(echo);
  Fetching plugin;
  plugin.output("three_times", input_of(request_to(server.url("/"))));
  plugin.body(server.url("/other"));
  EXPECT_EQ(server.received().size(), 4U);
  EXPECT_EQ(server.connections(), 1);
}

TEST(Http, HostsNotInTheListAreRefused) {
  LoopbackServer server(echo);
  Fetching nobody(std::vector<std::string>{});
  EXPECT_EQ(nobody.error(server.url("/a")),
            "HTTP request to " + server.url("/a") + " is not allowed");
  Fetching other({"localhost", "127.0.0.2", "*.example.com"});
  EXPECT_EQ(other.error(server.url("/a")),
            "HTTP request to " + server.url("/a") + " is not allowed");
  EXPECT_EQ(other.error("http://user:pw@example.com/"),
            "HTTP request to http://user:pw@example.com/ is not allowed");
  EXPECT_EQ(server.connections(), 0);
}

TEST(Http, WhatIsNoRequestIsRefused) {
  Fetching plugin;
  EXPECT_EQ(plugin.error("ftp://127.0.0.1/"),
            "Invalid URL: only http and https are offered: ftp://127.0.0.1/");
  EXPECT_TRUE(plugin.error("http://").starts_with("Invalid URL: "));
  EXPECT_EQ(plugin.error("http://127.0.0.1/", R"(,"body":"x")"),
            "Invalid HTTP request: unknown key \"body\"; there are url, headers and method");
  Plugin bare(module_text(R"(
    (func (export "bad_request") (drop (call $http_request (i64.const 12345) (i64.const 0))))
    (func (export "bad_body")
      (drop (call $http_request (call $put (i32.const 0) (i32.const 11)) (i64.const 12345))))
    (func (export "nothing") (drop (call $http_request (i64.const 0) (i64.const 0))))
    (data (i32.const 0) "{\22url\22:\22u\22}"))"));
  EXPECT_EQ(bare.call("bad_request").message, "invalid handle offset for http request: 12345");
  bare.instance.reset();
  EXPECT_EQ(bare.call("bad_body").message, "invalid handle offset for http body: 12345");
  bare.instance.reset();
  EXPECT_TRUE(bare.call("nothing").message.starts_with("Invalid HTTP request: "));
}

TEST(Http, HandlesAreConsumed) {
  LoopbackServer server(echo);
  Plugin plugin(module_text(R"(
    (func (export "left") (local $request i64) (local $body i64)
      (local.set $request (call $put (i32.const 0) (i32.wrap_i64 (call $input_load_u64 (i64.const 0)))))
      (local.set $body (call $put (i32.const 0) (i32.const 3)))
      (drop (call $http_request (local.get $request) (local.get $body)))
      (call $say_number (i64.add (call $length (local.get $request)) (call $length (local.get $body)))))
    (data (i32.const 0) ")" +
                            [&] {
                              std::string text;
                              for (const char c : request_to(server.url("/"))) {
                                if (c == '"') text += '\\';
                                text += c;
                              }
                              return text;
                            }() +
                            R"("))"));
  plugin.environment.allowed_hosts = {"127.0.0.1"};
  plugin.environment.limits.timeout = 20'000ms;
  const std::uint64_t length = request_to(server.url("/")).size();
  EXPECT_EQ(number_in(plugin.output(
                "left", std::string_view(reinterpret_cast<const char*>(&length), sizeof length))),
            0U);
  EXPECT_EQ(server.received().size(), 1U);
}

TEST(Http, APatternLeadsToNoPrivateAddress) {
  LoopbackServer server(echo);
  Fetching plugin({"*"});
  for (const char* host : {"127.0.0.1",
                           "localhost",
                           "[::1]",
                           "2130706433",
                           "0x7f.1",
                           "127.1",
                           "[::ffff:127.0.0.1]",
                           "0.0.0.0",
                           "[::]"}) {
    const std::string message = plugin.error(server.url("/", host));
    EXPECT_NE(message.find("failed: its host has no public address; a host of this machine or of "
                           "a private network must be named in full in allowed_hosts"),
              std::string::npos)
        << host << ": " << message;
  }
  EXPECT_EQ(server.connections(), 0);
}

TEST(Http, ANameThatResolvesToAPrivateAddressIsRefused) {
  std::string name(256, '\0');
  ASSERT_EQ(::gethostname(name.data(), name.size()), 0);
  name = name.c_str();
  addrinfo* found = nullptr;
  if (::getaddrinfo(name.c_str(), nullptr, nullptr, &found) != 0) {
    GTEST_SKIP() << "the name of this machine, " << name << ", has no address";
  }
  ::freeaddrinfo(found);
  Fetching plugin({"*"});
  const std::string message = plugin.error("http://" + name + ":1/");
  EXPECT_NE(message.find("its host has no public address"), std::string::npos) << message;
}

TEST(Http, AKeptConnectionToAPrivateAddressIsNotForThoseWhoMayNotOpenIt) {
  LoopbackServer server(echo);
  Fetching plugin({"127.0.0.1"});
  plugin.body(server.url("/first"));
  plugin.environment.allowed_hosts = {"127.*"};
  EXPECT_NE(plugin.error(server.url("/second")).find("its host has no public address"),
            std::string::npos);
  EXPECT_EQ(server.received().size(), 1U);
}

TEST(Http, ALookupThatFailsIsAnError) {
  Fetching plugin({"*"});
  const std::string message = plugin.error("http://no-such-name.invalid/");
  EXPECT_TRUE(message.starts_with("HTTP request to http://no-such-name.invalid/ failed: "))
      << message;
}

TEST(Http, AServerThatIsNotThereIsAnError) {
  std::string url;
  {
    LoopbackServer server(echo);
    url = server.url("/");
  }
  Fetching plugin;
  EXPECT_TRUE(plugin.error(url).starts_with("HTTP request to " + url + " failed: "));
}

TEST(Http, BodiesHaveABound) {
  LoopbackServer server([](const ReceivedRequest& request) {
    const std::string body(request.path == "/fits" ? 1000 : 1001, 'x');
    if (request.path == "/chunked") {
      return std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") + "3e9\r\n" +
             body + "\r\n0\r\n\r\n";
    }
    return answer_of(body);
  });
  Fetching plugin;
  plugin.environment.limits.http_response_bytes_max = 1000;
  EXPECT_EQ(plugin.body(server.url("/fits")).size(), 1000U);
  const std::string text = "HTTP response exceeds the configured maximum number of bytes: 1000";
  EXPECT_EQ(plugin.error(server.url("/")), text);
  EXPECT_EQ(plugin.error(server.url("/chunked")), text);
}

TEST(Http, ABodyThatThePluginCannotHoldIsOutOfMemory) {
  LoopbackServer server([](const auto&) { return answer_of(std::string(600'000, 'x')); });
  Fetching plugin;
  plugin.environment.limits.memory_pages_max = 8;
  EXPECT_EQ(plugin.fetch(server.url("/")).ending, Ending::out_of_memory);
}

TEST(Http, AnswersOfOneCallHaveABoundTogether) {
  LoopbackServer server([](const auto&) { return answer_of(std::string(12'000'000, 'x')); });
  Fetching plugin;
  plugin.environment.limits.memory_pages_max = 250;
  const Outcome outcome = plugin.call("for_ever", input_of(request_to(server.url("/"))));
  EXPECT_EQ(outcome.ending, Ending::error);
  EXPECT_EQ(outcome.message,
            "the HTTP responses of this call have more than the 67108864 bytes allowed together");
}

TEST(Http, RequestsOfOneCallHaveABound) {
  LoopbackServer server([](const auto&) { return answer_of("x"); });
  Fetching plugin;
  const Outcome outcome = plugin.call("for_ever", input_of(request_to(server.url("/"))));
  EXPECT_EQ(outcome.ending, Ending::error);
  EXPECT_EQ(outcome.message, "more than the 100 HTTP requests allowed in one call");
  EXPECT_EQ(server.received().size(), 100U);
}

TEST(Http, HeadersHaveABound) {
  LoopbackServer server([](const auto&) {
    std::string headers;
    for (int i = 0; i < 1000; ++i) headers += "X: " + std::string(100, 'x') + "\r\n";
    return answer_of("x", "200 OK", headers);
  });
  Fetching plugin;
  EXPECT_NE(plugin.error(server.url("/")).find("more than 65536 bytes of headers"),
            std::string::npos);
}

TEST(Http, AnswersThatAreNoneAreErrors) {
  LoopbackServer server([](const ReceivedRequest& request) {
    if (request.path == "/garbage") return std::string("what?\r\n\r\n");
    if (request.path == "/short") {
      return std::string("HTTP/1.1 200 OK\r\nContent-Length: nonsense\r\n\r\n");
    }
    if (request.path == "/chunks") {
      return std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n");
    }
    return std::string(LoopbackServer::hang_up);
  });
  Fetching plugin;
  for (const char* path : {"/garbage", "/short", "/chunks", "/hang-up"}) {
    EXPECT_TRUE(plugin.error(server.url(path)).starts_with("HTTP request to " + server.url(path)))
        << path;
  }
}

TEST(Http, ASlowAnswerIsATimeout) {
  LoopbackServer server([](const ReceivedRequest& request) {
    if (request.path == "/body")
      return std::string("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    return std::string("HTTP/1.1 200 OK\r\n");
  });
  Fetching plugin;
  plugin.environment.limits.timeout = 60ms;
  for (const char* path : {"/head", "/body"}) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(plugin.fetch(server.url(path)).ending, Ending::timeout);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 55ms);
  }
}

// A server's handlers wait until the test lets them go.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

struct Neighbour {
  explicit Neighbour(Plugin& p) : plugin(p) {
    instance = std::move(
        finish(
            plugin.shard,
            Instance::create(
                plugin.shard, lane, plugin.module, plugin.environment, plugin.inputs, plugin.host))
            .first);
  }
  Plugin& plugin;
  shard::RunQueue::Lane lane;
  std::unique_ptr<Instance> instance;
};

TEST(Http, OthersRunWhileAGuestWaitsForItsAnswer) {
  Gate gate;
  LoopbackServer server([&](const auto&) {
    gate.pass();
    return answer_of("at last");
  });
  Fetching plugin;
  plugin.wake();
  Neighbour neighbour(plugin);
  const std::string input = input_of(request_to(server.url("/")));
  Task<Outcome> waiting = plugin.start("fetch", input);
  for (int i = 0; i < 100; ++i) {
    Task<Outcome> quick =
        neighbour.instance->call("quick", {}, plugin.inputs, plugin.vars, plugin.host);
    EXPECT_EQ(finish(plugin.shard, std::move(quick)).output, "ok");
  }
  EXPECT_FALSE(waiting.done());
  gate.open();
  while (!waiting.done()) plugin.shard.io().run_one();
  EXPECT_EQ(waiting.take().output, "at last");
}

TEST(Http, ManyGuestsWaitAtTheSameTime) {
  constexpr int guests = 8;
  std::latch all_here(guests);
  LoopbackServer server([&](const auto&) {
    all_here.arrive_and_wait();
    return answer_of("together");
  });
  Fetching plugin;
  const std::string input = input_of(request_to(server.url("/")));
  const std::string_view piece[] = {input};
  std::vector<std::unique_ptr<Neighbour>> neighbours;
  std::vector<Task<Outcome>> calls;
  for (int i = 0; i < guests; ++i) {
    neighbours.push_back(std::make_unique<Neighbour>(plugin));
    calls.push_back(
        neighbours.back()->instance->call("fetch", piece, plugin.inputs, plugin.vars, plugin.host));
    calls.back().start();
  }
  for (Task<Outcome>& call : calls) {
    while (!call.done()) plugin.shard.io().run_one();
    EXPECT_EQ(call.take().output, "together");
  }
}

TEST(Http, DroppingTheTaskEndsTheRequest) {
  Gate gate;
  std::latch received(1);
  LoopbackServer server([&](const auto&) {
    received.count_down();
    return std::string("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  });
  Fetching plugin;
  plugin.wake();
  const std::string input = input_of(request_to(server.url("/")));
  {
    Task<Outcome> waiting = plugin.start("fetch", input);
    while (!received.try_wait()) plugin.shard.io().poll();
    EXPECT_FALSE(waiting.done());
  }
  while (server.open_connections() != 0) plugin.shard.io().poll();
  plugin.instance.reset();
  EXPECT_EQ(plugin.output("quick"), "ok");
}

TEST(Http, DroppingTheTaskDuringALookupWaitsForNobody) {
  Fetching plugin({"*"});
  plugin.wake();
  const std::string input = input_of(request_to("http://no-such-name.invalid/"));
  Task<Outcome> waiting = plugin.start("fetch", input);
  plugin.shard.io().poll();
  waiting.reset();
  plugin.instance.reset();
  EXPECT_EQ(plugin.output("quick"), "ok");
}

TEST(Http, NoRequestLeavesWhileThePluginStartsUp) {
  LoopbackServer server(echo);
  Plugin plugin(module_text(R"(
    (func (export "_initialize")
      (drop (call $http_request (call $put (i32.const 0) (i32.const 27)) (i64.const 0))))
    (data (i32.const 0) "{\22url\22:\22http://127.0.0.1/\22}"))"));
  plugin.environment.allowed_hosts = {"127.0.0.1"};
  EXPECT_EQ(plugin.wake().message, "HTTP requests cannot be made while the plugin starts up");
}

// Redirects.

std::string redirect_to(std::string_view location, std::string_view status = "302 Found") {
  return answer_of("moved", status, "Location: " + std::string(location) + "\r\n");
}

TEST(Http, RedirectsAreFollowedAsBrowsersDo) {
  LoopbackServer server([](const ReceivedRequest& request) {
    if (request.path == "/end") return echo(request);
    return redirect_to("/end", request.path.substr(1) + " Moved");
  });
  Fetching plugin;
  const auto arrives_as = [&](std::string_view status, std::string_view method) {
    plugin.body(server.url("/" + std::string(status)),
                R"(,"method":")" + std::string(method) + R"(","headers":{"Content-Type":"text/x"})",
                method == "GET" ? "" : "body");
    const ReceivedRequest last = server.received().back();
    return last.method + " " + last.header("Content-Type") + " " + last.body;
  };
  for (const char* status : {"301", "302"}) {
    EXPECT_EQ(arrives_as(status, "GET"), "GET text/x ") << status;
    EXPECT_EQ(arrives_as(status, "POST"), "GET  ") << status;
    EXPECT_EQ(arrives_as(status, "PUT"), "PUT text/x body") << status;
  }
  EXPECT_EQ(arrives_as("303", "PUT"), "GET  ");
  EXPECT_EQ(arrives_as("303", "GET"), "GET text/x ");
  for (const char* status : {"307", "308"}) {
    EXPECT_EQ(arrives_as(status, "POST"), "POST text/x body") << status;
  }
}

TEST(Http, ARedirectWithoutAPlaceIsAnAnswer) {
  LoopbackServer server([](const ReceivedRequest& request) {
    return request.path == "/304" ? std::string("HTTP/1.1 304 Not Modified\r\nLocation: /\r\n\r\n")
                                  : answer_of("nowhere", "302 Found");
  });
  Fetching plugin;
  EXPECT_EQ(plugin.body(server.url("/302")), "nowhere");
  EXPECT_EQ(plugin.body(server.url("/304")), "");
}

TEST(Http, RedirectsHaveABound) {
  LoopbackServer server([](const ReceivedRequest& request) {
    if (request.path == "/0") return answer_of("arrived");
    if (request.path == "/loop") return redirect_to("/loop");
    return redirect_to("/" + std::to_string(std::atoi(request.path.c_str() + 1) - 1));
  });
  Fetching plugin;
  EXPECT_EQ(plugin.body(server.url("/10")), "arrived");
  EXPECT_EQ(
      plugin.error(server.url("/11")),
      "HTTP request to " + server.url("/1") + " failed: it was redirected more than 10 times");
  EXPECT_EQ(
      plugin.error(server.url("/loop")),
      "HTTP request to " + server.url("/loop") + " failed: it was redirected more than 10 times");
}

TEST(Http, ARedirectLeadsNowhereThatTheGuestCouldNotGoItself) {
  LoopbackServer inner(echo);
  std::string target;
  LoopbackServer server([&](const auto&) { return redirect_to(target); });
  Fetching plugin({"127.0.0.1", "local*", "*.1]"});
  target = inner.url("/", "127.0.0.2");
  EXPECT_EQ(plugin.error(server.url("/")), "HTTP request to " + target + " is not allowed");
  target = inner.url("/", "localhost");
  EXPECT_NE(plugin.error(server.url("/")).find("its host has no public address"),
            std::string::npos);
  for (const char* url : {"ftp://127.0.0.1/", "file:///etc/passwd", "http://"}) {
    target = url;
    EXPECT_NE(plugin.error(server.url("/")).find("redirected to a URL that cannot be used"),
              std::string::npos)
        << url;
  }
  EXPECT_EQ(inner.connections(), 0);
}

TEST(Http, WhatIsForOneServerGoesToNoOther) {
  LoopbackServer other(echo);
  LoopbackServer server([&](const ReceivedRequest& request) {
    if (request.path == "/end") return echo(request);
    return redirect_to(request.path == "/here" ? "/end" : other.url("/"));
  });
  Fetching plugin;
  const std::string_view more =
      R"(,"headers":{"authorization":"Basic eA==","Cookie":"a=b","X-Other":"1"})";
  plugin.body(server.url("/here"), more);
  EXPECT_EQ(server.received().back().header("authorization"), "Basic eA==");
  plugin.body(server.url("/there"), more);
  const ReceivedRequest request = other.received().at(0);
  EXPECT_EQ(request.header("authorization"), "");
  EXPECT_EQ(request.header("Cookie"), "");
  EXPECT_EQ(request.header("X-Other"), "1");
}

// Secrets.

constexpr std::string_view key = "sk live/42?";
constexpr std::string_view key_in_url = "sk%20live%2F42%3F";

std::shared_ptr<const Secrets> secrets_for(std::vector<std::string> hosts) {
  auto secrets = std::make_shared<Secrets>();
  secrets->add("KEY", key, std::move(hosts)).value();
  return secrets;
}

TEST(HttpSecrets, AreFilledInOnTheWayAndHiddenOnTheWayBack) {
  LoopbackServer server([](const ReceivedRequest& request) {
    return answer_of(request.head + "\n" + request.body,
                     "200 OK",
                     "X-Echo: " + request.header("Authorization") + "\r\n");
  });
  Fetching plugin;
  plugin.environment.secrets = secrets_for({"127.0.0.1"});
  plugin.environment.http_response_headers = true;
  const std::string json =
      request_to(server.url("/a?key={{secret.KEY}}"),
                 R"(,"method":"POST","headers":{"Authorization":"Bearer {{secret.KEY}}"})");
  const std::string input = input_of(json, "key={{secret.KEY}};");
  RecordingHost host;
  plugin.wake();
  const std::string_view piece[] = {input};
  const Outcome outcome =
      finish(plugin.shard, plugin.instance->call("fetch", piece, plugin.inputs, plugin.vars, host));
  ASSERT_EQ(outcome.ending, Ending::done) << outcome.message;

  const ReceivedRequest request = server.received().at(0);
  EXPECT_EQ(request.header("Authorization"), "Bearer " + std::string(key));
  EXPECT_EQ(request.body, "key=" + std::string(key) + ";");
  EXPECT_EQ(request.path, "/a?key=" + std::string(key_in_url));

  EXPECT_NE(outcome.output.find("Bearer {{secret.KEY}}"), std::string::npos);
  EXPECT_EQ(host.answers.at(0).headers.find(key), std::string::npos);
  EXPECT_NE(host.answers.at(0).headers.find("Bearer {{secret.KEY}}"), std::string::npos);
  for (const std::string_view text : {key, key_in_url}) {
    EXPECT_EQ(outcome.output.find(text), std::string_view::npos) << outcome.output;
    EXPECT_EQ(host.answers.at(0).body.find(text), std::string::npos);
  }
}

TEST(HttpSecrets, GoNowhereElse) {
  LoopbackServer server(echo);
  Fetching plugin({"127.0.0.1", "localhost"});
  plugin.environment.secrets = secrets_for({"localhost", "a.example"});
  const std::string_view in_header = R"(,"headers":{"X-Key":"{{secret.KEY}}"})";
  const std::string refused =
      "{{secret.KEY}} may not be sent to 127.0.0.1: this host is not among the secret's `hosts`";
  EXPECT_EQ(plugin.error(server.url("/"), in_header), refused);
  EXPECT_EQ(plugin.error(server.url("/{{secret.KEY}}")), refused);
  EXPECT_EQ(plugin.error(server.url("/"), R"(,"method":"POST")", "{{secret.KEY}}"), refused);
  EXPECT_EQ(plugin.error(server.url("/{{secret.OTHER}}", "localhost")),
            "there is no secret OTHER for this plugin; name it under `secrets`, or remove "
            "{{secret.OTHER}}");
  EXPECT_TRUE(plugin.error("http://{{secret.KEY}}/").starts_with("Invalid URL: "));
  EXPECT_EQ(server.connections(), 0);
  plugin.body(server.url("/{{secret.KEY}}", "localhost"));
  EXPECT_EQ(server.received().at(0).path, "/" + std::string(key_in_url));
}

TEST(HttpSecrets, NeedEncryptionOffThisMachine) {
  Fetching plugin({"192.0.2.1"});
  plugin.environment.secrets = secrets_for({"192.0.2.1"});
  EXPECT_EQ(plugin.error("http://192.0.2.1/{{secret.KEY}}"),
            "{{secret.KEY}} may not be sent to 192.0.2.1 over http, where others could read it; "
            "use https");
}

TEST(HttpSecrets, AreNotCarriedAlongByRedirects) {
  LoopbackServer other(echo);
  LoopbackServer server([&](const ReceivedRequest& request) {
    if (request.path.starts_with("/location")) {
      return redirect_to(other.url(request.path, "localhost"));
    }
    return redirect_to(other.url("/", "localhost"), "307 Temporary Redirect");
  });
  Fetching plugin({"127.0.0.1", "localhost"});
  plugin.environment.secrets = secrets_for({"127.0.0.1"});
  plugin.body(server.url("/"), R"(,"headers":{"X-Key":"{{secret.KEY}}","X-Other":"1"})");
  EXPECT_EQ(server.received().at(0).header("X-Key"), key);
  EXPECT_EQ(other.received().at(0).header("X-Key"), "");
  EXPECT_EQ(other.received().at(0).header("X-Other"), "1");

  const std::string refused =
      "{{secret.KEY}} may not be sent to localhost: this host is not among the secret's `hosts`";
  EXPECT_EQ(plugin.error(server.url("/"), R"(,"method":"POST")", "{{secret.KEY}}"), refused);
  EXPECT_EQ(plugin.error(server.url("/location?{{secret.KEY}}")), refused);
  EXPECT_EQ(other.received().size(), 1U);
}

TEST(HttpSecrets, AreInNoError) {
  std::string url;
  {
    LoopbackServer server(echo);
    url = server.url("/{{secret.KEY}}");
  }
  Fetching plugin;
  plugin.environment.secrets = secrets_for({"127.0.0.1"});
  const std::string message = plugin.error(url);
  EXPECT_TRUE(message.starts_with("HTTP request to " + url + " failed: ")) << message;
}

TEST(HttpSecrets, ComeBackInNoCompressedAnswer) {
  LoopbackServer server(echo);
  Fetching plugin;
  plugin.environment.secrets = secrets_for({"127.0.0.1"});
  const std::string_view more = R"(,"headers":{"Accept-Encoding":"gzip"})";
  plugin.body(server.url("/"), more);
  plugin.body(server.url("/{{secret.KEY}}"), more);
  EXPECT_EQ(server.received().at(0).header("Accept-Encoding"), "gzip");
  EXPECT_EQ(server.received().at(1).header("Accept-Encoding"), "");
}

}  // namespace
}  // namespace troupe::guest
