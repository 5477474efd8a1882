#include "guest/command.h"

#include "guest/call.h"
#include "guest/engine_impl.h"
#include "guest/instance_state.h"
#include "guest/memory_budget.h"
#include "guest/module_impl.h"

#include <array>
#include <cassert>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe::guest {

namespace {

// A call in flight. The fibre of the caller waits while poll() runs the command's own.
class CommandCall {
 public:
  CommandCall(const Command::Function& function,
              const wasmtime_val_t* arguments,
              std::size_t arguments_count,
              wasmtime_val_t* results,
              wasm_trap_t** trap_of_caller)
      : function_(function),
        arguments_(arguments),
        arguments_count_(arguments_count),
        results_(results),
        trap_of_caller_(trap_of_caller),
        store_(wasmtime_store_new(running_call->engine.engine.get(), nullptr, nullptr)),
        context_(wasmtime_store_context(store_.get())) {
    const Limits& limits = running_call->environment.limits;
    wasmtime_store_limiter(
        store_.get(), static_cast<std::int64_t>(limits.memory_pages_max) << 16, -1, -1, -1, -1);
    // Declared to return an error, returns nothing: the result must not be looked at.
    static_cast<void>(wasmtime_context_epoch_deadline_async_yield_and_update(context_, 1));
    wasmtime_context_set_epoch_deadline(context_, 1);
    give_fuel(context_, running_call->engine, limits);
    future_.reset(wasmtime_instance_pre_instantiate_async(
        function.command->pre.get(), context_, &instance_, &trap_, &error_));
  }
  CommandCall(const CommandCall&) = delete;
  CommandCall& operator=(const CommandCall&) = delete;
  ~CommandCall() {
    future_.reset();
    if (trap_ != nullptr) wasm_trap_delete(trap_);
    if (error_ != nullptr) wasmtime_error_delete(error_);
  }

  // True when it has ended: with results, or with a trap for the caller.
  bool poll() {
    while (wasmtime_call_future_poll(future_.get())) {
      if (failed() || called_) return true;
      const std::vector<StartUp>& steps = function_.command->start_up;
      if (step_ < steps.size()) {
        run(steps[step_++].export_index, nullptr, 0, nullptr, 0);
      } else {
        called_ = true;
        run(function_.export_index, arguments_, arguments_count_, results_, function_.results);
      }
    }
    return false;
  }

 private:
  void run(std::size_t export_index,
           const wasmtime_val_t* arguments,
           std::size_t arguments_count,
           wasmtime_val_t* results,
           std::size_t results_count) {
    const wasmtime_extern_t item = nth_export(context_, instance_, export_index);
    assert(item.kind == WASMTIME_EXTERN_FUNC && "the module's exports do not change");
    target_ = item.of.func;
    future_.reset(wasmtime_func_call_async(
        context_, &target_, arguments, arguments_count, results, results_count, &trap_, &error_));
  }

  bool failed() {
    if (wasmtime_global_t left;
        called_ && trap_ != nullptr && find_growth_left(context_, instance_, left)) {
      running_call->memory_refused |= read_growth_left(context_, left) < 0;
    }
    if (error_ != nullptr) {
      const std::string text = message_of(std::exchange(error_, nullptr));
      *trap_of_caller_ = wasmtime_trap_new(text.data(), text.size());
      return true;
    }
    if (trap_ == nullptr) return false;
    *trap_of_caller_ = std::exchange(trap_, nullptr);
    return true;
  }

  const Command::Function& function_;
  const wasmtime_val_t* const arguments_;
  const std::size_t arguments_count_;
  wasmtime_val_t* const results_;
  wasm_trap_t** const trap_of_caller_;
  const WasmStore store_;
  wasmtime_context_t* const context_;
  wasmtime_instance_t instance_{};
  wasmtime_func_t target_{};
  wasm_trap_t* trap_ = nullptr;
  wasmtime_error_t* error_ = nullptr;
  std::size_t step_ = 0;  // of the start-up
  bool called_ = false;
  WasmFuture future_;
};

}  // namespace

void call_command(void* env,
                  wasmtime_caller_t*,
                  const wasmtime_val_t* arguments,
                  std::size_t arguments_count,
                  wasmtime_val_t* results,
                  std::size_t,
                  wasm_trap_t** trap,
                  wasmtime_async_continuation_t* continuation) {
  const auto& function = *static_cast<const Command::Function*>(env);
  auto call = std::make_unique<CommandCall>(function, arguments, arguments_count, results, trap);
  *continuation = {[](void* it) { return static_cast<CommandCall*>(it)->poll(); },
                   call.release(),
                   [](void* it) { delete static_cast<CommandCall*>(it); }};
}

}  // namespace troupe::guest
