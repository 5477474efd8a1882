#include "guests/js/builder/snapshot.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <optional>
#include <utility>

namespace troupe::js {

namespace {

constexpr std::uint32_t page_bytes = 65536;
// Zeros between two runs of data that cost less than the head of another segment.
constexpr std::size_t segment_gap = 24;
constexpr std::uint8_t opcode_end = 0x0b;
constexpr std::uint8_t opcode_call = 0x10;
constexpr std::uint8_t opcode_i32_const = 0x41;
constexpr std::uint8_t opcode_local_get = 0x20;
constexpr std::uint8_t type_i32 = 0x7f;
constexpr std::uint8_t type_function = 0x60;

constexpr std::string_view kernel_module = "extism:host/env";
constexpr std::string_view build_module = "troupe:build";
constexpr std::string_view slot_prefix = "host_";  // and the number of a declared host function

std::uint8_t load_opcode(ValueType type) {
  switch (type) {
    case ValueType::i32:
      return 0x28;
    case ValueType::i64:
      return 0x29;
    case ValueType::f32:
      return 0x2a;
    case ValueType::f64:
      break;
  }
  return 0x2b;
}

std::uint8_t store_opcode(ValueType type) {
  return static_cast<std::uint8_t>(load_opcode(type) + 0x0e);
}

// An import that a plugin keeps only when its source needs it. Imports cannot be left out without
// renumbering all code, so one that is not needed becomes a second import of another function of
// the same type, which nobody calls.
struct OptionalImport {
  std::string_view module;
  std::string_view name;
  std::uint32_t use;  // as in ../core/core.h; 0: never kept
  std::string_view stand_in;
};

constexpr std::array optional_imports{
    OptionalImport{"extism:host/user", "troupe_self", 1 << 0, "input_length"},
    OptionalImport{"extism:host/user", "troupe_reply", 1 << 1, "free"},
    OptionalImport{"extism:host/user", "troupe_broadcast", 1 << 2, "free"},
    OptionalImport{"extism:host/user", "troupe_publish", 1 << 3, "free"},
    OptionalImport{"extism:host/user", "troupe_subscribe", 1 << 4, "free"},
    OptionalImport{"extism:host/user", "troupe_send", 1 << 5, "free"},
    OptionalImport{"extism:host/user", "troupe_timer", 1 << 6, "free"},
    OptionalImport{"extism:host/user", "troupe_cancel", 1 << 7, "free"},
    OptionalImport{kernel_module, "http_headers", 1 << 8, "input_length"},
    OptionalImport{build_module, "ask", 0, "length"},
};

struct Import {
  std::string_view module;
  std::string_view name;
  std::uint32_t type;
};

// What has to be known of the core to append to it.
struct Core {
  std::vector<ModuleSection> sections;
  std::vector<Import> imports;
  std::uint32_t types = 0;
  std::uint32_t functions = 0;  // defined ones, without the imports
  std::uint32_t invoke = 0;     // index of the function that runs an export
  std::uint32_t invoke_typed = 0;
  std::uint32_t stack_top = 0;

  std::span<const std::uint8_t> content(Section id) const {
    const auto found = std::ranges::find(sections, id, &ModuleSection::id);
    return found == sections.end() ? std::span<const std::uint8_t>() : found->content;
  }
};

Error unexpected(std::string_view what) {
  return Error{"the JavaScript core is not the one this builder is made for: " + std::string(what)};
}

Result<Core> read_core(std::span<const std::uint8_t> wasm) {
  Core core;
  TRY(core.sections, read_sections(wasm));

  core.types = BinaryReader(core.content(Section::type)).u32();
  core.functions = BinaryReader(core.content(Section::function)).u32();

  BinaryReader imports(core.content(Section::import));
  for (std::uint32_t count = imports.u32(); count > 0; count--) {
    Import import{imports.name(), imports.name(), 0};
    if (imports.byte() != static_cast<std::uint8_t>(ExternalKind::function))
      return unexpected("it imports more than functions");
    import.type = imports.u32();
    core.imports.push_back(import);
  }

  // The first global is the stack pointer. Others that may change would have to be part of the
  // snapshot.
  BinaryReader globals(core.content(Section::global));
  for (std::uint32_t i = 0, count = globals.u32(); i < count; i++) {
    const std::uint8_t type = globals.byte();
    const bool is_mutable = globals.byte() != 0;
    if (globals.byte() != opcode_i32_const) return unexpected("a global is not a plain number");
    const std::int32_t value = globals.s32();
    if (globals.byte() != opcode_end) return unexpected("a global is computed");
    if (is_mutable && (i > 0 || type != type_i32))
      return unexpected("it has more state than its memory");
    if (i == 0) core.stack_top = static_cast<std::uint32_t>(value);
  }

  BinaryReader exports(core.content(Section::exports));
  bool has_invoke = false;
  bool has_invoke_typed = false;
  for (std::uint32_t count = exports.u32(); count > 0; count--) {
    const std::string_view name = exports.name();
    const auto kind = static_cast<ExternalKind>(exports.byte());
    const std::uint32_t index = exports.u32();
    if (name == "invoke" && kind == ExternalKind::function) {
      core.invoke = index;
      has_invoke = true;
    } else if (name == "invoke_typed" && kind == ExternalKind::function) {
      core.invoke_typed = index;
      has_invoke_typed = true;
    }
  }
  if (!has_invoke || !has_invoke_typed)
    return unexpected("it has no function \"invoke\" or \"invoke_typed\"");
  if (!core.content(Section::start).empty()) return unexpected("it has a start function");
  if (!imports.ok() || !globals.ok() || !exports.ok())
    return unexpected("a section ends too early");
  return core;
}

// A section that is a counted list, with `more` entries behind its own.
Bytes appended(std::span<const std::uint8_t> section, std::uint32_t more, const Bytes& entries) {
  BinaryReader reader(section);
  Bytes out;
  put_u32(out, reader.u32() + more);
  put_bytes(out, reader.rest());
  put_bytes(out, entries);
  return out;
}

// The slot that an import is: the core knows declared host functions only by numbers.
std::optional<std::uint32_t> slot_of(const Import& import) {
  if (import.module != build_module || !import.name.starts_with(slot_prefix)) return std::nullopt;
  return static_cast<std::uint32_t>(
      std::atoi(std::string(import.name.substr(slot_prefix.size())).c_str()));
}

void put_function_type(Bytes& out, const FunctionType& type) {
  out.push_back(type_function);
  for (const auto* list : {&type.parameters, &type.results}) {
    put_u32(out, static_cast<std::uint32_t>(list->size()));
    for (const ValueType each : *list) out.push_back(static_cast<std::uint8_t>(each));
  }
}

// The types that a plugin has beyond the core's, each once.
class AddedTypes {
 public:
  explicit AddedTypes(std::uint32_t first) : first_(first) {}

  std::uint32_t index_of(const FunctionType& type) {
    auto found = std::ranges::find(types_, type);
    if (found == types_.end()) found = types_.insert(types_.end(), type);
    return first_ + static_cast<std::uint32_t>(found - types_.begin());
  }
  std::uint32_t count() const { return static_cast<std::uint32_t>(types_.size()); }
  Bytes entries() const {
    Bytes out;
    for (const FunctionType& type : types_) put_function_type(out, type);
    return out;
  }

 private:
  std::uint32_t first_;
  std::vector<FunctionType> types_;
};

Result<Bytes> imports_of(const Core& core,
                         const SnapshotInput& input,
                         AddedTypes& types,
                         std::vector<std::string>& host_functions) {
  Bytes out;
  put_u32(out, static_cast<std::uint32_t>(core.imports.size()));
  for (const Import& import : core.imports) {
    Import written = import;
    const auto slot = slot_of(import);
    const auto optional =
        std::ranges::find_if(optional_imports, [&](const OptionalImport& candidate) {
          return candidate.module == import.module && candidate.name == import.name;
        });
    if (slot && *slot < input.host_functions.size()) {
      // Called only by code that is written below, so its type is free.
      const DeclaredFunction& declared = input.host_functions[*slot];
      written = {declared.module, declared.name, types.index_of(declared.type)};
      host_functions.push_back(declared.name);
    } else if (slot || (optional != optional_imports.end() && !(input.uses & optional->use))) {
      const std::string_view name = slot ? "free" : optional->stand_in;
      const auto stand_in = std::ranges::find_if(core.imports, [&](const Import& candidate) {
        return candidate.module == kernel_module && candidate.name == name &&
               (slot || candidate.type == import.type);
      });
      if (stand_in == core.imports.end())
        return unexpected("nothing can stand in for " + std::string(import.name));
      written = *stand_in;
    } else if (import.module == "extism:host/user") {
      host_functions.emplace_back(import.name);
    }
    put_name(out, written.module);
    put_name(out, written.name);
    out.push_back(static_cast<std::uint8_t>(ExternalKind::function));
    put_u32(out, written.type);
  }
  return out;
}

// The table's elements, with those that are slots of declared host functions pointing at
// `first_bridge` and so on.
Result<Bytes> elements_of(const Core& core, std::size_t declared, std::uint32_t first_bridge) {
  BinaryReader reader(core.content(Section::element));
  if (reader.u32() != 1 || reader.u32() != 0 || reader.byte() != opcode_i32_const)
    return unexpected("its table is filled in another way");
  Bytes out;
  put_u32(out, 1);
  put_u32(out, 0);
  out.push_back(opcode_i32_const);
  put_s32(out, reader.s32());
  if (reader.byte() != opcode_end) return unexpected("its table begins at a computed place");
  out.push_back(opcode_end);
  const std::uint32_t count = reader.u32();
  put_u32(out, count);
  std::size_t replaced = 0;
  for (std::uint32_t i = 0; i < count && reader.ok(); i++) {
    std::uint32_t function = reader.u32();
    const auto slot =
        function < core.imports.size() ? slot_of(core.imports[function]) : std::nullopt;
    if (slot && *slot < declared) {
      function = first_bridge + *slot;
      replaced++;
    }
    put_u32(out, function);
  }
  if (!reader.ok() || replaced != declared) return unexpected("its table lacks a slot");
  return out;
}

void put_memory_access(Bytes& body, std::uint8_t opcode, std::uint32_t offset) {
  body.push_back(opcode);
  put_u32(body, 0);  // no alignment promised
  put_u32(body, offset);
}

constexpr std::uint32_t cell_bytes = 8;

// The function behind an export.
Bytes export_body(const ExportedFunction& function, const Core& core, std::uint32_t cells) {
  Bytes body{0 /* locals */};
  const auto put_cells = [&] {
    body.push_back(opcode_i32_const);
    put_s32(body, static_cast<std::int32_t>(cells));
  };
  if (function.typed) {
    for (std::uint32_t i = 0; i < function.type.parameters.size(); i++) {
      put_cells();
      body.push_back(opcode_local_get);
      put_u32(body, i);
      put_memory_access(body, store_opcode(function.type.parameters[i]), i * cell_bytes);
    }
  }
  body.push_back(opcode_i32_const);
  put_s32(body, static_cast<std::int32_t>(function.index));
  if (function.typed) {
    body.push_back(opcode_i32_const);
    put_s32(body, static_cast<std::int32_t>(*function.typed));
  }
  body.push_back(opcode_call);
  put_u32(body, function.typed ? core.invoke_typed : core.invoke);
  if (function.typed && !function.type.results.empty()) {
    put_cells();
    put_memory_access(body, load_opcode(function.type.results[0]), 0);
  }
  body.push_back(opcode_end);
  return body;
}

// The function behind a slot: takes the address of the cells, calls the import.
Bytes bridge_body(const DeclaredFunction& declared, std::uint32_t import) {
  Bytes body{0 /* locals */};
  const auto put_cells = [&] {
    body.push_back(opcode_local_get);
    put_u32(body, 0);
  };
  if (!declared.type.results.empty()) put_cells();
  for (std::uint32_t i = 0; i < declared.type.parameters.size(); i++) {
    put_cells();
    put_memory_access(body, load_opcode(declared.type.parameters[i]), i * cell_bytes);
  }
  body.push_back(opcode_call);
  put_u32(body, import);
  if (!declared.type.results.empty())
    put_memory_access(body, store_opcode(declared.type.results[0]), 0);
  body.push_back(opcode_end);
  return body;
}

// The runs of bytes that are not zero, as active segments. What lies below the stack pointer is the
// dead end of the evaluation's stack and is left out.
Bytes data_of(std::span<const std::uint8_t> memory, std::uint32_t stack_top, std::uint32_t& count) {
  Bytes segments;
  count = 0;
  const auto is_data = [](std::uint8_t byte) { return byte != 0; };
  const auto live = memory.subspan(std::min<std::size_t>(stack_top, memory.size()));
  auto at = std::find_if(live.begin(), live.end(), is_data);
  while (at != live.end()) {
    auto end = at;
    auto next = at;
    do {
      end = std::find(next, live.end(), 0);
      next = std::find_if(end, live.end(), is_data);
    } while (next != live.end() && static_cast<std::size_t>(next - end) < segment_gap);
    segments.push_back(0);  // active, of memory 0
    segments.push_back(opcode_i32_const);
    put_s32(segments, static_cast<std::int32_t>(&*at - memory.data()));
    segments.push_back(opcode_end);
    put_u32(segments, static_cast<std::uint32_t>(end - at));
    put_bytes(segments, {at, end});
    count++;
    at = next;
  }
  Bytes out;
  put_u32(out, count);
  put_bytes(out, segments);
  return out;
}

}  // namespace

Result<Snapshot> make_snapshot(const SnapshotInput& input) {
  TRY(const Core core, read_core(input.core));
  Snapshot snapshot;
  std::map<Section, Bytes> replaced;

  AddedTypes types(core.types);
  TRY(replaced[Section::import], imports_of(core, input, types, snapshot.host_functions));

  // One function for each export and for each declared host function.
  Bytes function_types;
  Bytes bodies;
  Bytes exports;
  std::uint32_t functions = 0;
  const auto first_function = static_cast<std::uint32_t>(core.imports.size()) + core.functions;
  const auto add_function = [&](const FunctionType& type, const Bytes& body) {
    put_u32(function_types, types.index_of(type));
    put_u32(bodies, static_cast<std::uint32_t>(body.size()));
    put_bytes(bodies, body);
    return first_function + functions++;
  };
  put_u32(exports, static_cast<std::uint32_t>(input.exports.size()) + 1);
  put_name(exports, "memory");
  exports.push_back(static_cast<std::uint8_t>(ExternalKind::memory));
  put_u32(exports, 0);
  for (const ExportedFunction& function : input.exports) {
    put_name(exports, function.name);
    exports.push_back(static_cast<std::uint8_t>(ExternalKind::function));
    put_u32(exports, add_function(function.type, export_body(function, core, input.cells)));
  }
  TRY(replaced[Section::element],
      elements_of(core, input.host_functions.size(), first_function + functions));
  for (std::uint32_t slot = 0; slot < input.host_functions.size(); slot++) {
    const auto import = std::ranges::find_if(
        core.imports, [&](const Import& candidate) { return slot_of(candidate) == slot; });
    add_function({{ValueType::i32}, {}},
                 bridge_body(input.host_functions[slot],
                             static_cast<std::uint32_t>(import - core.imports.begin())));
  }
  replaced[Section::type] = appended(core.content(Section::type), types.count(), types.entries());
  replaced[Section::function] =
      appended(core.content(Section::function), functions, function_types);
  replaced[Section::code] = appended(core.content(Section::code), functions, bodies);
  replaced[Section::exports] = std::move(exports);

  Bytes& memory = replaced[Section::memory];
  put_u32(memory, 1);
  memory.push_back(0);  // a minimum and no maximum: the host's limit holds
  put_u32(memory, static_cast<std::uint32_t>(input.memory.size() / page_bytes));

  std::uint32_t segments = 0;
  replaced[Section::data] = data_of(input.memory, core.stack_top, segments);
  put_u32(replaced[Section::data_count], segments);

  put_bytes(snapshot.wasm, input.core.first(8));
  for (const ModuleSection& section : core.sections) {
    if (section.id == Section::custom) continue;
    const auto found = replaced.find(section.id);
    put_section(
        snapshot.wasm,
        section.id,
        found == replaced.end() ? section.content : std::span<const std::uint8_t>(found->second));
  }
  Bytes description;
  put_name(description, "troupe");
  put_bytes(
      description,
      {reinterpret_cast<const std::uint8_t*>(input.description.data()), input.description.size()});
  put_section(snapshot.wasm, Section::custom, description);
  return snapshot;
}

}  // namespace troupe::js
