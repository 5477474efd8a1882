#include "socket/trampoline.h"

#include <boost/asio/dispatch.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace troupe::socket {
namespace {

class TrampolineTest : public testing::Test {
 protected:
  // Work that names itself and then posts itself again, as a reader does.
  void read(char name, std::size_t times) {
    boost::asio::post(boost::asio::bind_executor(trampoline.executor(), [this, name, times] {
      order += name;
      if (times > 1) read(name, times - 1);
    }));
  }

  boost::asio::io_context io{1};
  Trampoline trampoline{io};
  std::string order;
};

TEST_F(TrampolineTest, WhatIsPostedRunsBeforeTheLoopGoesOn) {
  read('a', 3);
  read('b', 3);
  io.run();
  EXPECT_EQ(order, "aaabbb");
}

TEST_F(TrampolineTest, AfterSoManyInARowOthersHaveTheLoop) {
  const std::size_t all = 2 * Trampoline::in_a_row_max;
  read('a', all);
  read('b', 1);
  io.run();
  ASSERT_EQ(order.size(), all + 1);
  EXPECT_EQ(order.find('b'), Trampoline::in_a_row_max);
}

TEST_F(TrampolineTest, WhatIsDispatchedRunsAtOnce) {
  boost::asio::dispatch(boost::asio::bind_executor(trampoline.executor(), [this] {
    read('b', 1);
    boost::asio::dispatch(
        boost::asio::bind_executor(trampoline.executor(), [this] { order += 'a'; }));
    order += '-';
  }));
  EXPECT_EQ(order, "a-b");
}

TEST_F(TrampolineTest, ASecondPostWaitsForTheLoop) {
  boost::asio::dispatch(boost::asio::bind_executor(trampoline.executor(), [this] {
    read('a', 2);
    read('b', 1);
  }));
  EXPECT_EQ(order, "aa");
  io.run();
  EXPECT_EQ(order, "aab");
}

TEST_F(TrampolineTest, WhatNeverRunsIsDestroyed) {
  auto held = std::make_shared<int>(1);
  {
    boost::asio::io_context stopped{1};
    Trampoline unused(stopped);
    boost::asio::post(boost::asio::bind_executor(unused.executor(), [held] { ++*held; }));
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_EQ(*held, 1);
}

}  // namespace
}  // namespace troupe::socket
