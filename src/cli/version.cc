#include "cli/command.h"

#include <fmt/format.h>

#include <memory>

namespace troupe::cli {

void add_version(CLI::App& program, Run& run) {
  CLI::App* command = program.add_subcommand("version", "Print the version");
  auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "Print {\"version\":\"...\"}");
  command->callback([&run, json] {
    run = [json] {
      fmt::print(fmt::runtime(*json ? "{{\"version\":\"{}\"}}\n" : "troupe {}\n"), TROUPE_VERSION);
      return 0;
    };
  });
}

}  // namespace troupe::cli
