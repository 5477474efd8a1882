// What a plugin is made of: WebAssembly modules, and what they may import.
//
// A plain value, handed to ModuleCache::load.
#pragma once

#include "guest/host_function.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::guest {

struct Program {
  struct Part {
    std::string name;       // others import from it by this name; empty: nobody can
    std::string_view wasm;  // bytes, or text that begins with (module, ;; or (;
  };

  // The part named "main", or else the last, is the plugin: its exports are called. A part that
  // others import from and that exports _start is a command: each call of one of its functions runs
  // on an instance of its own. Of all others there is one instance in each instance of the plugin.
  std::vector<Part> parts;
  // Whether wasi_snapshot_preview1 may be imported.
  bool wasi = true;
  // Beside those that every plugin may import. They win over Troupe's own of the same name.
  std::vector<std::shared_ptr<const HostFunctionSpec>> functions;
};

// Whether these bytes are WebAssembly: a binary, or text. Nothing is said about their soundness.
bool is_webassembly(std::string_view bytes);
// Text: it begins, after white space, with (module, or a comment, ;; or (;.
bool is_module_text(std::string_view bytes);

}  // namespace troupe::guest
