// A document and a patch, one line each: the answer is a document within its bounds, or an error.
#include "fuzz/check.h"
#include "state/apply.h"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

using troupe::state::Canonical;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t bytes_max = 1 << 14;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto line = text.find('\n');
  if (line == std::string_view::npos || size > bytes_max) return 0;
  auto document = Canonical::read(text.substr(0, line));
  if (document.has_error()) return 0;
  std::string_view patch = text.substr(line + 1);
  auto applied = troupe::state::apply_patch(*document, patch, bytes_max);
  if (applied.has_error()) {
    check(!applied.error().message.empty());
    return 0;
  }
  check(applied->text().size() <= bytes_max);
  // Others allow more, and `test` numbers by value; but what we allow they apply to the same end.
  auto theirs = nlohmann::json::parse(document->text()).patch(nlohmann::json::parse(patch));
  check(theirs.dump() == nlohmann::json::parse(applied->text()).dump());
  return 0;
}
