#include "cli/command.h"
#include "cli/templates.h"
#include "server/config.h"
#include "server/suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <vector>

namespace troupe::cli {
namespace {

namespace fs = std::filesystem;

struct NewArguments {
  std::string name;
  std::string language;
  std::string behaviour = "live_state";
};

std::vector<std::string> values_of(std::string Template::* member) {
  std::set<std::string> values;
  for (const Template& each : templates()) values.insert(each.*member);
  return {values.begin(), values.end()};
}

int unknown(std::string_view what, const std::string& value, std::string Template::* member) {
  const std::vector<std::string> known = values_of(member);
  fmt::print(stderr,
             "this version of troupe has no templates for the {} \"{}\"; there are: {}\n",
             what,
             value,
             fmt::join(known, ", "));
  return wrong_usage;
}

Result<void> write_file(const fs::path& path, std::string_view text) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  stream << text;
  stream.close();
  if (stream) return {};
  return Error{fmt::format("cannot write {}: {}",
                           path.string(),
                           std::error_code(errno, std::generic_category()).message())};
}

int make_new(const NewArguments& arguments) {
  const auto all = templates();
  const auto chosen = std::find_if(all.begin(), all.end(), [&](const Template& each) {
    return each.language == arguments.language && each.behaviour == arguments.behaviour;
  });
  if (chosen == all.end()) {
    const std::vector<std::string> languages = values_of(&Template::language);
    if (std::find(languages.begin(), languages.end(), arguments.language) == languages.end()) {
      return unknown("language", arguments.language, &Template::language);
    }
    return unknown("behaviour", arguments.behaviour, &Template::behaviour);
  }
  if (!actor::is_plugin_name(arguments.name)) {
    fmt::print(stderr, "\"{}\": {}\n", arguments.name, actor::plugin_name_rule);
    return wrong_usage;
  }
  const char first = arguments.name.front();
  if (arguments.language == "rust" &&
      ((first >= '0' && first <= '9') || arguments.name.find('.') != std::string::npos)) {
    fmt::print(stderr,
               "\"{}\": a plugin in Rust is a crate, whose name begins with a letter and has no "
               "dot\n",
               arguments.name);
    return wrong_usage;
  }

  if (arguments.language == "go" && arguments.name.ends_with('.')) {
    fmt::print(stderr,
               "\"{}\": a plugin in Go is a module, whose name has no dot at its end\n",
               arguments.name);
    return wrong_usage;
  }

  const fs::path folder = arguments.name;
  std::error_code error;
  if (fs::exists(folder, error) &&
      !(fs::is_directory(folder, error) && fs::is_empty(folder, error))) {
    return fail(
        fmt::format("{} is there already; choose another name or remove it", folder.string()));
  }
  for (const TemplateFile& file : chosen->files) {
    const fs::path path = folder / fill_in(file.path, arguments.name);
    if (const Result<void> written = write_file(path, fill_in(file.text, arguments.name));
        !written) {
      return fail(written.error().message);
    }
    fmt::print("{}\n", path.string());
  }
  fmt::print("\n{}/README.md says how to go on.\n", folder.string());
  return 0;
}

}  // namespace

void add_new(CLI::App& program, Run& run) {
  CLI::App* command = program.add_subcommand("new", "Start a plugin in a folder of its own");
  command->footer(
      "Examples:\n"
      "  troupe new todo --lang js\n"
      "  troupe new greeter --lang rust --behaviour call");
  auto arguments = std::make_shared<NewArguments>();
  command->add_option("NAME", arguments->name, "The plugin's name, and the folder's")->required();
  command
      ->add_option("-l,--lang",
                   arguments->language,
                   fmt::format("Its language: {}", fmt::join(values_of(&Template::language), ", ")))
      ->required();
  command
      ->add_option("-b,--behaviour",
                   arguments->behaviour,
                   fmt::format("What it is: {}", fmt::join(values_of(&Template::behaviour), ", ")))
      ->capture_default_str();
  command->callback([&run, arguments] { run = [arguments] { return make_new(*arguments); }; });
}

}  // namespace troupe::cli
