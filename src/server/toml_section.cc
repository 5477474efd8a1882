#include "server/toml_section.h"

#include "server/suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace troupe::server {
namespace {

std::string_view describe(toml::node_type type) {
  switch (type) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a number with a point";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

}  // namespace

void TomlNotes::mistake(toml::source_position at, std::string_view key, std::string_view message) {
  mistakes_.push_back({at, fmt::format("{}: {}", place(at, key), message)});
}

std::string TomlNotes::place(toml::source_position at, std::string_view key) const {
  std::string text = at.line == 0 ? file_ : fmt::format("{}:{}:{}", file_, at.line, at.column);
  if (!key.empty()) text.append(": ").append(key);
  return text;
}

std::string TomlNotes::text() const {
  std::vector<Mistake> sorted = mistakes_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Mistake& a, const Mistake& b) {
    return std::pair(a.at.line, a.at.column) < std::pair(b.at.line, b.at.column);
  });
  std::string text;
  for (const Mistake& mistake : sorted) {
    if (!text.empty()) text += '\n';
    text += mistake.text;
  }
  return text;
}

std::optional<toml::table> parse_toml(std::string_view text, TomlNotes& notes) {
  // Debian's library is built to throw.
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    notes.mistake(error.source().begin, "", error.description());
    return std::nullopt;
  }
}

Section::Section(TomlNotes& notes,
                 const toml::table& table,
                 std::string path,
                 std::string pattern,
                 toml::source_position at)
    : notes_(notes), table_(table), path_(std::move(path)), pattern_(std::move(pattern)), at_(at) {}

std::string Section::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

const toml::node* Section::find(std::string_view key) {
  asked_.emplace_back(key);
  notes_.known_keys.insert(pattern_.empty() ? std::string(key)
                                            : fmt::format("{}.{}", pattern_, key));
  return table_.get(key);
}

void Section::wrong_type(std::string_view key, const toml::node& node, std::string_view expected) {
  notes_.mistake(node.source().begin,
                 path_of(key),
                 fmt::format("expected {}, got {}", expected, describe(node.type())));
}

bool Section::string(std::string_view key, std::string& value) {
  const toml::node* node = find(key);
  if (node == nullptr) return false;
  const toml::value<std::string>* text = node->as_string();
  if (text == nullptr) {
    wrong_type(key, *node, "a string");
    return false;
  }
  value = text->get();
  return true;
}

bool Section::flag(std::string_view key, bool& value) {
  const toml::node* node = find(key);
  if (node == nullptr) return false;
  const toml::value<bool>* flag = node->as_boolean();
  if (flag == nullptr) {
    wrong_type(key, *node, "true or false");
    return false;
  }
  value = flag->get();
  return true;
}

std::optional<std::int64_t> Section::integer(std::string_view key,
                                             std::int64_t min,
                                             std::int64_t max) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  const toml::value<std::int64_t>* number = node->as_integer();
  if (number == nullptr) {
    wrong_type(key, *node, "an integer");
    return std::nullopt;
  }
  if (number->get() < min || number->get() > max) {
    notes_.mistake(node->source().begin,
                   path_of(key),
                   fmt::format("must be between {} and {}, got {}", min, max, number->get()));
    return std::nullopt;
  }
  return number->get();
}

bool Section::strings(std::string_view key, const Take& take) {
  const toml::node* node = find(key);
  if (node == nullptr) return false;
  const toml::array* list = node->as_array();
  if (list == nullptr) {
    wrong_type(key, *node, "a list of strings");
    return false;
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    const toml::node& element = (*list)[i];
    const std::string name = fmt::format("{}[{}]", key, i);
    if (const toml::value<std::string>* text = element.as_string()) {
      take(text->get(), [&](std::string_view message) {
        notes_.mistake(element.source().begin, path_of(name), message);
      });
    } else {
      wrong_type(name, element, "a string");
    }
  }
  return true;
}

void Section::table(std::string_view key, const std::function<void(Section&)>& read) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const toml::table* table = node->as_table();
  if (table == nullptr) {
    wrong_type(key, *node, "a table");
    return;
  }
  const std::string pattern =
      pattern_.empty() ? std::string(key) : fmt::format("{}.{}", pattern_, key);
  Section section(notes_, *table, path_of(key), pattern, table->source().begin);
  read(section);
  section.finish();
}

void Section::tables(std::string_view key, std::string_view name, const ReadNamed& read) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const toml::table* table = node->as_table();
  if (table == nullptr) {
    wrong_type(key, *node, "a table of tables");
    return;
  }
  const std::string pattern = pattern_.empty() ? fmt::format("{}.{}", key, name)
                                               : fmt::format("{}.{}.{}", pattern_, key, name);
  for (const auto& [member, value] : *table) {
    const std::string member_name(member.str());
    const std::string path = fmt::format("{}.{}", path_of(key), member_name);
    const toml::table* inner = value.as_table();
    if (inner == nullptr) {
      wrong_type(fmt::format("{}.{}", key, member_name), value, "a table");
      continue;
    }
    Section section(notes_, *inner, path, pattern, member.source().begin);
    read(member_name, section);
    section.finish();
  }
}

void Section::list(std::string_view key, const std::function<void(Section&)>& read) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    wrong_type(key, *node, fmt::format("a list of tables (each begins with [[{}]])", key));
    return;
  }
  for (std::size_t i = 0; i < array->size(); ++i) {
    const std::string path = fmt::format("{}[{}]", path_of(key), i);
    const toml::node& element = (*array)[i];
    const toml::table* inner = element.as_table();
    if (inner == nullptr) {
      wrong_type(fmt::format("{}[{}]", key, i), element, "a table");
      continue;
    }
    Section section(notes_, *inner, path, std::string(key), inner->source().begin);
    read(section);
    section.finish();
  }
}

void Section::string_table(std::string_view key, const TakePair& take) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const toml::table* table = node->as_table();
  if (table == nullptr) {
    wrong_type(key, *node, "a table of strings");
    return;
  }
  for (const auto& [name, value] : *table) {
    if (const toml::value<std::string>* text = value.as_string()) {
      take(std::string(name.str()), text->get());
    } else {
      wrong_type(fmt::format("{}.{}", key, name.str()), value, "a string");
    }
  }
}

void Section::not_offered(std::string_view key, std::string_view message) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  notes_.mistake(node->source().begin,
                 path_of(key),
                 fmt::format("this version of troupe does not offer it yet; {}", message));
}

void Section::mistake(std::string_view key, std::string_view message) {
  const toml::node* node = key.empty() ? nullptr : table_.get(key);
  notes_.mistake(
      node != nullptr ? node->source().begin : at_, key.empty() ? path_ : path_of(key), message);
}

void Section::finish() {
  for (const auto& [key, value] : table_) {
    if (std::find(asked_.begin(), asked_.end(), key.str()) != asked_.end()) continue;
    notes_.mistake(key.source().begin,
                   path_of(key.str()),
                   fmt::format("unknown key{}", suggestion(key.str(), asked_)));
  }
}

}  // namespace troupe::server
