// What a Module holds. Private to this folder.
#pragma once

#include "base/result.h"
#include "guest/component.h"
#include "guest/host_function.h"
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

// A module that others of the plugin import from, with an instance in each of the plugin's.
struct Linked {
  std::string name;
  WasmModule module;
  std::vector<StartUp> start_up;
};

// The same, but each imported call runs on an instance of its own, in a store of its own that ends
// with the call (command.cc).
struct Command {
  struct Function {
    const Command* command;
    std::size_t export_index;
    std::size_t results;
  };
  std::string name;
  WasmModule module;
  WasmInstancePre pre;
  std::vector<StartUp> start_up;
  std::vector<std::unique_ptr<const Function>> functions;  // the linker refers to them
};

// One of Program's parts, compiled.
struct CompiledPart {
  std::string name;
  WasmModule module;
};

struct Module::Impl {
  explicit Impl(Engine& e);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl();

  // An exported function: its place among the exports, and among the functions.
  struct Function {
    std::size_t export_index;
    std::size_t index;
    std::size_t parameters;
    std::size_t results;
    bool listed;  // of type () -> () or () -> i32; others are called by mistake only
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const {
      return std::hash<std::string_view>{}(name);
    }
  };

  static Result<std::shared_ptr<const Module>> make(Engine& engine,
                                                    WasmComponent component,
                                                    std::string content_hash);
  // From compiled code, `main` the index of the plugin's own module; checks what the engine's
  // slots, our functions and the program's can give.
  static Result<std::shared_ptr<const Module>> make(
      Engine& engine,
      std::vector<CompiledPart> parts,
      std::size_t main,
      bool wasi,
      std::vector<std::shared_ptr<const HostFunctionSpec>> functions,
      std::string content_hash);

  const Function* find(std::string_view name) const {
    const auto found = by_name.find(name);
    return found == by_name.end() ? nullptr : &found->second;
  }

  Engine& engine;
  // Of the program; the linker refers to them.
  std::vector<std::shared_ptr<const HostFunctionSpec>> host_functions;
  std::vector<std::unique_ptr<Command>> commands;
  WasmLinker linker;           // the engine's and these; null when there are none
  std::vector<Linked> linked;  // in the order in which they are instantiated
  // A plugin is a module, or a component: these two are null, or `component` is.
  WasmModule module;
  WasmInstancePre pre;  // null when something is linked: what it imports is of the instance then
  // Whether the blocks of large calls may lie in the guest's window (arena_access.h).
  bool has_window = false;
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
