#include "guests/js/builder/typescript.h"

#include <simdjson.h>

#include <utility>

asm(R"(
  .section .rodata
  .global troupe_js_strip_begin
  .global troupe_js_strip_end
troupe_js_strip_begin:
  .incbin ")" TROUPE_JS_STRIP R"("
troupe_js_strip_end:
  .byte 0
  .previous
)");

extern "C" {
extern const char troupe_js_strip_begin[];
extern const char troupe_js_strip_end[];
}

namespace troupe::js {

namespace {

BuildError error_in(std::string_view key, std::string message) {
  BuildError error;
  error.file = key;
  error.message = std::move(message);
  return error;
}

}  // namespace

boost::system::result<Stripped, BuildError> TypeScript::strip(std::string_view key,
                                                              std::string_view text) {
  if (!tool_) {
    auto tool = Tool::create({troupe_js_strip_begin, troupe_js_strip_end}, options_);
    if (!tool) return error_in(key, tool.error().message);
    tool_ = std::move(*tool);
  }
  const auto json = tool_->run(text);
  if (!json) {
    tool_.reset();  // whatever state it is in
    return error_in(key, "its types cannot be stripped: " + json.error().message);
  }

  simdjson::dom::parser parser;
  simdjson::dom::element result;
  std::string_view code;
  std::string_view map;
  std::string_view message;
  std::int64_t line = 0;
  std::int64_t column = 0;
  if (parser.parse(*json).get(result))
    return error_in(key, "the stripper of types printed no JSON");
  if (!result["code"].get(code) && !result["map"].get(map))
    return Stripped{std::string(code), std::string(map)};
  if (result["message"].get(message) || result["line"].get(line) || result["column"].get(column))
    return error_in(key, "the stripper of types printed something unknown");
  BuildError error = error_in(key, "SyntaxError: " + std::string(message));
  error.line = static_cast<int>(line);
  error.column = static_cast<int>(column);
  return error;
}

}  // namespace troupe::js
