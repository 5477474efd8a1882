#include "web/assets.h"

#include "etags.inc"  // written by build.mjs beside the files themselves

#include <cstddef>

// Places a file of the build between two symbols, as read-only data.
// clang-format off
#define TROUPE_EMBED(symbol, file)                      \
  asm(".section .rodata." #symbol ",\"a\",@progbits\n" \
      ".global " #symbol "_begin, " #symbol "_end\n"    \
      #symbol "_begin:\n"                               \
      ".incbin \"" TROUPE_WEB_BUILD "/" file "\"\n"     \
      #symbol "_end:\n"                                 \
      ".previous\n");                                   \
  extern "C" const char symbol##_begin[], symbol##_end[]
// clang-format on

TROUPE_EMBED(troupe_web_module, "troupe.js");
TROUPE_EMBED(troupe_web_module_map, "troupe.js.map");
TROUPE_EMBED(troupe_web_dev_page, "dev.html");

namespace troupe::web {
namespace {

std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

const Asset& browser_module() {
  static const Asset asset{.text = between(troupe_web_module_begin, troupe_web_module_end),
                           .type = "text/javascript; charset=utf-8",
                           .etag = troupe_js_etag};
  return asset;
}

const Asset& browser_module_map() {
  static const Asset asset{.text = between(troupe_web_module_map_begin, troupe_web_module_map_end),
                           .type = "application/json",
                           .etag = troupe_js_map_etag};
  return asset;
}

const Asset& dev_page() {
  static const Asset asset{.text = between(troupe_web_dev_page_begin, troupe_web_dev_page_end),
                           .type = "text/html; charset=utf-8",
                           .etag = dev_html_etag};
  return asset;
}

}  // namespace troupe::web
