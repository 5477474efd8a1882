// What a configuration leads to, for people: one row for each topic rule. Pure.
#pragma once

#include "server/config.h"

#include <string>
#include <string_view>
#include <vector>

namespace troupe::server {

struct TopicRow {
  std::string topic;
  std::string plugin;
  std::string behaviour;
  std::string actor;
  std::string shared;  // who has the actor in common
  std::string durability;
};

std::string_view name_of(actor::Behaviour behaviour);

std::vector<TopicRow> describe(const Config& config);

// Rows under a head, in columns; ends with a newline.
std::string as_table(const std::vector<TopicRow>& rows);
std::string as_json(const std::vector<TopicRow>& rows);

}  // namespace troupe::server
