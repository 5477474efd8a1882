#include "guest/module.h"

#include "guest/arena_access.h"
#include "guest/base_image.h"
#include "guest/command.h"
#include "guest/engine_impl.h"
#include "guest/imports.h"
#include "guest/module_impl.h"
#include "guest/state_exports.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace troupe::guest {

namespace {

// Whether there are so many, and all are i32.
bool are_i32(const wasm_valtype_vec_t* types, std::size_t count) {
  return types->size == count &&
         std::all_of(types->data, types->data + count, [](const wasm_valtype_t* type) {
           return kind_of(type) == WASMTIME_VALTYPE_KIND_I32;
         });
}

// Haskell wants hs_init after _initialize; other languages that have constructors, but no runtime
// of WASI around them, export __wasm_call_ctors, which _initialize would call again.
std::vector<StartUp> start_up(const std::optional<std::size_t>& initialize,
                              const std::optional<std::size_t>& constructors,
                              const std::optional<std::size_t>& hs_init) {
  std::vector<StartUp> steps;
  if (hs_init) {
    if (initialize) steps.push_back({*initialize, 0, 0});
    steps.push_back({*hs_init, 2, 0});
  } else if (constructors) {
    steps.push_back({*constructors, 0, 0});
  } else if (initialize) {
    steps.push_back({*initialize, 0, 0});
  }
  return steps;
}

// Exports that the compiler has added. Whether they tell the state, or why it cannot be told, is
// known only after the last.
struct AddedExports {
  StateExports state;
  std::optional<std::size_t> start;
  std::optional<std::string> not_capturable;
  bool window = false;

  // True when the export is one of ours, and nobody's to call.
  bool take(std::string_view name, std::size_t index) {
    if (name.starts_with(not_capturable_export)) {
      not_capturable = name.substr(not_capturable_export.size());
    } else if (name == memory_export) {
      state.memory = index;
    } else if (name.starts_with(global_export)) {
      state.globals.push_back(index);
    } else if (name == start_export) {
      start = index;
    } else if (name == window_export) {
      window = true;
    } else {
      return false;
    }
    return true;
  }
};

// The exports of a module; visit gets index, name and type of each.
template <class Visit>
void for_each_export(const wasmtime_module_t* module, Visit visit) {
  wasm_exporttype_vec_t exports;
  wasmtime_module_exports(module, &exports);
  for (std::size_t i = 0; i < exports.size; ++i) {
    visit(i, view(wasm_exporttype_name(exports.data[i])), wasm_exporttype_type(exports.data[i]));
  }
  wasm_exporttype_vec_delete(&exports);
}

bool has_export(const wasmtime_module_t* module, std::string_view wanted) {
  bool found = false;
  for_each_export(module, [&](std::size_t, std::string_view name, const wasm_externtype_t*) {
    found = found || name == wanted;
  });
  return found;
}

// What runs once on a new instance of a module that is linked: its start section, and what a
// reactor exports for it.
std::vector<StartUp> start_up_of_linked(const wasmtime_module_t* module) {
  AddedExports added;
  std::optional<std::size_t> initialize;
  for_each_export(module, [&](std::size_t i, std::string_view name, const wasm_externtype_t* item) {
    if (added.take(name, i)) return;
    const wasm_functype_t* type = wasm_externtype_as_functype_const(item);
    if (type == nullptr || name != "_initialize") return;
    if (wasm_functype_params(type)->size != 0 || wasm_functype_results(type)->size != 0) return;
    initialize = i;
  });
  std::vector<StartUp> steps;
  if (added.start && !added.not_capturable) steps.push_back({*added.start, 0, 0});
  if (initialize) steps.push_back({*initialize, 0, 0});
  return steps;
}

void read_exports(Module::Impl& module) {
  AddedExports added;
  std::optional<std::size_t> initialize;
  std::optional<std::size_t> constructors;
  std::optional<std::size_t> hs_init;
  for_each_export(module.module.get(),
                  [&](std::size_t i, std::string_view name, const wasm_externtype_t* item) {
                    if (added.take(name, i)) return;
                    const wasm_functype_t* type = wasm_externtype_as_functype_const(item);
                    if (type == nullptr) return;
                    const wasm_valtype_vec_t* parameters = wasm_functype_params(type);
                    const wasm_valtype_vec_t* results = wasm_functype_results(type);
                    const bool returns_code = are_i32(results, 1);
                    if (results->size == 0) {
                      if (name == "hs_init" && are_i32(parameters, 2)) hs_init = i;
                      if (name == "_initialize" && parameters->size == 0) initialize = i;
                      if (name == "__wasm_call_ctors" && parameters->size == 0) constructors = i;
                    }
                    const bool listed =
                        parameters->size == 0 && (results->size == 0 || returns_code);
                    if (listed) module.functions.emplace_back(name);
                    module.by_name.emplace(name,
                                           Module::Impl::Function{.export_index = i,
                                                                  .index = module.by_name.size(),
                                                                  .parameters = parameters->size,
                                                                  .results = results->size,
                                                                  .listed = listed});
                  });
  std::ranges::sort(module.functions);
  module.start_up = start_up(initialize, constructors, hs_init);
  if (added.not_capturable) {
    module.not_capturable = *std::move(added.not_capturable);
  } else {
    module.state = std::move(added.state);
    if (added.start) module.start_up.insert(module.start_up.begin(), {*added.start, 0, 0});
  }
  // A trace is to show every call, and a function of the program's may be in Extism's place.
  const bool all_calls_count =
      module.engine.options().trace ||
      std::ranges::any_of(module.host_functions, [](const auto& function) {
        return function->module == extism_module || function->module == "env";
      });
  module.has_window = added.window && module.pre != nullptr && !all_calls_count;
  if (!module.linked.empty()) {
    module.not_capturable = "it is linked with other modules, whose memory is not looked at";
  }
}

// Makes a plugin of compiled modules: decides in which order they are linked, and checks every
// import.
class Maker {
 public:
  Maker(Module::Impl& plugin, std::vector<CompiledPart> parts, std::size_t main, bool wasi)
      : plugin_(plugin), parts_(std::move(parts)), main_(main), wasi_(wasi) {}

  Result<void> make() {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      if (is_command(i) && has_export(parts_[i].module.get(), "_initialize")) {
        return Error{name_of(i) +
                     "Program cannot be both a Command and a Reactor: it exports _start and "
                     "_initialize"};
      }
    }
    wasmtime_linker_t* const common = plugin_.engine.impl().linker.get();
    if (parts_.size() > 1 || !plugin_.host_functions.empty()) {
      plugin_.linker.reset(wasmtime_linker_clone(common));
    }
    for (const auto& function : plugin_.host_functions) {
      TRY_VOID(define_function(plugin_.linker.get(), *function));
    }
    states_.resize(parts_.size());
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      if (i != main_) TRY_VOID(link(i));
    }
    TRY_VOID(check(main_));
    plugin_.module = module_of(main_);
    if (plugin_.linked.empty()) {
      TRY(plugin_.pre,
          prepare(plugin_.linker ? plugin_.linker.get() : common, plugin_.module.get()));
    }
    read_exports(plugin_);
    return {};
  }

 private:
  enum class State { new_part, linking, linked };

  static Result<WasmInstancePre> prepare(wasmtime_linker_t* linker, wasmtime_module_t* module) {
    wasmtime_instance_pre_t* pre = nullptr;
    if (wasmtime_error_t* error = wasmtime_linker_instantiate_pre(linker, module, &pre)) {
      return Error{"the module cannot be linked: " + message_of(error)};
    }
    return WasmInstancePre(pre);
  }

  // The part that has this import, if any has; it may be main.
  std::optional<std::size_t> provider(const wasm_importtype_t* import) const {
    const std::string_view module = view(wasm_importtype_module(import));
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      if (module.empty() || parts_[i].name != module) continue;
      if (has_export(parts_[i].module.get(), view(wasm_importtype_name(import)))) return i;
    }
    return std::nullopt;
  }

  std::string name_of(std::size_t part) const {
    return parts_.size() == 1 ? "" : "module \"" + parts_[part].name + "\": ";
  }

  // Every import of the part, after what it imports from is linked.
  Result<void> check(std::size_t part) {
    wasm_importtype_vec_t imports;
    wasmtime_module_imports(parts_[part].module.get(), &imports);
    Result<void> checked;
    for (std::size_t i = 0; i < imports.size && checked.has_value(); ++i) {
      const wasm_importtype_t* import = imports.data[i];
      const std::optional<std::size_t> from = provider(import);
      if (!from || *from == part) {
        checked = check_import(import, {wasi_, plugin_.host_functions});
      } else if (*from == main_) {
        checked = Error{"it imports from \"" + parts_[main_].name +
                        "\", which is the plugin's own module and is linked last"};
      } else {
        checked = link(*from);
        if (checked && is_command(part) && !is_command(*from)) {
          checked =
              Error{"it is a command (it exports _start) and imports from \"" + parts_[*from].name +
                    "\", which is none; a command may import from host functions and other "
                    "commands only"};
        }
      }
    }
    wasm_importtype_vec_delete(&imports);
    if (checked.has_error()) return Error{name_of(part) + checked.error().message};
    return {};
  }

  bool is_command(std::size_t part) const {
    return has_export(parts_[part].module.get(), "_start");
  }
  WasmModule module_of(std::size_t part) const {
    return WasmModule(wasmtime_module_clone(parts_[part].module.get()));
  }

  Result<void> link(std::size_t part) {
    if (states_[part] == State::linked) return {};
    if (states_[part] == State::linking) {
      return Error{"\"" + parts_[part].name + "\" and what it imports from import from each other"};
    }
    states_[part] = State::linking;
    TRY_VOID(check(part));
    states_[part] = State::linked;
    if (is_command(part)) return define_command(part);
    plugin_.linked.push_back(
        {parts_[part].name, module_of(part), start_up_of_linked(parts_[part].module.get())});
    return {};
  }

  Result<void> define_command(std::size_t part) {
    auto command = std::make_unique<Command>();
    command->name = parts_[part].name;
    command->module = module_of(part);
    command->start_up = start_up_of_linked(command->module.get());
    TRY(command->pre, prepare(plugin_.linker.get(), command->module.get()));
    wasmtime_linker_allow_shadowing(plugin_.linker.get(), true);
    wasmtime_error_t* error = nullptr;
    for_each_export(
        command->module.get(),
        [&](std::size_t i, std::string_view name, const wasm_externtype_t* item) {
          const wasm_functype_t* type = wasm_externtype_as_functype_const(item);
          if (type == nullptr || error != nullptr || AddedExports().take(name, i)) return;
          const auto& function =
              command->functions.emplace_back(std::make_unique<const Command::Function>(
                  Command::Function{command.get(), i, wasm_functype_results(type)->size}));
          error = wasmtime_linker_define_async_func(plugin_.linker.get(),
                                                    command->name.data(),
                                                    command->name.size(),
                                                    name.data(),
                                                    name.size(),
                                                    type,
                                                    call_command,
                                                    const_cast<Command::Function*>(function.get()),
                                                    nullptr);
        });
    if (error != nullptr) return Error{name_of(part) + message_of(error)};
    plugin_.commands.push_back(std::move(command));
    return {};
  }

  Module::Impl& plugin_;
  std::vector<CompiledPart> parts_;
  const std::size_t main_;
  const bool wasi_;
  std::vector<State> states_;
};

}  // namespace

Result<std::shared_ptr<const Module>> Module::Impl::make(
    Engine& engine,
    std::vector<CompiledPart> parts,
    std::size_t main,
    bool wasi,
    std::vector<std::shared_ptr<const HostFunctionSpec>> functions,
    std::string content_hash) {
  auto impl = std::make_unique<Impl>(engine);
  impl->host_functions = std::move(functions);
  impl->content_hash = std::move(content_hash);
  TRY_VOID(Maker(*impl, std::move(parts), main, wasi).make());
  return std::make_shared<const Module>(std::move(impl));
}

Result<std::shared_ptr<const Module>> Module::Impl::make(Engine& engine,
                                                         WasmComponent code,
                                                         std::string content_hash) {
  const wasm_engine_t* raw_engine = engine.impl().engine.get();
  auto impl = std::make_unique<Impl>(engine);
  impl->content_hash = std::move(content_hash);
  TRY(impl->component, Component::read(raw_engine, std::move(code)));
  impl->not_capturable = "it is a component";
  for (const Component::Function& function : impl->component->functions()) {
    impl->functions.push_back(function.json_name);
  }
  std::ranges::sort(impl->functions);
  return std::make_shared<const Module>(std::move(impl));
}

Module::Impl::Impl(Engine& e) : engine(e), bases(std::make_unique<BaseImages>()) {}
Module::Impl::~Impl() = default;

Module::Module(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Module::~Module() = default;

const std::string& Module::content_hash() const {
  return impl_->content_hash;
}
std::span<const std::string> Module::functions() const {
  return impl_->functions;
}
bool Module::has_function(std::string_view name) const {
  if (is_component()) return impl_->component->find(name) != nullptr;
  const Impl::Function* found = impl_->find(name);
  return found != nullptr && found->listed;
}
bool Module::takes_events(std::string_view function) const {
  if (!is_component()) return has_function(function);
  const Component::Function* found = impl_->component->find(function);
  return found != nullptr && found->is_handler;
}
bool Module::is_component() const {
  return impl_->component != nullptr;
}
bool Module::same_function(std::string_view a, std::string_view b) const {
  return is_component() ? same_name(a, b) : a == b;
}
std::string_view Module::state_problem() const {
  return is_component() ? impl_->component->state_problem() : std::string_view();
}
const std::string& Module::not_capturable() const {
  return impl_->not_capturable;
}
Engine& Module::engine() const {
  return impl_->engine;
}

}  // namespace troupe::guest
