// A journal looked at and moved from outside, without a server or beside one that runs: dump,
// verify, backup, restore. Each opens the database for reading by itself; any thread may use them.
#pragma once

#include "base/result.h"
#include "journal/record.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace troupe::journal {

struct DumpOptions {
  std::string address;            // only this actor's entries; empty: all
  std::uint64_t after_batch = 0;  // only batches after this one
};
// Hands over every entry with its batch, in the order of the commits, until `take` returns false.
// An Error names the batch that is damaged.
Result<> dump(const std::filesystem::path& file,
              const DumpOptions& options,
              const std::function<bool(std::uint64_t batch, const Entry& entry)>& take);
// One entry as one JSON object; with its batch, where that is known. Text that is not UTF-8 is
// given in base64 under NAME_base64.
std::string as_json(std::uint64_t batch, const Entry& entry);
std::string as_json(const Entry& entry);

struct Verified {
  std::uint64_t batches = 0;
  std::uint64_t entries = 0;
  std::uint64_t actors = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t messages = 0;
  std::uint64_t timers = 0;
  std::uint64_t files = 0;
  std::uint64_t removed = 0;     // entries that were pruned or forgotten
  std::uint64_t free_pages = 0;  // of the database
  // What is wrong, each a sentence that names the place; the first problems_max of them.
  static constexpr std::size_t problems_max = 100;
  std::vector<std::string> problems;
};
// Reads all of it: SQLite's own check, every checksum, that no actor's entry and no partition's
// sequence is missing, that tables and entries agree. With `forgotten`, that nothing of this
// address is left: no row, no byte in the files, and no free page that still holds something.
Result<Verified> verify(const std::filesystem::path& file, const std::string& forgotten = {});

// Writes the journal as it is at this moment, and the files of these folders of the data folder,
// into one new file. The server may go on. A crash leaves no half of a backup under that name.
Result<> backup(const std::filesystem::path& data_folder,
                const std::vector<std::string>& folders,
                const std::filesystem::path& to);
// Puts a backup into a data folder that has no journal. Nobody may use the folder.
Result<> restore(const std::filesystem::path& from, const std::filesystem::path& data_folder);

}  // namespace troupe::journal
