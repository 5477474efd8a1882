#include "server/describe.h"

#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

namespace troupe::server {
namespace {

constexpr std::array<std::pair<std::string_view, std::string TopicRow::*>, 6> columns = {
    {{"topic", &TopicRow::topic},
     {"plugin", &TopicRow::plugin},
     {"behaviour", &TopicRow::behaviour},
     {"actor", &TopicRow::actor},
     {"shared by", &TopicRow::shared},
     {"durability", &TopicRow::durability}}};

// The names of the join parameters in a template, as `a` or `a and b`.
std::string parameters(std::string_view actor) {
  constexpr std::string_view open = "{param.";
  std::string names;
  for (std::size_t at = 0; (at = actor.find(open, at)) != std::string_view::npos;) {
    at += open.size();
    if (!names.empty()) names += " and ";
    names += actor.substr(at, actor.find('}', at) - at);
  }
  return names;
}

std::string shared_by(const channel::TopicRule& rule) {
  if (rule.actor.has_join()) return "nobody: one for each join";
  const std::string& actor = rule.actor.text();
  if (rule.actor.has_session()) return "the tabs of one browser";
  if (const std::string names = parameters(actor); !names.empty()) {
    return fmt::format("all viewers with the same {}", names);
  }
  const bool by_topic =
      actor.find("{topic}") != std::string::npos || actor.find("{rest}") != std::string::npos;
  return by_topic ? "all viewers of the topic" : "all viewers";
}

}  // namespace

std::string_view name_of(actor::Behaviour behaviour) {
  switch (behaviour) {
    case actor::Behaviour::call:
      return "call";
    case actor::Behaviour::live_state:
      return "live_state";
  }
  return "";
}

static std::string_view durability_of(const Config& config,
                                      std::vector<PluginConfig>::const_iterator plugin,
                                      const channel::TopicRule& rule) {
  constexpr std::array<std::string_view, 3> names = {"none", "async", "commit"};
  const bool is_kept =
      !config.data_dir.empty() && plugin != config.plugins.end() && !rule.actor.has_join();
  return names[is_kept ? static_cast<std::size_t>(plugin->durability) : 0];
}

std::vector<TopicRow> describe(const Config& config) {
  std::vector<TopicRow> rows;
  for (const TopicConfig& topic : config.topics) {
    const auto plugin =
        std::find_if(config.plugins.begin(), config.plugins.end(), [&](const PluginConfig& each) {
          return each.name == topic.rule.plugin;
        });
    rows.push_back(
        {.topic = topic.rule.match,
         .plugin = topic.rule.plugin,
         .behaviour = std::string(plugin == config.plugins.end() ? "" : name_of(plugin->behaviour)),
         .actor = topic.rule.actor.text(),
         .shared = shared_by(topic.rule),
         .durability = std::string(durability_of(config, plugin, topic.rule))});
  }
  return rows;
}

std::string as_table(const std::vector<TopicRow>& rows) {
  std::array<std::size_t, columns.size()> widths{};
  for (std::size_t i = 0; i < columns.size(); ++i) {
    widths[i] = columns[i].first.size();
    for (const TopicRow& row : rows)
      widths[i] = std::max(widths[i], (row.*columns[i].second).size());
  }
  std::string table;
  const auto add = [&](const auto& cell) {
    std::string line;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      line += fmt::format("{:{}}  ", cell(i), widths[i]);
    }
    table.append(line, 0, line.find_last_not_of(' ') + 1).append("\n");
  };
  add([](std::size_t i) { return columns[i].first; });
  for (const TopicRow& row : rows) {
    add([&](std::size_t i) -> std::string_view { return row.*columns[i].second; });
  }
  return table;
}

std::string as_json(const std::vector<TopicRow>& rows) {
  std::string text = "[";
  for (const TopicRow& row : rows) {
    text += text.size() == 1 ? "{" : ",{";
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) text += ',';
      std::string name(columns[i].first);
      std::replace(name.begin(), name.end(), ' ', '_');
      json::quote(text, name);
      text += ':';
      json::quote(text, row.*columns[i].second);
    }
    text += '}';
  }
  return text + "]\n";
}

}  // namespace troupe::server
