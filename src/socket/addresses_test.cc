#include "socket/addresses.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <vector>

namespace troupe::socket {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

std::shared_ptr<Addresses> make(std::size_t connections_max,
                                const channel::AddressRules& rules = {}) {
  return std::make_shared<Addresses>(connections_max, rules);
}

bool is_welcome(Addresses& addresses, std::string_view address) {
  return addresses.enter(address, 0).is_welcome;
}

TEST(Addresses, EachHasSoManyConnectionsAtOnce) {
  const auto addresses = make(2);
  Addresses::Visit one = addresses->enter("192.0.2.1", 0).visit;
  const Addresses::Visit two = addresses->enter("192.0.2.1", 0).visit;
  EXPECT_FALSE(is_welcome(*addresses, "192.0.2.1"));
  EXPECT_TRUE(is_welcome(*addresses, "192.0.2.2"));
  Addresses::Visit copy = one;
  one.reset();
  EXPECT_FALSE(is_welcome(*addresses, "192.0.2.1")) << "a copy is the same stay";
  copy.reset();
  EXPECT_TRUE(is_welcome(*addresses, "192.0.2.1"));
}

TEST(Addresses, ThoseThatAreRefusedAreBoundedToo) {
  const auto addresses = make(1);
  std::vector<Addresses::Visit> visits;
  for (std::size_t i = 0; i < 1 + Addresses::refused_max; ++i) {
    visits.push_back(addresses->enter("192.0.2.1", 0).visit);
    EXPECT_NE(visits.back(), nullptr);
  }
  EXPECT_EQ(addresses->enter("192.0.2.1", 0).visit, nullptr);
}

TEST(Addresses, ANetworkOf64BitsIsOneAddress) {
  const auto addresses = make(1);
  const Addresses::Visit one = addresses->enter("2001:db8::1", 0).visit;
  EXPECT_FALSE(is_welcome(*addresses, "2001:db8::ffff:2"));
  EXPECT_TRUE(is_welcome(*addresses, "2001:db8:0:1::1"));
}

TEST(Addresses, WhoComesBackFindsTheRatesAsTheyWere) {
  const auto addresses = make(10, {.joins_per_second = 1, .events_per_second = 1});
  EXPECT_TRUE(addresses->enter("192.0.2.1", 0).visit->joins.take(second_ns));
  EXPECT_FALSE(addresses->enter("192.0.2.1", 0).visit->joins.take(second_ns));
}

TEST(Addresses, ThoseThatNobodyUsesAreForgotten) {
  const auto addresses = make(10, {.joins_per_second = 1, .events_per_second = 1});
  const Addresses::Visit kept = addresses->enter("192.0.2.1", 0).visit;
  EXPECT_TRUE(addresses->enter("192.0.2.2", 0).visit->events.take(10 * second_ns));
  for (int i = 0; i < 10'000; ++i) {
    addresses->enter(fmt::format("10.0.{}.{}", i / 256, i % 256), 5 * second_ns);
  }
  EXPECT_LT(addresses->size(), 1100U);
  EXPECT_FALSE(addresses->enter("192.0.2.2", 0).visit->events.take(10 * second_ns));
}

}  // namespace
}  // namespace troupe::socket
