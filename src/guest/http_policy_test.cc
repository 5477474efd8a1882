#include "guest/http_policy.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace troupe::guest {
namespace {

using boost::asio::ip::make_address;

TEST(HttpPolicy, PatternsFitHostNames) {
  EXPECT_TRUE(matches_host("api.example.com", "api.example.com"));
  EXPECT_FALSE(matches_host("api.example.com", "api.example.org"));
  EXPECT_FALSE(matches_host("api.example.com", "api.example.com.evil.org"));
  EXPECT_FALSE(matches_host("API.example.com", "api.example.com"));
  EXPECT_TRUE(matches_host("*", ""));
  EXPECT_TRUE(matches_host("*", "anything.at.all"));
  EXPECT_TRUE(matches_host("**", "anything.at.all"));
  EXPECT_TRUE(matches_host("*.example.com", "a.b.example.com"));
  EXPECT_FALSE(matches_host("*.example.com", "example.com"));
  EXPECT_FALSE(matches_host("*.example.com", "a.example.com.evil.org"));
  EXPECT_TRUE(matches_host("api?.example.com", "api2.example.com"));
  EXPECT_FALSE(matches_host("api?.example.com", "api.example.com"));
  EXPECT_TRUE(matches_host("a*b*c", "axxbxbxc"));
  EXPECT_FALSE(matches_host("a*b*c", "axxbxbxcd"));
  EXPECT_TRUE(matches_host("api[0-9x].com", "apix.com"));
  EXPECT_TRUE(matches_host("api[0-9x].com", "api7.com"));
  EXPECT_FALSE(matches_host("api[0-9x].com", "apiy.com"));
  EXPECT_TRUE(matches_host("api[!0-9].com", "apiy.com"));
  EXPECT_FALSE(matches_host("api[!0-9].com", "api7.com"));
  EXPECT_TRUE(matches_host("a[]]b", "a]b"));
  EXPECT_TRUE(matches_host("a[-x]b", "a-b"));
  EXPECT_FALSE(matches_host("", "a"));
}

TEST(HttpPolicy, WhatIsNoPatternStandsForItself) {
  EXPECT_TRUE(matches_host("[::1", "[::1"));
  EXPECT_TRUE(matches_host("a[b", "a[b"));
  EXPECT_FALSE(matches_host("*[b", "a[b"));
  EXPECT_FALSE(matches_host("**.example.com", "a.example.com"));
  EXPECT_TRUE(matches_host("**.example.com", "**.example.com"));
}

TEST(HttpPolicy, ALongPatternOfStarsTakesNoTime) {
  std::string pattern;
  for (int i = 0; i < 500; ++i) pattern += "*a";
  EXPECT_FALSE(matches_host(pattern + "b", std::string(2000, 'a')));
}

TEST(HttpPolicy, OnlyAHostNamedInFullReachesPrivateAddresses) {
  const std::vector<std::string> hosts = {"*.example.com", "db.example.com", "[::1]", "10.0.0.1"};
  EXPECT_EQ(reach_of(hosts, "a.example.com"), Reach::public_addresses);
  EXPECT_EQ(reach_of(hosts, "db.example.com"), Reach::everything);
  EXPECT_EQ(reach_of(hosts, "[::1]"), Reach::everything);
  EXPECT_EQ(reach_of(hosts, "10.0.0.1"), Reach::everything);
  EXPECT_EQ(reach_of(hosts, "example.com"), Reach::nothing);
  EXPECT_EQ(reach_of({}, "example.com"), Reach::nothing);
}

TEST(HttpPolicy, KnowsThePublicAddresses) {
  for (const char* text : {"1.1.1.1",
                           "8.8.8.8",
                           "100.63.255.255",
                           "100.128.0.0",
                           "172.15.255.255",
                           "172.32.0.0",
                           "192.167.255.255",
                           "223.255.255.255",
                           "2606:4700::1111",
                           "2a00:1450::1",
                           "64:ff9b::808:808"}) {
    EXPECT_TRUE(is_public(make_address(text))) << text;
  }
  for (const char* text : {"0.0.0.0",
                           "10.1.2.3",
                           "100.64.0.1",
                           "127.0.0.1",
                           "127.255.255.254",
                           "169.254.169.254",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.168.1.1",
                           "192.0.0.8",
                           "198.18.0.1",
                           "224.0.0.1",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "::ffff:127.0.0.1",
                           "::ffff:8.8.8.8",
                           "::7f00:1",
                           "64:ff9b::a00:1",
                           "64:ff9b:1::1",
                           "fe80::1",
                           "fc00::1",
                           "fd12:3456::1",
                           "ff02::1",
                           "2001::1",
                           "2001:db8::1",
                           "2002:7f00:1::1",
                           "3fff::1",
                           "4000::1"}) {
    EXPECT_FALSE(is_public(make_address(text))) << text;
  }
}

TEST(HttpPolicy, WhatMustNotLeaveTheMachineConnectsToItOnly) {
  EXPECT_TRUE(may_connect(Reach::loopback, make_address("127.0.0.2")));
  EXPECT_TRUE(may_connect(Reach::loopback, make_address("::1")));
  EXPECT_FALSE(may_connect(Reach::loopback, make_address("10.0.0.1")));
  EXPECT_FALSE(may_connect(Reach::loopback, make_address("8.8.8.8")));
  EXPECT_TRUE(may_connect(Reach::everything, make_address("10.0.0.1")));
  EXPECT_FALSE(may_connect(Reach::public_addresses, make_address("10.0.0.1")));
  EXPECT_FALSE(may_connect(Reach::nothing, make_address("8.8.8.8")));
  EXPECT_TRUE(is_loopback_host("localhost"));
  EXPECT_TRUE(is_loopback_host("127.9.9.9"));
  EXPECT_TRUE(is_loopback_host("[::1]"));
  EXPECT_FALSE(is_loopback_host("localhost.example.com"));
  EXPECT_FALSE(is_loopback_host("10.0.0.1"));
}

}  // namespace
}  // namespace troupe::guest
