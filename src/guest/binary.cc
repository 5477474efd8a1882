#include "guest/binary.h"

#include <algorithm>

namespace troupe::guest::binary {

std::uint64_t Reader::number() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 70; shift += 7) {
    const std::uint8_t part = byte();
    if (shift < 64) value |= std::uint64_t{part & 0x7FU} << shift;
    if ((part & 0x80) == 0) return value;
  }
  fail();
  return 0;
}

std::uint8_t Reader::value_type() {
  const std::uint8_t type = byte();
  if (type == 0x63 || type == 0x64) fail();
  return type;
}

std::uint64_t Reader::value_types() {
  const std::uint64_t count = number();
  for (std::uint64_t i = 0; i < count && ok_; ++i) value_type();
  return count;
}

void Reader::limits() {
  const std::uint8_t flags = byte();
  if (flags > 1) fail();  // shared, 64-bit
  numbers(flags == 1 ? 2 : 1);
}

std::uint64_t Reader::locals() {
  const std::uint64_t groups = number();
  std::uint64_t count = 0;
  for (std::uint64_t i = 0; i < groups && ok_; ++i) {
    count += number();
    value_type();
  }
  return count;
}

void Reader::memory_argument() {
  if (number() >= 64) fail();  // names a memory: there are several
  number();
}

void Reader::simd_operands() {
  const std::uint64_t op = number();
  const auto between = [op](std::uint64_t first, std::uint64_t last) {
    return op >= first && op <= last;
  };
  if (between(0, 11) || between(92, 93)) {
    memory_argument();
  } else if (op == 12 || op == 13) {
    take(16);
  } else if (between(21, 34)) {
    byte();
  } else if (between(84, 91)) {
    memory_argument();
    byte();
  } else if (op > 0x113) {
    fail();
  }
}

void Reader::bulk_operands() {
  const std::uint64_t op = number();
  if (op <= 7) return;  // conversions that saturate
  if (op == 8 || op == 10 || op == 12 || op == 14) {
    numbers(2);
  } else if (op <= 17) {
    numbers(1);
  } else {
    fail();
  }
}

void Reader::operands(std::uint8_t op) {
  const auto between = [op](std::uint8_t first, std::uint8_t last) {
    return op >= first && op <= last;
  };
  if (between(0x02, 0x04)) {  // block, loop, if
    const std::size_t begin = at();
    number();
    if (since(begin) == "\x63" || since(begin) == "\x64") fail();
  } else if (op == 0x0E) {  // br_table
    numbers(number() + 1);
  } else if (op == 0x0C || op == 0x0D || op == op_call ||
             op == 0x12) {  // br, br_if, call, return_call
    number();
  } else if (op == 0x11 || op == 0x13) {  // calls through a table
    numbers(2);
  } else if (op == 0x1C) {  // select with a type
    value_types();
  } else if (between(0x20, 0x26) || op == 0x3F ||
             op == op_memory_grow) {  // variables, tables, a memory's size
    number();
  } else if (between(0x28, 0x3E)) {
    memory_argument();
  } else if (op == 0x41 || op == 0x42) {
    number();
  } else if (op == 0x43) {
    take(4);
  } else if (op == 0x44) {
    take(8);
  } else if (op == 0xD0 || op == 0xD2) {  // ref.null, ref.func
    number();
  } else if (op == 0xFC) {
    bulk_operands();
  } else if (op == 0xFD) {
    simd_operands();
  } else if (!(op <= 0x01 || op == 0x05 || op == op_end || op == 0x0F || op == 0x1A || op == 0x1B ||
               between(0x45, 0xC4) || op == 0xD1)) {
    fail();
  }
}

void Reader::expression() {
  while (!at_end()) {
    const std::uint8_t op = byte();
    if (op == op_end) return;
    operands(op);
  }
  fail();
}

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

std::string appended(std::string_view list, std::string_view entries, std::uint64_t count) {
  Reader in(list);
  const std::uint64_t before = list.empty() ? 0 : in.number();
  std::string out;
  put_number(out, before + count);
  out += list.substr(in.at());
  out += entries;
  return out;
}

void put_section(std::string& out, std::uint8_t id, std::string_view content) {
  out.push_back(static_cast<char>(id));
  put_sized(out, content);
}

std::optional<Sections> Sections::read(std::string_view wasm) {
  Sections sections;
  Reader in(wasm);
  sections.header_ = in.take(8);
  while (!in.at_end()) {
    const std::uint8_t id = in.byte();
    sections.sections_.push_back({id, in.take(in.number())});
  }
  if (!in.ok()) return std::nullopt;
  return sections;
}

const Section* Sections::find(std::uint8_t id) const {
  const auto found = std::ranges::find(sections_, id, &Section::id);
  return found == sections_.end() ? nullptr : &*found;
}

std::uint64_t Sections::count_of(std::uint8_t id) const {
  const Section* section = find(id);
  return section == nullptr ? 0 : Reader(section->content).number();
}

void Sections::make_place_for(std::uint8_t id) {
  if (find(id) != nullptr) return;
  // Start, elements, count of data, code and data come behind the exports, and those behind the
  // globals; tags, the odd one, come before both.
  const auto at = std::ranges::find_if(sections_, [id](const Section& section) {
    return (section.id >= start && section.id <= 12) || (id == globals && section.id == exports);
  });
  sections_.insert(at, Section{id, {}});
}

void Sections::remove(std::uint8_t id) {
  std::erase_if(sections_, [id](const Section& section) { return section.id == id; });
}

std::string Sections::with(const std::map<std::uint8_t, Entries>& more,
                           std::string_view new_code) const {
  const auto points_into_code = [](std::string_view content) {
    Reader in(content);
    const std::string_view name = in.name();
    return name.starts_with(".debug_") || name.starts_with("metadata.code.");
  };
  Sections places = *this;
  for (const auto& [id, entries] : more) {
    if (entries.count != 0) places.make_place_for(id);
  }
  std::string out(header_);
  for (const Section& section : places.sections_) {
    const auto found = more.find(section.id);
    if (found != more.end()) {
      const auto& [bytes, count] = found->second;
      put_section(out, section.id, appended(section.content, bytes, count));
    } else if (section.id == code && !new_code.empty()) {
      put_section(out, code, new_code);
    } else if (section.id != custom || new_code.empty() || !points_into_code(section.content)) {
      put_section(out, section.id, section.content);
    }
  }
  return out;
}

std::string with_function_named(std::string_view wasm,
                                std::uint64_t function,
                                std::string_view name) {
  const std::optional<Sections> sections = Sections::read(wasm);
  if (!sections) return std::string(wasm);
  constexpr std::uint8_t module_name = 0;
  constexpr std::uint8_t function_names = 1;
  std::string entry;
  put_number(entry, function);
  put_sized(entry, name);

  std::string out(sections->header());
  std::string named;  // the section that names, without its own name
  for (const Section& section : sections->all()) {
    Reader in(section.content);
    if (section.id != custom || in.name() != "name" || !in.ok()) {
      put_section(out, section.id, section.content);
      continue;
    }
    named = section.content.substr(in.at());
  }
  // Its parts stand in the order of their ids, each once.
  std::string content;
  put_sized(content, "name");
  bool done = false;
  const auto put_names = [&](std::string_view others) {
    put_section(content, function_names, appended(others, entry, 1));
    done = true;
  };
  Reader in(named);
  while (!in.at_end()) {
    const std::uint8_t id = in.byte();
    const std::string_view part = in.take(in.number());
    if (!in.ok()) break;
    if (id == function_names && !done) {
      put_names(part);
      continue;
    }
    if (id > module_name && !done) put_names({});
    put_section(content, id, part);
  }
  if (!done) put_names({});
  put_section(out, custom, content);
  return out;
}

std::optional<Shape> Shape::of(const Sections& sections, std::string_view not_exported) {
  const Section* const type_section = sections.find(binary::types);
  const Section* const function_section = sections.find(functions);
  const Section* const memory_section = sections.find(memories);
  if (type_section == nullptr || function_section == nullptr || memory_section == nullptr ||
      sections.find(code) == nullptr) {
    return std::nullopt;
  }
  Shape shape;
  {
    Reader in(type_section->content);
    const std::uint64_t count = in.number();
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
      if (in.byte() != type_function) in.fail();
      shape.parameters.push_back(in.value_types());
      in.value_types();
    }
    if (!in.ok()) return std::nullopt;
  }
  if (const Section* section = sections.find(imports)) {
    Reader in(section->content);
    const std::uint64_t count = in.number();
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
      const std::string_view module = in.name();
      const std::string_view name = in.name();
      switch (in.byte()) {
        case a_function:
          in.number();
          shape.imported_functions.push_back({module, name});
          break;
        case a_global:
          in.value_type();
          in.byte();
          ++shape.imported_globals;
          break;
        default:
          in.fail();  // a table, a memory, a tag: nobody provides them
      }
    }
    if (!in.ok()) return std::nullopt;
  }
  {
    Reader in(function_section->content);
    const std::uint64_t count = in.number();
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) shape.types.push_back(in.number());
    if (!in.ok()) return std::nullopt;
  }
  {
    Reader in(memory_section->content);
    if (in.number() != 1) in.fail();
    in.limits();
    if (!in.ok()) return std::nullopt;
  }
  if (const Section* section = sections.find(exports)) {
    Reader in(section->content);
    const std::uint64_t count = in.number();
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
      if (in.name() == not_exported) in.fail();
      in.byte();
      in.number();
    }
    if (!in.ok()) return std::nullopt;
  }
  shape.globals = shape.imported_globals + sections.count_of(binary::globals);
  return shape;
}

std::optional<std::string> rewritten_code(
    std::string_view code,
    const std::function<std::optional<std::string>(std::size_t number, std::string_view body)>&
        rewrite,
    const Sections::Entries& more) {
  Reader in(code);
  const std::uint64_t count = in.number();
  std::string out;
  put_number(out, count + more.count);
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    const std::optional<std::string> body = rewrite(i, in.take(in.number()));
    if (!body) return std::nullopt;
    put_sized(out, *body);
  }
  if (!in.ok() || !in.at_end()) return std::nullopt;
  return out + more.bytes;
}

}  // namespace troupe::guest::binary
