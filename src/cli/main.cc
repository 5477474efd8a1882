#include "cli/program.h"
#include "guest/module_cache.h"

#include <string_view>

int main(int argc, char** argv) {
  // The compiler's child process (guest/module_cache.h) is this program, and no command of its
  // users.
  if (argc > 1 && std::string_view(argv[1]) == "compile-module") {
    return troupe::guest::run_compiler(argc - 2, argv + 2);
  }
  return troupe::cli::run(argc, argv);
}
