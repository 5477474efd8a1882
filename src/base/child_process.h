// A program of the system, run to its end: a compiler or a bundler, for builds.
//
// No shell is between: words are handed over as they are. The program gets no input. It runs in a
// process group of its own, which the time limit ends as a whole.
//
// Thread-safe. Blocks until the program has ended; never on a shard.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

struct Command {
  std::vector<std::string> words = {};  // the first is the program's path
  std::filesystem::path folder = {};    // where it runs
  // Put into the environment it inherits.
  std::vector<std::pair<std::string, std::string>> variables = {};
  std::chrono::milliseconds time_max{60'000};
  // Of each of the two streams; what comes after is read and dropped.
  std::size_t output_bytes_max = std::size_t{1} << 20;
  // When given, gets what comes on standard error as it comes. On the calling thread.
  std::function<void(std::string_view)> errors_seen = {};
};

struct Finished {
  bool started = false;
  bool timed_out = false;
  int exit_status = -1;  // 128 and the number of the signal when one has ended it
  std::string output;    // standard output
  std::string errors;    // standard error

  bool succeeded() const { return started && !timed_out && exit_status == 0; }
};

Finished run(const Command& command);

// Where programs of that name are, in the order of PATH.
std::vector<std::filesystem::path> find_programs(std::string_view name);

// The first of them; nothing when there is none.
std::optional<std::filesystem::path> find_program(std::string_view name);

}  // namespace troupe
