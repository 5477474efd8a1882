#include "server/metrics.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

namespace troupe::server {
namespace {

actor::PluginCounters counters(std::uint64_t done) {
  actor::PluginCounters of{.plugin = "todo", .actors = 3, .awake = 1};
  of.counters.turns_done = done;
  of.counters.reach(actor::Limit::timers);
  of.counters.wait_times.add(0);
  of.counters.answer_times.add(60'000);
  of.counters.turn_times.add(60'000);
  of.counters.turn_times.add(20'000'000'000);
  return of;
}

TEST(Metrics, AddUpTheShardsByPlugin) {
  const std::string text =
      metrics_text({{counters(2)}, {counters(5)}}, {.connections = 4, .bounds_reached = {7}});
  const auto has = [&](std::string_view line) { return text.find(line) != std::string::npos; };
  EXPECT_TRUE(has("troupe_turns_total{plugin=\"todo\",result=\"done\"} 7\n")) << text;
  EXPECT_TRUE(has("troupe_plugin_limit_reached_total{plugin=\"todo\",limit=\"timers\"} 2\n"))
      << text;
  EXPECT_TRUE(has("troupe_actors{plugin=\"todo\"} 6\n")) << text;
  EXPECT_TRUE(has("troupe_turn_seconds_count{plugin=\"todo\"} 4\n")) << text;
  EXPECT_TRUE(has("troupe_turn_seconds_bucket{plugin=\"todo\",le=\"0.0001\"} 2\n")) << text;
  EXPECT_TRUE(has("troupe_turn_seconds_bucket{plugin=\"todo\",le=\"+Inf\"} 4\n")) << text;
  EXPECT_TRUE(has("troupe_wait_seconds_bucket{plugin=\"todo\",le=\"5e-05\"} 2\n")) << text;
  EXPECT_TRUE(has("troupe_answer_seconds_count{plugin=\"todo\"} 2\n")) << text;
  EXPECT_TRUE(has("troupe_connections 4\n")) << text;
  EXPECT_TRUE(has("troupe_limit_reached_total{limit=\"connections\"} 7\n")) << text;
}

TEST(Metrics, NameEveryBoundOnce) {
  ProcessMetrics process;
  for (std::size_t i = 0; i < bound_names.size(); ++i) process.bounds_reached[i] = i + 100;
  const std::string text = metrics_text({{counters(1)}}, process);
  for (std::size_t i = 0; i < bound_names.size(); ++i) {
    const std::string line =
        fmt::format("troupe_limit_reached_total{{limit=\"{}\"}} {}\n", bound_names[i], i + 100);
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
  static_assert(bound_names[static_cast<std::size_t>(Bound::instance_pages)] == "instance_pages");
  static_assert(bound_names[static_cast<std::size_t>(Bound::actor_idle)] == "actor_idle_ms");
  static_assert(bound_names[static_cast<std::size_t>(Bound::upload_bytes)] == "upload_bytes");
  static_assert(actor::limit_names[static_cast<std::size_t>(actor::Limit::vars)] == "vars");
}

TEST(Metrics, TellOfAJournalWhereThereIsOne) {
  const std::string without = metrics_text({}, {});
  EXPECT_EQ(without.find("troupe_journal"), std::string::npos);
  const std::string text = metrics_text(
      {}, {.journal = {{{.commits = 3, .writer_cpu_ns = 1'500'000'000}, /*is_refusing=*/true}}});
  const auto has = [&](std::string_view line) { return text.find(line) != std::string::npos; };
  EXPECT_TRUE(has("troupe_journal_commits_total 3\n")) << text;
  EXPECT_TRUE(has("troupe_journal_writer_cpu_seconds_total 1.5\n")) << text;
  EXPECT_TRUE(has("troupe_journal_refusing 1\n")) << text;
}

TEST(Metrics, KnowTheMemoryOfTheProcess) {
  EXPECT_GT(resident_bytes(), 1'000'000U);
}

}  // namespace
}  // namespace troupe::server
