#include "journal/inspect.h"
#include "journal/sqlite_journal.h"
#include "journal/sqlite_store.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace troupe::journal {

namespace {

namespace fs = std::filesystem;

Error system_error(std::string_view what, const fs::path& path) {
  return Error{fmt::format("cannot {} {}: {}",
                           what,
                           path.string(),
                           std::error_code(errno, std::generic_category()).message())};
}

Result<> sync(const fs::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return system_error("open", path);
  const int result = ::fsync(file);
  ::close(file);
  if (result != 0) return system_error("write", path);
  return {};
}

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

Result<> rename_durably(const fs::path& from, const fs::path& to) {
  TRY_VOID(sync(from));
  if (::rename(from.c_str(), to.c_str()) != 0) return system_error("write", to);
  return sync(folder_of(to));
}

// All of a file.
Result<std::string> read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (!in) return Error{fmt::format("cannot read {}", path.string())};
  return text;
}

Result<> add_files(Database& target,
                   const fs::path& data_folder,
                   const std::vector<std::string>& folders) {
  TRY_VOID(target.run("CREATE TABLE files (path TEXT PRIMARY KEY, body BLOB, sum INTEGER)"));
  TRY(Statement insert, target.prepare("INSERT INTO files VALUES (?, ?, ?)"));
  for (const std::string& folder : folders) {
    std::error_code error;
    if (!fs::exists(data_folder / folder, error)) continue;
    for (auto at = fs::recursive_directory_iterator(data_folder / folder, error);
         !error && at != fs::recursive_directory_iterator();
         at.increment(error)) {
      if (!at->is_regular_file(error)) continue;
      const std::string path = at->path().lexically_relative(data_folder).generic_string();
      TRY(const std::string body, read(at->path()));
      TRY_VOID(insert.bind(1, std::string_view(path))
                   .bind_blob(2, body)
                   .bind(3, to_column(file_sum(path, body)))
                   .run());
    }
    if (error) {
      return Error{
          fmt::format("cannot read {}: {}", (data_folder / folder).string(), error.message())};
    }
  }
  return {};
}

// A path out of a backup that stays within the folder.
bool is_inside(const fs::path& path) {
  if (path.empty() || path.is_absolute()) return false;
  for (const fs::path& part : path) {
    if (part == ".." || part == ".") return false;
  }
  return true;
}

Result<> write_file(const fs::path& path, std::string_view body) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) {
    return Error{fmt::format("cannot make {}: {}", path.parent_path().string(), error.message())};
  }
  const fs::path aside = path.string() + ".new";
  {
    std::ofstream out(aside, std::ios::binary | std::ios::trunc);
    out.write(body.data(), static_cast<std::streamsize>(body.size()));
    if (!out.flush()) return Error{fmt::format("cannot write {}", aside.string())};
  }
  return rename_durably(aside, path);
}

}  // namespace

Result<> backup(const fs::path& data_folder,
                const std::vector<std::string>& folders,
                const fs::path& to) {
  const fs::path file = data_folder / file_name;
  std::error_code error;
  if (fs::exists(to, error)) return Error{fmt::format("{} is there already", to.string())};
  if (!fs::exists(file, error)) return Error{fmt::format("there is no journal {}", file.string())};
  const fs::path aside = to.string() + ".part";
  fs::remove(aside, error);
  // Copied in one read transaction: as it is at this moment, while commits go on.
  TRY(Database source, Database::open(file, Database::Mode::read, {}));
  TRY_VOID(check_version(source, file));
  const mode_t mask = ::umask(0077);
  auto copied = [&]() -> Result<> {
    TRY(Statement into, source.prepare("VACUUM INTO ?"));
    const std::string name = aside.string();
    return into.bind(1, std::string_view(name)).run();
  }();
  ::umask(mask);
  if (copied.has_value()) {
    copied = [&]() -> Result<> {
      TRY(Database target, Database::open(aside, Database::Mode::write, {}));
      TRY_VOID(target.run("BEGIN"));
      // The code after the journal: what a record names is there by then.
      TRY_VOID(add_files(target, data_folder, folders));
      return target.run("COMMIT");
    }();
  }
  if (copied.has_value()) copied = rename_durably(aside, to);
  if (copied.has_error()) fs::remove(aside, error);
  return copied;
}

Result<> restore(const fs::path& from, const fs::path& data_folder) {
  std::error_code error;
  const fs::path file = data_folder / file_name;
  for (const std::string_view suffix : {"", "-wal", "-shm"}) {
    const fs::path there = file.string() + std::string(suffix);
    if (fs::exists(there, error)) {
      return Error{fmt::format("{} is there already: move it away, or restore into another folder",
                               there.string())};
    }
  }
  TRY(const Verified verified, verify(from));
  if (!verified.problems.empty()) {
    return Error{fmt::format("{} is damaged: {}", from.string(), verified.problems.front())};
  }
  TRY(Database source, Database::open(from, Database::Mode::read, {}));
  TRY(const std::int64_t has_files,
      source.number("SELECT count(*) FROM sqlite_schema WHERE name = 'files'"));
  if (has_files != 0) {
    TRY(Statement rows, source.prepare("SELECT path, body FROM files"));
    while (true) {
      TRY(const bool row, rows.step());
      if (!row) break;
      const fs::path path(rows.bytes(0));
      if (!is_inside(path)) {
        return Error{fmt::format(
            "{} holds the path {}, which leads out of the folder", from.string(), path.string())};
      }
      TRY_VOID(write_file(data_folder / path, rows.bytes(1)));
    }
  }
  // The journal last: while it is missing the restore is not done.
  const fs::path aside = file.string() + ".new";
  fs::copy_file(from, aside, fs::copy_options::overwrite_existing, error);
  if (error) return Error{fmt::format("cannot write {}: {}", aside.string(), error.message())};
  if (::chmod(aside.c_str(), 0600) != 0) return system_error("write", aside);
  {
    TRY(Database target, Database::open(aside, Database::Mode::write, {}));
    TRY_VOID(target.run("DROP TABLE IF EXISTS files"));
  }
  return rename_durably(aside, file);
}

}  // namespace troupe::journal
