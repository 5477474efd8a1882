#include "base/json.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/content.h"
#include "cli/table.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <memory>
#include <string>
#include <vector>

namespace troupe::cli {
namespace {

constexpr std::size_t hash_letters_shown = 12;

std::string text_of(json::Value object, std::string_view name) {
  const auto value = object.find(name);
  if (!value || value->is_null()) return "-";
  return value->is_string() ? value->string() : std::string(value->raw());
}

std::string short_hash(json::Value object, std::string_view name) {
  return text_of(object, name).substr(0, hash_letters_shown);
}

struct DeployArguments {
  ServerOptions server;
  std::string name;
  std::string file;
};

int deploy(const DeployArguments& arguments) {
  Result<Content> content = read_content(arguments.file);
  if (!content) return fail(content.error().message);
  return ask(arguments.server,
             {.method = "PUT",
              .path = "/plugins/" + percent_encode(arguments.name),
              .body = std::move(content->bytes),
              .content_type = content->type},
             [&](const std::string& body) {
               json::Tape tape;
               if (!json::parse(body, tape)) return;
               fmt::print(
                   "{}: version {} is live\n", arguments.name, short_hash(tape.root(), "version"));
             });
}

void print_plugins(const std::string& body) {
  json::Tape tape;
  const auto plugins = json::parse(body, tape) ? tape.root().find("plugins") : std::nullopt;
  if (!plugins) return;
  std::vector<std::vector<std::string>> rows = {
      {"plugin", "behaviour", "version", "deployed", "from", "actors", "awake"}};
  for (const json::Value plugin : plugins->elements()) {
    std::string time = "-";
    std::string origin = "-";
    for (const json::Value version : plugin.find("versions")->elements()) {
      if (text_of(version, "current") != "true") continue;
      const std::int64_t ms = version.find("time_ms")->integer().value_or(0);
      time = fmt::format("{:%Y-%m-%d %H:%M}", fmt::gmtime(static_cast<std::time_t>(ms / 1000)));
      origin = text_of(version, "origin");
    }
    rows.push_back({text_of(plugin, "name"),
                    text_of(plugin, "behaviour"),
                    short_hash(plugin, "version"),
                    time,
                    origin,
                    text_of(plugin, "actors"),
                    text_of(plugin, "awake")});
  }
  fmt::print("{}", table(rows));
}

struct RollbackArguments {
  ServerOptions server;
  std::string name;
  std::string to;
};

int roll_back(const RollbackArguments& arguments) {
  std::string path = fmt::format("/plugins/{}/rollback", percent_encode(arguments.name));
  if (!arguments.to.empty()) path += "?to=" + percent_encode(arguments.to);
  return ask(arguments.server, {.method = "POST", .path = path}, [&](const std::string& body) {
    json::Tape tape;
    if (!json::parse(body, tape)) return;
    fmt::print("{}: version {} is live\n", arguments.name, short_hash(tape.root(), "version"));
  });
}

}  // namespace

void add_deploy(CLI::App& program, Run& run) {
  CLI::App* command =
      program.add_subcommand("deploy", "Give a plugin of a running server new code");
  command->footer(
      "The configuration has a table [plugins.NAME]. Live actors switch to the new code between\n"
      "two messages and keep their state; when its migrate refuses one of them, or the code "
      "cannot\n"
      "be this plugin, nothing changes and the reasons are printed.\n\n"
      "Examples:\n"
      "  troupe deploy todo todo.js\n"
      "  troupe deploy todo target/todo.wasm --server http://10.0.0.5:4001");
  auto arguments = std::make_shared<DeployArguments>();
  command->add_option("NAME", arguments->name, "The plugin")->required();
  command
      ->add_option(
          "FILE",
          arguments->file,
          "A .wasm module, an Extism manifest (.json, .toml), or a source that is built first")
      ->required();
  add_server_options(*command, arguments->server);
  command->callback([&run, arguments] { run = [arguments] { return deploy(*arguments); }; });
}

void add_plugins(CLI::App& program, Run& run) {
  CLI::App* command =
      program.add_subcommand("plugins", "List the plugins of a running server and their versions");
  auto options = std::make_shared<ServerOptions>();
  add_server_options(*command, *options);
  command->callback([&run, options] {
    run = [options] { return ask(*options, {.path = "/plugins"}, print_plugins); };
  });
}

void add_rollback(CLI::App& program, Run& run) {
  CLI::App* command =
      program.add_subcommand("rollback", "Deploy the version before the one that runs");
  auto arguments = std::make_shared<RollbackArguments>();
  command->add_option("NAME", arguments->name, "The plugin")->required();
  command->add_option("--to", arguments->to, "The whole hash of another version that is kept");
  add_server_options(*command, arguments->server);
  command->callback([&run, arguments] { run = [arguments] { return roll_back(*arguments); }; });
}

void add_reload(CLI::App& program, Run& run) {
  CLI::App* command = program.add_subcommand(
      "reload", "Let a running server read its configuration again: plugins and topics");
  auto options = std::make_shared<ServerOptions>();
  add_server_options(*command, *options);
  command->callback([&run, options] {
    run = [options] {
      return ask(*options, {.method = "POST", .path = "/reload"}, [](const std::string&) {
        fmt::print("the configuration is applied\n");
      });
    };
  });
}

}  // namespace troupe::cli
