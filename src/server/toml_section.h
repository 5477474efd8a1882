// A TOML file read table by table, with every mistake noted and none hiding another.
//
// A reader asks a Section for each key it knows, with the type and range it wants; finish() then
// notes the keys nobody asked for. What is wrong is noted with line, column and key, and the value
// keeps its default, so that reading goes on. The one place that includes toml++. Not thread-safe.
#pragma once

#include <toml++/toml.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::server {

// One file's mistakes, and the keys that its reader knows.
class TomlNotes {
 public:
  // `file` as the messages shall name it.
  explicit TomlNotes(std::string file) : file_(std::move(file)) {}
  TomlNotes(const TomlNotes&) = delete;
  TomlNotes& operator=(const TomlNotes&) = delete;

  void mistake(toml::source_position at, std::string_view key, std::string_view message);
  bool sound() const { return mistakes_.empty(); }
  // FILE:LINE:COLUMN: KEY: MESSAGE, in the order of the file, one a line.
  std::string text() const;
  // FILE:LINE:COLUMN: KEY, for messages of those who use what was read; FILE: KEY for what did not
  // come from TOML.
  std::string place(toml::source_position at, std::string_view key) const;

  std::set<std::string> known_keys;  // `http.listen`, `plugins.NAME.source`, ...

 private:
  struct Mistake {
    toml::source_position at;
    std::string text;
  };
  std::string file_;
  std::vector<Mistake> mistakes_;
};

// The table of a whole file; nothing when its syntax is broken, which is noted.
std::optional<toml::table> parse_toml(std::string_view text, TomlNotes& notes);

class Section {
 public:
  // `path` names the table in messages ("plugins.todo"), `pattern` in the list of known keys
  // ("plugins.NAME"); both are empty for the file's root. Notes and table outlive the section.
  Section(TomlNotes& notes,
          const toml::table& table,
          std::string path,
          std::string pattern,
          toml::source_position at);
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;

  // Each leaves `value` as it is when the key is absent or wrong, and says whether it was set.
  bool string(std::string_view key, std::string& value);
  bool flag(std::string_view key, bool& value);
  template <class Number>
  bool number(std::string_view key, Number& value, std::int64_t min, std::int64_t max) {
    const std::optional<std::int64_t> read = integer(key, min, max);
    if (read) value = static_cast<Number>(*read);
    return read.has_value();
  }
  // A list of strings. `take` gets each with a function that notes a mistake at that element.
  using Note = std::function<void(std::string_view message)>;
  using Take = std::function<void(const std::string& text, const Note& note)>;
  bool strings(std::string_view key, const Take& take);

  // Runs `read` on the table at `key`, and finishes it; nothing when there is none.
  void table(std::string_view key, const std::function<void(Section&)>& read);
  // The same for each member of a table of tables: `read` gets the name too. `name` stands for
  // the members in the list of known keys.
  using ReadNamed = std::function<void(const std::string& name, Section&)>;
  void tables(std::string_view key, std::string_view name, const ReadNamed& read);
  // The same for each table of an array of tables.
  void list(std::string_view key, const std::function<void(Section&)>& read);
  // A table whose values are strings.
  using TakePair = std::function<void(const std::string& key, const std::string& value)>;
  void string_table(std::string_view key, const TakePair& take);

  // A key of the documentation that this version refuses, with what to do instead.
  void not_offered(std::string_view key, std::string_view message);

  // Notes a mistake at the value of `key`, or at the table's head when the key is absent or empty.
  void mistake(std::string_view key, std::string_view message);
  bool has(std::string_view key) const { return table_.contains(key); }
  // The place of the table, for messages of those who use what was read.
  std::string place() const { return notes_.place(at_, path_); }
  const std::string& path() const { return path_; }

  // Notes the keys that nobody asked for.
  void finish();

 private:
  const toml::node* find(std::string_view key);
  void wrong_type(std::string_view key, const toml::node& node, std::string_view expected);
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t min, std::int64_t max);
  std::string path_of(std::string_view key) const;

  TomlNotes& notes_;
  const toml::table& table_;
  const std::string path_;
  const std::string pattern_;
  const toml::source_position at_;
  std::vector<std::string> asked_;
};

}  // namespace troupe::server
