#include "server/log_line.h"

#include <gtest/gtest.h>

namespace troupe::server {
namespace {

TEST(LogLine, KnowsTheActorAndItsTurn) {
  const LogLine line = parse_log_line("[todo/todo:all turn 3] add failed (trap): [oops] no");
  EXPECT_EQ(line.plugin, "todo");
  EXPECT_EQ(line.actor, "todo/todo:all");
  EXPECT_EQ(line.turn, "3");
  EXPECT_EQ(line.text, "add failed (trap): [oops] no");
}

TEST(LogLine, KnowsThePluginWithoutAnActor) {
  const LogLine line = parse_log_line("[todo authorize] no");
  EXPECT_EQ(line.plugin, "todo");
  EXPECT_EQ(line.actor, "");
  EXPECT_EQ(line.turn, "");
}

TEST(LogLine, KnowsTheRequest) {
  const LogLine line = parse_log_line("[#abc] PUT /x: 201");
  EXPECT_EQ(line.request_id, "abc");
  EXPECT_EQ(line.plugin, "");
  EXPECT_EQ(line.text, "PUT /x: 201");
}

TEST(LogLine, IsTextOtherwise) {
  EXPECT_EQ(parse_log_line("ending").text, "ending");
  EXPECT_EQ(parse_log_line("[half").text, "[half");
}

}  // namespace
}  // namespace troupe::server
