#include "guest/module.h"

#include "guest/base_image.h"
#include "guest/engine_impl.h"
#include "guest/imports.h"
#include "guest/module_impl.h"
#include "guest/state_exports.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace troupe::guest {

namespace {

bool has_types(const wasm_valtype_vec_t* types, std::initializer_list<wasm_valkind_t> kinds) {
  return std::equal(types->data,
                    types->data + types->size,
                    kinds.begin(),
                    kinds.end(),
                    [](const wasm_valtype_t* type, wasm_valkind_t kind) {
                      return wasm_valtype_kind(type) == kind;
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
    } else {
      return false;
    }
    return true;
  }
};

void read_exports(Module::Impl& module) {
  AddedExports added;
  std::optional<std::size_t> initialize;
  std::optional<std::size_t> constructors;
  std::optional<std::size_t> hs_init;
  wasm_exporttype_vec_t exports;
  wasmtime_module_exports(module.module.get(), &exports);
  for (std::size_t i = 0; i < exports.size; ++i) {
    if (added.take(view(wasm_exporttype_name(exports.data[i])), i)) continue;
    const wasm_functype_t* type =
        wasm_externtype_as_functype_const(wasm_exporttype_type(exports.data[i]));
    if (type == nullptr) continue;
    const wasm_valtype_vec_t* parameters = wasm_functype_params(type);
    const wasm_valtype_vec_t* results = wasm_functype_results(type);
    const bool returns_code = has_types(results, {WASM_I32});
    const std::string_view name = view(wasm_exporttype_name(exports.data[i]));
    if (results->size == 0) {
      if (name == "hs_init" && has_types(parameters, {WASM_I32, WASM_I32})) hs_init = i;
      if (name == "_initialize" && parameters->size == 0) initialize = i;
      if (name == "__wasm_call_ctors" && parameters->size == 0) constructors = i;
    }
    if (parameters->size != 0 || (results->size != 0 && !returns_code)) continue;
    module.functions.emplace_back(name);
    module.by_name.emplace(name, Module::Impl::Function{i, module.by_name.size(), returns_code});
  }
  wasm_exporttype_vec_delete(&exports);
  std::ranges::sort(module.functions);
  module.start_up = start_up(initialize, constructors, hs_init);
  if (added.not_capturable) {
    module.not_capturable = *std::move(added.not_capturable);
  } else {
    module.state = std::move(added.state);
    if (added.start) module.start_up.insert(module.start_up.begin(), {*added.start, 0, 0});
  }
}

}  // namespace

Result<std::shared_ptr<const Module>> Module::Impl::make(Engine& engine,
                                                         WasmModule module,
                                                         std::string content_hash) {
  TRY_VOID(check_imports(module.get()));
  wasmtime_instance_pre_t* pre = nullptr;
  if (wasmtime_error_t* error =
          wasmtime_linker_instantiate_pre(engine.impl().linker.get(), module.get(), &pre)) {
    return Error{"the module cannot be linked: " + message_of(error)};
  }
  auto impl = std::make_unique<Impl>(
      engine, std::move(module), WasmInstancePre(pre), std::move(content_hash));
  read_exports(*impl);
  return std::make_shared<const Module>(std::move(impl));
}

Result<std::shared_ptr<const Module>> Module::Impl::make(Engine& engine,
                                                         WasmComponent code,
                                                         std::string content_hash) {
  const wasm_engine_t* raw_engine = engine.impl().engine.get();
  auto impl = std::make_unique<Impl>(engine, nullptr, nullptr, std::move(content_hash));
  TRY(impl->component, Component::read(raw_engine, std::move(code)));
  impl->not_capturable = "it is a component";
  for (const Component::Function& function : impl->component->functions()) {
    impl->functions.push_back(function.json_name);
  }
  std::ranges::sort(impl->functions);
  return std::make_shared<const Module>(std::move(impl));
}

Module::Impl::Impl(Engine& e, WasmModule m, WasmInstancePre p, std::string hash)
    : engine(e),
      module(std::move(m)),
      pre(std::move(p)),
      content_hash(std::move(hash)),
      bases(std::make_unique<BaseImages>()) {}
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
  return is_component() ? impl_->component->find(name) != nullptr : impl_->find(name) != nullptr;
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
