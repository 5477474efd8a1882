#include "actor/effects.h"

#include "base/json.h"

#include <fmt/format.h>

#include <optional>

namespace troupe::actor {

bool is_reserved_event(std::string_view name) {
  return name == "state:change" || name == "state:patch" || name == "error" ||
         name.starts_with("phx_") || name.starts_with("livestate-");
}

Result<> Effects::push(bool to_all, std::string_view input) {
  const std::string_view function = to_all ? "troupe_broadcast" : "troupe_reply";
  const auto wrong = [&](std::string_view what) {
    return Error{fmt::format("{}: {}", function, what)};
  };

  json::Tape tape;
  if (auto parsed = json::parse(input, tape); parsed.has_error()) {
    return wrong(fmt::format("the input is not JSON: {}", parsed.error().message));
  }
  const auto name = tape.root().find("name");
  if (!name || !name->is_string() || name->size() != 0 || name->raw() == "\"\"") {
    return wrong(R"(the input must be {"name": text, "detail": object})");
  }
  std::string name_text = name->string();
  if (is_reserved_event(name_text)) {
    return wrong(fmt::format("the name \"{}\" is used by the protocol; choose another", name_text));
  }
  const auto detail = tape.root().find("detail");
  std::string_view detail_text = "{}";
  if (detail && !detail->is_null()) {
    if (!detail->is_object()) {
      return wrong(fmt::format("detail must be an object, not {}", json::describe(detail->kind())));
    }
    detail_text = detail->raw();
  }

  const std::size_t size = name_text.size() + detail_text.size();
  if (pushes_.size() >= count_max_) {
    return wrong(fmt::format("more than {} effects in one turn", count_max_));
  }
  if (size > bytes_max_ - bytes_) {
    return wrong(fmt::format("the effects of one turn are larger than {} bytes", bytes_max_));
  }
  bytes_ += size;
  pushes_.push_back({to_all, std::move(name_text), std::string(detail_text)});
  return {};
}

}  // namespace troupe::actor
