#include "cli/program.h"

#include "cli/command.h"
#include "server/suggest.h"

#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <vector>

namespace troupe::cli {

int fail(std::string_view message) {
  fmt::print(stderr, "{}{}", message, message.ends_with('\n') ? "" : "\n");
  return failed_operation;
}

int run(int argc, char** argv) {
  CLI::App program("One server that runs WebAssembly plugins as live, stateful actors on the web.",
                   "troupe");
  program.footer(
      "Begin with:\n"
      "  troupe new todo --lang js     a plugin in a folder of its own\n"
      "  cd todo && troupe dev         serve it, and swap it on every save\n\n"
      "troupe COMMAND --help says more about each.");
  program.set_help_flag("-h,--help", "Print this text");
  Run chosen;
  add_serve(program, chosen);
  add_dev(program, chosen);
  add_check(program, chosen);
  add_new(program, chosen);
  add_build(program, chosen);
  add_call(program, chosen);
  add_deploy(program, chosen);
  add_plugins(program, chosen);
  add_rollback(program, chosen);
  add_reload(program, chosen);
  add_actor(program, chosen);
  add_journal(program, chosen);
  add_backup(program, chosen);
  add_restore(program, chosen);
  add_version(program, chosen);

  std::vector<std::string> commands;
  for (const CLI::App* command : program.get_subcommands({})) {
    commands.push_back(command->get_name());
  }
  if (argc < 2) {
    fmt::print(stderr, "{}", program.help());
    return wrong_usage;
  }
  const std::string first = argv[1];
  if (!first.starts_with('-') &&
      std::find(commands.begin(), commands.end(), first) == commands.end()) {
    fmt::print(
        stderr, "troupe has no command \"{}\"{}\n", first, server::suggestion(first, commands));
    return wrong_usage;
  }

  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return program.exit(error);  // help was asked for
    const std::vector<CLI::App*> command = program.get_subcommands();
    fmt::print(stderr,
               "{}\nSee troupe {}--help.\n",
               error.what(),
               command.empty() ? "" : command.front()->get_name() + " ");
    return wrong_usage;
  }
  return chosen ? chosen() : wrong_usage;
}

}  // namespace troupe::cli
