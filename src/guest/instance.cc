#include "guest/instance.h"

#include "guest/blocking.h"
#include "guest/call.h"
#include "guest/engine_impl.h"
#include "guest/growth.h"
#include "guest/instance_state.h"
#include "guest/memory_budget.h"
#include "guest/module_impl.h"
#include "guest/sleep.h"
#include "guest/text.h"
#include "guest/wasmtime.h"

#include <sodium/utils.h>

#include <algorithm>
#include <cassert>

namespace troupe::guest {

namespace {

constexpr std::size_t wasm_page_bytes = 65536;
// Of a guest's error text; what goes beyond is for the log.
constexpr std::size_t message_bytes_max = 65536;
constexpr std::size_t frames_max = 32;
// Extism's code of return for what a trap has ended.
constexpr std::int32_t trap_code = 134;
// What WASI's programs export: it runs once on an instance, from its beginning to its end.
constexpr std::string_view program_start = "_start";

using SteadyClock = std::chrono::steady_clock;

std::string_view words_for(wasmtime_trap_code_t code) {
  switch (code) {
    case WASMTIME_TRAP_CODE_STACK_OVERFLOW:
      return "stack overflow";
    case WASMTIME_TRAP_CODE_MEMORY_OUT_OF_BOUNDS:
      return "memory access out of bounds";
    case WASMTIME_TRAP_CODE_HEAP_MISALIGNED:
      return "misaligned memory access";
    case WASMTIME_TRAP_CODE_TABLE_OUT_OF_BOUNDS:
      return "table access out of bounds";
    case WASMTIME_TRAP_CODE_INDIRECT_CALL_TO_NULL:
      return "call of a null table entry";
    case WASMTIME_TRAP_CODE_BAD_SIGNATURE:
      return "indirect call with the wrong type";
    case WASMTIME_TRAP_CODE_INTEGER_OVERFLOW:
      return "integer overflow";
    case WASMTIME_TRAP_CODE_INTEGER_DIVISION_BY_ZERO:
      return "division by zero";
    case WASMTIME_TRAP_CODE_BAD_CONVERSION_TO_INTEGER:
      return "invalid conversion to an integer";
    case WASMTIME_TRAP_CODE_UNREACHABLE_CODE_REACHED:
      return "unreachable";
    case WASMTIME_TRAP_CODE_NULL_REFERENCE:
      return "null reference";
    case WASMTIME_TRAP_CODE_ARRAY_OUT_OF_BOUNDS:
      return "array access out of bounds";
    case WASMTIME_TRAP_CODE_ALLOCATION_TOO_LARGE:
      return "allocation too large";
    case WASMTIME_TRAP_CODE_OUT_OF_FUEL:
      return "all fuel consumed";
    case WASMTIME_TRAP_CODE_CAST_FAILURE:
      return "cast failure";
    default:
      return {};
  }
}

// The first line of Wasmtime's text, which goes on with a backtrace that we have ourselves.
std::string_view first_line(std::string_view text) {
  return text.substr(0, text.find('\n'));
}

std::string text_of(const wasm_trap_t* trap) {
  ByteVector message;
  wasm_trap_message(trap, &message);
  // A terminating zero is part of it.
  std::string_view text = message.view();
  while (!text.empty() && text.back() == '\0') text.remove_suffix(1);
  return std::string(text);
}

// The name in a line of Wasmtime's backtrace, `   0:   0x23 - module!name`, which it has demangled
// for Rust and C++; empty for any other line.
std::string_view name_in(std::string_view line) {
  const std::size_t digit = line.find_first_not_of(' ');
  if (digit == std::string_view::npos || line[digit] < '0' || line[digit] > '9') return {};
  const std::size_t colon = line.find_first_not_of("0123456789", digit);
  if (!line.substr(std::min(colon, line.size())).starts_with(": ")) return {};
  const std::size_t dash = line.find(" - ", colon);
  if (dash == std::string_view::npos) return {};
  std::string_view name = line.substr(dash + 3);
  if (const std::size_t mark = name.find('!'); mark != std::string_view::npos) {
    name.remove_prefix(mark + 1);
  }
  // The hash that Rust's older names end with.
  constexpr std::size_t hash_bytes = std::string_view("::h0123456789abcdef").size();
  if (name.size() > hash_bytes) {
    const std::string_view end = name.substr(name.size() - hash_bytes);
    if (end.starts_with("::h") &&
        end.find_first_not_of("0123456789abcdef", 3) == std::string_view::npos) {
      name.remove_suffix(hash_bytes);
    }
  }
  return name;
}

// Of a text with a line for each frame. Takes the frames.
std::string backtrace_of(wasm_frame_vec_t& frames, std::string_view text) {
  std::vector<std::string> names;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = first_line(rest);
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (const std::string_view name = name_in(line); !name.empty()) names.emplace_back(name);
  }
  std::string out;
  for (std::size_t i = 0; i < std::min(frames.size, frames_max); ++i) {
    const wasm_frame_t* frame = frames.data[i];
    std::string_view name = view(wasmtime_frame_func_name(frame));
    // The text has a line for each frame, but names from it only where there are any.
    if (!name.empty() && i < names.size()) name = names[i];
    out += i == 0 ? "at " : "\nat ";
    out += name.empty() ? "function " + std::to_string(wasm_frame_func_index(frame))
                        : readable(name, 256);
    out += " (offset " + std::to_string(wasm_frame_module_offset(frame)) + ")";
  }
  if (frames.size > frames_max) {
    out += "\nand " + std::to_string(frames.size - frames_max) + " more";
  }
  wasm_frame_vec_delete(&frames);
  return out;
}

std::string backtrace_of(const wasm_trap_t* trap) {
  wasm_frame_vec_t frames;
  wasm_trap_trace(trap, &frames);
  return backtrace_of(frames, text_of(trap));
}

std::string backtrace_of(const wasmtime_error_t* error) {
  wasm_frame_vec_t frames;
  wasmtime_error_wasm_trace(error, &frames);
  ByteVector text;
  wasmtime_error_message(error, &text);
  return backtrace_of(frames, text.view());
}

// How Wasmtime says that guest code did not return: one of the two.
struct Failure {
  wasm_trap_t* trap = nullptr;
  wasmtime_error_t* error = nullptr;

  Failure() = default;
  Failure(const Failure&) = delete;
  Failure& operator=(const Failure&) = delete;
  ~Failure() {
    if (trap != nullptr) wasm_trap_delete(trap);
    if (error != nullptr) wasmtime_error_delete(error);
  }

  explicit operator bool() const { return trap != nullptr || error != nullptr; }
};

std::int32_t code_of(Ending ending) {
  switch (ending) {
    case Ending::done:
      return 0;
    case Ending::trap:
    case Ending::timeout:
      return trap_code;
    default:
      return -1;
  }
}

Outcome failed(Ending ending, std::string message, std::string detail = {}) {
  Outcome outcome;
  outcome.ending = ending;
  outcome.code = code_of(ending);
  outcome.message = std::move(message);
  outcome.detail = std::move(detail);
  return outcome;
}

// By the clock on the wall a call may take so many times its timeout, which does not count its
// waits for the thread.
constexpr int wall_timeouts_max = 10;

Outcome timed_out(const Call& call) {
  const std::int64_t timeout_ms = call.environment.limits.timeout.count();
  if (call.starved) {
    return failed(Ending::timeout,
                  "the server was too busy to finish the handler within " +
                      std::to_string(wall_timeouts_max * timeout_ms) + " ms; try again");
  }
  return failed(Ending::timeout,
                "the handler ran longer than " + std::to_string(timeout_ms) + " ms");
}

// Of a call before which something was wrong already.
Outcome untouched(Outcome outcome) {
  outcome.guest_ran = false;
  return outcome;
}

Outcome out_of_memory(const Limits& limits, std::string detail) {
  return failed(Ending::out_of_memory,
                "the plugin needs more memory than its limit of " +
                    std::to_string(limits.memory_pages_max) + " pages of 64 KiB",
                std::move(detail));
}

std::string error_text(const Call& call) {
  return readable(call.arena.error(), message_bytes_max);
}

Outcome not_of(const Module& module, std::string_view difference) {
  return failed(Ending::snapshot,
                "the snapshot cannot be restored to plugin " + module.content_hash() + ": " +
                    std::string(difference));
}

// Nobody: a start-up for all actors can ask nothing about one of them.
class UnaskedHost final : public Host {
 public:
  Result<std::string> call(std::string_view, std::string_view) override {
    return Error{"no actor is behind this start-up"};
  }
  void log(LogLevel, std::string_view) override {}
};

Seed seed_of(std::string_view content_hash) {
  Seed seed{};
  ::sodium_hex2bin(seed.data(),
                   seed.size(),
                   content_hash.data(),
                   content_hash.size(),
                   nullptr,
                   nullptr,
                   nullptr);
  return seed;
}

// What the guest has used of its turn's clock, random numbers and time.
void add_usage(Outcome& outcome, const Call& call) {
  outcome.clock_ns = call.source.now_ns();
  outcome.drew_random = call.source.has_drawn();
  outcome.ran = call.ran;
}

// What Wasmtime says of a component's end: a backtrace, and under "Caused by" the reason.
std::string text_of(wasmtime_error_t* error) {
  ByteVector text;
  wasmtime_error_message(error, &text);
  return std::string(text.view());
}

constexpr std::string_view trap_mark = "wasm trap: ";

bool is_trap(std::string_view text) {
  return text.find(trap_mark) != std::string_view::npos;
}

Outcome trapped(const Call& call, std::string_view text, std::string backtrace) {
  if (call.refused_by_host)
    return failed(Ending::error, readable(*call.refusal, message_bytes_max));
  if (call.exit_code) {
    return failed(Ending::error, "the plugin exited with code " + std::to_string(*call.exit_code));
  }
  if (backtrace.starts_with("at " + std::string(growth_refused_function))) {
    return out_of_memory(call.environment.limits, std::move(backtrace));
  }
  std::string_view reason = text;
  constexpr std::string_view causes = "Caused by:\n";
  if (const std::size_t at = text.find(trap_mark); at != std::string_view::npos) {
    reason = text.substr(at + trap_mark.size());
  } else if (const std::size_t at = text.find(causes); at != std::string_view::npos) {
    reason = text.substr(at + causes.size());
    reason.remove_prefix(std::min(reason.find_first_not_of(" 0123456789:"), reason.size()));
  }
  const std::string words = call.refusal ? *call.refusal : std::string(first_line(reason));
  return failed(
      Ending::trap, "the handler trapped: " + readable(words, 1024), std::move(backtrace));
}

// Why a function cannot be called, in Extism's words; empty when it can.
std::string wrong_type(std::string_view name, const Module::Impl::Function& function) {
  if (function.results > 1) {
    return "Function " + readable(name, 256) + " has " + std::to_string(function.results) +
           " results, expected 0 or 1";
  }
  if (function.parameters != 0) {
    return "expected " + std::to_string(function.parameters) + " arguments, got 0";
  }
  return {};
}

// The guest came to an end of its own.
Outcome returned(const Call& call, std::int32_t code) {
  std::string text = error_text(call);
  if (text.empty() && code != 0) text = "Returned non-zero exit code: " + std::to_string(code);
  if (!text.empty()) {
    Outcome outcome = failed(Ending::error, std::move(text));
    outcome.code = code;
    outcome.output = call.arena.output();
    return outcome;
  }
  const std::size_t bytes_max = call.environment.limits.output_bytes_max;
  if (call.arena.output_length() > bytes_max) {
    return failed(Ending::output,
                  "the output of " + std::to_string(call.arena.output_length()) +
                      " bytes is larger than the limit of " + std::to_string(bytes_max));
  }
  Outcome outcome;
  outcome.output = call.arena.output();
  return outcome;
}

// The guest was ended by a trap: by its own doing, or from within an imported function.
Outcome outcome_of(const Call& call, Failure& failure, bool growth_refused) {
  if (call.refused_by_host)
    return failed(Ending::error, readable(*call.refusal, message_bytes_max));
  if (call.exit_code) {
    if (*call.exit_code == 0 || call.arena.error_get() != 0) return returned(call, *call.exit_code);
    Outcome outcome =
        failed(Ending::error, "the plugin exited with code " + std::to_string(*call.exit_code));
    outcome.code = *call.exit_code;
    return outcome;
  }
  std::string detail;
  std::string text;
  bool out_of_fuel = false;
  if (failure.trap != nullptr) {
    detail = backtrace_of(failure.trap);
    wasmtime_trap_code_t code = 0;
    if (wasmtime_trap_code(failure.trap, &code)) {
      text = words_for(code);
      out_of_fuel = code == WASMTIME_TRAP_CODE_OUT_OF_FUEL;
    }
    if (text.empty()) text = text_of(failure.trap);
  } else {
    text = message_of(std::exchange(failure.error, nullptr));
  }
  const std::string reason = readable(call.refusal ? *call.refusal : first_line(text), 1024);
  if (call.memory_refused || growth_refused)
    return out_of_memory(call.environment.limits, std::move(detail));
  if (out_of_fuel) return failed(Ending::out_of_fuel, "plugin ran out of fuel", std::move(detail));
  // What the guest has to say about its end comes first, as in Extism.
  std::string said = error_text(call);
  const bool is_own_trap = said.empty() && !call.refusal;
  Outcome outcome = said.empty()
                        ? failed(Ending::trap, "the handler trapped: " + reason, std::move(detail))
                        : failed(Ending::trap, std::move(said), "trap: " + reason + "\n" + detail);
  if (!is_own_trap) outcome.code = -1;
  return outcome;
}

}  // namespace

struct Instance::Impl {
  Impl(shard::Shard& s,
       shard::RunQueue::Lane& l,
       std::shared_ptr<const Module> m,
       const Environment& e)
      : shard(s),
        lane(l),
        module(std::move(m)),
        environment(e),
        engine(module->engine().impl()),
        on_shard(engine.on_shard(s.index())),
        store(wasmtime_store_new(engine.engine.get(), nullptr, nullptr)),
        context(wasmtime_store_context(store.get())),
        window(context, instance, on_shard.windows),
        functions(module->impl().by_name.size()),
        budget(context, environment.limits.memory_pages_max) {
    limit_memories(1);  // what they begin with
    // Declared to return an error, returns nothing: the result must not be looked at.
    static_cast<void>(wasmtime_context_epoch_deadline_async_yield_and_update(context, 1));
  }

  // Each memory to so many times the limit.
  void limit_memories(std::int64_t times) {
    const auto bytes =
        static_cast<std::int64_t>(environment.limits.memory_pages_max * wasm_page_bytes);
    wasmtime_store_limiter(store.get(), times * bytes, -1, -1, -1, -1);
  }

  LentArena lend_arena() { return on_shard.arenas.lend(budget, budget.arena_pages); }

  // Runs guest code until it ends (true), has used up its slice, or waits.
  bool poll(Call& call, wasmtime_call_future_t* future) {
    Call* const interrupted = std::exchange(running_call, &call);
    engine.clock.enter(on_shard.seat);
    // Most calls end within their first slice: for the others the last tick is near enough to their
    // beginning.
    began = engine.clock.now();
    const bool ended = wasmtime_call_future_poll(future);
    call.ran += engine.clock.now() - began;
    engine.clock.leave(on_shard.seat);
    running_call = interrupted;
    return ended;
  }

  Task<bool> go_on(Call& call, wasmtime_call_future_t* future);
  Task<std::optional<Outcome>> instantiate(Call& call);
  Task<std::optional<Outcome>> find_base();
  Task<std::optional<Outcome>> start_like(Host& host, std::uint32_t memory_pages);
  std::optional<Outcome> check(const SnapshotHeader& header) const;
  std::optional<Outcome> become(const Snapshot& snapshot, const SnapshotHeader& header);
  InstanceState state() const { return {context, instance, module->impl()}; }
  Task<std::optional<Outcome>> instantiate_component(Call& call);
  Task<Outcome> call_component(Call& call, const Component::Function& function, std::string input);
  Task<std::optional<Outcome>> link(Call& call, wasmtime_linker_t* linker, const Linked& part);
  Task<std::optional<Outcome>> finish_instance(Call& call,
                                               wasmtime_call_future_t* future,
                                               Failure& failure);
  Task<std::optional<Outcome>> start_up(Call& call, const wasmtime_instance_t& of, StartUp step);
  wasmtime_func_t export_at(const wasmtime_instance_t& of, std::size_t index);
  const wasmtime_func_t& function(const Module::Impl::Function& function);

  shard::Shard& shard;
  shard::RunQueue::Lane& lane;
  const std::shared_ptr<const Module> module;
  const Environment& environment;
  Engine::Impl& engine;
  OnShard& on_shard;
  const WasmStore store;
  wasmtime_context_t* const context;
  wasmtime_instance_t instance{};
  ArenaWindow window;                         // of `instance`
  wasmtime_component_instance_t component{};  // instead of `instance` for a component
  Pollables pollables;                        // of the component
  std::vector<wasmtime_func_t> functions;  // looked up at their first call; store_id 0 until then
  std::shared_ptr<const BaseImage> base;   // null where the module cannot be captured
  std::string base_problem;                // why it is null although the module could be
  SteadyClock::time_point began;           // the latest stretch of guest code, to a slice
  MemoryBudget budget;
  std::unique_ptr<Files> files;  // null without allowed_paths
  bool spent = false;
};

// After a first poll that did not end the guest: false when its time is up.
Task<bool> Instance::Impl::go_on(Call& call, wasmtime_call_future_t* future) {
  const SteadyClock::duration timeout = environment.limits.timeout;
  const SteadyClock::time_point wall_end = began + wall_timeouts_max * timeout;
  SteadyClock::duration used = SteadyClock::now() - began;
  for (;;) {
    if (used >= timeout) co_return false;
    if (call.wait_ns) {
      const auto left = static_cast<std::uint64_t>(
          std::chrono::duration_cast<std::chrono::nanoseconds>(timeout - used).count());
      const std::chrono::nanoseconds wait(std::min(*call.wait_ns, left));
      co_await Sleep(shard.io(), wait);
      if (*call.wait_ns > left) co_return false;
      used += wait;
      call.source.advance(*call.wait_ns);
      call.wait_ns.reset();
    }
    if (call.http.asked) {
      const SteadyClock::time_point begin = SteadyClock::now();
      const bool answered = co_await answer_http(shard, call, begin + (timeout - used));
      if (!answered) co_return false;
      used += SteadyClock::now() - begin;
    }
    if (call.file_work) {
      const SteadyClock::time_point begin = SteadyClock::now();
      const bool in_time =
          co_await run_aside(shard, std::move(call.file_work->work), begin + (timeout - used));
      if (!in_time) co_return false;
      call.file_work->result->of.i32 = static_cast<std::int32_t>(call.file_work->finish());
      call.file_work.reset();
      used += SteadyClock::now() - begin;
    }
    co_await shard.run_queue().yield(lane);
    const SteadyClock::time_point begin = SteadyClock::now();
    if (begin >= wall_end) {
      call.starved = true;
      co_return false;
    }
    const bool ended = poll(call, future);
    used += SteadyClock::now() - begin;
    if (ended) co_return true;
  }
}

wasmtime_func_t Instance::Impl::export_at(const wasmtime_instance_t& of, std::size_t index) {
  const wasmtime_extern_t item = nth_export(context, of, index);
  assert(item.kind == WASMTIME_EXTERN_FUNC && "the module's exports do not change");
  return item.of.func;
}

const wasmtime_func_t& Instance::Impl::function(const Module::Impl::Function& function) {
  wasmtime_func_t& known = functions[function.index];
  if (known.store_id == 0) known = export_at(instance, function.export_index);
  return known;
}

// Runs an instantiation to its end: what failed, or nothing.
Task<std::optional<Outcome>> Instance::Impl::finish_instance(Call& call,
                                                             wasmtime_call_future_t* future,
                                                             Failure& failure) {
  if (!poll(call, future) && !co_await go_on(call, future)) {
    co_return timed_out(call);
  }
  if (failure.error != nullptr) {
    const std::string text = message_of(std::exchange(failure.error, nullptr));
    co_return failed(Ending::out_of_memory,
                     "there is no room for the instance: " + std::string(first_line(text)));
  }
  if (failure) co_return outcome_of(call, failure, false);
  co_return std::nullopt;
}

// Makes an instance of a module that others import from.
Task<std::optional<Outcome>> Instance::Impl::link(Call& call,
                                                  wasmtime_linker_t* linker,
                                                  const Linked& part) {
  wasmtime_instance_t made{};
  {
    Failure failure;
    const WasmFuture future(wasmtime_linker_instantiate_async(
        linker, context, part.module.get(), &made, &failure.trap, &failure.error));
    std::optional<Outcome> outcome = co_await finish_instance(call, future.get(), failure);
    if (outcome) co_return std::move(*outcome);
  }
  budget.add(made);
  for (const StartUp step : part.start_up) {
    std::optional<Outcome> outcome = co_await start_up(call, made, step);
    if (outcome) co_return std::move(*outcome);
  }
  if (wasmtime_error_t* error = wasmtime_linker_define_instance(
          linker, context, part.name.data(), part.name.size(), &made)) {
    co_return failed(Ending::trap, "the plugin cannot be linked: " + message_of(error));
  }
  co_return std::nullopt;
}

// Makes the instance, and first those it imports from: what failed, or nothing.
Task<std::optional<Outcome>> Instance::Impl::instantiate(Call& call) {
  const Module::Impl& plugin = module->impl();
  wasmtime_context_set_epoch_deadline(context, 1);
  give_fuel(context, engine, environment.limits);
  WasmLinker linker;
  if (!plugin.pre) {
    linker.reset(wasmtime_linker_clone(plugin.linker.get()));
    wasmtime_linker_allow_shadowing(linker.get(), true);
    for (const Linked& part : plugin.linked) {
      std::optional<Outcome> outcome = co_await link(call, linker.get(), part);
      if (outcome) co_return std::move(*outcome);
    }
  }
  Failure failure;
  const WasmFuture future(
      plugin.pre ? wasmtime_instance_pre_instantiate_async(
                       plugin.pre.get(), context, &instance, &failure.trap, &failure.error)
                 : wasmtime_linker_instantiate_async(linker.get(),
                                                     context,
                                                     plugin.module.get(),
                                                     &instance,
                                                     &failure.trap,
                                                     &failure.error));
  std::optional<Outcome> outcome = co_await finish_instance(call, future.get(), failure);
  if (outcome) co_return std::move(*outcome);
  budget.add(instance);
  // Now growth is counted; this bounds modules that do not count it.
  limit_memories(2);
  co_return std::nullopt;
}

// One of the functions that the ABI wants run before the first call.
Task<std::optional<Outcome>> Instance::Impl::start_up(Call& call,
                                                      const wasmtime_instance_t& of,
                                                      StartUp step) {
  const wasmtime_func_t function = export_at(of, step.export_index);
  std::array<wasmtime_val_t, 2> arguments{};
  for (wasmtime_val_t& argument : arguments) argument.kind = WASMTIME_I32;
  std::array<wasmtime_val_t, 1> results{};
  Failure failure;
  wasmtime_context_set_epoch_deadline(context, 1);
  const WasmFuture future(wasmtime_func_call_async(context,
                                                   &function,
                                                   arguments.data(),
                                                   step.arguments,
                                                   results.data(),
                                                   step.results,
                                                   &failure.trap,
                                                   &failure.error));
  if (!poll(call, future.get()) && !co_await go_on(call, future.get())) {
    co_return timed_out(call);
  }
  if (failure) co_return outcome_of(call, failure, budget.refused());
  co_return std::nullopt;
}

// Sets `base`: made when it is not there yet, on an instance that serves nothing else.
Task<std::optional<Outcome>> Instance::Impl::find_base() {
  const Module::Impl& code = module->impl();
  if (!code.not_capturable.empty()) co_return std::nullopt;
  if (!environment.allowed_paths.empty()) {
    base_problem = "the plugin has allowed_paths, and what it has opened there cannot be captured";
    co_return std::nullopt;
  }
  base = code.bases->find(environment);
  if (base) co_return std::nullopt;

  Impl first(shard, lane, module, environment);
  const LentArena arena = first.lend_arena();
  UnaskedHost host;
  const TurnInputs inputs{base_time_ns, seed_of(code.content_hash)};
  Call call(engine, *arena, environment, inputs, nullptr, host);
  std::optional<Outcome> failure = co_await first.instantiate(call);
  if (!failure) {
    const InstanceState state = first.state();
    const BaseImage fresh(state.memory(), {}, {});
    for (const StartUp step : code.start_up) {
      if (failure) break;
      failure = co_await first.start_up(call, first.instance, step);
    }
    if (!failure) {
      base = code.bases->add(
          environment,
          std::make_shared<const BaseImage>(
              state.memory(), state.changed_since(fresh, engine.pages), state.globals()));
      co_return std::nullopt;
    }
  }
  base_problem = "a start-up with fixed inputs, for the image that snapshots refer to, failed: " +
                 failure->message;
  co_return failure;
}

// A fresh instance with so much memory, for the state of another.
Task<std::optional<Outcome>> Instance::Impl::start_like(Host& host, std::uint32_t memory_pages) {
  const LentArena arena = lend_arena();
  Call call(engine, *arena, environment, {}, nullptr, host);
  std::optional<Outcome> failure = co_await instantiate(call);
  if (failure) co_return failure;
  const InstanceState fresh = state();
  if (memory_pages < fresh.memory_pages()) {
    co_return not_of(*module,
                     "it has " + std::to_string(memory_pages) + " pages of memory, less than the " +
                         std::to_string(fresh.memory_pages()) + " that the plugin begins with");
  }
  if (!budget.take(memory_pages - fresh.memory_pages()) || !fresh.grow_to(memory_pages)) {
    co_return out_of_memory(
        environment.limits,
        "the snapshot has " + std::to_string(memory_pages) + " pages of memory");
  }
  co_return std::nullopt;
}

std::optional<Outcome> Instance::Impl::check(const SnapshotHeader& header) const {
  const Module::Impl& code = module->impl();
  if (!code.not_capturable.empty()) return not_of(*module, code.not_capturable);
  const ContentHash hash = seed_of(code.content_hash);
  if (header.content_hash != hash) return not_of(*module, "it is of another plugin");
  if (base && header.base != base->checksum()) {
    return not_of(*module,
                  "it refers to another image of the start-up, as of another configuration");
  }
  return std::nullopt;
}

// Makes a fresh instance with memory enough the captured one.
std::optional<Outcome> Instance::Impl::become(const Snapshot& snapshot,
                                              const SnapshotHeader& header) {
  const InstanceState fresh = state();
  if (!std::ranges::equal(
          fresh.globals(), header.globals, {}, &GlobalValue::type, &GlobalValue::type)) {
    return not_of(*module, "its globals are not of the plugin's types");
  }
  SnapshotCodec& codec = on_shard.snapshots;
  Difference& difference = codec.scratch;
  if (const Result<void> decoded = codec.decode(snapshot, difference); decoded.has_error()) {
    return not_of(*module, decoded.error().message);
  }
  apply_difference(difference, *base, fresh.memory());
  fresh.set_globals(header.globals);
  codec.tidy();
  return std::nullopt;
}

Task<std::optional<Outcome>> Instance::Impl::instantiate_component(Call& call) {
  const Module::Impl& code = module->impl();
  Failure failure;
  call.pollables = &pollables;
  wasmtime_context_set_epoch_deadline(context, 1);
  give_fuel(context, engine, environment.limits);
  const WasmFuture future(wasmtime_component_linker_instantiate_async(
      code.component->linker(), context, code.component->code(), &component, &failure.error));
  if (!poll(call, future.get()) && !co_await go_on(call, future.get())) {
    co_return timed_out(call);
  }
  if (!failure) co_return std::nullopt;
  if (const std::string text = text_of(failure.error); is_trap(text)) {
    co_return trapped(call, text, backtrace_of(failure.error));
  } else {
    co_return failed(Ending::out_of_memory,
                     "there is no room for the instance: " + std::string(first_line(text)));
  }
}

// Calls a function of a component with arguments that the input gives, and takes what it returns
// as JSON text.
Task<Outcome> Instance::Impl::call_component(Call& call,
                                             const Component::Function& function,
                                             std::string input) {
  const Component& code = *module->impl().component;
  Result<Component::Arguments> arguments = code.arguments(function, input);
  if (arguments.has_error()) {
    spent = false;
    co_return untouched(failed(Ending::error, std::move(arguments.error().message)));
  }
  wasmtime_component_func_t callee;
  [[maybe_unused]] const bool found =
      wasmtime_component_instance_get_func(&component, context, function.index.get(), &callee);
  assert(found && "the component's exports do not change");
  OwnedValue result;
  Failure failure;
  bool in_time = true;
  call.pollables = &pollables;
  wasmtime_context_set_epoch_deadline(context, 1);
  give_fuel(context, engine, environment.limits);
  {
    const WasmFuture future(wasmtime_component_func_call_async(&callee,
                                                               context,
                                                               arguments->values.data(),
                                                               arguments->values.size(),
                                                               &result,
                                                               function.result ? 1 : 0,
                                                               &failure.error));
    if (!poll(call, future.get())) in_time = co_await go_on(call, future.get());
  }
  if (!in_time) co_return timed_out(call);
  if (failure) {
    const std::string text = text_of(failure.error);
    co_return trapped(call, text, backtrace_of(failure.error));
  }
  spent = false;
  if (!function.result) co_return Outcome{};
  const Component::Returned returned =
      code.returned(function, result, environment.limits.output_bytes_max);
  if (returned.ending != Ending::done) {
    co_return failed(returned.ending, readable(returned.text, message_bytes_max));
  }
  Outcome outcome;
  const Arena::Handle block = call.arena.put(returned.text);
  if (block == 0 && !returned.text.empty()) {
    co_return out_of_memory(environment.limits, {});
  }
  outcome.output = call.arena.block(block);
  co_return outcome;
}

Task<std::pair<std::unique_ptr<Instance>, Outcome>> Instance::create(
    shard::Shard& shard,
    shard::RunQueue::Lane& lane,
    std::shared_ptr<const Module> module,
    const Environment& environment,
    TurnInputs inputs,
    Host& host) {
  auto impl = std::make_unique<Impl>(shard, lane, std::move(module), environment);
  if (!environment.allowed_paths.empty()) {
    auto files = Files::create(environment.allowed_paths);
    if (files.has_error()) {
      co_return std::pair(nullptr, failed(Ending::error, std::move(files.error().message)));
    }
    impl->files = std::move(*files);
  }
  // Without an image the instance cannot be captured, but lives as well.
  co_await impl->find_base();
  const LentArena arena = impl->lend_arena();
  Call call(impl->engine, *arena, environment, inputs, nullptr, host);
  call.files = impl->files.get();
  std::optional<Outcome> failure;
  if (impl->module->is_component()) {
    failure = co_await impl->instantiate_component(call);
  } else {
    failure = co_await impl->instantiate(call);
  }
  for (const StartUp step : impl->module->impl().start_up) {
    if (failure) break;
    failure = co_await impl->start_up(call, impl->instance, step);
  }
  impl->budget.arena_pages = arena->pages_paid();
  call.end_output();
  std::unique_ptr<Instance> instance;
  if (!failure) instance.reset(new Instance(std::move(impl)));
  Outcome outcome = failure ? *std::move(failure) : Outcome{};
  add_usage(outcome, call);
  co_return std::pair(std::move(instance), std::move(outcome));
}

Task<std::pair<std::unique_ptr<Instance>, Outcome>> Instance::restore(
    shard::Shard& shard,
    shard::RunQueue::Lane& lane,
    std::shared_ptr<const Module> module,
    const Environment& environment,
    const Snapshot& snapshot,
    Host& host) {
  auto impl = std::make_unique<Impl>(shard, lane, std::move(module), environment);
  std::pair<std::unique_ptr<Instance>, Outcome> made;
  Result<SnapshotHeader> header = SnapshotCodec::header(snapshot);
  if (header.has_error()) {
    made.second = not_of(*impl->module, header.error().message);
    co_return made;
  }
  std::optional<Outcome> failure = impl->check(*header);
  if (!failure) failure = co_await impl->find_base();
  if (!failure) failure = impl->check(*header);
  if (!failure) failure = co_await impl->start_like(host, header->memory_pages);
  if (!failure) failure = impl->become(snapshot, *header);
  if (failure) {
    made.second = *std::move(failure);
  } else {
    made.first.reset(new Instance(std::move(impl)));
  }
  co_return made;
}

Result<Snapshot> Instance::capture() const {
  const Impl& impl = *impl_;
  assert(!impl.spent && "an instance is captured between two calls, and not after it was spent");
  const Module::Impl& code = impl.module->impl();
  if (!code.not_capturable.empty()) {
    return Error{"the plugin's memory cannot be captured: " + code.not_capturable};
  }
  if (!impl.base) return Error{impl.base_problem};

  const InstanceState state = impl.state();
  const std::vector<std::uint32_t> changed = state.changed_since(*impl.base, impl.engine.pages);
  const std::size_t bytes = changed.size() * page_bytes;
  const std::size_t bytes_max = impl.environment.limits.snapshot_bytes_max;
  if (bytes > bytes_max) {
    return Error{"the plugin's memory has changed in " + std::to_string(bytes) +
                 " bytes since its start-up; a snapshot may hold " + std::to_string(bytes_max)};
  }
  SnapshotCodec& codec = impl.on_shard.snapshots;
  Difference& difference = codec.scratch;
  difference.clear();
  append_difference(state.memory(), changed, *impl.base, difference);
  const SnapshotHeader header{.content_hash = seed_of(code.content_hash),
                              .base = impl.base->checksum(),
                              .memory_pages = state.memory_pages(),
                              .globals = state.globals()};
  Snapshot snapshot = codec.encode(header, difference);
  codec.tidy();
  return snapshot;
}

Task<std::pair<std::unique_ptr<Instance>, Outcome>> Instance::copy(Host& host) const {
  const Impl& impl = *impl_;
  assert(!impl.spent && "an instance is copied between two calls, and not after it was spent");
  std::pair<std::unique_ptr<Instance>, Outcome> made;
  if (!impl.base) {
    const std::string& reason = impl.module->impl().not_capturable;
    made.second = failed(
        Ending::snapshot,
        "the plugin's memory cannot be copied: " + (reason.empty() ? impl.base_problem : reason));
    co_return made;
  }
  const InstanceState state = impl.state();
  auto other = std::make_unique<Impl>(impl.shard, impl.lane, impl.module, impl.environment);
  other->base = impl.base;
  std::optional<Outcome> failure = co_await other->start_like(host, state.memory_pages());
  if (failure) {
    made.second = *std::move(failure);
    co_return made;
  }
  const InstanceState fresh = other->state();
  copy_memory(state, *impl.base, impl.engine.pages, fresh.memory());
  fresh.set_globals(state.globals());
  made.first.reset(new Instance(std::move(other)));
  co_return made;
}

Task<Outcome> Instance::call(std::string_view function,
                             std::span<const std::string_view> input,
                             TurnInputs inputs,
                             Vars& vars,
                             Host& host) {
  Impl& impl = *impl_;
  assert(!impl.spent && "an instance is called by one at a time, and not after it was spent");
  const Limits& limits = impl.environment.limits;
  const Component* component = impl.module->impl().component.get();
  const Component::Function* typed = component == nullptr ? nullptr : component->find(function);
  const Module::Impl::Function* found = impl.module->impl().find(function);
  if (found == nullptr && typed == nullptr) {
    co_return untouched(failed(Ending::missing, "Function not found: " + readable(function, 256)));
  }
  if (found != nullptr) {
    std::string wrong = wrong_type(function, *found);
    if (!wrong.empty()) co_return untouched(failed(Ending::missing, std::move(wrong)));
  }
  impl.budget.make_even();
  LentArena arena = impl.lend_arena();
  if (typed != nullptr) {
    std::string text;
    for (const std::string_view piece : input) text += piece;
    Call call(impl.engine, *arena, impl.environment, inputs, &vars, host);
    impl.spent = true;  // until the guest has returned
    Outcome outcome = co_await impl.call_component(call, *typed, std::move(text));
    call.end_output();
    add_usage(outcome, call);
    impl.budget.arena_pages = arena->pages_paid();
    if (outcome.ending == Ending::done) outcome.arena = std::move(arena);
    co_return outcome;
  }
  if (impl.module->impl().has_window) arena->use(impl.window);
  if (!arena->set_input(input)) {
    co_return untouched(out_of_memory(limits, "the input alone is too large"));
  }
  Call call(impl.engine, *arena, impl.environment, inputs, &vars, host);
  call.files = impl.files.get();

  Failure failure;
  wasmtime_val_t result{.kind = WASMTIME_I32, .of = {.i32 = 0}};
  bool in_time = true;
  impl.spent = true;  // until the guest has returned
  {
    wasmtime_context_set_epoch_deadline(impl.context, 1);
    give_fuel(impl.context, impl.engine, limits);
    const WasmFuture future(wasmtime_func_call_async(impl.context,
                                                     &impl.function(*found),
                                                     nullptr,
                                                     0,
                                                     &result,
                                                     found->results,
                                                     &failure.trap,
                                                     &failure.error));
    if (!impl.poll(call, future.get())) in_time = co_await impl.go_on(call, future.get());
  }
  call.end_output();
  Outcome outcome;
  if (!in_time) {
    outcome = timed_out(call);
  } else if (failure) {
    outcome = outcome_of(call, failure, impl.budget.refused());
  } else {
    impl.spent = function == program_start;
    outcome = returned(call, result.kind == WASMTIME_I32 ? result.of.i32 : -1);
    if (!found->listed) wasmtime_val_unroot(&result);
  }
  if (function == program_start) vars.erase_all();
  add_usage(outcome, call);
  outcome.vars_full = call.vars_full;
  impl.budget.arena_pages = arena->pages_paid();
  if (!outcome.output.empty()) {
    outcome.output = arena->settle();
    outcome.arena = std::move(arena);
  }
  co_return outcome;
}

Instance::Instance(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Instance::~Instance() = default;

bool Instance::spent() const {
  return impl_->spent;
}
std::size_t Instance::memory_bytes() const {
  return impl_->module->not_capturable().empty() ? impl_->state().memory().size() : 0;
}
const Module& Instance::module() const {
  return *impl_->module;
}

}  // namespace troupe::guest
