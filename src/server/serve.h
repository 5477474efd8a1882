// `troupe serve`: a server from its configuration to its end.
#pragma once

#include "base/result.h"
#include "server/config.h"

#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace troupe::server {

// What the command line says instead of the file. Empty: as in the file.
struct Overrides {
  std::vector<std::string> listen;
  std::string admin;
  std::filesystem::path data_dir;
};

Result<Config> load_config(const std::filesystem::path& file, const Overrides& overrides);

// Loads, listens, prints where, and serves until SIGTERM or SIGINT; then lets clients go and
// returns. SIGHUP reads the file again and applies what has changed of its plugins and topics.
Result<void> serve(const std::filesystem::path& file, const Overrides& overrides);

// Runs the event loop of the main thread until SIGTERM or SIGINT. From then on a second signal ends
// the process at once. `start` is called when signals are no longer the end of the process: who
// reads what it prints may send one. `hang_up` is called for each SIGHUP.
void run_until_signal(boost::asio::io_context& io,
                      const std::function<void()>& start,
                      std::function<void()> hang_up);

}  // namespace troupe::server
