#include "cli/client.h"

#include "base/json.h"
#include "base/printable.h"
#include "cli/command.h"
#include "cli/config_option.h"
#include "server/config.h"
#include "server/data_dir.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

namespace troupe::cli {
namespace {

namespace fs = std::filesystem;

// Longer than the server takes for any answer, but watches and logs, which have no end.
constexpr long seconds_max = 90;
constexpr long connect_seconds_max = 10;

struct Received {
  std::string body;
  const std::function<bool(std::string_view)>* stream = nullptr;
  CURL* curl = nullptr;
};

std::size_t receive(char* bytes, std::size_t size, std::size_t count, void* to) {
  auto& received = *static_cast<Received*>(to);
  const std::string_view piece(bytes, size * count);
  long status = 0;
  ::curl_easy_getinfo(received.curl, CURLINFO_RESPONSE_CODE, &status);
  if (received.stream != nullptr && status == 200) {
    return (*received.stream)(piece) ? piece.size() : 0;
  }
  received.body += piece;
  return piece.size();
}

Result<fs::path> data_folder(const ServerOptions& options) {
  if (!options.data.empty()) return fs::path(options.data);
  if (const Result<fs::path> file = find_config(""); file) return server::data_dir_of(*file);
  return fs::path("troupe-data");
}

}  // namespace

void add_server_options(CLI::App& command, ServerOptions& options, const std::string& json_help) {
  command.add_option("--server",
                     options.server,
                     "http://ADDRESS:PORT of the server's admin address; that of the data folder's "
                     "server when not given. TROUPE_TOKEN has its token");
  command.add_option("--data",
                     options.data,
                     "The server's data folder, for its address and token; what troupe.toml in the "
                     "current folder says when not given");
  command.add_flag("--json",
                   options.json,
                   json_help +
                       ". A refusal of the server is an object on standard error: type, "
                       "title, status, detail, request_id");
}

std::string ServerAnswer::problem() const {
  json::Tape tape;
  if (!json::parse(body, tape)) return fmt::format("the server answered {}: {}", status, body);
  const auto detail = tape.root().find("detail");
  std::string text = detail && detail->is_string() ? detail->string() : body;
  if (const auto reasons = tape.root().find("reasons")) {
    text.clear();
    for (const json::Value reason : reasons->elements()) {
      if (!text.empty()) text += '\n';
      text += reason.string();
    }
  }
  return text;
}

Result<Client> Client::create(const ServerOptions& options) {
  std::string url = options.server;
  const char* token = std::getenv("TROUPE_TOKEN");
  if (url.empty()) {
    TRY(const fs::path folder, data_folder(options));
    TRY(url, server::read_admin_address(folder));
  }
  if (url.find("://") == url.npos) url.insert(0, "http://");
  while (url.ends_with('/')) url.pop_back();
  if (token != nullptr && *token != '\0') return Client(std::move(url), token);
  TRY(const fs::path folder, data_folder(options));
  TRY(std::string kept, server::read_admin_token(folder));
  return Client(std::move(url), std::move(kept));
}

Result<ServerAnswer> Client::perform(const ServerRequest& request,
                                     const std::function<bool(std::string_view)>* stream) const {
  const std::unique_ptr<CURL, decltype(&::curl_easy_cleanup)> curl(::curl_easy_init(),
                                                                   &::curl_easy_cleanup);
  if (!curl) return Error{"libcurl does not start"};
  const std::string url = fmt::format("{}/api/v1{}", url_, request.path);
  curl_slist* list = nullptr;
  const auto add = [&](const std::string& header) {
    list = ::curl_slist_append(list, header.c_str());
  };
  add("Authorization: Bearer " + token_);
  add("Expect:");
  if (!request.content_type.empty()) add("Content-Type: " + request.content_type);
  const std::unique_ptr<curl_slist, decltype(&::curl_slist_free_all)> headers(
      list, &::curl_slist_free_all);

  Received received{.stream = stream, .curl = curl.get()};
  ::curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  ::curl_easy_setopt(curl.get(), CURLOPT_PATH_AS_IS, 1L);
  ::curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  ::curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  ::curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT, connect_seconds_max);
  if (stream == nullptr) ::curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, seconds_max);
  if (request.method != "GET") {
    ::curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, request.body.data());
    ::curl_easy_setopt(
        curl.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    ::curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  ::curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &receive);
  ::curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &received);
  const CURLcode code = ::curl_easy_perform(curl.get());
  if (code == CURLE_COULDNT_CONNECT) {
    return Error{fmt::format(
        "no server answers at {}; start one with troupe serve, or name another with --server URL",
        url_)};
  }
  ServerAnswer answer{.body = std::move(received.body)};
  ::curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  // A stream that was followed ends with its connection, or when nobody reads our output.
  const bool followed = stream != nullptr && answer.status == 200;
  if (code != CURLE_OK && !followed) {
    return Error{fmt::format("the server at {}: {}", url_, ::curl_easy_strerror(code))};
  }
  return answer;
}

Result<ServerAnswer> Client::send(const ServerRequest& request) const {
  return perform(request, nullptr);
}

Result<ServerAnswer> Client::listen(const std::string& path,
                                    std::function<bool(std::string_view)> hear) const {
  std::string line;
  const std::function<bool(std::string_view)> stream = [&](std::string_view bytes) {
    constexpr std::string_view data = "data: ";
    for (const char c : bytes) {
      if (c != '\n') {
        line += c;
        continue;
      }
      if (line.starts_with(data) && !hear(std::string_view(line).substr(data.size()))) return false;
      line.clear();
    }
    return true;
  };
  return perform({.path = path}, &stream);
}

int ask(const ServerOptions& options,
        const ServerRequest& request,
        const std::function<void(const std::string& body)>& print) {
  const Result<Client> client = Client::create(options);
  if (!client) return fail(client.error().message);
  const Result<ServerAnswer> answer = client->send(request);
  if (!answer) return fail(answer.error().message);
  if (!answer->is_ok()) return fail(options, *answer);
  if (options.json) {
    print_json(answer->body.empty() ? "{}" : answer->body);
  } else {
    print(answer->body);
  }
  return 0;
}

int fail(const ServerOptions& options, const ServerAnswer& answer) {
  return fail(options.json ? answer.body : answer.problem());
}

void print_json(std::string_view json) {
  while (json.ends_with('\n')) json.remove_suffix(1);
  fmt::print("{}\n", printable_lines(json));
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out;
  for (const char c : text) {
    if (plain.find(c) != plain.npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace troupe::cli
