#include "guest/arena_access.h"

#include "guest/arena.h"
#include "guest/binary.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

namespace troupe::guest {

namespace {

using namespace binary;
using namespace std::string_view_literals;

constexpr char i32 = 0x7F;
constexpr char i64 = 0x7E;
constexpr char no_result = 0x40;

// What a function may have, by Wasmtime's rules.
constexpr std::uint64_t locals_max = 50'000;
constexpr std::uint64_t new_locals = 3;

// The module's own is the first.
constexpr std::uint64_t window = 1;

static_assert(Arena::root_bytes == 64, "the constant in put_test is that");

struct Access {
  std::string_view name;
  bool of_input;
  bool of_words;
  bool stores;

  char value_type() const { return of_words ? i64 : i32; }
  WindowBound bound() const {
    if (of_input) return of_words ? WindowBound::input_words : WindowBound::input_bytes;
    return of_words ? WindowBound::words : WindowBound::bytes;
  }
};

constexpr std::array accesses{
    Access{"load_u8", false, false, false},
    Access{"load_u64", false, true, false},
    Access{"store_u8", false, false, true},
    Access{"store_u64", false, true, true},
    Access{"input_load_u8", true, false, false},
    Access{"input_load_u64", true, true, false},
};

const Access* access_of(const Shape::Import& import) {
  std::string_view name = import.name;
  if (import.module == "env" && name.starts_with("extism_")) {
    name.remove_prefix("extism_"sv.size());
  } else if (import.module != "extism:host/env") {
    return nullptr;
  }
  for (const Access& access : accesses) {
    if (access.name == name) return &access;
  }
  return nullptr;
}

class Rewriting {
 public:
  explicit Rewriting(const Shape& shape) : shape_(shape) {
    for (std::size_t i = 0; i < shape.imported_functions.size(); ++i) {
      if (const Access* access = access_of(shape.imported_functions[i]))
        accesses_.emplace(i, access);
    }
  }

  std::size_t replaced() const { return replaced_; }

  std::optional<std::string> rewrite(std::size_t number, std::string_view body) {
    if (number >= shape_.types.size() || shape_.types[number] >= shape_.parameters.size()) {
      return std::nullopt;
    }
    Reader in(body);
    const std::uint64_t locals = in.locals();
    const std::size_t code_begin = in.at();
    std::string out;
    std::size_t copied = code_begin;
    const std::uint64_t first = shape_.parameters[shape_.types[number]] + locals;
    while (!in.at_end()) {
      const std::size_t begin = in.at();
      const std::uint8_t op = in.byte();
      if (op != op_call) {
        in.operands(op);
        continue;
      }
      const std::uint64_t callee = in.number();
      const auto found = accesses_.find(callee);
      if (found == accesses_.end() || first > locals_max - new_locals) continue;
      out += body.substr(copied, begin - copied);
      put_access(out, *found->second, callee, first);
      copied = in.at();
      ++replaced_;
    }
    if (!in.ok()) return std::nullopt;
    if (copied == code_begin) return std::string(body);
    out += body.substr(copied);

    // The address, and a value to be stored of either size.
    static constexpr std::string_view declared("\x02\x7E\x01\x7F");
    Reader groups(body);
    const std::uint64_t count = groups.number();
    std::string locals_too;
    put_number(locals_too, count + 2);
    locals_too += body.substr(groups.at(), code_begin - groups.at());
    locals_too += declared;
    return locals_too + out;
  }

 private:
  // With the arguments on the stack, as for the call:
  //   (if (address is within bounds) (then load or store in the window) (else call the function))
  void put_access(std::string& out,
                  const Access& access,
                  std::uint64_t function,
                  std::uint64_t first_local) const {
    const std::uint64_t address = first_local;
    const std::uint64_t value = access.of_words ? first_local + 1 : first_local + 2;
    if (access.stores) put(out, '\x21', value);         // local.set
    put(out, '\x22', address);                          // local.tee
    if (!access.of_input) out += "\x42\xC0\x00\x7D"sv;  // i64.const 64, i64.sub
    put(out, '\x23', global(access.bound()));           // global.get
    out += "\x54\x04"sv;                                // i64.lt_u, if
    out.push_back(access.stores ? no_result : access.value_type());
    put(out, '\x20', address);  // local.get
    if (access.of_input) {
      put(out, '\x23', global(WindowBound::input));
      out.push_back('\x7C');  // i64.add
    }
    out.push_back('\xA7');  // i32.wrap_i64
    if (access.stores) {
      put(out, '\x20', value);
      out.push_back(access.of_words ? '\x37' : '\x3A');  // i64.store, i32.store8
    } else {
      out.push_back(access.of_words ? '\x29' : '\x2D');  // i64.load, i32.load8_u
    }
    out.push_back('\x40');  // not aligned, and the memory is named
    put_number(out, window);
    put_number(out, 0);     // offset
    out.push_back('\x05');  // else
    put(out, '\x20', address);
    if (access.stores) put(out, '\x20', value);
    put(out, static_cast<char>(op_call), function);
    out.push_back(static_cast<char>(op_end));
  }

  static void put(std::string& out, char op, std::uint64_t operand) {
    out.push_back(op);
    put_number(out, operand);
  }

  std::uint64_t global(WindowBound bound) const {
    return shape_.globals + static_cast<std::uint64_t>(bound);
  }

  const Shape& shape_;
  std::map<std::uint64_t, const Access*> accesses_;  // by the number of the imported function
  std::size_t replaced_ = 0;
};

}  // namespace

std::optional<std::string> with_window(std::string_view wasm) {
  const std::optional<Sections> sections = Sections::read(wasm);
  if (!sections) return std::nullopt;
  const std::optional<Shape> shape = Shape::of(*sections, window_export);
  if (!shape) return std::nullopt;

  Rewriting rewriting(*shape);
  const std::optional<std::string> new_code = rewritten_code(
      sections->find(code)->content,
      [&](std::size_t number, std::string_view body) { return rewriting.rewrite(number, body); },
      {});
  if (!new_code || rewriting.replaced() == 0) return std::nullopt;

  Sections::Entries exported;
  const auto export_as = [&](std::string_view name, ImportKind kind, std::uint64_t index) {
    put_sized(exported.bytes, name);
    exported.bytes.push_back(static_cast<char>(kind));
    put_number(exported.bytes, index);
    ++exported.count;
  };
  Sections::Entries bounds;
  export_as(window_export, a_memory, window);
  for (std::size_t i = 0; i < window_bound_exports.size(); ++i) {
    export_as(window_bound_exports[i], a_global, shape->globals + i);
    bounds.bytes += "\x7E\x01\x42\x00\x0B"sv;  // an i64 that can change: 0
    ++bounds.count;
  }
  return sections->with(
      {{memories, {std::string("\x00\x00"sv), 1}}, {globals, bounds}, {exports, exported}},
      *new_code);
}

}  // namespace troupe::guest
