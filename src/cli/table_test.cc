#include "cli/table.h"

#include <gtest/gtest.h>

namespace troupe::cli {
namespace {

TEST(Table, ColumnsAreAsWideAsTheirCharacters) {
  EXPECT_EQ(table({{"actor", "turn"}, {"caf\xc3\xa9/one", "1"}}),
            "actor     turn\ncaf\xc3\xa9/one  1\n");
}

TEST(Table, ControlCharactersOfACellAreEscaped) {
  EXPECT_EQ(table({{"input"}, {"a\n\x1b[2J"}}), "input\na\\n\\u001b[2J\n");
}

TEST(Table, AVeryLongCellWidensNoOtherRow) {
  const std::string key(512, 'k');
  EXPECT_EQ(table({{"actor", "turn"}, {key, "1"}, {"short", "2"}}),
            "actor  turn\n" + key + "  1\nshort  2\n");
}

}  // namespace
}  // namespace troupe::cli
