// The journal in one SQLite database: docs/formats/journal.md, and the decision in
// docs/adr/0016-the-journal-in-sqlite.md.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "journal/journal.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::journal {

// In the data folder, beside its -wal and -shm.
inline constexpr std::string_view file_name = "journal.db";

struct SqliteOptions {
  std::filesystem::path file;
  Bounds bounds{};
  Retention retention{};
  std::string vfs{};  // of SQLite; empty for its own
  // The disk could not be written, and can be again. By the writer's thread.
  std::function<void()> on_recovery{};
};

// Opens the journal, or makes it with mode 0600. One process at a time may have it: that is for the
// lock on the data folder to see to; a process that was overtaken can commit nothing any more. The
// destructor commits what waits.
Result<std::unique_ptr<Journal>> open_sqlite(SqliteOptions options, const Clock& clock);

}  // namespace troupe::journal
