#include "actor/address.h"
#include "base/json.h"
#include "base/printable.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/content.h"
#include "cli/number.h"
#include "cli/table.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

namespace troupe::cli {
namespace {

using actor::Address;

constexpr std::size_t hash_letters_shown = 12;
constexpr int page_size = 1000;
constexpr const char* itself_as_json = "Print what the actor says of itself as one object";

struct ActorArguments {
  ServerOptions server;
  std::string address;
  std::string plugin;
  std::string function;
  std::string input;
  bool from_stdin = false;
  bool is_event = false;
  std::uint64_t turn = 0;
  std::uint64_t limit = 0;
  bool forgets = false;
};

std::string text_of(json::Value object, std::string_view name) {
  const auto value = object.find(name);
  if (!value || value->is_null()) return "-";
  return value->is_string() ? value->string() : std::string(value->raw());
}

// The path of what is asked of an actor; nothing, and a message, when the address is none.
std::optional<std::string> path_of(const ActorArguments& arguments, std::string_view verb) {
  const std::optional<Address> address = Address::read(arguments.address);
  if (!address) {
    fail(fmt::format(
        "\"{}\" is no address of an actor; write PLUGIN/KEY, such as todo/todo:all: {}, and {}",
        arguments.address,
        actor::plugin_name_rule,
        actor::key_rule));
    return std::nullopt;
  }
  return fmt::format(
      "/actors/{}{}?key={}", address->plugin(), verb, percent_encode(address->key()));
}

int list(const ActorArguments& arguments) {
  const Result<Client> client = Client::create(arguments.server);
  if (!client) return fail(client.error().message);
  std::vector<std::vector<std::string>> rows = {
      {"actor", "status", "version", "turn", "failures", "viewers", "waiting", "memory"}};
  std::string after;
  std::string json = "[";
  while (true) {
    const Result<ServerAnswer> answer =
        client->send({.path = fmt::format("/actors?limit={}&plugin={}&after={}",
                                          page_size,
                                          percent_encode(arguments.plugin),
                                          percent_encode(after))});
    if (!answer) return fail(answer.error().message);
    if (!answer->is_ok()) return fail(arguments.server, *answer);
    json::Tape tape;
    if (!json::parse(answer->body, tape)) return fail("the server's answer is not JSON");
    for (const json::Value actor : tape.root().find("actors")->elements()) {
      if (arguments.server.json) {
        if (json.size() > 1) json += ",\n";
        json += actor.raw();
        continue;
      }
      std::string version = text_of(actor, "version").substr(0, hash_letters_shown);
      // It stays on an old version, or has not come to the new one yet.
      if (text_of(actor, "current") == "false") version += " (old)";
      rows.push_back({text_of(actor, "address"),
                      text_of(actor, "status"),
                      version,
                      text_of(actor, "turn"),
                      text_of(actor, "failures"),
                      text_of(actor, "viewers"),
                      text_of(actor, "waiting"),
                      text_of(actor, "memory_bytes")});
    }
    const auto next = tape.root().find("next");
    if (!next || !next->is_string()) break;
    after = next->string();
  }
  if (arguments.server.json) {
    print_json(json + "]");
  } else {
    fmt::print("{}", table(rows));
  }
  return 0;
}

void print_actor(const std::string& body) {
  json::Tape tape;
  if (!json::parse(body, tape)) return;
  for (const json::Member member : tape.root().members()) {
    const std::string name = member.name.string();
    fmt::print("{:13} {}\n", name, printable(text_of(tape.root(), name)));
  }
}

int call(const ActorArguments& arguments) {
  if (arguments.function == "." || arguments.function == "..") {
    fail(fmt::format("\"{}\" is no name of a function or an event", arguments.function));
    return wrong_usage;
  }
  const auto path = path_of(
      arguments,
      fmt::format(
          "/{}/{}", arguments.is_event ? "event" : "call", percent_encode(arguments.function)));
  if (!path) return wrong_usage;
  std::string input = arguments.input;
  if (arguments.from_stdin) input.assign(std::istreambuf_iterator<char>(std::cin), {});
  if (arguments.is_event && input.empty()) input = "{}";
  const Result<Client> client = Client::create(arguments.server);
  if (!client) return fail(client.error().message);
  const Result<ServerAnswer> answer = client->send(
      {.method = "POST",
       .path = *path,
       .body = std::move(input),
       .content_type = arguments.is_event ? "application/json" : "application/octet-stream"});
  if (!answer) return fail(answer.error().message);
  if (!answer->is_ok()) return fail(arguments.server, *answer);
  // A program gets the bytes as they are.
  const bool is_shown = ::isatty(STDOUT_FILENO) == 1;
  const std::string& output = answer->body;
  fmt::print("{}{}",
             is_shown ? printable_lines(output) : output,
             is_shown && !output.ends_with('\n') ? "\n" : "");
  return 0;
}

int order(const ActorArguments& arguments,
          std::string_view verb,
          const std::string& method,
          std::string_view done) {
  const auto path = path_of(arguments, verb);
  if (!path) return wrong_usage;
  return ask(arguments.server, {.method = method, .path = *path}, [&](const std::string&) {
    fmt::print("{} {}\n", arguments.address, done);
  });
}

std::string log_line(std::string_view data) {
  json::Tape tape;
  if (!json::parse(data, tape)) return {};
  const std::int64_t ms =
      tape.root().find("time") ? tape.root().find("time")->integer().value_or(0) : 0;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z {} turn {}: {}\n",
                     fmt::gmtime(static_cast<std::time_t>(ms / 1000)),
                     ms % 1000,
                     text_of(tape.root(), "level"),
                     text_of(tape.root(), "turn"),
                     printable_lines(text_of(tape.root(), "text"), "    "));
}

// Each message a line, until the server or the person ends it.
int follow(const ActorArguments& arguments, std::string_view verb, bool is_log) {
  const auto path = path_of(arguments, verb);
  if (!path) return wrong_usage;
  const Result<Client> client = Client::create(arguments.server);
  if (!client) return fail(client.error().message);
  const Result<ServerAnswer> answer = client->listen(*path, [&](std::string_view data) {
    const std::string line =
        is_log && !arguments.server.json ? log_line(data) : printable_lines(data) + '\n';
    return write_out(line);
  });
  if (!answer) return fail(answer.error().message);
  return answer->is_ok() ? 0 : fail(arguments.server, *answer);
}

std::string short_text(std::string_view text) {
  constexpr std::size_t shown_max = 60;
  const std::string_view shown = cut(text, shown_max);
  return std::string(shown) + (shown.size() < text.size() ? "..." : "");
}

// What an entry was given: of one that goes back or copies, the turn it took.
std::string input_of(json::Value entry) {
  const auto source = entry.find("source");
  if (!source) return short_text(text_of(entry, "input"));
  return fmt::format("turn {} of {}", text_of(*source, "turn"), text_of(*source, "address"));
}

// The newest first.
int history(const ActorArguments& arguments) {
  const auto path = path_of(arguments, "/history");
  if (!path) return wrong_usage;
  const Result<Client> client = Client::create(arguments.server);
  if (!client) return fail(client.error().message);
  std::vector<std::vector<std::string>> rows = {
      {"turn", "kind", "time", "function", "input", "result", "committed"}};
  std::uint64_t left = arguments.limit;
  std::string from;
  while (left > 0) {
    const Result<ServerAnswer> answer =
        client->send({.path = fmt::format(
                          "{}&limit={}{}", *path, std::min<std::uint64_t>(left, page_size), from)});
    if (!answer) return fail(answer.error().message);
    if (!answer->is_ok()) return fail(arguments.server, *answer);
    json::Tape tape;
    if (!json::parse(answer->body, tape)) return fail("the server's answer is not JSON");
    for (const json::Value entry : tape.root().find("entries")->elements()) {
      --left;
      if (arguments.server.json) {
        print_json(entry.raw());
        continue;
      }
      const std::int64_t ns = entry.find("time_ns")->integer().value_or(0);
      std::string reason = text_of(entry, "reason");
      rows.push_back({text_of(entry, "turn"),
                      text_of(entry, "kind"),
                      fmt::format("{:%Y-%m-%dT%H:%M:%S}Z",
                                  fmt::gmtime(static_cast<std::time_t>(ns / 1'000'000'000))),
                      text_of(entry, "function"),
                      input_of(entry),
                      reason == "-" ? text_of(entry, "result")
                                    : text_of(entry, "result") + ": " + short_text(reason),
                      text_of(entry, "committed")});
    }
    const auto next = tape.root().find("next");
    if (!next || next->is_null()) break;
    from = fmt::format("&from={}", next->raw());
  }
  if (!arguments.server.json) fmt::print("{}", table(rows));
  return 0;
}

void print_replay(json::Value replayed) {
  for (const json::Value failure : replayed.find("failures")->elements()) {
    const std::string recorded = printable(text_of(failure, "recorded"));
    const std::string now = printable(text_of(failure, "now"));
    fmt::print("turn {} {}, then: {}\n",
               text_of(failure, "turn"),
               printable(text_of(failure, "function")),
               recorded);
    fmt::print("  now: {}\n", now == recorded ? "the same" : now);
    const std::string detail = text_of(failure, "detail");
    if (!detail.empty()) fmt::print("    {}\n", printable_lines(detail, "    "));
  }
  const std::string turns = fmt::format(
      "turns {} to {}", text_of(replayed, "first_turn"), text_of(replayed, "last_turn"));
  const auto difference = replayed.find("difference");
  if (difference && difference->is_object()) {
    fmt::print("turn {} came out differently in {}\n  expected: {}\n  got: {}\n{} were run\n",
               text_of(*difference, "turn"),
               text_of(*difference, "what"),
               printable(text_of(*difference, "expected")),
               printable(text_of(*difference, "got")),
               turns);
  } else {
    fmt::print("{} came out as they did\n", turns);
  }
  if (replayed.find("stopped")) {
    fmt::print("it stopped: {}\n", printable(text_of(replayed, "stopped")));
  }
  const std::string state = printable(text_of(replayed, "state"));
  if (state != "-") fmt::print("the state in the end: {}\n", state);
}

// Exit status 1 when something came out differently.
int replay(const ActorArguments& arguments) {
  auto path = path_of(arguments, "/replay");
  if (!path) return wrong_usage;
  if (arguments.turn != 0) *path += fmt::format("&from={}", arguments.turn);
  ServerRequest request{.method = "POST", .path = *path};
  if (!arguments.plugin.empty()) {
    Result<Content> content = read_content(arguments.plugin);
    if (!content) return fail(content.error().message);
    request.body = std::move(content->bytes);
    request.content_type = content->type;
  }
  const Result<Client> client = Client::create(arguments.server);
  if (!client) return fail(client.error().message);
  const Result<ServerAnswer> answer = client->send(request);
  if (!answer) return fail(answer.error().message);
  if (!answer->is_ok()) return fail(arguments.server, *answer);
  json::Tape tape;
  if (!json::parse(answer->body, tape)) return fail("the server's answer is not JSON");
  if (arguments.server.json) {
    print_json(answer->body);
  } else {
    print_replay(tape.root());
  }
  const auto difference = tape.root().find("difference");
  return difference && difference->is_object() ? failed_operation : 0;
}

// Rewinds, or forks to another key.
int go_to(const ActorArguments& arguments, bool forks) {
  auto path = path_of(arguments, forks ? "/fork" : "/rewind");
  if (!path) return wrong_usage;
  if (arguments.turn != 0) *path += fmt::format("&turn={}", arguments.turn);
  if (forks) *path += "&to=" + percent_encode(arguments.function);
  return ask(arguments.server, {.method = "POST", .path = *path}, print_actor);
}

}  // namespace

void add_actor(CLI::App& program, Run& run) {
  CLI::App* group = program.add_subcommand("actor", "See and steer the actors of a running server");
  group->require_subcommand(1);
  group->footer(
      "An ADDRESS is PLUGIN/KEY. Examples:\n"
      "  troupe actor list --plugin todo\n"
      "  troupe actor call count_vowels/one count_vowels --input 'hello world'\n"
      "  troupe actor call todo/todo:all addTodo --event --input '{\"todo\":\"milk\"}'\n"
      "  troupe actor watch todo/todo:all\n"
      "  troupe actor history todo/todo:all\n"
      "  troupe actor rewind todo/todo:all 17\n"
      "  troupe actor replay todo/todo:all --plugin todo.js");
  const auto add = [&](const std::string& name,
                       const std::string& help,
                       const std::string& json_help,
                       bool has_address,
                       std::function<int(const ActorArguments&)> action) {
    CLI::App* command = group->add_subcommand(name, help);
    auto arguments = std::make_shared<ActorArguments>();
    if (has_address) {
      command->add_option("ADDRESS", arguments->address, "PLUGIN/KEY of the actor")->required();
    }
    add_server_options(*command, arguments->server, json_help);
    command->callback([&run, arguments, action = std::move(action)] {
      run = [arguments, action] { return action(*arguments); };
    });
    return std::pair(command, arguments);
  };

  const auto [list_command, list_arguments] =
      add("list", "List the actors", "Print one array of all of them", false, list);
  list_command->add_option("--plugin", list_arguments->plugin, "Only those of this plugin");
  const auto [show_command, show_arguments] =
      add("show",
          "Print what is known about an actor",
          itself_as_json,
          true,
          [](const ActorArguments& arguments) {
            auto path = path_of(arguments, "");
            if (path && arguments.turn != 0) *path += fmt::format("&at={}", arguments.turn);
            return path ? ask(arguments.server, {.path = *path}, print_actor) : wrong_usage;
          });
  show_command->add_option("--at", show_arguments->turn, "As it was at the end of that turn")
      ->check(turn_number());
  const auto [history_command, history_arguments] =
      add("history",
          "Print what happened to an actor, the newest first",
          "Print all that the journal has of each entry, one a line",
          true,
          history);
  history_arguments->limit = 50;
  history_command->add_option("--limit", history_arguments->limit, "How many entries at most")
      ->check(whole_number(1))
      ->capture_default_str();
  const auto [rewind_command, rewind_arguments] =
      add("rewind",
          "Make an actor again what it was at the end of a turn; open pages see it",
          itself_as_json,
          true,
          [](const auto& arguments) { return go_to(arguments, false); });
  rewind_command->add_option("TURN", rewind_arguments->turn, "As history has it")
      ->required()
      ->check(turn_number());
  const auto [fork_command, fork_arguments] =
      add("fork",
          "Begin another actor as a copy of this one",
          itself_as_json,
          true,
          [](const auto& arguments) { return go_to(arguments, true); });
  fork_command->add_option("KEY", fork_arguments->function, "Of the new actor")->required();
  fork_command->add_option("--at", fork_arguments->turn, "As it was at the end of that turn")
      ->check(turn_number());
  const auto [call_command, call_arguments] =
      add("call",
          "Call a function of an actor, which starts if it is not there",
          "What the actor answers stays as it is",
          true,
          call);
  call_command->add_option("FUNCTION", call_arguments->function, "The export to call")->required();
  CLI::Option* input = call_command->add_option("-i,--input", call_arguments->input, "The input");
  call_command
      ->add_flag("--stdin", call_arguments->from_stdin, "Read the input from standard input")
      ->excludes(input);
  call_command->add_flag("--event",
                         call_arguments->is_event,
                         "FUNCTION is an event of a live_state plugin: the input is JSON");
  add("watch",
      "Print an actor's state and each change of it",
      "What is printed is JSON in any case, one message a line",
      true,
      [](const auto& arguments) { return follow(arguments, "/watch", false); });
  add("logs",
      "Print an actor's log, the last lines and those to come",
      "Print each log line as an object, one a line",
      true,
      [](const auto& arguments) { return follow(arguments, "/logs", true); });
  add("stop",
      "Put an actor to sleep; its next message wakes it",
      itself_as_json,
      true,
      [](const auto& arguments) { return order(arguments, "/stop", "POST", "sleeps"); });
  add("restart",
      "Drop an actor's instance: back to its last commit",
      itself_as_json,
      true,
      [](const auto& arguments) { return order(arguments, "/restart", "POST", "was restarted"); });
  const auto [replay_command, replay_arguments] =
      add("replay",
          "Run an actor's turns again beside it, those that failed too, and compare",
          "Print what came out as one object",
          true,
          replay);
  replay_command->add_option("--from", replay_arguments->turn, "From that turn on")
      ->check(turn_number());
  replay_command->add_option(
      "--plugin",
      replay_arguments->plugin,
      "What to run them with instead of what ran them: a module, manifest or source");
  const auto [delete_command, delete_arguments] = add(
      "delete",
      "End an actor; its history stays",
      "Print {} when that is done",
      true,
      [](const ActorArguments& arguments) {
        const auto path = path_of(arguments, "");
        if (!path) return wrong_usage;
        return ask(arguments.server,
                   {.method = "DELETE", .path = *path + (arguments.forgets ? "&forget=true" : "")},
                   [&](const std::string&) {
                     fmt::print("{} {}\n",
                                arguments.address,
                                arguments.forgets ? "has ended and is forgotten" : "has ended");
                   });
      });
  delete_command->add_flag(
      "--forget", delete_arguments->forgets, "Remove all that the journal has of it, too");
}

}  // namespace troupe::cli
