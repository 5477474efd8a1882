// The whole program, as main() runs it.
#pragma once

namespace troupe::cli {

// Reads the command line, runs the command, returns the exit status.
int run(int argc, char** argv);

}  // namespace troupe::cli
