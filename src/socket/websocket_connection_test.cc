#include "socket/test_client.h"
#include "wire/session_id.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <string_view>

namespace troupe::socket {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

ListenerOptions with(TestHandler::OnMessage on_text) {
  return {.open_socket = TestServer::handle_with(std::move(on_text))};
}

void say(channel::FrameSink& sink, std::string_view text) {
  const std::array<std::string_view, 1> pieces{text};
  sink.send_text(pieces);
}

// Of a server that tells when its client's handler is gone.
ListenerOptions options_telling(std::promise<void>& ended) {
  return {.open_socket = [&](shard::Shard&, channel::FrameSink& sink, const channel::ConnectInfo&) {
    auto handler = std::make_unique<TestHandler>(sink, echo);
    handler->on_end = [&] { ended.set_value(); };
    return handler;
  }};
}

TEST(WebSocket, AHandshakeIsAnsweredAndMessagesReachTheHandler) {
  TestServer server;
  TestClient client = server.connect();
  const TestResponse response = client.open_websocket();
  EXPECT_EQ(response.status, 101U);
  EXPECT_EQ(response.header("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(response.header("sec-websocket-extensions"), "");
  EXPECT_EQ(response.header("sec-websocket-protocol"), "");
  EXPECT_EQ(response.header("server"), "troupe");
  client.send_text("hello");
  EXPECT_EQ(client.read_text(), "hello");
  client.send(TestClient::frame(2, "\xff\x00"s));
  const TestFrame binary = client.read_frame();
  EXPECT_EQ(binary.opcode, 2U);
  EXPECT_EQ(binary.payload, "bin:\xff\x00"s);
}

TEST(WebSocket, LengthsOfAllThreeFormsAreWritten) {
  TestServer server;
  TestClient client = server.connect();
  client.open_websocket();
  for (const std::size_t size : {0UL, 125UL, 126UL, 65535UL, 65536UL, 1UL << 20}) {
    const std::string message(size, 'x');
    client.send_text(message);
    EXPECT_EQ(client.read_text(), message) << size;
  }
}

TEST(WebSocket, FragmentsAreOneMessage) {
  TestServer server;
  TestClient client = server.connect();
  client.open_websocket();
  client.send(TestClient::frame(1, "one ", false));
  client.send(TestClient::frame(9, "ping within"));
  client.send(TestClient::frame(0, "message", true));
  EXPECT_EQ(client.read_frame().opcode, 10U);
  EXPECT_EQ(client.read_text(), "one message");
}

TEST(WebSocket, ThePhoenixProtocolIsSelected) {
  TestServer server;
  TestClient client = server.connect();
  const auto response =
      client.open_websocket("/socket/websocket?vsn=2.0.0",
                            "Sec-WebSocket-Protocol: phoenix, base64url.bearer.phx.dG9r\r\n");
  EXPECT_EQ(response.status, 101U);
  EXPECT_EQ(response.header("sec-websocket-protocol"), "phoenix");
}

TEST(WebSocket, WhoMayNotComeInIsAnswered403WithoutText) {
  TestServer server;
  const auto refused = [&](std::string_view path, std::string_view headers = "") {
    TestClient client = server.connect();
    const auto response = client.open_websocket(path, headers);
    EXPECT_EQ(response.body, "");
    return response.status;
  };
  EXPECT_EQ(refused("/socket/websocket"), 403U);
  EXPECT_EQ(refused("/socket/websocket?vsn=1.0.0"), 403U);
  EXPECT_EQ(refused("/socket/websocket?vsn=2.1.0"), 403U);
  EXPECT_EQ(refused("/socket/websocket?vsn=2.0.0", "Origin: https://evil.example\r\n"), 403U);
  EXPECT_EQ(refused("/socket/websocket?vsn=2.0.0", "Origin: null\r\n"), 403U);
  EXPECT_EQ(refused("/socket/websocket?vsn=2.0.0", "Sec-WebSocket-Protocol: other\r\n"), 403U);
  EXPECT_EQ(refused("/socket/websocket?vsn=2.0.0", "Origin: http://test\r\n"), 101U);
}

TEST(WebSocket, ARefusedOriginIsLoggedOnceWithTheLineToAdd) {
  TestServer server;
  for (int i = 0; i < 3; ++i) {
    TestClient client = server.connect();
    client.open_websocket("/socket/websocket?vsn=2.0.0", "Origin: https://site.example\r\n");
  }
  const std::string log = server.logged();
  const std::string line = "origins = [\"https://site.example\"]";
  ASSERT_NE(log.find(line), log.npos) << log;
  EXPECT_EQ(log.find(line, log.find(line) + 1), log.npos) << log;
}

TEST(WebSocket, AllowedOriginsAreLetIn) {
  TestServer server({.origins = {"https://site.example", "//*.friends.example"}});
  for (const std::string origin : {"https://site.example", "http://a.friends.example:81"}) {
    TestClient client = server.connect();
    EXPECT_EQ(
        client.open_websocket("/socket/websocket?vsn=2.0.0", "Origin: " + origin + "\r\n").status,
        101U);
  }
}

TEST(WebSocket, WhatIsKnownOfAClientReachesItsHandler) {
  ListenerOptions options;
  options.mounts = {"/socket", "/live"};
  options.trusted_proxies = {"127.0.0.1"};
  options.open_socket =
      [](shard::Shard&, channel::FrameSink& sink, const channel::ConnectInfo& info) {
        std::string text =
            info.origin + "|" + info.remote_address + "|" + info.mount + "|" + info.session;
        for (const auto& [name, value] : info.params) text += "|" + name + "=" + value;
        say(sink, text);
        return std::make_unique<TestHandler>(sink, echo);
      };
  TestServer server(std::move(options));
  const std::string session = wire::new_session();
  TestClient client = server.connect();
  const auto response = client.open_websocket(
      "/live/websocket?token=a%20b&&vsn=2.0.0&",
      "Origin: http://test\r\nX-Forwarded-For: 9.9.9.9\r\nCookie: troupe_session=" + session +
          "\r\n");
  EXPECT_EQ(response.status, 101U);
  EXPECT_EQ(response.header("set-cookie"), "");
  const std::string letters = wire::session_letters("test key", wire::cookie_sessions, session);
  EXPECT_EQ(client.read_text(), "http://test|9.9.9.9|/live|" + letters + "|token=a b");
  EXPECT_EQ(server.logged().find(session), std::string::npos);
}

TEST(WebSocket, APageOfThisServerGetsASessionCookie) {
  TestServer server;
  TestClient client = server.connect();
  const auto response =
      client.open_websocket("/socket/websocket?vsn=2.0.0", "Origin: http://test\r\n");
  EXPECT_TRUE(response.header("set-cookie").starts_with("troupe_session="));
}

TEST(WebSocket, RequestsThatAreNoUpgradeAreToldSo) {
  TestServer server;
  TestClient client = server.connect();
  const auto response = client.get("/socket/websocket?vsn=2.0.0");
  EXPECT_EQ(response.status, 400U);
  EXPECT_NE(response.body, "");
  EXPECT_EQ(server.connect().request("POST /socket/websocket?vsn=2.0.0").status, 400U);
  EXPECT_EQ(server.connect().open_websocket("/other/websocket?vsn=2.0.0").status, 404U);
}

TEST(WebSocket, AClientThatSpeaksBeforeTheAnswerIsRefused) {
  TestServer server;
  TestClient client = server.connect();
  client.send(TestClient::handshake("/socket/websocket?vsn=2.0.0") + TestClient::frame(1, "early"));
  EXPECT_EQ(client.read_response().status, 400U);
}

TEST(WebSocket, AMessageOverTheBoundCloses1009) {
  TestServer server({.limits = {.frame_bytes_max = 1000}});
  TestClient client = server.connect();
  client.open_websocket();
  client.send_text(std::string(1000, 'x'));
  EXPECT_EQ(client.read_text().size(), 1000U);
  client.send_text(std::string(1001, 'x'));
  EXPECT_EQ(client.read_frame().close_code(), 1009U);
}

TEST(WebSocket, FragmentsTogetherOverTheBoundClose1009) {
  TestServer server({.limits = {.frame_bytes_max = 1000}});
  TestClient client = server.connect();
  client.open_websocket();
  client.send(TestClient::frame(1, std::string(600, 'x'), false) +
              TestClient::frame(0, std::string(600, 'x'), true));
  EXPECT_EQ(client.read_frame().close_code(), 1009U);
}

TEST(WebSocket, AHugeMessageIsRefusedByItsHeaderAndTheClientSeesWhy) {
  TestServer server;
  TestClient client = server.connect();
  client.open_websocket();
  // A text of 50 MiB begins. The close frame must not be lost to a reset, though much stays unread.
  client.send("\x81\xff\x00\x00\x00\x00\x03\x20\x00\x00mask"s);
  client.send(std::string(std::size_t{8} << 20, 'x'));
  EXPECT_EQ(client.read_frame().close_code(), 1009U);
}

TEST(WebSocket, TextThatIsNotUtf8Closes1007) {
  TestServer server;
  TestClient client = server.connect();
  client.open_websocket();
  client.send_text("\xff");
  EXPECT_EQ(client.read_frame().close_code(), 1007U);
}

TEST(WebSocket, ABrokenFrameCloses1002) {
  for (const std::string& broken : {TestClient::frame(1, "unmasked", true, false),
                                    TestClient::frame(3, "reserved"),
                                    TestClient::frame(0, "continues nothing"),
                                    TestClient::frame(9, std::string(126, 'x'))}) {
    TestServer server;
    TestClient client = server.connect();
    client.open_websocket();
    client.send(broken);
    EXPECT_EQ(client.read_frame().close_code(), 1002U);
  }
}

TEST(WebSocket, APingIsAnsweredByAPongWithTheSameData) {
  TestServer server;
  TestClient client = server.connect();
  client.open_websocket();
  client.send(TestClient::frame(9, "data"));
  const TestFrame pong = client.read_frame();
  EXPECT_EQ(pong.opcode, 10U);
  EXPECT_EQ(pong.payload, "data");
}

TEST(WebSocket, AClientsCloseIsAnsweredAndTheHandlerEnds) {
  std::promise<void> ended;
  TestServer server(options_telling(ended));
  TestClient client = server.connect();
  client.open_websocket();
  client.send_close(1000);
  EXPECT_EQ(client.read_frame().close_code(), 1000U);
  EXPECT_TRUE(client.is_closed_by_server());
  client.stop_sending();
  EXPECT_EQ(ended.get_future().wait_for(20s), std::future_status::ready);
}

TEST(WebSocket, ACloseWithoutACodeIsAnswered) {
  TestServer server;
  TestClient client = server.connect();
  client.open_websocket();
  client.send(TestClient::frame(8, ""));
  EXPECT_EQ(client.read_frame().opcode, 8U);
  EXPECT_TRUE(client.is_closed_by_server());
}

TEST(WebSocket, AClientThatVanishesEndsItsHandler) {
  std::promise<void> ended;
  TestServer server(options_telling(ended));
  {
    TestClient client = server.connect();
    client.open_websocket();
  }
  EXPECT_EQ(ended.get_future().wait_for(20s), std::future_status::ready);
}

TEST(WebSocket, TheHandlerMayCloseWithACodeAndLaterFramesAreDropped) {
  TestServer server(with([](channel::FrameSink& sink, std::string_view) {
    say(sink, "last words");
    sink.close(channel::CloseCode::internal_error);
    say(sink, "too late");
    sink.close(channel::CloseCode::going_away);
  }));
  TestClient client = server.connect();
  client.open_websocket();
  client.send_text("x");
  // Said before the client knows; nobody hears it.
  client.send_text("y");
  EXPECT_EQ(client.read_text(), "last words");
  EXPECT_EQ(client.read_frame().close_code(), 1011U);
  client.send_close(1011);
  EXPECT_EQ(client.receive_all(), "");
}

TEST(WebSocket, AClientThatDoesNotAnswerACloseIsDropped) {
  ListenerOptions options = with([](channel::FrameSink& sink, std::string_view) {
    sink.close(channel::CloseCode::going_away);
  });
  options.limits.close_timeout = 30ms;
  TestServer server(std::move(options));
  TestClient client = server.connect();
  client.open_websocket();
  client.send_text("x");
  EXPECT_EQ(client.read_frame().close_code(), 1001U);
  EXPECT_TRUE(client.is_closed_by_server());
}

TEST(WebSocket, FramesThatArriveTogetherAreAnsweredInOneWrite) {
  TestServer server;
  TestClient client = server.connect();
  client.open_websocket();
  std::string eight;
  std::string expected;
  for (int i = 0; i < 8; ++i) {
    eight += TestClient::frame(1, "message " + std::to_string(i));
    expected += TestClient::frame(1, "message " + std::to_string(i), true, false);
  }
  client.send(eight);
  EXPECT_EQ(client.receive(), expected);
}

TEST(WebSocket, FramesOfOneMessageLeaveInOneWrite) {
  TestServer server(with([](channel::FrameSink& sink, std::string_view) {
    say(sink, "reply");
    say(sink, "push");
    say(sink, "patch");
  }));
  TestClient client = server.connect();
  client.open_websocket();
  client.send_text("x");
  EXPECT_EQ(client.receive(), "\x81\x05reply\x81\x04push\x81\x05patch"s);
}

TEST(WebSocket, WhatOneClientSaysMayBeShownToAnother) {
  std::vector<channel::FrameSink*> sinks;
  ListenerOptions options;
  options.open_socket = [&](shard::Shard&, channel::FrameSink& sink, const channel::ConnectInfo&) {
    sinks.push_back(&sink);
    return std::make_unique<TestHandler>(sink, [&](channel::FrameSink&, std::string_view message) {
      for (channel::FrameSink* each : sinks) {
        say(*each, message);
        say(*each, "again");
      }
    });
  };
  TestServer server(std::move(options));
  TestClient silent = server.connect();
  silent.open_websocket();
  TestClient speaker = server.connect();
  speaker.open_websocket();
  speaker.send_text("hello");
  EXPECT_EQ(silent.receive(), "\x81\x05hello\x81\x05"s + "again");
  EXPECT_EQ(speaker.receive(), "\x81\x05hello\x81\x05"s + "again");
}

TEST(WebSocket, AnIdleClientIsClosedWith1001ButOneThatPingsIsNot) {
  TestServer server({.limits = {.idle_timeout = 400ms}});
  TestClient busy = server.connect();
  busy.open_websocket();
  TestClient idle = server.connect();
  idle.open_websocket();
  do {
    busy.send(TestClient::frame(9, "alive"));
    ASSERT_EQ(busy.read_frame().opcode, 10U);
  } while (!idle.has_something_to_read());
  EXPECT_EQ(idle.read_frame().close_code(), 1001U);
  EXPECT_EQ(server.reached(Bound::idle), 1U);
  busy.send_text("still here");
  EXPECT_EQ(busy.read_text(), "still here");
}

TEST(WebSocket, AClientThatDoesNotReadIsReportedAndTheHandlerHearsWhenItReadsAgain) {
  constexpr std::size_t bound = 100'000;
  std::promise<std::size_t> stuck;
  ListenerOptions options = with([&](channel::FrameSink& sink, std::string_view) {
    // As a channel does: appends until the bound is reached, then leaves out.
    const std::string piece(10'000, 'x');
    for (int i = 0; i < 10'000 && sink.unsent_bytes() <= bound; ++i) say(sink, piece);
    if (sink.unsent_bytes() > bound) stuck.set_value(sink.unsent_bytes());
  });
  options.limits.unsent_bytes_max = bound;
  TestServer server(std::move(options));
  TestClient client(server.address(), 4096);
  client.open_websocket();
  client.send_text("go");
  auto unsent = stuck.get_future();
  ASSERT_EQ(unsent.wait_for(20s), std::future_status::ready);
  EXPECT_LE(unsent.get(), bound + 10'100);
  // Reading starts now.
  std::string text;
  do {
    text = client.read_text();
  } while (text.size() == 10'000);
  EXPECT_EQ(text, "drained");
}

TEST(WebSocket, AHandlerThatAppendsWithoutEndToAClientThatDoesNotReadIsCutOff) {
  constexpr std::size_t bound = 100'000;
  std::promise<std::size_t> most;
  ListenerOptions options = with([&](channel::FrameSink& sink, std::string_view) {
    const std::string piece(10'000, 'x');
    std::size_t unsent_max = 0;
    for (int i = 0; i < 1000; ++i) {
      say(sink, piece);
      unsent_max = std::max(unsent_max, sink.unsent_bytes());
    }
    most.set_value(unsent_max);
  });
  options.limits.unsent_bytes_max = bound;
  TestServer server(std::move(options));
  TestClient client(server.address(), 4096);
  client.open_websocket();
  client.send_text("go");
  EXPECT_LE(most.get_future().get(), 2 * bound + 10'100);
  TestFrame frame;
  do {
    frame = client.read_frame();
  } while (frame.opcode == 1);
  EXPECT_EQ(frame.close_code(), 1013U);
}

TEST(WebSocket, ASlowClientGetsEverythingInOrder) {
  TestServer server(with([](channel::FrameSink& sink, std::string_view) {
    for (int i = 0; i < 100; ++i) say(sink, std::to_string(i) + std::string(5000, 'x'));
  }));
  TestClient client(server.address(), 4096);
  client.open_websocket();
  client.send_text("go");
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(client.read_text(), std::to_string(i) + std::string(5000, 'x'));
  }
}

TEST(WebSocket, DrainClosesWith1012AndAcceptsNoMore) {
  TestServer server({}, 2);
  std::vector<TestClient> clients;
  for (int i = 0; i < 8; ++i) clients.emplace_back(server.address()).open_websocket();
  auto drained = std::async(std::launch::async, [&] { server.listener->drain(); });
  for (TestClient& client : clients) {
    EXPECT_EQ(client.read_frame().close_code(), 1012U);
    client.send_close(1012);
    EXPECT_TRUE(client.is_closed_by_server());
    client.stop_sending();
  }
  EXPECT_EQ(drained.wait_for(20s), std::future_status::ready);
}

TEST(WebSocket, DrainDoesNotWaitForClientsThatDoNotAnswer) {
  TestServer server({.limits = {.close_timeout = 20s, .drain_timeout = 50ms}});
  TestClient client = server.connect();
  client.open_websocket();
  server.listener->drain();
  EXPECT_EQ(server.reached(Bound::drain), 1U);
  EXPECT_EQ(client.read_frame().close_code(), 1012U);
  EXPECT_TRUE(client.is_closed_by_server());
}

TEST(WebSocket, StoppingTheShardsWithOpenSocketsEndsTheirHandlers) {
  std::atomic<int> ended = 0;
  ListenerOptions options;
  options.open_socket = [&](shard::Shard&, channel::FrameSink& sink, const channel::ConnectInfo&) {
    auto handler = std::make_unique<TestHandler>(sink, echo);
    handler->on_end = [&] { ++ended; };
    return handler;
  };
  {
    TestServer server(std::move(options), 2);
    std::vector<TestClient> clients;
    for (int i = 0; i < 8; ++i) clients.emplace_back(server.address()).open_websocket();
    server.shards.stop();
    server.listener.reset();
    EXPECT_EQ(ended, 8);
  }
}

TEST(WebSocket, ConnectionsOverTheBoundAreAnswered503) {
  TestServer server({.limits = {.connections_max = 2}});
  TestClient first = server.connect();
  ASSERT_EQ(first.open_websocket().status, 101U);
  {
    TestClient second = server.connect();
    ASSERT_EQ(second.open_websocket().status, 101U);
    TestClient third = server.connect();
    const auto response = third.open_websocket();
    EXPECT_EQ(response.status, 503U);
    EXPECT_EQ(response.header("retry-after"), "5");
    EXPECT_TRUE(third.is_closed_by_server());
  }
  first.send_text("still here");
  EXPECT_EQ(first.read_text(), "still here");
}

}  // namespace
}  // namespace troupe::socket
