// Any text: we accept what another strict parser accepts, and the tape fits the text.
#include "base/json.h"
#include "fuzz/check.h"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace json = troupe::json;

namespace {

// Every value's span is that value, read alone; children and siblings are where the nodes say.
void check_value(const json::Tape& tape, std::uint32_t index) {
  json::Value value(tape, index);
  std::uint32_t children = 0;
  std::uint32_t next = index + 1;
  for (json::Value element : value.elements()) {
    check(element.index() == next);
    check_value(tape, next);
    next = element.next();
    ++children;
  }
  for (json::Member member : value.members()) {
    check(member.name.index() == next && member.name.is_string());
    check_value(tape, member.name.index());
    check_value(tape, member.value.index());
    next = member.next();
    ++children;
  }
  check(children == value.size());
  check(next == value.next());
  if (children == 0) {
    json::Tape alone;
    check(json::parse(value.raw(), alone).has_value());
    check(alone.nodes.size() == 1 && alone.root().kind() == value.kind());
  }
  if (value.is_string()) {
    std::string characters = value.string();
    check(value.is(characters));
    check(nlohmann::json::parse(value.raw()).get<std::string>() == characters);
    std::string quoted;
    json::quote(quoted, characters);
    json::Tape alone;
    check(json::parse(quoted, alone).has_value());
    check(alone.root().string() == characters);
    check(json::compare_strings(tape, value.node(), alone, alone.nodes[0]) == 0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  json::Tape tape;
  auto parsed = json::parse(text, tape);
  check(parsed.has_value() == !tape.nodes.empty());
  // They skip a byte order mark and end at a zero byte; both are refused here.
  const bool theirs_to_take =
      text.starts_with("\xEF\xBB\xBF") || text.find('\0') != std::string_view::npos;
  const bool too_deep =
      parsed.has_error() && parsed.error().message.find("too deeply") != std::string::npos;
  if (theirs_to_take) {
    check(parsed.has_error());
  } else if (!too_deep) {
    check(parsed.has_value() == nlohmann::json::accept(text));
  }
  if (parsed.has_value()) {
    check(tape.root().next() == tape.nodes.size());
    check_value(tape, 0);
  }

  std::string quoted;
  json::quote(quoted, text);
  check(json::parse(quoted, tape).has_value());
  return 0;
}
