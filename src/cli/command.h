// The commands of the program, one function and one file for each.
//
// An add_* function adds its command with all its flags and help. When the command was chosen,
// `run` is set to what it does; it returns the exit status: 0, 1 for a failed operation, 2 for
// wrong usage. Errors go to standard error, results to standard output; run() sees that those have
// been written.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <string_view>

namespace troupe::cli {

using Run = std::function<int()>;

void add_serve(CLI::App& program, Run& run);
void add_check(CLI::App& program, Run& run);
void add_build(CLI::App& program, Run& run);
void add_new(CLI::App& program, Run& run);
void add_call(CLI::App& program, Run& run);
void add_dev(CLI::App& program, Run& run);
void add_deploy(CLI::App& program, Run& run);
void add_plugins(CLI::App& program, Run& run);
void add_rollback(CLI::App& program, Run& run);
void add_reload(CLI::App& program, Run& run);
void add_actor(CLI::App& program, Run& run);
void add_journal(CLI::App& program, Run& run);
void add_backup(CLI::App& program, Run& run);
void add_restore(CLI::App& program, Run& run);
void add_version(CLI::App& program, Run& run);

inline constexpr int failed_operation = 1;
inline constexpr int wrong_usage = 2;

// Prints to standard error, control characters but newlines and tabs escaped, and returns the
// status for a failed operation.
int fail(std::string_view message);

// Writes to standard output what was printed so far, and this. False when that cannot be: run()
// tells why, and the command may end.
bool write_out(std::string_view text);

}  // namespace troupe::cli
