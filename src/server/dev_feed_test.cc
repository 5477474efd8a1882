#include "server/dev_feed.h"

#include "base/log.h"

#include <gtest/gtest.h>
#include <spdlog/logger.h>

namespace troupe::server {
namespace {

// A page that reads until it is told to be gone.
class Page final : public wire::EventStream {
 public:
  bool send(std::string_view data) override {
    if (gone) return false;
    heard.emplace_back(data);
    return true;
  }
  void close() override { closed = true; }
  void when_over(std::function<void()>) override {}

  std::vector<std::string> heard;
  bool gone = false;
  bool closed = false;
};

class Feed : public testing::Test {
 protected:
  // What was sent to the shard has arrived when what is sent after it has.
  void arrive() {
    bool arrived = false;
    shard_.send([&arrived] { arrived = true; });
    while (!arrived) shard_.io().run_one();
  }

  std::shared_ptr<Page> open() {
    auto page = std::make_shared<Page>();
    feed_->listen(shard_, page);
    return page;
  }

  shard::Shard shard_{0};
  std::shared_ptr<DevFeed> feed_ = std::make_shared<DevFeed>();
};

TEST_F(Feed, TellsWhatHappensInTheFormOfTheDocumentation) {
  const auto page = open();
  const std::vector<std::string> events = {"addTodo", "toggle"};
  feed_->built("todo", std::chrono::milliseconds(212));
  feed_->swapped("todo", "5f0c", "todo:try", events);
  js::BuildError error;
  error.file = "todo.js";
  error.line = 7;
  error.column = 9;
  error.excerpt = "  const todos [todo];";
  feed_->failed("todo", std::chrono::milliseconds(35), "expecting ';'", &error);
  arrive();
  EXPECT_EQ(
      page->heard,
      (std::vector<std::string>{
          R"({"type":"build","plugin":"todo","ok":true,"ms":212})",
          R"({"type":"plugin","name":"todo","version":"5f0c","topic":"todo:try","events":["addTodo","toggle"]})",
          R"({"type":"build","plugin":"todo","ok":false,"ms":35,"error":{"message":"expecting ';'",)"
          R"("file":"todo.js","line":7,"column":9,)"
          R"("excerpt":"7 |   const todos [todo];\n  |         ^\n"}})"}));
}

TEST_F(Feed, TellsAPageThatComesLaterHowThingsStand) {
  const std::vector<std::string> events;
  feed_->swapped("todo", "1", "todo:try", events);
  feed_->built("todo", std::chrono::milliseconds(1));
  feed_->swapped("todo", "2", "todo:try", events);
  feed_->failed("todo", std::chrono::milliseconds(2), "no", nullptr);
  const auto page = open();
  EXPECT_EQ(page->heard,
            (std::vector<std::string>{
                R"({"type":"plugin","name":"todo","version":"2","topic":"todo:try","events":[]})",
                R"({"type":"build","plugin":"todo","ok":false,"ms":2,"error":{"message":"no"}})"}));
}

TEST_F(Feed, PassesOnWhatTheLogHasOfPluginsAlone) {
  Log log("test", feed_);
  const auto page = open();
  log.info("listening");
  log.error("[todo/todo:all turn 3] addTodo: Error: too long\n    at todo.js:9:11");
  log.info("[todo authorize] hello");
  arrive();
  ASSERT_EQ(page->heard.size(), 2U);
  EXPECT_TRUE(page->heard[0].starts_with(
      R"({"type":"log","plugin":"todo","level":"error",)"
      R"("text":"addTodo: Error: too long\n    at todo.js:9:11","time":1)"))
      << page->heard[0];
  EXPECT_TRUE(page->heard[1].starts_with(
      R"({"type":"log","plugin":"todo","level":"info","text":"hello","time":1)"))
      << page->heard[1];
}

TEST_F(Feed, KeepsABoundedLog) {
  Log log("test", feed_);
  for (int i = 0; i < 150; ++i) log.info("[todo/a turn {}] line {}", i, i);
  const auto page = open();
  ASSERT_EQ(page->heard.size(), DevFeed::log_lines_max);
  EXPECT_NE(page->heard.front().find("\"line 50\""), std::string::npos) << page->heard.front();
}

TEST_F(Feed, ForgetsAPageThatIsGone) {
  const auto page = open();
  page->gone = true;
  feed_->built("todo", std::chrono::milliseconds(1));
  arrive();
  feed_->built("todo", std::chrono::milliseconds(2));
  arrive();
  EXPECT_EQ(page.use_count(), 1);
}

TEST_F(Feed, ClosesItsPages) {
  const auto page = open();
  feed_->close();
  arrive();
  EXPECT_TRUE(page->closed);
}

}  // namespace
}  // namespace troupe::server
