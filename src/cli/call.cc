#include "base/json.h"
#include "cli/command.h"
#include "guest/outcome.h"
#include "server/local_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe::cli {
namespace {

// Without --timeout and --memory-max a local call may do what the machine can.
constexpr std::chrono::milliseconds timeout_none = std::chrono::hours(24);
constexpr std::uint32_t memory_pages_all = 65'536;
constexpr std::size_t output_bytes_max = std::size_t{1} << 30;

constexpr std::array<std::string_view, 5> level_names = {"trace", "debug", "info", "warn", "error"};

struct CallArguments {
  std::string file;
  std::string function;
  std::string input;
  bool from_stdin = false;
  bool is_manifest = false;
  std::vector<std::string> links;
  std::vector<std::string> config;
  std::string config_json;
  std::vector<std::string> allowed_hosts;
  std::vector<std::string> allowed_paths;
  std::size_t times = 1;
  bool wasi = false;
  bool response_headers = false;
  std::uint64_t timeout_ms = 0;
  std::uint32_t memory_pages_max = 0;
  std::int64_t vars_bytes_max = -1;
  std::int64_t http_response_bytes_max = -1;
  std::uint64_t fuel_max = 0;
  std::string github_token;
  std::string log_level = "info";
  bool quiet = false;
  bool verbose = false;
  bool json = false;
  bool trace = false;
};

// Calls of the functions that move single words are only counted: there are thousands.
bool is_one_of_many(std::string_view function) {
  if (function.starts_with("extism_")) function.remove_prefix(7);
  return function.find("load_u") != std::string_view::npos || function.starts_with("store_u");
}

// What --trace shows: lines while the plugin runs, for people, or all of it in the JSON.
class Trace {
 public:
  explicit Trace(bool as_json) : as_json_(as_json) {}

  void add(const guest::TracedCall& call) {
    if (is_one_of_many(call.name)) {
      Sum& sum = many_[std::string(call.name)];
      ++sum.calls;
      sum.time += call.time;
      return;
    }
    if (!as_json_) {
      fmt::print(stderr,
                 "trace: {:<20} {:>10} in {:>10} out {:>12.3f} us\n",
                 call.name,
                 bytes(call.bytes_in),
                 bytes(call.bytes_out),
                 microseconds(call.time));
      return;
    }
    if (!calls_.empty()) calls_ += ',';
    calls_ += R"({"module":)";
    json::quote(calls_, call.module);
    calls_ += R"(,"function":)";
    json::quote(calls_, call.name);
    calls_ += fmt::format(R"(,"bytes_in":{},"bytes_out":{},"us":{:.3f}}})",
                          call.bytes_in,
                          call.bytes_out,
                          microseconds(call.time));
  }

  // After a call of the plugin.
  void end() {
    for (const auto& [name, sum] : many_) {
      if (as_json_) {
        if (!calls_.empty()) calls_ += ',';
        calls_ += R"({"function":)";
        json::quote(calls_, name);
        calls_ += fmt::format(R"(,"calls":{},"us":{:.3f}}})", sum.calls, microseconds(sum.time));
      } else {
        fmt::print(stderr,
                   "trace: {:<20} {:>10} calls {:>24.3f} us\n",
                   name,
                   sum.calls,
                   microseconds(sum.time));
      }
    }
    many_.clear();
  }

  std::string take() { return std::exchange(calls_, {}); }

 private:
  struct Sum {
    std::size_t calls = 0;
    std::chrono::nanoseconds time{};
  };

  static std::string bytes(std::size_t count) { return fmt::format("{} B", count); }
  static double microseconds(std::chrono::nanoseconds time) {
    return static_cast<double>(time.count()) / 1e3;
  }

  const bool as_json_;
  std::map<std::string, Sum> many_;
  std::string calls_;
};

void print_json(const guest::Outcome& outcome, std::chrono::nanoseconds time, Trace* trace) {
  std::string text = R"({"ending":)";
  json::quote(text, guest::name_of(outcome.ending));
  text += fmt::format(R"(,"code":{},"output":)", outcome.code);
  json::quote(text, outcome.output);
  if (outcome.ending != guest::Ending::done) {
    text += R"(,"message":)";
    json::quote(text, guest::extism_text(outcome));
  }
  if (!outcome.detail.empty()) {
    text += R"(,"detail":)";
    json::quote(text, outcome.detail);
  }
  if (trace != nullptr) text += R"(,"trace":[)" + trace->take() + "]";
  text += fmt::format(R"(,"ms":{:.3f}}})", static_cast<double>(time.count()) / 1e6);
  std::cout << text << '\n';
}

void print_failure(const guest::Outcome& outcome) {
  fail(guest::extism_text(outcome));
  if (outcome.code != 0 && outcome.ending == guest::Ending::error &&
      !outcome.message.starts_with("Returned non-zero exit code")) {
    fail(fmt::format("returned non-zero exit code: {}", outcome.code));
  }
  if (!outcome.detail.empty()) fail(outcome.detail);
}

// "NAME=FILE", or a file whose name without its ending is the module's.
server::LocalCall::Link link_of(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals != std::string::npos && text.find_first_of("/?") > equals) {
    return {text.substr(0, equals), text.substr(equals + 1)};
  }
  return {std::filesystem::path(text).stem().string(), text};
}

// "HOST:GUEST", or a folder that has the same name for the plugin; ro: in front stays with the
// host's.
std::pair<std::string, std::string> folders_of(const std::string& text) {
  constexpr std::string_view read_only = "ro:";
  const std::size_t begin = text.starts_with(read_only) ? read_only.size() : 0;
  const std::size_t colon = text.find(':', begin);
  if (colon == std::string::npos) return {text, text.substr(begin)};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

// False when --config or --set-config are not well written, which is said.
bool read_config(const CallArguments& arguments, std::map<std::string, std::string>& config) {
  if (!arguments.config_json.empty()) {
    json::Tape tape;
    const Result<void> parsed = json::parse(arguments.config_json, tape);
    if (!parsed || !tape.root().is_object()) {
      fmt::print(stderr, "--set-config: write a JSON object of strings\n");
      return false;
    }
    for (const json::Member member : tape.root().members()) {
      if (!member.value.is_string()) {
        fmt::print(stderr, "--set-config: {} is no string\n", member.name.raw());
        return false;
      }
      config.insert_or_assign(member.name.string(), member.value.string());
    }
  }
  for (const std::string& pair : arguments.config) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      fmt::print(stderr, "--config {}: write KEY=VALUE\n", pair);
      return false;
    }
    config.insert_or_assign(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return true;
}

void apply(const CallArguments& arguments,
           const std::map<std::string, std::string>& config,
           server::Manifest& manifest) {
  for (const auto& [key, value] : config) manifest.config.insert_or_assign(key, value);
  manifest.allowed_hosts.insert(
      manifest.allowed_hosts.end(), arguments.allowed_hosts.begin(), arguments.allowed_hosts.end());
  for (const std::string& path : arguments.allowed_paths) {
    const auto [host, guest] = folders_of(path);
    manifest.allowed_paths.insert_or_assign(host, guest);
  }
  if (!arguments.github_token.empty()) {
    server::use_github_token(manifest, arguments.github_token);
  }
  if (arguments.timeout_ms != 0) manifest.timeout_ms = arguments.timeout_ms;
  if (arguments.memory_pages_max != 0) manifest.pages_max = arguments.memory_pages_max;
  if (arguments.vars_bytes_max >= 0) {
    manifest.vars_bytes_max = static_cast<std::size_t>(arguments.vars_bytes_max);
  }
  if (arguments.http_response_bytes_max >= 0) {
    manifest.http_response_bytes_max = static_cast<std::size_t>(arguments.http_response_bytes_max);
  }
}

guest::LogLevel level_of(const CallArguments& arguments) {
  if (arguments.quiet) return guest::LogLevel::error;
  if (arguments.verbose) return guest::LogLevel::trace;
  const auto level = std::find(level_names.begin(), level_names.end(), arguments.log_level);
  return static_cast<guest::LogLevel>(level - level_names.begin());
}

int call(const CallArguments& arguments) {
  server::LocalCall call;
  call.file = arguments.file;
  call.is_manifest = arguments.is_manifest;
  call.function = arguments.function;
  call.input = arguments.input;
  call.times = arguments.times;
  if (arguments.from_stdin) {
    call.input.assign(std::istreambuf_iterator<char>(std::cin), {});
  }
  for (const std::string& link : arguments.links) call.links.push_back(link_of(link));

  std::map<std::string, std::string> config;
  if (!read_config(arguments, config)) return wrong_usage;
  call.override_manifest = [&](server::Manifest& manifest) { apply(arguments, config, manifest); };
  guest::Limits& limits = call.environment.limits;
  limits.timeout = timeout_none;
  limits.memory_pages_max = memory_pages_all;
  limits.output_bytes_max = output_bytes_max;
  limits.log_level = level_of(arguments);
  if (arguments.fuel_max != 0) limits.fuel_max = arguments.fuel_max;
  call.environment.http_response_headers = arguments.response_headers;

  call.cache_folder = server::user_cache_folder();
  call.log = [least = limits.log_level](guest::LogLevel level, std::string_view text) {
    if (level < least) return;
    fmt::print(stderr, "{}: {}\n", level_names[static_cast<std::size_t>(level)], text);
  };
  if (arguments.wasi) {
    call.wrote = [](guest::LogLevel stream, std::string_view bytes) {
      (stream == guest::LogLevel::info ? std::cout : std::cerr) << bytes;
    };
  }
  std::optional<Trace> trace;
  if (arguments.trace) {
    trace.emplace(arguments.json);
    call.traced = [&trace](const guest::TracedCall& each) { trace->add(each); };
  }

  bool done = true;
  std::size_t calls = 0;
  const Result<void> called =
      server::call_locally(call, [&](const guest::Outcome& outcome, std::chrono::nanoseconds time) {
        done = outcome.ending == guest::Ending::done;
        if (trace) trace->end();
        if (arguments.json) {
          print_json(outcome, time, trace ? &*trace : nullptr);
        } else if (done) {
          if (calls != 0) std::cout << '\n';
          std::cout << outcome.output << '\n';
        } else {
          std::cout.flush();
          print_failure(outcome);
        }
        ++calls;
        return done;
      });
  if (!called) return fail(called.error().message);
  return done ? 0 : failed_operation;
}

}  // namespace

void add_call(CLI::App& program, Run& run) {
  CLI::App* command =
      program.add_subcommand("call", "Call one function of a plugin, without a server");
  command->footer(
      "The input is handed over as it is, and the output printed with a newline. What host\n"
      "functions (reply, broadcast, ...) would do is printed to standard error. The exit status\n"
      "is 1 when the function fails.\n\n"
      "Examples:\n"
      "  troupe call todo.js init\n"
      "  troupe call todo.js addTodo --input '[{\"todo\":\"milk\"},{\"todos\":[]}]'\n"
      "  troupe call count.wasm count_vowels --stdin < text\n"
      "  troupe call -m plugin.json run --trace");
  auto arguments = std::make_shared<CallArguments>();
  CallArguments& a = *arguments;
  command
      ->add_option("FILE",
                   a.file,
                   "A module (.wasm, .wat), a source or a project's folder that is built first, or "
                   "with -m a "
                   "manifest")
      ->required();
  command->add_option("FUNCTION", a.function, "The export to call")->required();
  CLI::Option* input = command->add_option("-i,--input", a.input, "The input");
  command->add_flag("--stdin", a.from_stdin, "Read the input from standard input")->excludes(input);
  command->add_option("--loop", a.times, "How often to call it")->check(CLI::PositiveNumber);
  command->add_flag("-m,--manifest", a.is_manifest, "FILE is an Extism manifest, JSON or TOML");
  const auto repeated = [](CLI::Option* option) { option->take_all()->expected(1); };
  repeated(command->add_option(
      "--link", a.links, "[NAME=]FILE: a module it may import from; may be repeated"));
  repeated(
      command->add_option("--config", a.config, "KEY=VALUE the plugin can read; may be repeated"));
  command->add_option("--set-config", a.config_json, "The same as a JSON object");
  repeated(command->add_option("--allow-host",
                               a.allowed_hosts,
                               "A pattern of hosts it may send HTTP requests to; may be repeated"));
  repeated(command->add_option("--allow-path",
                               a.allowed_paths,
                               "[ro:]FOLDER[:NAME]: a folder it may see, under that name; may be "
                               "repeated"));
  command->add_flag("--enable-http-response-headers",
                    a.response_headers,
                    "Let it see the headers of the answers");
  command->add_option(
      "--http-response-max", a.http_response_bytes_max, "Bytes of an answer it may get");
  command->add_flag(
      "--wasi", a.wasi, "What it writes to standard output and error goes there, not into the log");
  command->add_option("--timeout", a.timeout_ms, "Milliseconds it may run; 0 for no end");
  command
      ->add_option("--memory-max",
                   a.memory_pages_max,
                   "Pages of 64 KiB its memories may grow by; 0 for all there are")
      ->check(CLI::Range(0U, memory_pages_all));
  command->add_option("--var-max", a.vars_bytes_max, "Bytes of variables it may keep");
  command->add_option("--fuel", a.fuel_max, "Instructions a call may take; 0 for any number");
  command->add_option("--github-token", a.github_token, "A token to fetch modules from GitHub with")
      ->envname("GITHUB_TOKEN");
  command->add_option("--log-level", a.log_level, "The least level of lines to print")
      ->check(CLI::IsMember(std::vector<std::string>(level_names.begin(), level_names.end())))
      ->capture_default_str();
  CLI::Option* quiet = command->add_flag("-q,--quiet", a.quiet, "Print errors only");
  command->add_flag("-v,--verbose", a.verbose, "Print lines of every level")->excludes(quiet);
  command->add_flag("--json", a.json, "Print ending, output and time as JSON");
  command->add_flag("--trace", a.trace, "Show each call of a host function, with sizes and times");
  command->callback([&run, arguments] { run = [arguments] { return call(*arguments); }; });
}

}  // namespace troupe::cli
