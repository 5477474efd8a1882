#include "guest/sandbox.h"

#include "base/hex.h"

#include <sys/stat.h>
#include <wasmtime.h>
#include <wasmtime.hh>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstring>
#include <fstream>
#include <mutex>
#include <optional>
#include <sodium.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::guest {

namespace {

namespace fs = std::filesystem;
using Nothing = std::monostate;

wasmtime::Engine make_engine() {
  wasmtime::Config config;
  // Compiles in a fifth of Cranelift's time, which is what a first build waits for.
  config.strategy(wasmtime::Strategy::Winch);
  config.epoch_interruption(true);
  return wasmtime::Engine(std::move(config));
}

wasmtime::Span<std::uint8_t> span_of(std::span<const std::uint8_t> bytes) {
  return {const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
}

// ---- The cache

// Makes the folder if it is not there. False when what is in it cannot be trusted or it cannot be
// used.
bool prepare_folder(const fs::path& folder) {
  if (folder.empty()) return false;
  std::error_code error;
  fs::create_directories(folder.parent_path(), error);
  ::mkdir(folder.c_str(), 0700);
  struct stat status{};
  if (::lstat(folder.c_str(), &status) != 0) return false;
  return S_ISDIR(status.st_mode) && status.st_uid == ::geteuid() && (status.st_mode & 077) == 0;
}

// Wasmtime itself refuses a file of another version, configuration or processor; the name only
// keeps them apart.
fs::path cache_file(const fs::path& folder, std::span<const std::uint8_t> wasm) {
  std::array<unsigned char, 16> hash{};
  crypto_generichash(hash.data(), hash.size(), wasm.data(), wasm.size(), nullptr, 0);
  return folder / (std::string("sandbox-") + WASMTIME_VERSION + "-" + hex(hash));
}

// Written under another name first: whoever reads the file finds it whole. That it cannot be
// written costs the next build a compilation and nothing else.
void keep(const fs::path& file, const wasmtime::Module& module) {
  auto code = module.serialize();
  if (!code) return;
  const fs::path unfinished = file.string() + "." + std::to_string(::getpid()) + ".new";
  std::error_code error;
  {
    std::ofstream out(unfinished, std::ios::binary | std::ios::trunc);
    const auto& bytes = code.ok_ref();
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
    if (!out.flush()) {
      fs::remove(unfinished, error);
      return;
    }
  }
  fs::rename(unfinished, file, error);
  if (error) fs::remove(unfinished, error);
}

Result<wasmtime::Module> load_module(wasmtime::Engine& engine,
                                     std::span<const std::uint8_t> wasm,
                                     const fs::path& cache_folder) {
  const bool cached = prepare_folder(cache_folder);
  const fs::path file = cached ? cache_file(cache_folder, wasm) : fs::path();
  std::error_code error;
  if (cached && fs::exists(file, error)) {
    auto known = wasmtime::Module::deserialize_file(engine, file.string());
    if (known) return known.ok();
  }
  auto compiled = wasmtime::Module::compile(engine, span_of(wasm));
  if (!compiled) return Error{"the module cannot be compiled: " + compiled.err().message()};
  if (cached) keep(file, compiled.ok_ref());
  return compiled.ok();
}

// ---- Values

bool is_i64(const wasmtime::ValType::Ref& type) {
  return type == wasmtime::ValType::Ref(wasmtime::ValType::i64());
}

bool is_integer(const wasmtime::ValType::Ref& type) {
  return is_i64(type) || type == wasmtime::ValType::Ref(wasmtime::ValType::i32());
}

bool are_integers(const wasmtime::FuncType::Ref& type) {
  return std::ranges::all_of(type.params(), is_integer) &&
         std::ranges::all_of(type.results(), is_integer) && type.results().size() <= 1;
}

std::uint64_t bits_of(const wasmtime::Val& value) {
  const auto& raw = *value.capi();
  return raw.kind == WASMTIME_I32 ? static_cast<std::uint32_t>(raw.of.i32)
                                  : static_cast<std::uint64_t>(raw.of.i64);
}

wasmtime::Val value_of(const wasmtime::ValType::Ref& type, std::uint64_t bits) {
  if (is_i64(type)) return static_cast<std::int64_t>(bits);
  return static_cast<std::int32_t>(bits);
}

// Raises the engine's epoch when the time is over, unless it is destroyed before.
class Watchdog {
 public:
  Watchdog(const wasmtime::Engine& engine, std::chrono::milliseconds time)
      : thread_([this, &engine, time] {
          std::unique_lock lock(mutex_);
          if (!ended_.wait_for(lock, time, [this] { return is_over_; })) {
            has_barked_ = true;
            engine.increment_epoch();
          }
        }) {}
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog() { stop(); }

  // True when the time was over before the call was.
  bool stop() {
    {
      const std::lock_guard lock(mutex_);
      is_over_ = true;
    }
    ended_.notify_one();
    if (thread_.joinable()) thread_.join();
    return has_barked_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool is_over_ = false;
  bool has_barked_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace

struct Sandbox::Impl {
  Impl(HostFunctions functions, const SandboxLimits& limits_in)
      : host_functions(std::move(functions)),
        limits(limits_in),
        engine(make_engine()),
        store(engine) {}

  wasmtime::Func host_function(const wasmtime::ImportType::Ref& import,
                               const wasmtime::FuncType::Ref& type);

  HostFunctions host_functions;
  SandboxLimits limits;
  wasmtime::Engine engine;
  wasmtime::Store store;
  std::optional<wasmtime::Instance> instance;
  std::optional<wasmtime::Memory> memory;
  std::optional<std::string> refusal;  // of a host function, during a call
};

wasmtime::Func Sandbox::Impl::host_function(const wasmtime::ImportType::Ref& import,
                                            const wasmtime::FuncType::Ref& type) {
  const std::string name = std::string(import.module()) + "." + std::string(import.name());
  const auto found = host_functions.find(name);
  const HostFunction* function = found == host_functions.end() ? nullptr : &found->second;
  std::optional<wasmtime::ValType> result;
  if (type.results().size() == 1) result.emplace(*type.results().begin());
  auto body =
      [this, name, function, result](
          wasmtime::Caller,
          wasmtime::Span<const wasmtime::Val> arguments,
          wasmtime::Span<wasmtime::Val> results) -> wasmtime::Result<Nothing, wasmtime::Trap> {
    if (!function) {
      refusal = "the module called " + name + ", which is not provided here";
      return wasmtime::Trap(*refusal);
    }
    std::vector<std::uint64_t> words;
    for (const auto& argument : arguments) words.push_back(bits_of(argument));
    auto answer = (*function)(words);
    if (answer.has_error()) {
      refusal = std::move(answer.error().message);
      return wasmtime::Trap(*refusal);
    }
    if (result) results[0] = value_of(wasmtime::ValType::Ref(*result), *answer);
    return Nothing();
  };
  return wasmtime::Func(store, wasmtime::FuncType(type), body);
}

Sandbox::Sandbox(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Sandbox::~Sandbox() = default;

Result<std::unique_ptr<Sandbox>> Sandbox::create(std::span<const std::uint8_t> wasm,
                                                 const fs::path& cache_folder,
                                                 HostFunctions host_functions,
                                                 const SandboxLimits& limits) {
  auto impl = std::make_unique<Impl>(std::move(host_functions), limits);
  TRY(wasmtime::Module module, load_module(impl->engine, wasm, cache_folder));

  constexpr std::int64_t table_elements_max = 100'000;
  impl->store.limiter(
      static_cast<std::int64_t>(limits.memory_bytes_max), table_elements_max, 1, 1, 1);
  impl->store.context().set_epoch_deadline(1);

  std::vector<wasmtime::Extern> imports;
  for (const auto& import : module.imports()) {
    const auto type = wasmtime::ExternType::from_import(import);
    const auto* function = std::get_if<wasmtime::FuncType::Ref>(&type);
    if (!function) {
      return Error{"the module imports " + std::string(import.module()) + "." +
                   std::string(import.name()) + ", which is not a function"};
    }
    if (!are_integers(*function)) {
      return Error{"the module imports " + std::string(import.module()) + "." +
                   std::string(import.name()) + ", whose type is not made of i32 and i64"};
    }
    imports.emplace_back(impl->host_function(import, *function));
  }
  auto instance = wasmtime::Instance::create(impl->store, module, imports);
  if (!instance) return Error{"the module cannot be instantiated: " + instance.err().message()};
  impl->instance = instance.ok();
  if (auto memory = impl->instance->get(impl->store, "memory")) {
    if (auto* exported = std::get_if<wasmtime::Memory>(&*memory)) impl->memory = *exported;
  }
  return std::unique_ptr<Sandbox>(new Sandbox(std::move(impl)));
}

Result<> Sandbox::validate(std::span<const std::uint8_t> wasm) {
  wasmtime::Engine engine = make_engine();
  auto valid = wasmtime::Module::validate(engine, span_of(wasm));
  if (!valid) return Error{valid.err().message()};
  return {};
}

SandboxOutcome Sandbox::call(std::string_view function, std::span<const std::uint64_t> arguments) {
  auto found = impl_->instance->get(impl_->store, function);
  const auto* exported = found ? std::get_if<wasmtime::Func>(&*found) : nullptr;
  if (!exported)
    return {Ending::missing, 0, "the module has no function \"" + std::string(function) + "\""};

  const wasmtime::FuncType type = exported->type(impl_->store);
  const wasmtime::FuncType::Ref signature(type);
  if (signature.params().size() != arguments.size() || !are_integers(signature)) {
    return {Ending::missing, 0, "the function \"" + std::string(function) + "\" has another type"};
  }
  std::vector<wasmtime::Val> values;
  const auto* parameter = signature.params().begin();
  for (const std::uint64_t argument : arguments) values.push_back(value_of(*parameter++, argument));

  impl_->refusal.reset();
  impl_->store.context().set_epoch_deadline(1);
  Watchdog watchdog(impl_->engine, impl_->limits.time_max);
  auto result = exported->call(impl_->store, values);
  const bool is_late = watchdog.stop();

  if (result) {
    const auto& results = result.ok_ref();
    return {Ending::done, results.empty() ? 0 : bits_of(results.front()), ""};
  }
  if (impl_->refusal) return {Ending::error, 0, std::move(*impl_->refusal)};
  if (is_late) {
    return {Ending::timeout,
            0,
            "ran longer than " + std::to_string(impl_->limits.time_max.count()) + " ms"};
  }
  return {Ending::trap, 0, result.err().message()};
}

std::span<std::uint8_t> Sandbox::memory() {
  if (!impl_->memory) return {};
  const auto data = impl_->memory->data(impl_->store);
  return {data.data(), data.size()};
}

}  // namespace troupe::guest
