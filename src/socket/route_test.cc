#include "socket/route.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::socket {
namespace {

std::string found(const Routes& routes, std::string_view path) {
  const Route* route = routes.find(path);
  return route == nullptr ? "none" : route->path;
}

TEST(Routes, AnExactPathComesBeforeThoseAboveAndTheLongestOfThese) {
  const Routes routes(
      {{.path = "/api/*"}, {.path = "/api/v1/*"}, {.path = "/api/v1/plugins"}, {.path = "/x"}});
  EXPECT_EQ(found(routes, "/api/v1/plugins"), "/api/v1/plugins");
  EXPECT_EQ(found(routes, "/api/v1/plugins/todo"), "/api/v1/*");
  EXPECT_EQ(found(routes, "/api/v1"), "/api/v1/*");
  EXPECT_EQ(found(routes, "/api/v2"), "/api/*");
  EXPECT_EQ(found(routes, "/apiary"), "none");
  EXPECT_EQ(found(routes, "/x"), "/x");
  EXPECT_EQ(found(routes, "/x/"), "none");
  EXPECT_EQ(found(routes, "/"), "none");
  EXPECT_EQ(found(Routes(), "/"), "none");
}

TEST(Routes, OneForTheWholeTreeTakesEverything) {
  const Routes routes({{.path = "/*"}});
  EXPECT_EQ(found(routes, "/"), "/*");
  EXPECT_EQ(found(routes, "/a/b"), "/*");
}

class RecordingExchange final : public Exchange {
 public:
  explicit RecordingExchange(std::optional<wire::Response>& answered) : answered_(answered) {}
  void answer(wire::Response response) override { answered_ = std::move(response); }
  std::shared_ptr<wire::EventStream> start_events() override { return nullptr; }

 private:
  std::optional<wire::Response>& answered_;
};

TEST(Responder, ARequestThatIsDroppedIsAnswered500) {
  std::optional<wire::Response> answered;
  {
    Responder responder(std::make_shared<RecordingExchange>(answered));
    const Responder moved(std::move(responder));
    EXPECT_FALSE(answered);
  }
  ASSERT_TRUE(answered);
  EXPECT_EQ(answered->status, 500);
}

TEST(Responder, AnAnswerIsGivenOnce) {
  std::optional<wire::Response> answered;
  {
    Responder responder(std::make_shared<RecordingExchange>(answered));
    responder.answer(text_response(200, "ok"));
  }
  EXPECT_EQ(answered->status, 200);
  EXPECT_EQ(answered->body, "ok");
}

}  // namespace
}  // namespace troupe::socket
