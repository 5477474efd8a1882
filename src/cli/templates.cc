#include "cli/templates.h"

#include <algorithm>
#include <array>
#include <cstddef>

// Places each file between two symbols, as read-only data.
// clang-format off
#define TROUPE_TEMPLATE(symbol, language, behaviour, path, file) \
  asm(".section .rodata." #symbol ",\"a\",@progbits\n"           \
      ".global " #symbol "_begin, " #symbol "_end\n"             \
      #symbol "_begin:\n"                                        \
      ".incbin \"" file "\"\n"                                   \
      #symbol "_end:\n"                                          \
      ".previous\n");                                            \
  extern "C" const char symbol##_begin[], symbol##_end[];
#include "template_files.inc"
#undef TROUPE_TEMPLATE
// clang-format on

namespace troupe::cli {
namespace {

constexpr std::array behaviours = {"live_state", "call"};

struct Embedded {
  std::string_view language;
  std::string_view behaviour;  // or "both"
  std::string_view path;
  const char* begin;
  const char* end;
};

constexpr std::array embedded = {
#define TROUPE_TEMPLATE(symbol, language, behaviour, path, file) \
  Embedded{language, behaviour, path, symbol##_begin, symbol##_end},
#include "template_files.inc"
#undef TROUPE_TEMPLATE
};

std::vector<Template> read_templates() {
  std::vector<Template> all;
  // They stand in order of language.
  for (const Embedded& file : embedded) {
    if (all.empty() || all.back().language != file.language) {
      for (const auto* behaviour : behaviours) {
        all.push_back({std::string(file.language), behaviour, {}});
      }
    }
    for (Template& each : all) {
      if (each.language != file.language) continue;
      if (file.behaviour != "both" && file.behaviour != each.behaviour) continue;
      each.files.push_back(
          {std::string(file.path), {file.begin, static_cast<std::size_t>(file.end - file.begin)}});
    }
  }
  return all;
}

}  // namespace

std::span<const Template> templates() {
  static const std::vector<Template> all = read_templates();
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
