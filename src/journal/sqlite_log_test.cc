#include "journal/sqlite_log.h"

#include "journal/sqlite_db.h"
#include "journal/testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

namespace troupe::journal {
namespace {

// A connection that writes by it, and one that reads without.
class GatheredLogTest : public testing::Test {
 protected:
  void SetUp() override {
    writer_ = open(Database::Mode::create, log_.name());
    run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0");
    run("CREATE TABLE rows (id INTEGER PRIMARY KEY, bytes BLOB)");
    reader_ = open(Database::Mode::read, "");
  }

  Database open(Database::Mode mode, const std::string& vfs) const {
    auto opened = Database::open(folder_.file(), mode, vfs);
    EXPECT_TRUE(opened.has_value()) << opened.error().message;
    return opened.has_value() ? std::move(*opened) : Database();
  }
  void run(const std::string& sql) {
    const auto done = writer_.run(sql);
    ASSERT_TRUE(done.has_value()) << sql << ": " << done.error().message;
  }
  // Rows with so many bytes each, begun with `first`.
  void add(int first, int count, std::size_t bytes) {
    run(
        fmt::format("WITH RECURSIVE n(i) AS (SELECT {} UNION ALL SELECT i + 1 FROM n WHERE i < {}) "
                    "INSERT INTO rows SELECT i, randomblob({}) FROM n",
                    first,
                    first + count - 1,
                    bytes));
  }
  static std::int64_t number(Database& database, std::string_view sql) {
    const auto read = database.number(sql);
    EXPECT_TRUE(read.has_value()) << read.error().message;
    return read.has_value() ? *read : -1;
  }
  static std::int64_t count(Database& database) {
    return number(database, "SELECT count(*) FROM rows");
  }
  std::uintmax_t log_bytes() const {
    return std::filesystem::file_size(folder_.file().string() + "-wal");
  }

  Folder folder_;
  GatheredLog log_{""};
  Database writer_;
  Database reader_;
};

TEST_F(GatheredLogTest, ACommitIsWhereOthersReadItAndNotBefore) {
  const std::uintmax_t before = log_bytes();
  run("BEGIN IMMEDIATE");
  add(1, 5, 3000);
  EXPECT_EQ(log_bytes(), before);
  EXPECT_EQ(count(reader_), 0);
  run("COMMIT");
  EXPECT_GT(log_bytes(), before);
  EXPECT_EQ(count(reader_), 5);
}

// Also one that is larger than what is gathered, and larger than SQLite writes at once.
TEST_F(GatheredLogTest, ALargeCommitIsWhole) {
  add(1, 300, 3000);
  add(1000, 1, 3 * GatheredLog::gathered_bytes_max);
  EXPECT_EQ(count(reader_), 301);
  EXPECT_EQ(number(reader_, "SELECT length(bytes) FROM rows WHERE id = 1000"),
            std::int64_t{3 * GatheredLog::gathered_bytes_max});
  writer_ = {};
  reader_ = {};
  Database again = open(Database::Mode::write, "");
  EXPECT_EQ(count(again), 301);
  EXPECT_EQ(
      number(again, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
}

// Pages leave SQLite's cache before the commit, are read again from the log and written once more.
TEST_F(GatheredLogTest, WhatATransactionHasWrittenItCanRead) {
  const std::uintmax_t before = log_bytes();
  run("PRAGMA cache_size = 5; BEGIN IMMEDIATE");
  add(1, 15, 3000);
  EXPECT_EQ(log_bytes(), before) << "they have left the cache, and wait";
  EXPECT_EQ(number(writer_, "SELECT sum(length(bytes)) FROM rows"), 45'000);
  EXPECT_GT(log_bytes(), before);
  add(16, 85, 3000);
  run("UPDATE rows SET bytes = zeroblob(2000)");
  EXPECT_EQ(number(writer_, "SELECT sum(length(bytes)) FROM rows"), 200'000);
  EXPECT_EQ(count(reader_), 0);
  run("COMMIT");
  EXPECT_EQ(number(reader_, "SELECT sum(length(bytes)) FROM rows WHERE bytes = zeroblob(2000)"),
            200'000);
}

TEST_F(GatheredLogTest, WhatIsTakenBackIsOverwritten) {
  add(1, 1, 10);
  run("PRAGMA cache_size = 5; BEGIN IMMEDIATE");
  add(2, 100, 3000);
  run("ROLLBACK");
  log_.forget();
  add(500, 1, 10);
  EXPECT_EQ(count(reader_), 2);
  run("PRAGMA wal_checkpoint(TRUNCATE)");
  EXPECT_EQ(log_bytes(), 0U);
  add(501, 1, 10);
  EXPECT_EQ(count(reader_), 3);
}

TEST_F(GatheredLogTest, WhatIsForgottenIsNeverWritten) {
  sqlite3_file* log = nullptr;
  ASSERT_EQ(sqlite3_file_control(
                writer_.get(), "main", SQLITE_FCNTL_JOURNAL_POINTER, static_cast<void*>(&log)),
            SQLITE_OK);
  const auto before = static_cast<sqlite3_int64>(log_bytes());
  ASSERT_EQ(log->pMethods->xWrite(log, "abc", 3, before), SQLITE_OK);
  log_.forget();
  sqlite3_int64 size = 0;
  ASSERT_EQ(log->pMethods->xFileSize(log, &size), SQLITE_OK);
  EXPECT_EQ(size, before);
  ASSERT_EQ(log->pMethods->xWrite(log, "abc", 3, before), SQLITE_OK);
  ASSERT_EQ(log->pMethods->xFileSize(log, &size), SQLITE_OK);
  EXPECT_EQ(size, before + 3);
}

TEST_F(GatheredLogTest, AVfsThatIsNotThereIsAnErrorAtOpening) {
  const GatheredLog nothing("no such disk");
  const auto opened = Database::open(folder_.file(), Database::Mode::write, nothing.name());
  ASSERT_TRUE(opened.has_error());
  EXPECT_NE(opened.error().message.find("no such vfs"), std::string::npos)
      << opened.error().message;
}

}  // namespace
}  // namespace troupe::journal
