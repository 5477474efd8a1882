// Rows in columns, for people.
#pragma once

#include <string>
#include <vector>

namespace troupe::cli {

// The first row is the head. Every row has as many cells; the text ends with a newline. Control
// characters in cells are escaped.
std::string table(const std::vector<std::vector<std::string>>& rows);

}  // namespace troupe::cli
