#include "guest/compiler.h"

#include "base/sanitized.h"
#include "guest/arena_access.h"
#include "guest/binary.h"
#include "guest/component.h"
#include "guest/descriptor.h"
#include "guest/engine_impl.h"
#include "guest/growth.h"
#include "guest/program.h"
#include "guest/state_exports.h"
#include "guest/text.h"
#include "guest/wasmtime.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <poll.h>
#include <spawn.h>
#include <vector>

namespace troupe::guest {

namespace {

struct Setting {
  std::string_view name;
  Compiler compiler;
  bool fuel;
};
constexpr std::array settings{
    Setting{"optimising", Compiler::optimising, false},
    Setting{"fast", Compiler::fast, false},
    Setting{"optimising-fuel", Compiler::optimising, true},
    Setting{"fast-fuel", Compiler::fast, true},
};

// What the child may say about a module it refuses.
constexpr std::size_t reason_bytes_max = 4096;
// A child that waits instead of computing uses no CPU time; it is ended nevertheless. Generous, for
// machines with other things to do.
std::chrono::seconds wall_time_max(const CompileLimits& limits) {
  return 4 * limits.cpu_time_max + std::chrono::seconds(60);
}
// Shards come first.
constexpr int child_niceness = 5;

enum ExitCode { compiled = 0, wrong_usage = 2, refused = 3 };

// ---- The parent's side

std::string failure(std::string_view what) {
  return "the compiler cannot be started: " + std::string(what) + ": " + system_text(errno);
}

constexpr const char* child_mark = "TROUPE_COMPILES";

// The loader and the sanitizers must find themselves; what else is in our environment, secrets
// among it, is not for the child.
std::vector<char*> child_environment() {
  static constexpr std::array<std::string_view, 5> kept = {
      "LD_LIBRARY_PATH=", "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "TSAN_OPTIONS=", "LSAN_OPTIONS="};
  std::vector<char*> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    for (const std::string_view prefix : kept) {
      if (std::string_view(*entry).starts_with(prefix)) environment.push_back(*entry);
    }
  }
  // A program whose main() does not know the word would begin anew, and start children of its own.
  static char mark[] = "TROUPE_COMPILES=1";
  environment.push_back(mark);
  environment.push_back(nullptr);
  return environment;
}

Result<pid_t> spawn(std::vector<std::string> arguments, int input, int output, int reasons) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::vector<char*> environment = child_environment();

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  // In this order none overwrites another: memfds and files of ours are above 2, or are moved away
  // first.
  ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, reasons, STDERR_FILENO);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  // Signals that the server blocks or ignores must not make the child deaf to its limits.
  sigset_t none;
  sigset_t defaults;
  ::sigemptyset(&none);
  ::sigfillset(&defaults);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  pid_t child = -1;
  const int error =
      ::posix_spawn(&child, argv[0], &actions, &attributes, argv.data(), environment.data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    errno = error;
    return Error{failure(arguments[0])};
  }
  return child;
}

// The child's status, or nothing when it had to be killed after time_max.
std::optional<int> wait_for(pid_t child, std::chrono::milliseconds time_max) {
  const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  bool ended = !process;  // a system without pidfd: the limit of CPU time has to do
  if (process) {
    const auto deadline = std::chrono::steady_clock::now() + time_max;
    for (;;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      pollfd poll{process.get(), POLLIN, 0};
      const int count = ::poll(
          &poll, 1, static_cast<int>(std::max(left.count(), std::chrono::milliseconds::rep{0})));
      if (count < 0 && errno == EINTR) continue;
      ended = count > 0;
      break;
    }
  }
  if (!ended) ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return ended ? std::optional(status) : std::nullopt;
}

std::string read_reason(int fd) {
  std::string text(reason_bytes_max, '\0');
  const ssize_t count = ::pread(fd, text.data(), text.size(), 0);
  text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return readable(text, reason_bytes_max);
}

// The limit that has ended the compiler; nothing when none did.
std::optional<Bound> bound_of(const std::optional<int>& status) {
  if (!status) return Bound::compile_cpu;
  if (!WIFSIGNALED(*status)) return std::nullopt;
  if (WTERMSIG(*status) == SIGXCPU) return Bound::compile_cpu;
  // The compiler has no other answer to memory it does not get.
  if (WTERMSIG(*status) == SIGABRT) return Bound::compile_memory;
  return std::nullopt;
}

std::string explain(const std::optional<int>& status,
                    const CompileLimits& limits,
                    const std::string& reason) {
  const std::string seconds = std::to_string(limits.cpu_time_max.count());
  const std::string mebibytes = std::to_string(limits.memory_bytes_max >> 20);
  if (!status)
    return "the compiler took more than " + std::to_string(wall_time_max(limits).count()) +
           " s and was ended";
  if (WIFEXITED(*status) && WEXITSTATUS(*status) == refused) return reason;
  const std::optional<Bound> bound = bound_of(status);
  if (bound == Bound::compile_cpu) {
    return "the module needs more than " + seconds +
           " s of CPU time to compile. Make it smaller, or raise the limit.";
  }
  if (bound == Bound::compile_memory) {
    return "the module needs more than " + mebibytes +
           " MiB to compile, or the compiler failed: " + reason;
  }
  const std::string how = WIFSIGNALED(*status)
                              ? "signal " + std::to_string(WTERMSIG(*status))
                              : "exit code " + std::to_string(WEXITSTATUS(*status));
  return "the compiler ended by " + how + ": " + reason;
}

// ---- The child's side

bool limit(int resource, std::uint64_t value, std::uint64_t hard) {
  const rlimit bound{value, hard};
  return ::setrlimit(static_cast<__rlimit_resource_t>(resource), &bound) == 0;
}

// Before anything of the module has been read.
bool limit_myself(const CompileLimits& limits) {
  ::setpriority(PRIO_PROCESS, 0, child_niceness);
  const auto seconds = static_cast<std::uint64_t>(limits.cpu_time_max.count());
  const std::size_t bytes = limits.memory_bytes_max;
  // At the first limit of CPU time comes SIGXCPU, which names the reason; at the second SIGKILL.
  bool limited = limit(RLIMIT_CORE, 0, 0) && limit(RLIMIT_CPU, seconds, seconds + 1) &&
                 limit(RLIMIT_FSIZE, bytes, bytes);
#ifndef TROUPE_SANITIZED
  // Of memory that can be written, not of addresses: allocators reserve far more than they use, and
  // sanitizers terabytes.
  limited = limited && limit(RLIMIT_DATA, bytes, bytes);
#endif
  return limited;
}

template <class T>
std::optional<T> number(const char* text) {
  T value{};
  const std::string_view view(text);
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), value);
  if (error != std::errc{} || end != view.data() + view.size()) return std::nullopt;
  return value;
}

const std::uint8_t* bytes_of(std::string_view wasm) {
  return reinterpret_cast<const std::uint8_t*>(wasm.data());
}

int refuse_module(std::string_view reason) {
  write_all(STDERR_FILENO, reason);
  return refused;
}

// Both give the reason of a refusal, or nothing.

std::optional<std::string> compile_component(const wasm_engine_t& engine,
                                             std::string_view wasm,
                                             ByteVector& code) {
  wasmtime_component_t* raw = nullptr;
  const auto compiled = [&](std::string_view bytes) {
    return WasmError(wasmtime_component_new(&engine, bytes_of(bytes), bytes.size(), &raw));
  };
  // What is wrong with a component is said about the author's.
  if (const WasmError first = compiled(component_with_noted_growth(wasm)); first != nullptr) {
    if (WasmError error = compiled(wasm); error != nullptr) return message_of(error.release());
  }
  const WasmComponent component(raw);
  if (wasmtime_error_t* error = wasmtime_component_serialize(component.get(), &code)) {
    return message_of(error);
  }
  return std::nullopt;
}

std::optional<std::string> compile_module(wasm_engine_t& engine,
                                          std::string_view wasm,
                                          ByteVector& code) {
  // Before it is rewritten: what is wrong with a module is said about the author's.
  if (wasmtime_error_t* error = wasmtime_module_validate(&engine, bytes_of(wasm), wasm.size())) {
    return message_of(error);
  }
  // The second place in an instance's slot is for the window (arena_access.h).
  if (const auto sections = binary::Sections::read(wasm)) {
    const std::uint64_t memories = sections->count_of(binary::memories);
    if (memories > 1) {
      return "the module has " + std::to_string(memories) + " memories, and a plugin has one";
    }
  }
  const std::string with_state = with_exported_state(wasm);
  wasm = with_state;
  const std::optional<std::string> rewritten = with_noted_growth(wasm);
  if (rewritten) wasm = *rewritten;
  const std::optional<std::string> windowed = with_window(wasm);
  if (windowed) wasm = *windowed;
  wasmtime_module_t* raw = nullptr;
  if (wasmtime_error_t* error = wasmtime_module_new(&engine, bytes_of(wasm), wasm.size(), &raw)) {
    return message_of(error);
  }
  const WasmModule module(raw);
  if (wasmtime_error_t* error = wasmtime_module_serialize(module.get(), &code)) {
    return message_of(error);
  }
  return std::nullopt;
}

int compile(const Setting& setting) {
  struct stat status{};
  if (::fstat(STDIN_FILENO, &status) != 0 || status.st_size <= 0) {
    return refuse_module("the compiler got no module");
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, STDIN_FILENO, 0);
  if (mapped == MAP_FAILED) return refuse_module("the compiler cannot read the module");

  std::string_view wasm(static_cast<const char*>(mapped), size);
  ByteVector from_text;
  if (is_module_text(wasm)) {
    if (wasmtime_error_t* error = wasmtime_wat2wasm(wasm.data(), wasm.size(), &from_text)) {
      return refuse_module(message_of(error));
    }
    wasm = from_text.view();
  }

  const WasmEngine engine(
      wasm_engine_new_with_config(compile_config(setting.compiler, setting.fuel).release()));
  ByteVector code;
  const auto refusal = is_component(wasm) ? compile_component(*engine, wasm, code)
                                          : compile_module(*engine, wasm, code);
  if (refusal) return refuse_module(*refusal);
  if (!write_all(STDOUT_FILENO, code.view())) {
    return refuse_module(std::string("the compiled module cannot be written: ") +
                         system_text(errno));
  }
  return compiled;
}

}  // namespace

Result<void> compile_in_child(std::span<const std::string> command,
                              const EngineOptions& engine,
                              const CompileLimits& limits,
                              std::string_view wasm,
                              int output,
                              BoundCounts& reached) {
  const Descriptor input(::memfd_create("troupe-module", MFD_CLOEXEC));
  const Descriptor reasons(::memfd_create("troupe-compiler-says", MFD_CLOEXEC));
  if (!input || !reasons || !write_all(input.get(), wasm)) return Error{failure("memfd")};

  std::vector<std::string> arguments(command.begin(), command.end());
  const auto setting = std::ranges::find_if(settings, [&](const Setting& each) {
    return each.compiler == engine.compiler && each.fuel == engine.fuel;
  });
  arguments.emplace_back(setting->name);
  arguments.push_back(std::to_string(limits.cpu_time_max.count()));
  arguments.push_back(std::to_string(limits.memory_bytes_max));
  if (std::getenv(child_mark) != nullptr) {
    return Error{
        "the compiler cannot be started: this is its process, and main() does not call it"};
  }
  TRY(const pid_t child, spawn(std::move(arguments), input.get(), output, reasons.get()));
  const std::optional<int> status = wait_for(child, wall_time_max(limits));
  if (status == compiled) return {};
  if (const std::optional<Bound> bound = bound_of(status)) reached.reached(*bound);
  return Error{explain(status, limits, read_reason(reasons.get()))};
}

int run_compiler(int argc, char** argv) {
  if (argc == 3) {
    const auto setting = std::ranges::find(settings, std::string_view(argv[0]), &Setting::name);
    const auto seconds = number<std::int64_t>(argv[1]);
    const auto bytes = number<std::size_t>(argv[2]);
    if (setting != settings.end() && seconds && bytes) {
      if (!limit_myself({std::chrono::seconds(*seconds), *bytes})) {
        return refuse_module(std::string("the compiler cannot be given its limits: ") +
                             system_text(errno));
      }
      // The process is at its end: no exit handlers, of sanitizers for one, that only take time.
      std::_Exit(compile(*setting));
    }
  }
  constexpr std::string_view usage =
      "compile-module [fast|optimising][-fuel] CPU_SECONDS MEMORY_BYTES: compiles the module on "
      "standard "
      "input; used by troupe itself\n";
  write_all(STDERR_FILENO, usage);
  return wrong_usage;
}

}  // namespace troupe::guest
