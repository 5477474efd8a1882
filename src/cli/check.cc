#include "server/check.h"

#include "cli/command.h"
#include "cli/config_option.h"
#include "server/describe.h"
#include "server/log.h"

#include <fmt/format.h>

#include <memory>
#include <string>

namespace troupe::cli {
namespace {

struct CheckArguments {
  std::string config;
  bool print = false;
  bool json = false;
};

int check(const CheckArguments& arguments) {
  const Result<std::filesystem::path> file = find_config(arguments.config);
  if (!file) return fail(file.error().message);
  const auto log = server::make_log(server::LogStyle::terminal);
  log->set_level(spdlog::level::warn);
  const Result<server::Config> config = server::check(*file, *log);
  if (!config) return fail(config.error().message);
  if (arguments.json) {
    fmt::print("{}", server::as_json(server::describe(*config)));
    return 0;
  }
  if (arguments.print) fmt::print("{}\n", server::as_table(server::describe(*config)));
  const auto count = [](std::size_t number, std::string_view what) {
    return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
  };
  fmt::print("{} is sound: {}, {}\n",
             file->string(),
             count(config->plugins.size(), "plugin"),
             count(config->topics.size(), "topic"));
  return 0;
}

}  // namespace

void add_check(CLI::App& program, Run& run) {
  CLI::App* command =
      program.add_subcommand("check", "Check troupe.toml and every plugin, and start nothing");
  command->footer(
      "Names every mistake with file, line and column; the exit status is then 1.\n\n"
      "Examples:\n"
      "  troupe check\n"
      "  troupe check --print --config apps/todo.toml");
  auto arguments = std::make_shared<CheckArguments>();
  add_config_option(*command, arguments->config);
  command->add_flag("--print", arguments->print, "Print who serves which topic");
  command->add_flag("--json", arguments->json, "Print the same as JSON");
  command->callback([&run, arguments] { run = [arguments] { return check(*arguments); }; });
}

}  // namespace troupe::cli
