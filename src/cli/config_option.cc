#include "cli/config_option.h"

#include <system_error>

namespace troupe::cli {

CLI::Option* add_config_option(CLI::App& command, std::string& file) {
  return command.add_option(
      "-c,--config", file, "The configuration; troupe.toml in the current folder when not given");
}

void add_overrides(CLI::App& command, server::Overrides& overrides) {
  command
      .add_option("--listen",
                  overrides.listen,
                  "ADDRESS:PORT for browsers instead of the file's; may be repeated")
      ->take_all()
      ->expected(1);
  command.add_option("--admin", overrides.admin, "ADDRESS:PORT for operators");
  command.add_option("--data", overrides.data_dir, "The data folder");
}

Result<std::filesystem::path> find_config(const std::string& named) {
  if (!named.empty()) return std::filesystem::path(named);
  const std::filesystem::path file = "troupe.toml";
  std::error_code error;
  if (std::filesystem::exists(file, error)) return file;
  return Error{
      "there is no troupe.toml in this folder; name one with --config, or begin with\n"
      "  troupe new todo --lang js && cd todo && troupe serve"};
}

}  // namespace troupe::cli
