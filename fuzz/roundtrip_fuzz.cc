// Two documents, one line each: the patch between them leads from the first to the second.
#include "fuzz/check.h"
#include "state/apply.h"
#include "state/canonical.h"
#include "state/diff.h"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using troupe::state::Canonical;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto line = text.find('\n');
  if (line == std::string_view::npos) return 0;
  auto before = Canonical::read(text.substr(0, line));
  auto after = Canonical::read(text.substr(line + 1));
  if (before.has_error() || after.has_error()) return 0;

  static troupe::state::Differ differ;
  std::string patch(differ.diff(*before, *after));
  auto applied = troupe::state::apply_patch(*before, patch);
  check(applied.has_value() && applied->text() == after->text());
  check((patch == "[]") == (before->text() == after->text()));
  auto theirs = nlohmann::json::parse(before->text()).patch(nlohmann::json::parse(patch));
  check(theirs.dump() == nlohmann::json::parse(after->text()).dump());
  return 0;
}
