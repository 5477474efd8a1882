#include "cli/table.h"

#include "base/printable.h"

#include <algorithm>
#include <cstddef>

namespace troupe::cli {
namespace {

// A cell that is wider pushes the rest of its own row aside, and widens no other.
constexpr std::size_t column_width_max = 64;

}  // namespace

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::size_t width = columns_of(printable(row[i]));
      if (width <= column_width_max) widths[i] = std::max(widths[i], width);
    }
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string cell = printable(row[i]);
      const std::size_t width = columns_of(cell);
      line += cell;
      line.append(widths[i] > width ? widths[i] - width : 0, ' ').append("  ");
    }
    text.append(line, 0, line.find_last_not_of(' ') + 1).append("\n");
  }
  return text;
}

}  // namespace troupe::cli
