#include "server/metrics.h"

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/metric_type.h>
#include <prometheus/text_serializer.h>

#include <fstream>
#include <limits>
#include <map>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace troupe::server {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

using Labels = std::vector<std::pair<std::string, std::string>>;

ClientMetric with_labels(const Labels& labels) {
  ClientMetric metric;
  for (const auto& [name, value] : labels) metric.label.push_back({name, value});
  return metric;
}

// One family of metrics: a name with a value for each set of labels.
class Family {
 public:
  Family(std::string name, std::string help, MetricType type) {
    family_.name = std::move(name);
    family_.help = std::move(help);
    family_.type = type;
  }

  void add(const Labels& labels, double value) {
    ClientMetric metric = with_labels(labels);
    if (family_.type == MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
    family_.metric.push_back(std::move(metric));
  }

  void add(const Labels& labels, const actor::TimeHistogram& times) {
    ClientMetric metric = with_labels(labels);
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < times.counts.size(); ++i) {
      below += times.counts[i];
      const double bound = i < times.bounds_ns.size()
                               ? static_cast<double>(times.bounds_ns[i]) / 1e9
                               : std::numeric_limits<double>::infinity();
      metric.histogram.bucket.push_back({below, bound});
    }
    metric.histogram.sample_count = below;
    metric.histogram.sample_sum = static_cast<double>(times.sum_ns) / 1e9;
    family_.metric.push_back(std::move(metric));
  }

  MetricFamily take() { return std::move(family_); }

 private:
  MetricFamily family_;
};

void add_journal(std::vector<MetricFamily>& families, const ProcessMetrics::Journal& journal) {
  const journal::Counters& counters = journal.counters;
  const auto add = [&](std::string name, std::string help, MetricType type, double value) {
    Family family(std::move(name), std::move(help), type);
    family.add({}, value);
    families.push_back(family.take());
  };
  const auto number = [](std::uint64_t count) { return static_cast<double>(count); };
  using enum MetricType;
  add("troupe_journal_commits_total", "Commits.", Counter, number(counters.commits));
  add("troupe_journal_entries_total", "Entries committed.", Counter, number(counters.entries));
  add("troupe_journal_bytes_total", "Bytes of entries.", Counter, number(counters.bytes));
  add("troupe_journal_checkpoints_total", "Checkpoints.", Counter, number(counters.checkpoints));
  add("troupe_journal_failures_total", "Commits that failed.", Counter, number(counters.failures));
  add("troupe_journal_refused_total", "Entries refused.", Counter, number(counters.refused));
  add("troupe_journal_pruned_total", "Old entries removed.", Counter, number(counters.pruned));
  add("troupe_journal_queued", "Entries that wait for the disk.", Gauge, number(counters.queued));
  add("troupe_journal_wal_bytes", "The write-ahead log.", Gauge, number(counters.wal_bytes));
  add("troupe_journal_writer_cpu_seconds_total",
      "CPU time of the writer.",
      Counter,
      number(counters.writer_cpu_ns) / 1e9);
  add("troupe_journal_refusing",
      "1 while it cannot be written.",
      Gauge,
      journal.is_refusing ? 1 : 0);
}

}  // namespace

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t whole = 0;
  std::size_t resident = 0;
  statm >> whole >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::string metrics_text(const std::vector<std::vector<actor::PluginCounters>>& shards,
                         const ProcessMetrics& process) {
  std::map<std::string, actor::PluginCounters> plugins;
  for (const auto& shard : shards) {
    for (const actor::PluginCounters& each : shard) plugins[each.plugin].add(each);
  }
  using enum MetricType;
  Family turns("troupe_turns_total", "Turns by how they ended.", Counter);
  Family waits("troupe_wait_seconds",
               "Time of a message from its arrival at the actor to its turn.",
               Histogram);
  Family times("troupe_turn_seconds", "Time of a turn, waits of the guest included.", Histogram);
  Family answers("troupe_answer_seconds", "Both together.", Histogram);
  Family limits("troupe_plugin_limit_reached_total",
                "Times that a bound of [plugins.NAME.limits] was reached.",
                Counter);
  Family wakes("troupe_wakes_total", "Instances given to actors.", Counter);
  Family sleeps("troupe_sleeps_total", "Instances taken from idle actors.", Counter);
  Family downs("troupe_downs_total", "Actors put down after failures.", Counter);
  Family switches("troupe_switches_total", "Actors that came to a new version.", Counter);
  Family refused("troupe_switches_refused_total", "Actors that stayed on an old version.", Counter);
  Family actors("troupe_actors", "Actors in memory, asleep ones too.", Gauge);
  Family awake("troupe_actors_awake", "Actors with an instance.", Gauge);
  for (const auto& [name, plugin] : plugins) {
    const Labels labels = {{"plugin", name}};
    const actor::Counters& counters = plugin.counters;
    const auto number = [](auto count) { return static_cast<double>(count); };
    turns.add({{"plugin", name}, {"result", "done"}}, number(counters.turns_done));
    turns.add({{"plugin", name}, {"result", "error"}}, number(counters.turns_error));
    turns.add({{"plugin", name}, {"result", "failed"}}, number(counters.turns_failed));
    waits.add(labels, counters.wait_times);
    times.add(labels, counters.turn_times);
    answers.add(labels, counters.answer_times);
    for (std::size_t i = 0; i < counters.reached.size(); ++i) {
      limits.add({{"plugin", name}, {"limit", std::string(actor::limit_names[i])}},
                 number(counters.reached[i]));
    }
    wakes.add(labels, number(counters.wakes));
    sleeps.add(labels, number(counters.sleeps));
    downs.add(labels, number(counters.downs));
    switches.add(labels, number(counters.switches));
    refused.add(labels, number(counters.switches_refused));
    actors.add(labels, number(plugin.actors));
    awake.add(labels, number(plugin.awake));
  }
  Family memory("process_resident_memory_bytes", "Resident memory of the server.", Gauge);
  memory.add({}, static_cast<double>(process.resident_bytes));
  Family connections("troupe_connections", "Open connections.", Gauge);
  connections.add({}, static_cast<double>(process.connections));

  Family bounds(
      "troupe_limit_reached_total", "Times that a bound of [limits] was reached.", Counter);
  for (std::size_t i = 0; i < bound_names.size(); ++i) {
    bounds.add({{"limit", std::string(bound_names[i])}},
               static_cast<double>(process.bounds_reached[i]));
  }

  std::vector<MetricFamily> families;
  for (Family* family : {&turns,
                         &waits,
                         &times,
                         &answers,
                         &limits,
                         &wakes,
                         &sleeps,
                         &downs,
                         &switches,
                         &refused,
                         &actors,
                         &awake,
                         &memory,
                         &connections,
                         &bounds}) {
    families.push_back(family->take());
  }
  if (process.journal) add_journal(families, *process.journal);
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace troupe::server
