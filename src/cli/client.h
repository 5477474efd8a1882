// What commands ask a running server, over its API.
#pragma once

#include "base/result.h"

#include <CLI/CLI.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::cli {

// Which server, and how its answers are printed.
struct ServerOptions {
  std::string server;  // URL of its admin address; empty: of the server that has the data folder
  std::string data;    // empty: what troupe.toml in the current folder says, else ./troupe-data
  bool json = false;
};

// --server, --data and --json, which `json_help` explains.
void add_server_options(CLI::App& command,
                        ServerOptions& options,
                        const std::string& json_help = "Print the server's answer as JSON");

struct ServerAnswer {
  long status = 0;
  std::string body;

  bool is_ok() const { return status >= 200 && status < 300; }
  // What a person reads of a refusal: the problem's detail, and its reasons.
  std::string problem() const;
};

// A request of the API. `path` begins behind /api/v1; parts and values are percent-encoded already.
struct ServerRequest {
  std::string method = "GET";
  std::string path;
  std::string body;
  std::string content_type;
};

class Client {
 public:
  // Finds the server and the token: TROUPE_TOKEN, else the data folder's. An error says what is
  // missing and what to do.
  static Result<Client> create(const ServerOptions& options);

  Result<ServerAnswer> send(const ServerRequest& request) const;
  // Reads server-sent events until the server ends them: `hear` gets the data of each, throws
  // nothing, and ends it with false.
  Result<ServerAnswer> listen(const std::string& path,
                              std::function<bool(std::string_view data)> hear) const;

 private:
  Client(std::string url, std::string token) : url_(std::move(url)), token_(std::move(token)) {}
  Result<ServerAnswer> perform(const ServerRequest& request,
                               const std::function<bool(std::string_view bytes)>* stream) const;

  std::string url_;
  std::string token_;
};

// Sends it, and prints the answer with `print`, or as it is with --json. The exit status.
int ask(const ServerOptions& options,
        const ServerRequest& request,
        const std::function<void(const std::string& body)>& print);

// What the server refused, on standard error: for people, or the whole problem with --json. The
// exit status.
int fail(const ServerOptions& options, const ServerAnswer& answer);

// A JSON text on a line of its own.
void print_json(std::string_view json);

// A value in a query or a part of a path.
std::string percent_encode(std::string_view text);

}  // namespace troupe::cli
