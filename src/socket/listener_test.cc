#include "socket/listener.h"

#include "socket/test_client.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace troupe::socket {
namespace {

std::string failure(ListenerOptions options) {
  shard::Shards shards(2);
  Log log("test");
  auto created = Listener::create(std::move(options), shards, log);
  return created ? "created" : created.error().message;
}

TEST(Listener, APortThatIsTakenIsAnErrorWithTheWayOut) {
  for (const std::size_t shard_count : {1UL, 2UL}) {
    TestServer server({}, shard_count);
    EXPECT_EQ(failure({.listen = {server.address()}}),
              server.address() +
                  " is in use by another program; stop it, or choose another address with "
                  "--listen, or `listen` under [http] in the configuration");
  }
}

TEST(Listener, APortIsFreeAgainWhenItsListenerHasEnded) {
  std::string address;
  {
    TestServer server;
    address = server.address();
    TestClient client = server.connect();
    EXPECT_EQ(client.get("/healthz").status, 200U);
  }
  TestServer again({.listen = {address}});
  EXPECT_EQ(again.connect().get("/healthz").status, 200U);
}

TEST(Listener, WhatIsNoAddressIsNamed) {
  for (const std::string address : {"",
                                    "4000",
                                    ":4000",
                                    "127.0.0.1",
                                    "127.0.0.1:",
                                    "127.0.0.1:x",
                                    "127.0.0.1:70000",
                                    "::1:4000",
                                    "[::1]",
                                    "nohost.invalid:4000",
                                    "[127.0.0.1:1"}) {
    EXPECT_TRUE(failure({.listen = {address}}).starts_with("\"" + address + "\" is no address"))
        << address;
  }
}

TEST(Listener, BadOriginsProxiesAndFoldersAreNamed) {
  EXPECT_TRUE(
      failure({.origins = {"site.example"}}).starts_with("\"site.example\" is not an origin"));
  EXPECT_TRUE(failure({.trusted_proxies = {"proxy"}}).starts_with("\"proxy\" is neither"));
  EXPECT_NE(failure({.static_root = "/no/such/folder"}).find("/no/such/folder"), std::string::npos);
}

TEST(Listener, AllShardsServeAllAddresses) {
  TestServer server({.listen = {"127.0.0.1:0", "localhost:0"}}, 2);
  ASSERT_EQ(server.listener->addresses().size(), 2U);
  EXPECT_NE(server.listener->addresses()[0], server.listener->addresses()[1]);
  for (const std::string& address : server.listener->addresses()) {
    for (int i = 0; i < 16; ++i) EXPECT_EQ(TestClient(address).get("/healthz").status, 200U);
  }
}

TEST(Listener, ConnectionsAreSpreadOverTheShards) {
  std::array<std::atomic<int>, 2> opened{};
  ListenerOptions options;
  options.open_socket =
      [&](shard::Shard& shard, channel::FrameSink& sink, const channel::ConnectInfo&) {
        ++opened[shard.index()];
        return std::make_unique<TestHandler>(sink, echo);
      };
  TestServer server(std::move(options), 2);
  for (int i = 0; i < 64; ++i) EXPECT_EQ(server.connect().open_websocket().status, 101U);
  EXPECT_GT(opened[0], 0);
  EXPECT_GT(opened[1], 0);
  EXPECT_EQ(opened[0] + opened[1], 64);
}

TEST(Listener, Ipv6IsServed) {
  TestServer server({.listen = {"[::1]:0"}});
  EXPECT_TRUE(server.address().starts_with("[::1]:"));
  EXPECT_EQ(server.connect().get("/healthz").status, 200U);
}

TEST(Listener, WithoutSomebodyToOpenSocketsThereAreNone) {
  shard::Shards shards(1);
  Log log("test");
  auto listener = *Listener::create({.listen = {"127.0.0.1:0"}}, shards, log);
  listener->start();
  shards.start();
  TestClient client(listener->addresses().front());
  EXPECT_EQ(client.open_websocket().status, 404U);
  shards.stop();
}

}  // namespace
}  // namespace troupe::socket
