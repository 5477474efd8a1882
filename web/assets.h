// What the server offers to browsers of its own, built from web/ and kept inside the binary.
//
// Everything here is constant and lives as long as the process; any thread may read it.
#pragma once

#include <string_view>

namespace troupe::web {

// One file, ready to be answered to a GET.
struct Asset {
  std::string_view text;  // UTF-8, or the bytes as they are
  std::string_view type;  // Content-Type
  std::string_view etag;  // strong, with its quotes; changes with the text
};

// /troupe.js: phx-live-state, phoenix and Lit as one ES module (web/elements/troupe.ts). `troupe
// dev` serves it behind `dev_module_prefix`, with an entity tag of its own, so that pages show
// build errors.
const Asset& browser_module();
inline constexpr std::string_view dev_module_prefix = "globalThis.troupeDev = true;\n";

// /troupe.js.map: the source map that the module names.
const Asset& browser_module_map();

// The page at / of `troupe dev FILE` (web/dev/). It needs /troupe.js and, from the same server,
// /dev/events (docs/formats/dev-events.md).
const Asset& dev_page();

}  // namespace troupe::web
