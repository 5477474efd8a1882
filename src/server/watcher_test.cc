#include "server/watcher.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string_view>

namespace troupe::server {
namespace {

namespace fs = std::filesystem;

class WatchedFile : public testing::Test {
 protected:
  WatchedFile() {
    std::string name = (fs::temp_directory_path() / "troupe-watch-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    write("todo.js", "1");
    watcher_ = Watcher::create(io_, [this](Watcher::Time) { ++changes_; }).value();
    watcher_->watch({folder_ / "todo.js"}, Watcher::Scope::files);
  }
  ~WatchedFile() override { fs::remove_all(folder_); }

  void write(std::string_view name, std::string_view text) {
    std::ofstream(folder_ / name) << text;
  }

  // Runs until the watcher has called back once more; the bound is for a watcher that never does.
  bool changed() {
    const int before = changes_;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (changes_ == before && io_.run_one_until(deadline) > 0) {
    }
    return changes_ > before;
  }

  fs::path folder_;
  boost::asio::io_context io_;
  int changes_ = 0;
  std::unique_ptr<Watcher> watcher_;
};

TEST_F(WatchedFile, IsSeenWhenWrittenInPlace) {
  write("todo.js", "2");
  EXPECT_TRUE(changed());
}

TEST_F(WatchedFile, IsSeenWhenAnotherIsRenamedOverIt) {
  write("todo.js.new", "2");
  fs::rename(folder_ / "todo.js.new", folder_ / "todo.js");
  EXPECT_TRUE(changed());
  write("todo.js.new", "3");
  fs::rename(folder_ / "todo.js.new", folder_ / "todo.js");
  EXPECT_TRUE(changed());
}

TEST_F(WatchedFile, IsSeenOnceForSeveralWrites) {
  write("todo.js", "2");
  write("todo.js", "3");
  ASSERT_TRUE(changed());
  // What is written next is a change of its own, and there was none in between.
  write("todo.js", "4");
  ASSERT_TRUE(changed());
  EXPECT_EQ(changes_, 2);
}

TEST_F(WatchedFile, OthersInItsFolderAreNotSeen) {
  write("other.js", "1");
  write("todo.js", "2");
  ASSERT_TRUE(changed());
  EXPECT_EQ(changes_, 1);
  // In the wider scope they are.
  watcher_->watch({folder_ / "todo.js"}, Watcher::Scope::folders);
  write("other.js", "2");
  EXPECT_TRUE(changed());
}

TEST_F(WatchedFile, IsSeenThroughALink) {
  fs::create_directory(folder_ / "links");
  fs::create_symlink(folder_ / "todo.js", folder_ / "links/todo.js");
  watcher_->watch({folder_ / "links/todo.js"}, Watcher::Scope::files);
  write("todo.js", "2");
  EXPECT_TRUE(changed());
}

TEST_F(WatchedFile, IsSeenWhenItComesToBeInAFolderThatDoesNotExistYet) {
  watcher_->watch({folder_ / "lib/more.js"}, Watcher::Scope::folders);
  fs::create_directory(folder_ / "lib");
  ASSERT_TRUE(changed());
  watcher_->watch({folder_ / "lib/more.js"}, Watcher::Scope::folders);
  write("lib/more.js", "1");
  EXPECT_TRUE(changed());
}

}  // namespace
}  // namespace troupe::server
