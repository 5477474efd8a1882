// The same plugin called through libextism and through Troupe's guest layer, in turns, in one
// process.
//
//   extism_compare LIBEXTISM CACHE_FOLDER MODULE FUNCTION[=INPUT]...
//
// A function without an input gets text of 100 B, 2 KB and 1 MB. Prints a line of JSON for each
// measurement: nanoseconds of CPU time for a whole call (input in, output out), the least of
// several rounds, and for a new instance; and bytes resident for each instance.
#include "guest/module_cache.h"
#include "server/local_plugin.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <dlfcn.h>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace {

using troupe::server::LocalPlugin;
using troupe::server::LocalRuntime;

constexpr int rounds = 9;
constexpr auto round_time = std::chrono::milliseconds(150);
constexpr int instances = 200;

[[noreturn]] void stop(const std::string& reason) {
  std::fprintf(stderr, "extism_compare: %s\n", reason.c_str());
  std::exit(1);
}

double cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t size = 0;
  std::size_t resident = 0;
  statm >> size >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// libextism's C API, as far as it is used here.
class Libextism {
 public:
  explicit Libextism(const char* path) : library_(::dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
    if (library_ == nullptr) stop(::dlerror());
    find(compile_, "extism_compiled_plugin_new");
    find(new_, "extism_plugin_new_from_compiled");
    find(free_, "extism_plugin_free");
    find(call_, "extism_plugin_call");
    find(output_length_, "extism_plugin_output_length");
    find(output_data_, "extism_plugin_output_data");
  }

  void* compile(std::string_view wasm) const {
    char* error = nullptr;
    void* compiled = compile_(bytes(wasm), wasm.size(), nullptr, 0, true, &error);
    if (compiled == nullptr) stop(error == nullptr ? "libextism cannot compile it" : error);
    return compiled;
  }
  void* make(void* compiled) const {
    char* error = nullptr;
    void* plugin = new_(compiled, &error);
    if (plugin == nullptr) stop(error == nullptr ? "libextism makes no plugin" : error);
    return plugin;
  }
  void free(void* plugin) const { free_(plugin); }
  std::string_view call(void* plugin, const char* function, std::string_view input) const {
    if (call_(plugin, function, bytes(input), input.size()) != 0)
      stop("libextism: the call failed");
    return {reinterpret_cast<const char*>(output_data_(plugin)), output_length_(plugin)};
  }

 private:
  static const std::uint8_t* bytes(std::string_view text) {
    return reinterpret_cast<const std::uint8_t*>(text.data());
  }
  template <class Function>
  void find(Function& function, const char* name) {
    function = reinterpret_cast<Function>(::dlsym(library_, name));
    if (function == nullptr) stop(std::string("libextism has no ") + name);
  }

  void* library_;
  void* (*compile_)(const std::uint8_t*, std::uint64_t, const void**, std::uint64_t, bool, char**);
  void* (*new_)(void*, char**);
  void (*free_)(void*);
  std::int32_t (*call_)(void*, const char*, const std::uint8_t*, std::uint64_t);
  std::uint64_t (*output_length_)(void*);
  const std::uint8_t* (*output_data_)(void*);
};

// Nanoseconds of one call of `work`, in one round.
double measure(const std::function<void()>& work) {
  std::size_t count = 0;
  const auto end = std::chrono::steady_clock::now() + round_time;
  const double begin = cpu_ns();
  do {
    work();
    ++count;
  } while (std::chrono::steady_clock::now() < end);
  return (cpu_ns() - begin) / static_cast<double>(count);
}

void compare(std::string_view what,
             const std::function<void()>& theirs,
             const std::function<void()>& ours) {
  double their_ns = std::numeric_limits<double>::max();
  double our_ns = their_ns;
  theirs();
  ours();
  for (int i = 0; i < rounds; ++i) {
    their_ns = std::min(their_ns, measure(theirs));
    our_ns = std::min(our_ns, measure(ours));
  }
  std::printf(R"({"what":"%.*s","libextism_ns":%.0f,"troupe_ns":%.0f,"ratio":%.2f})"
              "\n",
              static_cast<int>(what.size()),
              what.data(),
              their_ns,
              our_ns,
              their_ns / our_ns);
  std::fflush(stdout);
}

// Of one instance among many, after a call.
double bytes_of_each(const std::function<void()>& make) {
  const std::size_t before = resident_bytes();
  for (int i = 0; i < instances; ++i) make();
  const std::size_t after = resident_bytes();
  return (static_cast<double>(after) - static_cast<double>(before)) / instances;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "compile-module") {
    return troupe::guest::run_compiler(argc - 2, argv + 2);
  }
  if (argc < 5) stop("usage: extism_compare LIBEXTISM CACHE_FOLDER MODULE FUNCTION[=INPUT]...");
  std::ifstream file(argv[3], std::ios::binary);
  const std::string wasm(std::istreambuf_iterator<char>(file), {});
  if (!file) stop(std::string("cannot read ") + argv[3]);

  const Libextism libextism(argv[1]);
  void* const compiled = libextism.compile(wasm);
  void* const their_plugin = libextism.make(compiled);

  const auto runtime =
      LocalRuntime::create({.instances_max = instances + 8, .cache_folder = argv[2]});
  if (!runtime) stop(runtime.error().message);
  const auto make = [&] {
    LocalPlugin::Options options;
    options.environment.limits.memory_pages_max = 65'536;
    options.environment.limits.output_bytes_max = std::size_t{1} << 30;
    options.environment.limits.timeout = std::chrono::hours(1);
    auto plugin = LocalPlugin::create(
        *runtime, {.parts = {{"main", wasm}}, .functions = {}}, std::move(options));
    if (!plugin) stop(plugin.error().message);
    return *std::move(plugin);
  };
  const auto our_plugin = make();
  const auto call_ours = [&](LocalPlugin& plugin, const char* function, std::string_view input) {
    const troupe::guest::Outcome& outcome = plugin.call(function, input);
    if (outcome.ending != troupe::guest::Ending::done) stop("Troupe: " + outcome.message);
    return outcome.output;
  };

  const auto compare_calls =
      [&](const std::string& function, const std::string& input, std::string_view what) {
        if (libextism.call(their_plugin, function.c_str(), input) !=
            call_ours(*our_plugin, function.c_str(), input)) {
          stop(function + ": the outputs differ");
        }
        compare(
            function + " " + std::string(what),
            [&] { libextism.call(their_plugin, function.c_str(), input); },
            [&] { call_ours(*our_plugin, function.c_str(), input); });
      };
  std::string first;
  std::string first_input = "a";
  for (int i = 4; i < argc; ++i) {
    const std::string_view call = argv[i];
    const std::size_t equals = call.find('=');
    const std::string function(call.substr(0, equals));
    if (equals != std::string_view::npos) {
      const std::string input(call.substr(equals + 1));
      compare_calls(function, input, std::to_string(input.size()) + " B");
      if (first.empty()) first_input = input;
    } else {
      for (const std::size_t size : {std::size_t{100}, std::size_t{2048}, std::size_t{1} << 20}) {
        std::string input(size, 'a');
        for (std::size_t at = 0; at < size; at += 7) input[at] = ' ';
        compare_calls(function, input, std::to_string(size) + " B");
      }
    }
    if (first.empty()) first = function;
  }

  const char* const function = first.c_str();
  compare(
      "new instance and a call",
      [&] {
        void* plugin = libextism.make(compiled);
        libextism.call(plugin, function, first_input);
        libextism.free(plugin);
      },
      [&] {
        our_plugin->restart();
        call_ours(*our_plugin, function, first_input);
      });

  std::vector<std::unique_ptr<LocalPlugin>> kept;
  const double our_bytes = bytes_of_each([&] {
    kept.push_back(make());
    call_ours(*kept.back(), function, first_input);
  });
  const double their_bytes =
      bytes_of_each([&] { libextism.call(libextism.make(compiled), function, first_input); });
  std::printf(R"({"what":"memory of an instance","libextism_bytes":%.0f,"troupe_bytes":%.0f})"
              "\n",
              their_bytes,
              our_bytes);
  return 0;
}
