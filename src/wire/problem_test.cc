#include "wire/problem.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>

namespace troupe::wire {
namespace {

TEST(Problem, SaysWhatWhereAndWhichRequest) {
  const Response response = problem_response(
      {.status = 404, .type = "missing", .detail = "there is no \"x\"", .request_id = "abc"});
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(response.body,
            "{\"type\":\"missing\",\"title\":\"Not Found\",\"status\":404,"
            "\"detail\":\"there is no \\\"x\\\"\",\"request_id\":\"abc\"}\n");
}

TEST(Problem, ListsReasonsAndSaysWhenToTryAgain) {
  const std::array<std::string, 2> reasons = {"one", "two"};
  const Response response = problem_response(
      {.status = 503, .type = "down", .detail = "d", .reasons = reasons, .retry_seconds = 7});
  EXPECT_NE(response.body.find("\"reasons\":[\"one\",\"two\"]"), std::string::npos);
  const std::pair<std::string, std::string> retry = {"Retry-After", "7"};
  EXPECT_EQ(response.headers.back(), retry);
}

}  // namespace
}  // namespace troupe::wire
