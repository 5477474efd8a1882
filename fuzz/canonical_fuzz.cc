// Any text: what is read is canonical, means the same to another parser, and is read to itself.
#include "fuzz/check.h"
#include "state/canonical.h"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

using troupe::state::Canonical;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto once = Canonical::read(text);
  if (once.has_error()) return 0;
  check(once->text().size() <= text.size());
  check(nlohmann::json::parse(once->text()).dump() == nlohmann::json::parse(text).dump());

  auto twice = Canonical::read(once->text());
  check(twice.has_value() && twice->text() == once->text());
  check(twice->tape().nodes.size() == once->tape().nodes.size());
  for (std::size_t i = 0; i < once->tape().nodes.size(); ++i) {
    const auto& x = once->tape().nodes[i];
    const auto& y = twice->tape().nodes[i];
    check(x.start == y.start && x.end == y.end && x.next == y.next && x.children == y.children &&
          x.kind == y.kind && x.escaped == y.escaped);
  }
  return 0;
}
