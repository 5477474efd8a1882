// SQLite as values and owners: a connection, its statements, its errors. Used by the sqlite_* files
// alone. A Database and its Statements belong to one thread at a time.
#pragma once

#include "base/result.h"

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::journal {

class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  // Borrowed until the next reset() or bind of the same place.
  Statement& bind(int place, std::string_view text);
  Statement& bind(int place, std::int64_t number);
  Statement& bind_blob(int place, std::string_view bytes);

  // True for a row, false at the end; then it is reset.
  Result<bool> step();
  // For what gives no rows.
  Result<> run();
  void reset();

  // Of the row; borrowed until the next step() or reset().
  std::string_view bytes(int column) const;
  std::int64_t number(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
 public:
  enum class Mode { create, write, read };
  // An Error names the file.
  static Result<Database> open(const std::filesystem::path& file,
                               Mode mode,
                               const std::string& vfs);

  Result<Statement> prepare(std::string_view sql);
  // Several statements, without rows.
  Result<> run(const std::string& sql);
  // One number; the first column of the first row.
  Result<std::int64_t> number(std::string_view sql);
  // How many rows the last statement has changed.
  int changes() const { return sqlite3_changes(database_.get()); }
  Error error() const;
  sqlite3* get() { return database_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  std::unique_ptr<sqlite3, Close> database_;
};

// "the disk is full" and so on, of a database's last error.
Error error_of(sqlite3* database);

// A statement that is reset when the scope ends.
class Resetting {
 public:
  explicit Resetting(Statement& statement) : statement_(statement) {}
  Resetting(const Resetting&) = delete;
  Resetting& operator=(const Resetting&) = delete;
  ~Resetting() { statement_.reset(); }

 private:
  Statement& statement_;
};

}  // namespace troupe::journal
