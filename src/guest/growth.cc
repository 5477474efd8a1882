#include "guest/growth.h"

#include "guest/binary.h"

#include <cstddef>
#include <cstdint>
#include <utility>

namespace troupe::guest {

namespace {

using namespace binary;

// A function's body with its memory.grow replaced. Counts them.
std::optional<std::string> rewrite_body(std::string_view body,
                                        std::uint64_t helper,
                                        std::size_t& replaced) {
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
  if (!in.ok()) return std::nullopt;
  out += body.substr(copied);
  return out;
}

// (func (param i32) (result i32)
//   (if (i32.gt_u (local.get 0) (global.get $left)) (then (global.set $left (i32.const -1))
//   unreachable)) (global.set $left (i32.sub (global.get $left) (local.get 0))) (local.tee 0
//   (memory.grow (local.get 0))) (if (i32.eq (i32.const -1)) (then (global.set $left (i32.const
//   -1)) unreachable)) (local.get 0))
std::string helper_body(std::uint64_t global) {
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

}  // namespace

std::optional<std::string> with_noted_growth(std::string_view wasm) {
  const std::optional<Sections> sections = Sections::read(wasm);
  if (!sections) return std::nullopt;
  const std::optional<Shape> shape = Shape::of(*sections, growth_left_export);
  if (!shape) return std::nullopt;

  Sections::Entries body{.bytes = {}, .count = 1};
  put_sized(body.bytes, helper_body(shape->globals));
  std::size_t replaced = 0;
  const std::optional<std::string> new_code = rewritten_code(
      sections->find(code)->content,
      [helper = shape->imported_functions.size() + shape->types.size(), &replaced](
          std::size_t, std::string_view each) { return rewrite_body(each, helper, replaced); },
      body);
  if (!new_code || replaced == 0) return std::nullopt;

  Sections::Entries function{.bytes = {}, .count = 1};
  put_number(function.bytes, shape->parameters.size());
  Sections::Entries exported{.bytes = {}, .count = 1};
  put_sized(exported.bytes, growth_left_export);
  exported.bytes.push_back(a_global);
  put_number(exported.bytes, shape->globals);
  // An i32 that can change: 2^31 - 1.
  constexpr std::string_view without_end("\x7F\x01\x41\xFF\xFF\xFF\xFF\x07\x0B", 9);
  const std::string out = sections->with({{types, {"\x60\x01\x7F\x01\x7F", 1}},  // i32 to i32
                                          {functions, function},
                                          {globals, {std::string(without_end), 1}},
                                          {exports, exported}},
                                         *new_code);
  return with_function_named(
      out, shape->imported_functions.size() + shape->types.size(), growth_refused_function);
}

namespace {

// Of the sections of a component, which are framed like a module's.
constexpr std::uint8_t core_module = 1;
constexpr std::uint8_t inner_component = 4;
// Components within components: deeper ones are left as they are.
constexpr int nesting_max = 8;

std::string rewritten_component(std::string_view component, int nesting) {
  const std::optional<Sections> sections = Sections::read(component);
  if (!sections) return std::string(component);
  std::string out(sections->header());
  for (const Section& section : sections->all()) {
    std::string content(section.content);
    if (section.id == core_module) {
      content = with_noted_growth(section.content).value_or(content);
    } else if (section.id == inner_component && nesting < nesting_max) {
      content = rewritten_component(section.content, nesting + 1);
    }
    put_section(out, section.id, content);
  }
  return out;
}

}  // namespace

std::string component_with_noted_growth(std::string_view component) {
  return rewritten_component(component, 0);
}

}  // namespace troupe::guest
