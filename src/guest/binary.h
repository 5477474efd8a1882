// The binary format of WebAssembly modules, as far as they are read and rewritten here before
// compilation (growth.h, arena_access.h, state_exports.h). Private to this folder.
//
// Everything takes untrusted bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::guest::binary {

enum SectionId : std::uint8_t {
  custom = 0,
  types = 1,
  imports = 2,
  functions = 3,
  memories = 5,
  globals = 6,
  exports = 7,
  start = 8,
  code = 10,
  tags = 13,
};

enum ImportKind : std::uint8_t { a_function = 0, a_table = 1, a_memory = 2, a_global = 3 };

inline constexpr std::uint8_t type_function = 0x60;
inline constexpr std::uint8_t op_end = 0x0B;
inline constexpr std::uint8_t op_call = 0x10;
inline constexpr std::uint8_t op_memory_grow = 0x40;

// Reads a module's bytes. After the first thing it cannot read it gives zeroes and ok() is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  bool at_end() const { return !ok_ || at_ == bytes_.size(); }
  std::size_t at() const { return at_; }
  std::string_view since(std::size_t begin) const { return bytes_.substr(begin, at_ - begin); }
  void fail() { ok_ = false; }

  std::uint8_t byte() {
    if (at_end()) {
      fail();
      return 0;
    }
    return static_cast<std::uint8_t>(bytes_[at_++]);
  }
  std::string_view take(std::uint64_t count) {
    if (!ok_ || count > bytes_.size() - at_) {
      fail();
      return {};
    }
    at_ += count;
    return bytes_.substr(at_ - count, count);
  }
  // A number in LEB128. The value of a negative one is of no interest here.
  std::uint64_t number();
  void numbers(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count && ok_; ++i) number();
  }
  std::string_view name() { return take(number()); }
  // A type of one byte; those of more belong to garbage collection.
  std::uint8_t value_type();
  std::uint64_t value_types();  // how many
  // Of a memory or table; those that are shared or of 64 bits cannot be read.
  void limits();
  // The locals at the beginning of a function's body: how many.
  std::uint64_t locals();
  // The rest of an instruction; it cannot be read when it belongs to garbage collection,
  // exceptions, atomics or one of several memories.
  void operands(std::uint8_t op);
  // An initialising expression, to its end.
  void expression();

 private:
  void memory_argument();
  void simd_operands();
  void bulk_operands();

  std::string_view bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

void put_number(std::string& out, std::uint64_t value);
// A name, or the content of a section.
void put_sized(std::string& out, std::string_view bytes);
// A section that is a list, with more entries.
std::string appended(std::string_view list, std::string_view entries, std::uint64_t count);

struct Section {
  std::uint8_t id;
  std::string_view content;
};

void put_section(std::string& out, std::uint8_t id, std::string_view content);

// The sections of a module, in their order.
class Sections {
 public:
  // Nothing when the bytes do not fall into sections.
  static std::optional<Sections> read(std::string_view wasm);

  std::string_view header() const { return header_; }
  const std::vector<Section>& all() const { return sections_; }
  // Null when there is none; the first of custom sections.
  const Section* find(std::uint8_t id) const;
  // Of a section that is a list; 0 when there is none.
  std::uint64_t count_of(std::uint8_t id) const;
  // Adds an empty list of exports or globals where there is none.
  void make_place_for(std::uint8_t id);
  void remove(std::uint8_t id);

  // The module with more entries in its lists, and with other code if it is given. Sections that
  // point into code are left out then: it has moved.
  struct Entries {
    std::string bytes;
    std::uint64_t count = 0;
  };
  std::string with(const std::map<std::uint8_t, Entries>& more, std::string_view new_code) const;

 private:
  std::string_view header_;
  std::vector<Section> sections_;
};

// The module with a name for one more function, behind all that have names.
std::string with_function_named(std::string_view wasm,
                                std::uint64_t function,
                                std::string_view name);

// What must be known of a module to add functions and globals to it.
struct Shape {
  // Nothing when the module has no code or not just one memory, imports more than functions and
  // globals, or uses features that are not read here (garbage collection, exceptions, memories that
  // are shared or of 64 bits); nor when it has an export of this name.
  static std::optional<Shape> of(const Sections& sections, std::string_view not_exported);

  struct Import {
    std::string_view module;
    std::string_view name;
  };
  std::vector<std::uint64_t> parameters;   // how many, of each type
  std::vector<Import> imported_functions;  // they come before its own
  std::vector<std::uint64_t> types;        // of its own functions
  std::uint64_t imported_globals = 0;
  std::uint64_t globals = 0;  // in all
};

// Every function's body as `rewrite` gives it: that of a number among the module's own, or nothing
// when it cannot be read. Then the new bodies, with their sizes. Nothing when a body is not to be
// read.
std::optional<std::string> rewritten_code(
    std::string_view code,
    const std::function<std::optional<std::string>(std::size_t number, std::string_view body)>&
        rewrite,
    const Sections::Entries& more);

}  // namespace troupe::guest::binary
