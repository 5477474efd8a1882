#include "cli/program.h"

#include "base/printable.h"
#include "cli/command.h"
#include "server/suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string>
#include <system_error>
#include <vector>

namespace troupe::cli {

namespace {

// Why standard output could not be written, the first time. Of this process.
std::error_code why_unwritten;

// Runs the command, and sees to it that what it has printed has been written: the one place that
// does. fmt::print throws what fwrite reports.
int run_and_flush(const Run& chosen) {
  int status = failed_operation;
  try {
    status = chosen();
    write_out("");
  } catch (const std::system_error& error) {
    if (std::ferror(stderr) != 0) return failed_operation;  // there is no way to say so
    if (std::ferror(stdout) == 0) throw;
    if (!why_unwritten) why_unwritten = error.code();
  }
  if (std::ferror(stdout) == 0) return status;
  return fail("cannot write to standard output" +
              (why_unwritten ? ": " + why_unwritten.message() : std::string()));
}

// Whether the word may be a command of the program or of a group of them; else it is said.
bool has_command(const CLI::App& group, const std::string& name, const std::string& word) {
  std::vector<std::string> commands;
  for (const CLI::App* command : group.get_subcommands({})) {
    commands.push_back(command->get_name());
  }
  if (commands.empty() || word.starts_with('-') ||
      std::ranges::find(commands, word) != commands.end()) {
    return true;
  }
  fail(fmt::format("{} has no command \"{}\"{}", name, word, server::suggestion(word, commands)));
  return false;
}

}  // namespace

bool write_out(std::string_view text) {
  const bool is_written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!is_written && !why_unwritten) why_unwritten = {errno, std::generic_category()};
  return is_written;
}

int fail(std::string_view message) {
  std::string text = printable_lines(message);
  if (!text.ends_with('\n')) text += '\n';
  std::fwrite(text.data(), 1, text.size(), stderr);
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

  if (argc < 2) {
    fmt::print(stderr, "{}", program.help());
    return wrong_usage;
  }
  if (!has_command(program, "troupe", argv[1])) return wrong_usage;
  for (const CLI::App* command : program.get_subcommands({})) {
    if (argc < 3 || command->get_name() != argv[1]) continue;
    if (!has_command(*command, "troupe " + command->get_name(), argv[2])) return wrong_usage;
  }

  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {  // help was asked for
      return run_and_flush([&] { return program.exit(error); });
    }
    const std::vector<CLI::App*> command = program.get_subcommands();
    fmt::print(stderr,
               "{}\nSee troupe {}--help.\n",
               error.what(),
               command.empty() ? "" : command.front()->get_name() + " ");
    return wrong_usage;
  }
  return chosen ? run_and_flush(chosen) : wrong_usage;
}

}  // namespace troupe::cli
