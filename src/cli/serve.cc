#include "server/serve.h"

#include "cli/command.h"
#include "cli/config_option.h"

#include <memory>

namespace troupe::cli {

void add_serve(CLI::App& program, Run& run) {
  CLI::App* command = program.add_subcommand("serve", "Serve what troupe.toml says");
  command->footer(
      "SIGTERM and SIGINT let clients go and end the server; SIGHUP reads the file again and\n"
      "applies its plugins and topics. docs/guides/configuration.md lists every key.\n\n"
      "Examples:\n"
      "  troupe serve\n"
      "  troupe serve --config apps/todo.toml --listen 0.0.0.0:80 --data /var/lib/troupe");
  auto file = std::make_shared<std::string>();
  auto overrides = std::make_shared<server::Overrides>();
  add_config_option(*command, *file);
  add_overrides(*command, *overrides);
  command->callback([&run, file, overrides] {
    run = [file, overrides] {
      const Result<std::filesystem::path> config = find_config(*file);
      if (!config) return fail(config.error().message);
      const Result<void> served = server::serve(*config, *overrides);
      return served ? 0 : fail(served.error().message);
    };
  });
}

}  // namespace troupe::cli
