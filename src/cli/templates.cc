#include "cli/templates.h"

#include "guests/js/builder/build.h"

#include <algorithm>
#include <cstddef>

// Places a file of guests/templates/ between two symbols, as read-only data.
// clang-format off
#define TROUPE_TEMPLATE(symbol, file)                         \
  asm(".section .rodata." #symbol ",\"a\",@progbits\n"        \
      ".global " #symbol "_begin, " #symbol "_end\n"          \
      #symbol "_begin:\n"                                     \
      ".incbin \"" TROUPE_TEMPLATES "/" file "\"\n"           \
      #symbol "_end:\n"                                       \
      ".previous\n");                                         \
  extern "C" const char symbol##_begin[], symbol##_end[]
// clang-format on

TROUPE_TEMPLATE(template_js_config, "js/jsconfig.json");
TROUPE_TEMPLATE(template_js_ignore, "js/gitignore");
TROUPE_TEMPLATE(template_js_live, "js/live_state/plugin.js");
TROUPE_TEMPLATE(template_js_live_readme, "js/live_state/README.md");
TROUPE_TEMPLATE(template_js_live_toml, "js/live_state/troupe.toml");
TROUPE_TEMPLATE(template_js_call, "js/call/plugin.js");
TROUPE_TEMPLATE(template_js_call_readme, "js/call/README.md");
TROUPE_TEMPLATE(template_js_live_test, "js/live_state/test.sh");
TROUPE_TEMPLATE(template_js_call_test, "js/call/test.sh");
TROUPE_TEMPLATE(template_ts_config, "ts/both/tsconfig.json");
TROUPE_TEMPLATE(template_ts_ignore, "ts/both/gitignore");
TROUPE_TEMPLATE(template_ts_live, "ts/live_state/{{NAME}}.ts");
TROUPE_TEMPLATE(template_ts_live_readme, "ts/live_state/README.md");
TROUPE_TEMPLATE(template_ts_live_toml, "ts/live_state/troupe.toml");
TROUPE_TEMPLATE(template_ts_live_test, "ts/live_state/test.sh");
TROUPE_TEMPLATE(template_ts_call, "ts/call/{{NAME}}.ts");
TROUPE_TEMPLATE(template_ts_call_readme, "ts/call/README.md");
TROUPE_TEMPLATE(template_ts_call_test, "ts/call/test.sh");
TROUPE_TEMPLATE(template_rust_cargo, "rust/Cargo.toml");
TROUPE_TEMPLATE(template_rust_ignore, "rust/gitignore");
TROUPE_TEMPLATE(template_rust_live, "rust/live_state/lib.rs");
TROUPE_TEMPLATE(template_rust_live_readme, "rust/live_state/README.md");
TROUPE_TEMPLATE(template_rust_live_toml, "rust/live_state/troupe.toml");
TROUPE_TEMPLATE(template_rust_call, "rust/call/lib.rs");
TROUPE_TEMPLATE(template_rust_call_readme, "rust/call/README.md");

namespace troupe::cli {
namespace {

std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

#define TROUPE_TEXT(symbol) between(symbol##_begin, symbol##_end)

}  // namespace

std::span<const Template> templates() {
  static const std::vector<Template> all = {{"js",
                                             "live_state",
                                             {{"{{NAME}}.js", TROUPE_TEXT(template_js_live)},
                                              {"README.md", TROUPE_TEXT(template_js_live_readme)},
                                              {"test.sh", TROUPE_TEXT(template_js_live_test)},
                                              {"troupe.toml", TROUPE_TEXT(template_js_live_toml)},
                                              {"troupe.d.ts", js::type_declarations()},
                                              {"jsconfig.json", TROUPE_TEXT(template_js_config)},
                                              {".gitignore", TROUPE_TEXT(template_js_ignore)}}},
                                            {"js",
                                             "call",
                                             {{"{{NAME}}.js", TROUPE_TEXT(template_js_call)},
                                              {"README.md", TROUPE_TEXT(template_js_call_readme)},
                                              {"test.sh", TROUPE_TEXT(template_js_call_test)},
                                              {"troupe.d.ts", js::type_declarations()},
                                              {"jsconfig.json", TROUPE_TEXT(template_js_config)},
                                              {".gitignore", TROUPE_TEXT(template_js_ignore)}}},
                                            {"ts",
                                             "live_state",
                                             {{"{{NAME}}.ts", TROUPE_TEXT(template_ts_live)},
                                              {"README.md", TROUPE_TEXT(template_ts_live_readme)},
                                              {"test.sh", TROUPE_TEXT(template_ts_live_test)},
                                              {"troupe.toml", TROUPE_TEXT(template_ts_live_toml)},
                                              {"troupe.d.ts", js::type_declarations()},
                                              {"tsconfig.json", TROUPE_TEXT(template_ts_config)},
                                              {".gitignore", TROUPE_TEXT(template_ts_ignore)}}},
                                            {"ts",
                                             "call",
                                             {{"{{NAME}}.ts", TROUPE_TEXT(template_ts_call)},
                                              {"README.md", TROUPE_TEXT(template_ts_call_readme)},
                                              {"test.sh", TROUPE_TEXT(template_ts_call_test)},
                                              {"troupe.d.ts", js::type_declarations()},
                                              {"tsconfig.json", TROUPE_TEXT(template_ts_config)},
                                              {".gitignore", TROUPE_TEXT(template_ts_ignore)}}},
                                            {"rust",
                                             "live_state",
                                             {{"Cargo.toml", TROUPE_TEXT(template_rust_cargo)},
                                              {"src/lib.rs", TROUPE_TEXT(template_rust_live)},
                                              {"README.md", TROUPE_TEXT(template_rust_live_readme)},
                                              {"troupe.toml", TROUPE_TEXT(template_rust_live_toml)},
                                              {".gitignore", TROUPE_TEXT(template_rust_ignore)}}},
                                            {"rust",
                                             "call",
                                             {{"Cargo.toml", TROUPE_TEXT(template_rust_cargo)},
                                              {"src/lib.rs", TROUPE_TEXT(template_rust_call)},
                                              {"README.md", TROUPE_TEXT(template_rust_call_readme)},
                                              {".gitignore", TROUPE_TEXT(template_rust_ignore)}}}};
  return all;
}

std::string fill_in(std::string_view text, std::string_view name) {
  constexpr std::string_view name_mark = "{{NAME}}";
  constexpr std::string_view crate_mark = "{{CRATE}}";
  std::string crate(name);
  std::replace(crate.begin(), crate.end(), '-', '_');
  std::string filled;
  while (!text.empty()) {
    const std::size_t at = text.find("{{");
    filled += text.substr(0, at);
    if (at == std::string_view::npos) break;
    text.remove_prefix(at);
    if (text.starts_with(name_mark)) {
      filled += name;
      text.remove_prefix(name_mark.size());
    } else if (text.starts_with(crate_mark)) {
      filled += crate;
      text.remove_prefix(crate_mark.size());
    } else {
      filled += text.substr(0, 2);
      text.remove_prefix(2);
    }
  }
  return filled;
}

}  // namespace troupe::cli
