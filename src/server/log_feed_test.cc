#include "server/log_feed.h"

#include "base/log.h"

#include <gtest/gtest.h>
#include <spdlog/logger.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe::server {
namespace {

// A client that reads until it leaves.
class Reader final : public wire::EventStream {
 public:
  bool send(std::string_view data) override {
    heard.emplace_back(data);
    return true;
  }
  void close() override {}
  void when_over(std::function<void()> done) override { over_ = std::move(done); }

  void leave() { std::exchange(over_, nullptr)(); }

  std::vector<std::string> heard;

 private:
  std::function<void()> over_;
};

class LogFeedTest : public testing::Test {
 protected:
  void arrive() {
    bool arrived = false;
    shard_.send([&arrived] { arrived = true; });
    while (!arrived) shard_.io().run_one();
  }
  std::shared_ptr<Reader> open(std::string_view actor) {
    auto reader = std::make_shared<Reader>();
    feed_->listen(actor, shard_, reader);
    return reader;
  }

  shard::Shard shard_{0};
  std::shared_ptr<LogFeed> feed_ = std::make_shared<LogFeed>();
  Log log_{"test", feed_};
};

TEST_F(LogFeedTest, TellsTheLinesOfOneActorBeforeAndAfter) {
  log_.info("[todo/a turn 1] before");
  log_.info("[todo/b turn 1] of another");
  const auto reader = open("todo/a");
  log_.warn("[todo/a turn 2] after");
  log_.info("[todo authorize] of no actor");
  arrive();
  ASSERT_EQ(reader->heard.size(), 2U);
  EXPECT_TRUE(reader->heard[0].starts_with(R"({"level":"info","text":"before","time":)"));
  EXPECT_TRUE(reader->heard[1].starts_with(R"({"level":"warn","text":"after","time":)"));
  EXPECT_TRUE(reader->heard[1].ends_with(R"(,"turn":2})"));
}

TEST_F(LogFeedTest, KeepsSoManyLinesOfSoManyActors) {
  for (std::size_t i = 0; i < LogFeed::lines_max + 5; ++i) log_.info("[todo/a turn 1] {}", i);
  EXPECT_EQ(open("todo/a")->heard.size(), LogFeed::lines_max);
  for (std::size_t i = 0; i < LogFeed::actors_max; ++i) log_.info("[todo/k{} turn 1] x", i);
  EXPECT_EQ(open("todo/a")->heard.size(), 0U);
  EXPECT_EQ(open("todo/k5")->heard.size(), 1U);
}

TEST_F(LogFeedTest, CutsWhatIsLong) {
  log_.info("[todo/a turn 1] {}", std::string(10'000, 'x'));
  EXPECT_LT(open("todo/a")->heard[0].size(), LogFeed::line_bytes_max + 100);
}

TEST_F(LogFeedTest, ForgetsWhoHasLeft) {
  const auto reader = open("todo/a");
  reader->leave();
  log_.info("[todo/a turn 1] x");
  arrive();
  EXPECT_TRUE(reader->heard.empty());
  EXPECT_EQ(reader.use_count(), 1);
}

}  // namespace
}  // namespace troupe::server
