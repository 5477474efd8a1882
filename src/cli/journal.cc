#include "base/json.h"
#include "cli/command.h"
#include "cli/number.h"
#include "journal/inspect.h"
#include "journal/sqlite_journal.h"
#include "server/data_dir.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::cli {
namespace {

namespace fs = std::filesystem;

// What `dump` shows of an input or a reason on a terminal.
constexpr std::size_t shown_bytes_max = 80;
constexpr std::int64_t ns_per_ms = 1'000'000;

struct JournalArguments {
  std::string data = "troupe-data";
  std::string address;
  std::uint64_t after_batch = 0;
  std::string forgotten;
  std::string file;
  bool json = false;
};

// A data folder, or a file such as a backup.
fs::path journal_of(const std::string& data) {
  const fs::path path(data);
  std::error_code error;
  return fs::is_directory(path, error) || !fs::exists(path, error) ? path / journal::file_name
                                                                   : path;
}

std::string shown(std::string_view text) {
  std::string quoted;
  json::quote(quoted, text.substr(0, shown_bytes_max));
  if (text.size() > shown_bytes_max) quoted += fmt::format("... ({} bytes)", text.size());
  return quoted;
}

std::string time_of(std::int64_t ns) {
  const std::time_t seconds = static_cast<std::time_t>(ns / (1000 * ns_per_ms));
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), ns / ns_per_ms % 1000);
}

void print(const journal::Entry& entry) {
  const journal::Record& record = entry.record;
  std::string line = fmt::format("{} {} #{} {} turn {}",
                                 time_of(record.time_ns),
                                 entry.subject.address,
                                 entry.subject.number,
                                 journal::name_of(record.kind),
                                 record.turn);
  if (journal::is_turn(record.kind)) {
    line += fmt::format(" {} {}{}",
                        record.function,
                        journal::name_of(record.result),
                        record.committed ? "" : ", undone");
  }
  if (!record.input.empty()) line += " " + shown(record.input);
  if (!record.reason.empty()) line += ": " + shown(record.reason);
  if (!record.source.address.empty()) {
    line += fmt::format(" from {} turn {}", record.source.address, record.source.turn);
  }
  if (entry.has_checkpoint) line += " (checkpoint)";
  std::cout << line << '\n';
}

int dump(const JournalArguments& arguments) {
  const auto dumped =
      journal::dump(journal_of(arguments.data),
                    {.address = arguments.address, .after_batch = arguments.after_batch},
                    [&](std::uint64_t batch, const journal::Entry& entry) {
                      if (arguments.json) {
                        std::cout << journal::as_json(batch, entry) << '\n';
                      } else {
                        print(entry);
                      }
                      return std::cout.good();
                    });
  if (dumped.has_error()) {
    std::cout.flush();
    return fail(dumped.error().message);
  }
  return 0;
}

int verify(const JournalArguments& arguments) {
  const fs::path file = journal_of(arguments.data);
  const auto verified = journal::verify(file, arguments.forgotten);
  if (verified.has_error()) return fail(verified.error().message);
  if (arguments.json) {
    std::string json = fmt::format(
        "{{\"sound\":{},\"batches\":{},\"entries\":{},\"actors\":{},\"checkpoints\":{},"
        "\"messages\":{},\"timers\":{},\"files\":{},\"removed\":{},\"free_pages\":{},\"problems\":",
        verified->problems.empty(),
        verified->batches,
        verified->entries,
        verified->actors,
        verified->checkpoints,
        verified->messages,
        verified->timers,
        verified->files,
        verified->removed,
        verified->free_pages);
    json::quote_array(json, verified->problems);
    std::cout << json << "}\n";
  } else {
    for (const std::string& problem : verified->problems) std::cout << problem << '\n';
    fmt::print(
        "{} {}: {} entries of {} actors in {} batches, {} checkpoints, {} messages on their way, "
        "{} timers; {} entries were pruned or forgotten\n",
        file.string(),
        verified->problems.empty() ? "is sound" : "is damaged",
        verified->entries,
        verified->actors,
        verified->batches,
        verified->checkpoints,
        verified->messages,
        verified->timers,
        verified->removed);
  }
  return verified->problems.empty() ? 0 : failed_operation;
}

int backup(const JournalArguments& arguments) {
  const auto done = journal::backup(arguments.data, server::backup_folders(), arguments.file);
  if (done.has_error()) return fail(done.error().message);
  const auto verified = journal::verify(arguments.file);
  if (verified.has_error()) return fail(verified.error().message);
  if (!verified->problems.empty()) {
    return fail(fmt::format("{} was written, but the journal is damaged: {}",
                            arguments.file,
                            verified->problems.front()));
  }
  if (arguments.json) {
    std::string json = "{\"file\":";
    json::quote(json, arguments.file);
    std::cout << json
              << fmt::format(",\"entries\":{},\"actors\":{},\"files\":{}}}\n",
                             verified->entries,
                             verified->actors,
                             verified->files);
  } else {
    fmt::print("{}: {} entries of {} actors, {} files of code\n",
               arguments.file,
               verified->entries,
               verified->actors,
               verified->files);
  }
  return 0;
}

int restore(const JournalArguments& arguments) {
  const auto folder = server::DataDir::open(arguments.data);
  if (folder.has_error()) return fail(folder.error().message);
  const auto done = journal::restore(arguments.file, arguments.data);
  if (done.has_error()) return fail(done.error().message);
  if (arguments.json) {
    std::string json = "{\"data\":";
    json::quote(json, arguments.data);
    std::cout << json << "}\n";
  } else {
    fmt::print("{} holds what {} has; start the server with --data {}\n",
               arguments.data,
               arguments.file,
               arguments.data);
  }
  return 0;
}

void add_data(CLI::App& command, JournalArguments& arguments) {
  command.add_option("--data", arguments.data, "The data folder")->capture_default_str();
  command.add_flag("--json", arguments.json, "Print JSON");
}

}  // namespace

void add_journal(CLI::App& program, Run& run) {
  CLI::App* command =
      program.add_subcommand("journal", "Look into a journal, beside a server or without one");
  command->footer(
      "Examples:\n"
      "  troupe journal dump --actor todo/todo:all\n"
      "  troupe journal verify --data /var/lib/troupe\n"
      "  troupe journal verify --data monday.backup");
  command->require_subcommand(1);
  auto arguments = std::make_shared<JournalArguments>();

  CLI::App* dumping =
      command->add_subcommand("dump", "Print the entries, in the order they were committed");
  add_data(*dumping, *arguments);
  dumping->add_option("--actor", arguments->address, "Only those of this address");
  dumping->add_option("--after", arguments->after_batch, "Only those of batches after this one")
      ->check(whole_number(0));
  dumping->callback([&run, arguments] { run = [arguments] { return dump(*arguments); }; });

  CLI::App* verifying = command->add_subcommand(
      "verify", "Read all of it and name everything that is damaged or missing");
  add_data(*verifying, *arguments);
  verifying->add_option(
      "--forgotten", arguments->forgotten, "Also that nothing of this address is left anywhere");
  verifying->callback([&run, arguments] { run = [arguments] { return verify(*arguments); }; });
}

void add_backup(CLI::App& program, Run& run) {
  CLI::App* command = program.add_subcommand(
      "backup", "Write journal and code into one new file, while the server runs or not");
  command->footer("Example:\n  troupe backup monday.backup --data /var/lib/troupe");
  auto arguments = std::make_shared<JournalArguments>();
  command->add_option("FILE", arguments->file, "The backup; must not be there yet")->required();
  add_data(*command, *arguments);
  command->callback([&run, arguments] { run = [arguments] { return backup(*arguments); }; });
}

void add_restore(CLI::App& program, Run& run) {
  CLI::App* command = program.add_subcommand(
      "restore", "Put a backup into a data folder that has no journal and no server");
  command->footer("Example:\n  troupe restore monday.backup --data /var/lib/troupe-restored");
  auto arguments = std::make_shared<JournalArguments>();
  command->add_option("FILE", arguments->file, "What `troupe backup` has written")->required();
  add_data(*command, *arguments);
  command->callback([&run, arguments] { run = [arguments] { return restore(*arguments); }; });
}

}  // namespace troupe::cli
