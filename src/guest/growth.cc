#include "guest/growth.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace troupe::guest {

namespace {

enum SectionId : std::uint8_t {
  custom = 0,
  types = 1,
  imports = 2,
  functions = 3,
  memories = 5,
  globals = 6,
  exports = 7,
  code = 10,
};

constexpr std::uint8_t type_i32 = 0x7F;
constexpr std::uint8_t type_function = 0x60;
constexpr std::uint8_t op_end = 0x0B;
constexpr std::uint8_t op_call = 0x10;
constexpr std::uint8_t op_memory_grow = 0x40;

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
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
      const std::uint8_t part = byte();
      if (shift < 64) value |= std::uint64_t{part & 0x7FU} << shift;
      if ((part & 0x80) == 0) return value;
    }
    fail();
    return 0;
  }
  void numbers(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count && ok_; ++i) number();
  }
  // A type of one byte; those of more belong to garbage collection.
  void value_type() {
    const std::uint8_t type = byte();
    if (type == 0x63 || type == 0x64) fail();
  }
  void value_types() {
    const std::uint64_t count = number();
    for (std::uint64_t i = 0; i < count && ok_; ++i) value_type();
  }
  void limits() {
    const std::uint8_t flags = byte();
    if (flags > 1) fail();  // shared, 64-bit
    numbers(flags == 1 ? 2 : 1);
  }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

void put_number(std::string& out, std::uint64_t value) {
  do {
    const auto part = static_cast<std::uint8_t>(value & 0x7F);
    value >>= 7;
    out.push_back(static_cast<char>(value == 0 ? part : part | 0x80));
  } while (value != 0);
}

void put_sized(std::string& out, std::string_view bytes) {
  put_number(out, bytes.size());
  out += bytes;
}

void read_memory_argument(Reader& in) {
  if (in.number() >= 64) in.fail();  // names a memory: there are several
  in.number();
}

void read_simd(Reader& in) {
  const std::uint64_t op = in.number();
  const auto between = [op](std::uint64_t first, std::uint64_t last) {
    return op >= first && op <= last;
  };
  if (between(0, 11) || between(92, 93)) {
    read_memory_argument(in);
  } else if (op == 12 || op == 13) {
    in.take(16);
  } else if (between(21, 34)) {
    in.byte();
  } else if (between(84, 91)) {
    read_memory_argument(in);
    in.byte();
  } else if (op > 0x113) {
    in.fail();
  }
}

void read_bulk(Reader& in) {
  const std::uint64_t op = in.number();
  if (op <= 7) return;  // conversions that saturate
  if (op == 8 || op == 10 || op == 12 || op == 14) {
    in.numbers(2);
  } else if (op <= 17) {
    in.numbers(1);
  } else {
    in.fail();
  }
}

// The rest of an instruction, which is not memory.grow.
void read_operands(Reader& in, std::uint8_t op) {
  const auto between = [op](std::uint8_t first, std::uint8_t last) {
    return op >= first && op <= last;
  };
  if (between(0x02, 0x04)) {  // block, loop, if
    const std::size_t begin = in.at();
    in.number();
    if (in.since(begin) == "\x63" || in.since(begin) == "\x64") in.fail();
  } else if (op == 0x0E) {  // br_table
    in.numbers(in.number() + 1);
  } else if (op == 0x0C || op == 0x0D || op == op_call ||
             op == 0x12) {  // br, br_if, call, return_call
    in.number();
  } else if (op == 0x11 || op == 0x13) {  // calls through a table
    in.numbers(2);
  } else if (op == 0x1C) {  // select with a type
    in.value_types();
  } else if (between(0x20, 0x26) || op == 0x3F) {  // variables, tables, memory.size
    in.number();
  } else if (between(0x28, 0x3E)) {
    read_memory_argument(in);
  } else if (op == 0x41 || op == 0x42) {
    in.number();
  } else if (op == 0x43) {
    in.take(4);
  } else if (op == 0x44) {
    in.take(8);
  } else if (op == 0xD0 || op == 0xD2) {  // ref.null, ref.func
    in.number();
  } else if (op == 0xFC) {
    read_bulk(in);
  } else if (op == 0xFD) {
    read_simd(in);
  } else if (!(op <= 0x01 || op == 0x05 || op == op_end || op == 0x0F || op == 0x1A || op == 0x1B ||
               between(0x45, 0xC4) || op == 0xD1)) {
    in.fail();
  }
}

// A function's body with its memory.grow replaced. Counts them.
std::string rewrite_body(std::string_view body,
                         std::uint64_t helper,
                         std::size_t& replaced,
                         bool& ok) {
  Reader in(body);
  const std::uint64_t groups = in.number();
  for (std::uint64_t i = 0; i < groups && in.ok(); ++i) {
    in.number();
    in.value_type();
  }
  std::string out;
  std::size_t copied = 0;
  while (!in.at_end()) {
    const std::size_t begin = in.at();
    const std::uint8_t op = in.byte();
    if (op != op_memory_grow) {
      read_operands(in, op);
      continue;
    }
    if (in.number() != 0) in.fail();
    out += body.substr(copied, begin - copied);
    out.push_back(static_cast<char>(op_call));
    put_number(out, helper);
    copied = in.at();
    ++replaced;
  }
  out += body.substr(copied);
  ok = ok && in.ok();
  return out;
}

struct Section {
  std::uint8_t id;
  std::string_view content;
};

class Rewriter {
 public:
  explicit Rewriter(std::string_view wasm) {
    Reader in(wasm);
    header_ = in.take(8);
    while (!in.at_end()) {
      const std::uint8_t id = in.byte();
      sections_.push_back({id, in.take(in.number())});
    }
    ok_ = in.ok();
  }

  std::optional<std::string> rewrite() {
    if (!ok_ || !find(types) || !find(functions) || !find(memories) || !find(code))
      return std::nullopt;
    count_types();
    count_imports();
    check_memory();
    check_exports();
    const std::uint64_t functions_before = imported_functions_ + count_of(functions);
    const std::uint64_t global = imported_globals_ + count_of(globals);
    std::size_t replaced = 0;
    const std::string new_code = rewrite_code(functions_before, helper_body(global), replaced);
    if (!ok_ || replaced == 0) return std::nullopt;

    std::string type;
    for (const std::uint8_t byte :
         {type_function, std::uint8_t{1}, type_i32, std::uint8_t{1}, type_i32}) {
      type.push_back(static_cast<char>(byte));
    }
    std::string function;
    put_number(function, types_);
    constexpr std::string_view mutable_zero("\x7F\x01\x41\x00\x0B", 5);
    std::string exported;
    put_sized(exported, growth_refused_export);
    exported.push_back(3);
    put_number(exported, global);

    make_place_for(globals, [](std::uint8_t id) { return id == exports || is_behind_exports(id); });
    make_place_for(exports, is_behind_exports);
    std::string out(header_);
    for (const Section& section : sections_) {
      switch (section.id) {
        case custom:
          if (!speaks_of_offsets(section.content)) put_section(out, custom, section.content);
          break;
        case types:
          put_section(out, types, appended(section.content, type));
          break;
        case functions:
          put_section(out, functions, appended(section.content, function));
          break;
        case globals:
          put_section(out, globals, appended(section.content, mutable_zero));
          break;
        case exports:
          put_section(out, exports, appended(section.content, exported));
          break;
        case code:
          put_section(out, code, new_code);
          break;
        default:
          put_section(out, section.id, section.content);
      }
    }
    return out;
  }

 private:
  const Section* find(std::uint8_t id) const {
    for (const Section& section : sections_) {
      if (section.id == id) return &section;
    }
    return nullptr;
  }
  std::uint64_t count_of(std::uint8_t id) const {
    const Section* section = find(id);
    return section == nullptr ? 0 : Reader(section->content).number();
  }

  // Start, elements, count of data, code and data.
  static bool is_behind_exports(std::uint8_t id) { return id >= 8 && id <= 12; }
  template <class Behind>
  void make_place_for(std::uint8_t id, Behind behind) {
    if (find(id) != nullptr) return;
    const auto at = std::ranges::find_if(sections_, [&](const Section& s) { return behind(s.id); });
    sections_.insert(at, Section{id, {}});
  }

  static void put_section(std::string& out, std::uint8_t id, std::string_view content) {
    out.push_back(static_cast<char>(id));
    put_sized(out, content);
  }
  // A section that is a list, with one more entry.
  static std::string appended(std::string_view list, std::string_view entry) {
    Reader in(list);
    const std::uint64_t count = list.empty() ? 0 : in.number();
    std::string out;
    put_number(out, count + 1);
    out += list.substr(in.at());
    out += entry;
    return out;
  }
  // Sections that point into code, which has moved.
  static bool speaks_of_offsets(std::string_view content) {
    Reader in(content);
    const std::string_view name = in.take(in.number());
    return name.starts_with(".debug_") || name.starts_with("metadata.code.");
  }

  void count_types() {
    Reader in(find(types)->content);
    types_ = in.number();
    for (std::uint64_t i = 0; i < types_ && in.ok(); ++i) {
      if (in.byte() != type_function) in.fail();
      in.value_types();
      in.value_types();
    }
    ok_ = ok_ && in.ok();
  }

  void count_imports() {
    const Section* section = find(imports);
    if (section == nullptr) return;
    Reader in(section->content);
    const std::uint64_t count = in.number();
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
      in.take(in.number());
      in.take(in.number());
      switch (in.byte()) {
        case 0:
          in.number();
          ++imported_functions_;
          break;
        case 3:
          in.value_type();
          in.byte();
          ++imported_globals_;
          break;
        default:
          in.fail();  // a table, a memory, a tag: nobody provides them
      }
    }
    ok_ = ok_ && in.ok();
  }

  void check_memory() {
    Reader in(find(memories)->content);
    if (in.number() != 1) in.fail();
    in.limits();
    ok_ = ok_ && in.ok();
  }

  void check_exports() {
    const Section* section = find(exports);
    if (section == nullptr) return;
    Reader in(section->content);
    const std::uint64_t count = in.number();
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
      if (in.take(in.number()) == growth_refused_export) in.fail();
      in.byte();
      in.number();
    }
    ok_ = ok_ && in.ok();
  }

  // (func (param i32) (result i32)
  //   (local.tee 0 (memory.grow (local.get 0)))
  //   (if (i32.eq (i32.const -1)) (then (global.set $refused (i32.const 1)) unreachable))
  //   (local.get 0))
  static std::string helper_body(std::uint64_t global) {
    std::string body("\x00\x20\x00\x40\x00\x22\x00\x41\x7F\x46\x04\x40\x41\x01\x24", 15);
    put_number(body, global);
    body += std::string_view("\x00\x0B\x20\x00\x0B", 5);
    return body;
  }

  std::string rewrite_code(std::uint64_t helper,
                           std::string_view helper_body,
                           std::size_t& replaced) {
    Reader in(find(code)->content);
    const std::uint64_t count = in.number();
    std::string out;
    put_number(out, count + 1);
    for (std::uint64_t i = 0; i < count && in.ok() && ok_; ++i) {
      put_sized(out, rewrite_body(in.take(in.number()), helper, replaced, ok_));
    }
    put_sized(out, helper_body);
    ok_ = ok_ && in.ok() && in.at_end();
    return out;
  }

  std::string_view header_;
  std::vector<Section> sections_;
  std::uint64_t types_ = 0;
  std::uint64_t imported_functions_ = 0;
  std::uint64_t imported_globals_ = 0;
  bool ok_ = true;
};

}  // namespace

std::optional<std::string> with_noted_growth(std::string_view wasm) {
  return Rewriter(wasm).rewrite();
}

}  // namespace troupe::guest
