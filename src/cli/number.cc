#include "cli/number.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <system_error>

namespace troupe::cli {
namespace {

std::optional<std::uint64_t> number_in(const std::string& text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [read_to, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || read_to != end) return std::nullopt;
  return number;
}

}  // namespace

CLI::Validator whole_number(std::uint64_t least) {
  return {[least](const std::string& text) {
            const auto number = number_in(text);
            if (number && *number >= least) return std::string();
            return fmt::format("{} is no whole number from {} to 2^64-1", text, least);
          },
          "NUMBER"};
}

CLI::Validator turn_number() {
  return {[](const std::string& text) {
            const auto number = number_in(text);
            if (number && *number >= 1) return std::string();
            return fmt::format(
                "{} is no turn; they are numbered from 1 on, as troupe actor history has them",
                text);
          },
          "TURN"};
}

}  // namespace troupe::cli
