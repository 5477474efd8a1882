#include "base/json.h"
#include "cli/command.h"
#include "server/local_call.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <iostream>
#include <iterator>
#include <memory>
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
  std::vector<std::string> config;
  std::uint64_t timeout_ms = 0;
  std::uint32_t memory_pages_max = 0;
  std::size_t vars_bytes_max = std::size_t{1} << 20;
  std::string log_level = "info";
  bool json = false;
};

void print_json(const server::LocalOutcome& outcome, std::chrono::nanoseconds time) {
  std::string text = R"({"ending":)";
  json::quote(text, guest::name_of(outcome.ending));
  text += R"(,"output":)";
  json::quote(text, outcome.output);
  if (outcome.ending != guest::Ending::done) {
    text += R"(,"message":)";
    json::quote(text, outcome.message);
  }
  text += fmt::format(R"(,"ms":{:.3f}}})", static_cast<double>(time.count()) / 1e6);
  std::cout << text << '\n';
}

int call(const CallArguments& arguments) {
  server::LocalCall call;
  call.file = arguments.file;
  call.function = arguments.function;
  call.input = arguments.input;
  if (arguments.from_stdin) {
    call.input.assign(std::istreambuf_iterator<char>(std::cin), {});
  }
  for (const std::string& pair : arguments.config) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      fmt::print(stderr, "--config {}: write KEY=VALUE\n", pair);
      return wrong_usage;
    }
    call.environment.config.insert_or_assign(pair.substr(0, equals), pair.substr(equals + 1));
  }
  guest::Limits& limits = call.environment.limits;
  limits.timeout =
      arguments.timeout_ms == 0 ? timeout_none : std::chrono::milliseconds(arguments.timeout_ms);
  limits.memory_pages_max =
      arguments.memory_pages_max == 0 ? memory_pages_all : arguments.memory_pages_max;
  limits.vars_bytes_max = arguments.vars_bytes_max;
  limits.output_bytes_max = output_bytes_max;
  const auto level = std::find(level_names.begin(), level_names.end(), arguments.log_level);
  limits.log_level = static_cast<guest::LogLevel>(level - level_names.begin());
  call.cache_folder = server::user_cache_folder();
  call.log = [least = limits.log_level](guest::LogLevel line_level, std::string_view text) {
    if (line_level < least) return;
    fmt::print(stderr, "{}: {}\n", level_names[static_cast<std::size_t>(line_level)], text);
  };

  const auto begun = std::chrono::steady_clock::now();
  const Result<server::LocalOutcome> outcome = server::call_locally(call);
  if (!outcome) return fail(outcome.error().message);
  const bool done = outcome->ending == guest::Ending::done;
  if (arguments.json) {
    print_json(*outcome, std::chrono::steady_clock::now() - begun);
  } else if (done) {
    std::cout << outcome->output << '\n';
  } else {
    fail(outcome->message);
  }
  if (!done && !outcome->detail.empty()) fail(outcome->detail);
  if (!std::cout.flush()) return fail("cannot write to standard output");
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
      "  troupe call count.wasm count_vowels --stdin < text");
  auto arguments = std::make_shared<CallArguments>();
  command->add_option("FILE", arguments->file, "A .wasm module, or a source that is built first")
      ->required();
  command->add_option("FUNCTION", arguments->function, "The export to call")->required();
  CLI::Option* input = command->add_option("-i,--input", arguments->input, "The input");
  command->add_flag("--stdin", arguments->from_stdin, "Read the input from standard input")
      ->excludes(input);
  command
      ->add_option("--config", arguments->config, "KEY=VALUE the plugin can read; may be repeated")
      ->take_all()
      ->expected(1);
  command->add_option("--timeout", arguments->timeout_ms, "Milliseconds it may run; 0 for no end");
  command
      ->add_option("--memory-max",
                   arguments->memory_pages_max,
                   "Pages of 64 KiB it may have; 0 for all there are")
      ->check(CLI::Range(0U, memory_pages_all));
  command->add_option("--var-max", arguments->vars_bytes_max, "Bytes of variables it may keep");
  command->add_option("--log-level", arguments->log_level, "The least level of lines to print")
      ->check(CLI::IsMember(std::vector<std::string>(level_names.begin(), level_names.end())))
      ->capture_default_str();
  command->add_flag("--json", arguments->json, "Print ending, output and time as JSON");
  command->callback([&run, arguments] { run = [arguments] { return call(*arguments); }; });
}

}  // namespace troupe::cli
