#include "guest/growth.h"

#include "guest/binary.h"

#include <cstddef>
#include <cstdint>
#include <utility>

namespace troupe::guest {

namespace {

using namespace binary;

constexpr std::uint8_t type_i32 = 0x7F;

// A function's body with its memory.grow replaced. Counts them.
std::string rewrite_body(std::string_view body,
                         std::uint64_t helper,
                         std::size_t& replaced,
                         bool& ok) {
  Reader in(body);
  in.locals();
  std::string out;
  std::size_t copied = 0;
  while (!in.at_end()) {
    const std::size_t begin = in.at();
    const std::uint8_t op = in.byte();
    if (op != op_memory_grow) {
      in.operands(op);
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

class Rewriter {
 public:
  explicit Rewriter(Sections sections) : sections_(std::move(sections)) {}

  std::optional<std::string> rewrite() {
    if (!find(types) || !find(functions) || !find(memories) || !find(code)) return std::nullopt;
    count_types();
    count_imports();
    check_memory();
    check_exports();
    const std::uint64_t functions_before = imported_functions_ + sections_.count_of(functions);
    const std::uint64_t global = imported_globals_ + sections_.count_of(globals);
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
    constexpr std::string_view mutable_without_end("\x7F\x01\x41\xFF\xFF\xFF\xFF\x07\x0B", 9);
    std::string exported;
    put_sized(exported, growth_left_export);
    exported.push_back(a_global);
    put_number(exported, global);

    sections_.make_place_for(exports);
    sections_.make_place_for(globals);
    std::string out(sections_.header());
    for (const Section& section : sections_.all()) {
      switch (section.id) {
        case custom:
          if (!speaks_of_offsets(section.content)) put_section(out, custom, section.content);
          break;
        case types:
          put_section(out, types, appended(section.content, type, 1));
          break;
        case functions:
          put_section(out, functions, appended(section.content, function, 1));
          break;
        case globals:
          put_section(out, globals, appended(section.content, mutable_without_end, 1));
          break;
        case exports:
          put_section(out, exports, appended(section.content, exported, 1));
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
  const Section* find(std::uint8_t id) const { return sections_.find(id); }

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
      in.name();
      in.name();
      switch (in.byte()) {
        case a_function:
          in.number();
          ++imported_functions_;
          break;
        case a_global:
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
      if (in.name() == growth_left_export) in.fail();
      in.byte();
      in.number();
    }
    ok_ = ok_ && in.ok();
  }

  // (func (param i32) (result i32)
  //   (if (i32.gt_u (local.get 0) (global.get $left)) (then (global.set $left (i32.const -1))
  //   unreachable)) (global.set $left (i32.sub (global.get $left) (local.get 0))) (local.tee 0
  //   (memory.grow (local.get 0))) (if (i32.eq (i32.const -1)) (then (global.set $left (i32.const
  //   -1)) unreachable)) (local.get 0))
  static std::string helper_body(std::uint64_t global) {
    using namespace std::string_view_literals;
    std::string number;
    put_number(number, global);
    std::string body;
    for (const std::string_view part :
         {"\x00\x20\x00\x23"sv,
          "\x4B\x04\x40\x41\x7F\x24"sv,
          "\x00\x0B\x23"sv,
          "\x20\x00\x6B\x24"sv,
          "\x20\x00\x40\x00\x22\x00\x41\x7F\x46\x04\x40\x41\x7F\x24"sv}) {
      body += part;
      body += number;
    }
    body += "\x00\x0B\x20\x00\x0B"sv;
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

  Sections sections_;
  std::uint64_t types_ = 0;
  std::uint64_t imported_functions_ = 0;
  std::uint64_t imported_globals_ = 0;
  bool ok_ = true;
};

}  // namespace

std::optional<std::string> with_noted_growth(std::string_view wasm) {
  std::optional<Sections> sections = Sections::read(wasm);
  if (!sections) return std::nullopt;
  return Rewriter(*std::move(sections)).rewrite();
}

}  // namespace troupe::guest
