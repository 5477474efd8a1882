#include "base/child_process.h"

#include <gtest/gtest.h>

#include <csignal>
#include <string>

namespace troupe {
namespace {

TEST(ChildProcess, ItsStreamsAreKeptApartAndItsStatusIsTold) {
  const Finished finished =
      run({.words = {"/bin/sh", "-c", "echo out; echo err >&2; exit 3"}, .folder = "/"});
  EXPECT_TRUE(finished.started);
  EXPECT_FALSE(finished.succeeded());
  EXPECT_EQ(finished.exit_status, 3);
  EXPECT_EQ(finished.output, "out\n");
  EXPECT_EQ(finished.errors, "err\n");
}

TEST(ChildProcess, WordsReachItAsTheyAre) {
  const Finished finished = run({.words = {"/bin/echo", "a b", "$HOME", "'"}, .folder = "/"});
  EXPECT_TRUE(finished.succeeded());
  EXPECT_EQ(finished.output, "a b $HOME '\n");
}

TEST(ChildProcess, RunsInItsFolderWithVariablesOfItsOwn) {
  const Finished finished = run({.words = {"/bin/sh", "-c", "pwd; echo $TROUPE_TEST $HOME"},
                                 .folder = "/usr/bin",
                                 .variables = {{"TROUPE_TEST", "yes"}, {"HOME", "/nowhere"}}});
  EXPECT_EQ(finished.output, "/usr/bin\nyes /nowhere\n");
}

TEST(ChildProcess, IsEndedWithAllItHasStartedWhenItsTimeIsOver) {
  const Finished finished = run({.words = {"/bin/sh", "-c", "echo begun; sleep 600; echo never"},
                                 .folder = "/",
                                 .time_max = std::chrono::milliseconds(100)});
  EXPECT_TRUE(finished.timed_out);
  EXPECT_FALSE(finished.succeeded());
  EXPECT_EQ(finished.exit_status, 128 + SIGKILL);
}

TEST(ChildProcess, WhatItLeavesInTheBackgroundHoldsNobodyUp) {
  const Finished finished = run({.words = {"/bin/sh", "-c", "sleep 5 & echo done"}, .folder = "/"});
  EXPECT_TRUE(finished.succeeded());
  EXPECT_EQ(finished.output, "done\n");
}

TEST(ChildProcess, OutputBeyondItsBoundIsDropped) {
  std::size_t seen = 0;
  const Finished finished =
      run({.words = {"/bin/sh", "-c", "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2"},
           .folder = "/",
           .output_bytes_max = 1000,
           .errors_seen = [&](std::string_view piece) { seen += piece.size(); }});
  EXPECT_TRUE(finished.succeeded());
  EXPECT_EQ(finished.output.size(), 1000U);
  EXPECT_EQ(finished.errors.size(), 1000U);
  EXPECT_EQ(seen, 300'000U);
}

TEST(ChildProcess, AProgramThatIsNotThereIsNotStarted) {
  EXPECT_FALSE(run({.words = {"/no/such/program"}, .folder = "/"}).started);
  EXPECT_TRUE(find_program("sh"));
  EXPECT_FALSE(find_program("no-such-program-of-troupe"));
}

}  // namespace
}  // namespace troupe
