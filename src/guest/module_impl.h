// What a Module holds. Private to this folder.
#pragma once

#include "base/result.h"
#include "guest/component.h"
#include "guest/module.h"
#include "guest/wasmtime.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace troupe::guest {

// An export to be called once on a new instance; arguments are zeroes.
struct StartUp {
  std::size_t export_index;
  std::size_t arguments;
  std::size_t results;
};

// Exports by which the state of an instance is reached (state_exports.h).
struct StateExports {
  std::optional<std::size_t> memory;
  std::vector<std::size_t> globals;
};

class BaseImages;

struct Module::Impl {
  Impl(Engine& e, WasmModule m, WasmInstancePre p, std::string hash);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl();

  // An export () -> () or () -> i32: its place among the exports, and among `functions`.
  struct Function {
    std::size_t export_index;
    std::size_t index;
    bool returns_code;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const {
      return std::hash<std::string_view>{}(name);
    }
  };

  // From compiled code; checks what the engine's slots and our functions can give.
  static Result<std::shared_ptr<const Module>> make(Engine& engine,
                                                    WasmComponent component,
                                                    std::string content_hash);
  static Result<std::shared_ptr<const Module>> make(Engine& engine,
                                                    WasmModule module,
                                                    std::string content_hash);

  const Function* find(std::string_view name) const {
    const auto found = by_name.find(name);
    return found == by_name.end() ? nullptr : &found->second;
  }

  Engine& engine;
  // A plugin is a module, or a component: the first two are null, or `component` is.
  WasmModule module;
  WasmInstancePre pre;
  std::string content_hash;
  std::vector<std::string> functions;
  std::unordered_map<std::string, Function, Hash, std::equal_to<>> by_name;
  std::vector<StartUp> start_up;
  std::string not_capturable;  // the reason; empty when `state` is all there is
  StateExports state;
  const std::unique_ptr<BaseImages> bases;
  std::unique_ptr<const Component> component;
};

}  // namespace troupe::guest
