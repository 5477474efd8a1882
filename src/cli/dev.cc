#include "server/dev.h"

#include "cli/command.h"
#include "cli/config_option.h"

#include <filesystem>
#include <memory>
#include <string>

namespace troupe::cli {
namespace {

struct DevArguments {
  std::string file;
  std::string config;
  server::Overrides overrides;
};

Result<server::Config> config_of(const DevArguments& arguments) {
  if (!arguments.file.empty()) {
    return server::config_for_file(arguments.file, arguments.overrides);
  }
  TRY(const std::filesystem::path file, find_config(arguments.config));
  return server::load_config(file, arguments.overrides);
}

int dev(const DevArguments& arguments) {
  Result<server::Config> config = config_of(arguments);
  if (!config) return fail(config.error().message);
  const Result<void> served = server::dev(std::move(*config), arguments.overrides);
  return served ? 0 : fail(served.error().message);
}

}  // namespace

void add_dev(CLI::App& program, Run& run) {
  CLI::App* command =
      program.add_subcommand("dev", "Build, serve, watch, and swap the code on every save");
  command->footer(
      "With FILE no configuration is needed: the plugin is live_state on the topics NAME:*, one\n"
      "actor for each topic, and / is a page to try it. Without FILE troupe.toml is served.\n"
      "States are kept when the code changes; a failed build is shown here and on open pages,\n"
      "and the old code goes on.\n\n"
      "Examples:\n"
      "  troupe dev todo.js\n"
      "  troupe dev todo.js --listen 127.0.0.1:4005\n"
      "  troupe dev --config apps/todo.toml");
  auto arguments = std::make_shared<DevArguments>();
  CLI::Option* file =
      command->add_option("FILE", arguments->file, "A source, or a .wasm module to watch");
  add_config_option(*command, arguments->config)->excludes(file);
  add_overrides(*command, arguments->overrides);
  command->callback([&run, arguments] { run = [arguments] { return dev(*arguments); }; });
}

}  // namespace troupe::cli
