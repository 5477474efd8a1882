#include "guest/state_exports.h"

#include "guest/binary.h"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace troupe::guest {

namespace {

using namespace binary;

constexpr std::uint8_t op_table_set = 0x26;
constexpr std::uint8_t op_bulk = 0xFC;

constexpr bool is_number(std::uint8_t type) {
  return type >= 0x7B && type <= 0x7F;  // v128, f64, f32, i64, i32
}

// Instructions that change what is neither memory nor global.
std::string_view name_of_bulk(std::uint64_t op) {
  switch (op) {
    case 8:
      return "memory.init";
    case 9:
      return "data.drop";
    case 12:
      return "table.init";
    case 13:
      return "elem.drop";
    case 14:
      return "table.copy";
    case 15:
      return "table.grow";
    case 17:
      return "table.fill";
    default:
      return {};
  }
}

void put_export(std::string& out, std::string_view name, ImportKind kind, std::uint64_t index) {
  put_sized(out, name);
  out.push_back(static_cast<char>(kind));
  put_number(out, index);
}

// What is to be exported, or why it would not be enough.
class Inspection {
 public:
  explicit Inspection(const Sections& sections) : sections_(sections) {
    look_at_imports();
    look_at_memories();
    look_at_globals();
    look_at_exports();
    look_at_start();
    look_at_code();
    if (sections_.find(tags) != nullptr) refuse("it uses exceptions");
  }

  const std::string& reason() const { return reason_; }

  // Entries for the list of exports.
  std::string entries() const {
    std::string out;
    if (has_memory_) put_export(out, memory_export, a_memory, 0);
    if (start_) put_export(out, start_export, a_function, *start_);
    for (std::size_t i = 0; i < globals_.size(); ++i) {
      put_export(out, std::string(global_export) + std::to_string(i), a_global, globals_[i]);
    }
    return out;
  }
  std::uint64_t count() const { return globals_.size() + (has_memory_ ? 1 : 0) + (start_ ? 1 : 0); }

 private:
  // The first reason is told.
  void refuse(std::string reason) {
    if (reason_.empty()) reason_ = std::move(reason);
  }

  void look_at_imports() {
    const Section* section = sections_.find(imports);
    if (section == nullptr) return;
    Reader in(section->content);
    const std::uint64_t count = in.number();
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
      in.name();
      in.name();
      switch (in.byte()) {
        case a_function:
          in.number();
          break;
        case a_global:
          in.value_type();
          if (in.byte() != 0) refuse("it imports a global that can change");
          ++imported_globals_;
          break;
        case a_memory:
          refuse("it imports its memory");
          return;
        case a_table:
          refuse("it imports a table");
          return;
        default:
          refuse("it uses exceptions");
          return;
      }
    }
    if (!in.ok()) refuse("it imports what is not known here");
  }

  void look_at_memories() {
    const Section* section = sections_.find(memories);
    if (section == nullptr) return;
    Reader in(section->content);
    const std::uint64_t count = in.number();
    if (count > 1) refuse("it has several memories");
    if (count != 1) return;
    in.limits();
    if (!in.ok()) refuse("its memory is shared, or of 64 bits");
    has_memory_ = true;
  }

  void look_at_globals() {
    const Section* section = sections_.find(globals);
    if (section == nullptr) return;
    Reader in(section->content);
    const std::uint64_t count = in.number();
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
      const std::uint8_t type = in.value_type();
      const bool changes = in.byte() != 0;
      in.expression();
      if (!changes || !in.ok()) continue;
      if (!is_number(type)) refuse("it has a global reference that can change");
      if (globals_.size() == captured_globals_max) {
        refuse("it has more than " + std::to_string(captured_globals_max) +
               " globals that can change");
        return;
      }
      globals_.push_back(imported_globals_ + i);
    }
    if (!in.ok()) refuse("it has globals of a kind that is not known here");
  }

  void look_at_exports() {
    const Section* section = sections_.find(exports);
    if (section == nullptr) return;
    Reader in(section->content);
    const std::uint64_t count = in.number();
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
      if (in.name().starts_with(reserved_exports)) {
        refuse("it exports a name that begins with \"" + std::string(reserved_exports) + "\"");
      }
      in.byte();
      in.number();
    }
  }

  void look_at_start() {
    const Section* section = sections_.find(start);
    if (section != nullptr) start_ = Reader(section->content).number();
  }

  void look_at_code() {
    const Section* section = sections_.find(code);
    if (section == nullptr) return;
    Reader in(section->content);
    const std::uint64_t count = in.number();
    for (std::uint64_t i = 0; i < count && in.ok() && reason_.empty(); ++i) {
      look_at_body(in.take(in.number()));
    }
    if (!in.ok()) refuse("it has code of a kind that is not known here");
  }

  void look_at_body(std::string_view body) {
    Reader in(body);
    in.locals();
    while (!in.at_end() && reason_.empty()) {
      const std::size_t begin = in.at();
      const std::uint8_t op = in.byte();
      in.operands(op);
      std::string_view name;
      if (op == op_table_set) name = "table.set";
      if (op == op_bulk) {
        Reader again(in.since(begin + 1));
        name = name_of_bulk(again.number());
      }
      if (!name.empty()) refuse("it uses the instruction " + std::string(name));
    }
    if (!in.ok()) {
      refuse("it uses an instruction of garbage collection, exceptions, atomics or later");
    }
  }

  const Sections& sections_;
  std::string reason_;
  bool has_memory_ = false;
  std::optional<std::uint64_t> start_;
  std::uint64_t imported_globals_ = 0;
  std::vector<std::uint64_t> globals_;  // indices of those that can change
};

std::string with_entries(Sections sections, std::string_view entries, std::uint64_t count) {
  sections.make_place_for(exports);
  std::string out(sections.header());
  for (const Section& section : sections.all()) {
    if (section.id == exports) {
      put_section(out, exports, appended(section.content, entries, count));
    } else {
      put_section(out, section.id, section.content);
    }
  }
  return out;
}

// The reason is the name of one more export of the thing that is exported first. A module without
// exports cannot be called, and needs none.
std::string with_reason(Sections sections, const std::string& reason) {
  Reader in(sections.find(exports) == nullptr ? std::string_view()
                                              : sections.find(exports)->content);
  std::string entry;
  if (in.number() == 0) return with_entries(std::move(sections), entry, 0);
  in.name();
  const auto kind = static_cast<ImportKind>(in.byte());
  put_export(entry, std::string(not_capturable_export) + reason, kind, in.number());
  return with_entries(std::move(sections), entry, 1);
}

}  // namespace

std::string with_exported_state(std::string_view wasm) {
  std::optional<Sections> sections = Sections::read(wasm);
  if (!sections) return std::string(wasm);
  const Inspection inspection(*sections);
  if (!inspection.reason().empty()) return with_reason(*std::move(sections), inspection.reason());
  sections->remove(start);
  return with_entries(*std::move(sections), inspection.entries(), inspection.count());
}

}  // namespace troupe::guest
