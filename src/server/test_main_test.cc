// The tests' main: beside the tests it is the compiler that ModuleCache starts.
#include "guest/module_cache.h"

#include <gtest/gtest.h>

#include <string_view>

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "compile-module") {
    return troupe::guest::run_compiler(argc - 2, argv + 2);
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
