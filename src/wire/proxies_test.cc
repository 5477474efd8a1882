#include "wire/proxies.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace troupe::wire {
namespace {

TrustedProxies proxies(std::vector<std::string> entries) {
  return *TrustedProxies::parse(entries);
}

TEST(TrustedProxies, WithoutAnyTheHeaderIsNotRead) {
  EXPECT_EQ(proxies({}).client("9.9.9.9", "1.2.3.4"), "9.9.9.9");
}

TEST(TrustedProxies, AStrangersHeaderIsNotBelieved) {
  EXPECT_EQ(proxies({"127.0.0.1"}).client("9.9.9.9", "1.2.3.4"), "9.9.9.9");
}

TEST(TrustedProxies, TheLastAddressThatIsNoProxyIsTheClient) {
  const auto trusted = proxies({"127.0.0.1", "10.0.0.0/8"});
  EXPECT_EQ(trusted.client("127.0.0.1", "6.6.6.6, 1.2.3.4, 10.1.2.3"), "1.2.3.4");
  EXPECT_EQ(trusted.client("127.0.0.1", "1.2.3.4"), "1.2.3.4");
  EXPECT_EQ(trusted.client("127.0.0.1", "10.0.0.9"), "10.0.0.9");
  EXPECT_EQ(trusted.client("127.0.0.1", ""), "127.0.0.1");
}

TEST(TrustedProxies, PortsAndBracketsAreCutOff) {
  const auto trusted = proxies({"::1"});
  EXPECT_EQ(trusted.client("::1", "1.2.3.4:5678"), "1.2.3.4");
  EXPECT_EQ(trusted.client("::1", "[2001:db8::1]:443"), "2001:db8::1");
  EXPECT_EQ(trusted.client("::1", "2001:db8::1"), "2001:db8::1");
}

TEST(TrustedProxies, JunkEndsTheSearch) {
  const auto trusted = proxies({"127.0.0.1"});
  for (const auto* junk : {"unknown", "1.2.3.4, ,", "<script>", "[::1", ",", "1.2.3.4, x"}) {
    EXPECT_EQ(trusted.client("127.0.0.1", junk), "127.0.0.1") << junk;
  }
}

TEST(TrustedProxies, NetworksEndWithinAByteToo) {
  const auto trusted = proxies({"192.168.16.0/20", "2001:db8::/33"});
  EXPECT_TRUE(trusted.trust("192.168.31.255"));
  EXPECT_FALSE(trusted.trust("192.168.32.0"));
  EXPECT_TRUE(trusted.trust("2001:db8:7fff::1"));
  EXPECT_FALSE(trusted.trust("2001:db8:8000::1"));
  EXPECT_TRUE(proxies({"0.0.0.0/0"}).trust("8.8.8.8"));
  EXPECT_FALSE(proxies({"0.0.0.0/0"}).trust("2001:db8::1"));
  EXPECT_TRUE(proxies({"10.0.0.1"}).trust("::ffff:10.0.0.1"));
}

TEST(TrustedProxies, AnEntryThatIsNoNetworkIsNamed) {
  for (const auto* entry :
       {"", "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "::1/129", "1.2.3"}) {
    const auto parsed = TrustedProxies::parse(std::vector<std::string>{entry});
    ASSERT_FALSE(parsed) << entry;
    EXPECT_NE(parsed.error().message.find('"' + std::string(entry) + '"'), std::string::npos);
  }
}

}  // namespace
}  // namespace troupe::wire
