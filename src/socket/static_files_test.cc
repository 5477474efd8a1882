#include "socket/static_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace troupe::socket {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class StaticFilesTest : public testing::Test {
 protected:
  StaticFilesTest() {
    std::string name = (fs::temp_directory_path() / "troupe-static-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    root = folder / "public";
    fs::create_directories(root / "sub" / "empty");
    write(root / "index.html", "<h1>root</h1>");
    write(root / "sub/index.html", "<h1>sub</h1>");
    write(root / "sub/a b.js", "1");
    write(folder / "secret.txt", "secret");
  }
  ~StaticFilesTest() override { fs::remove_all(folder); }

  static void write(const fs::path& path, std::string_view text) { std::ofstream(path) << text; }

  // The content of what is shown, or why there is none.
  std::string content(std::string_view path) {
    auto files = StaticFiles::create(root);
    EXPECT_TRUE(files);
    const auto found = files->open(path);
    if (std::holds_alternative<FolderWithoutSlash>(found)) return "folder";
    if (std::holds_alternative<NoSuchFile>(found)) return "none";
    const auto& file = std::get<StaticFile>(found);
    return read_piece(file.descriptor, 0, file.size).value_or("unreadable");
  }

  fs::path folder;
  fs::path root;
};

TEST_F(StaticFilesTest, FilesAndIndexesOfFoldersAreShown) {
  EXPECT_EQ(content("/"), "<h1>root</h1>");
  EXPECT_EQ(content("/index.html"), "<h1>root</h1>");
  EXPECT_EQ(content("/sub/"), "<h1>sub</h1>");
  EXPECT_EQ(content("/sub/a b.js"), "1");
  EXPECT_EQ(content("/sub"), "folder");
}

TEST_F(StaticFilesTest, WhatIsNotThereIsNotShown) {
  for (const auto* path :
       {"/none", "/sub/empty/", "/index.html/", "/index.html/x", "", "index.html"}) {
    EXPECT_EQ(content(path), "none") << path;
  }
  EXPECT_EQ(content("/" + std::string(5000, 'x')), "none");
}

TEST_F(StaticFilesTest, NoPathOrLinkLeadsOutOfTheFolder) {
  fs::create_symlink(folder / "secret.txt", root / "link.txt");
  fs::create_symlink("../secret.txt", root / "relative.txt");
  fs::create_directory_symlink(folder, root / "up");
  fs::create_directories(folder / "public-not");
  write(folder / "public-not/x", "x");
  fs::create_directory_symlink(folder / "public-not", root / "sibling");
  for (const auto* path : {"/../secret.txt",
                           "//index.html",
                           "/sub/../../secret.txt",
                           "/link.txt",
                           "/relative.txt",
                           "/up/secret.txt",
                           "/up/",
                           "/up",
                           "/sibling/x"}) {
    EXPECT_EQ(content(path), "none") << path;
  }
}

TEST_F(StaticFilesTest, LinksWithinTheFolderAreFollowed) {
  fs::create_symlink("sub/a b.js", root / "inner.js");
  fs::create_symlink(root / "sub", root / "absolute");
  EXPECT_EQ(content("/inner.js"), "1");
  EXPECT_EQ(content("/absolute/"), "<h1>sub</h1>");
}

TEST_F(StaticFilesTest, AFolderThatIsALinkItselfIsServed) {
  fs::create_directory_symlink(root, folder / "alias");
  root = folder / "alias";
  EXPECT_EQ(content("/index.html"), "<h1>root</h1>");
}

TEST_F(StaticFilesTest, HiddenFilesAreNotShownButWellKnownOnesAre) {
  fs::create_directories(root / ".git");
  fs::create_directories(root / ".well-known");
  write(root / ".env", "SECRET=1");
  write(root / ".git/config", "x");
  write(root / ".well-known/security.txt", "contact");
  write(root / ".well-known/.hidden", "x");
  for (const auto* path : {"/.env", "/.git/config", "/.git", "/sub/.x", "/.well-known/.hidden"}) {
    EXPECT_EQ(content(path), "none") << path;
  }
  EXPECT_EQ(content("/.well-known/security.txt"), "contact");
}

TEST_F(StaticFilesTest, APipeIsNotWaitedFor) {
  ASSERT_EQ(::mkfifo((root / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(content("/pipe"), "none");
}

TEST_F(StaticFilesTest, TheEtagChangesWithTheFile) {
  auto files = StaticFiles::create(root);
  const auto etag = [&] { return std::get<StaticFile>(files->open("/index.html")).etag; };
  const std::string first = etag();
  EXPECT_EQ(etag(), first);
  EXPECT_TRUE(first.starts_with('"') && first.ends_with('"'));
  fs::last_write_time(root / "index.html", fs::last_write_time(root / "index.html") + 1us);
  const std::string touched = etag();
  EXPECT_NE(touched, first);
  write(root / "index.html", "longer than before");
  EXPECT_NE(etag(), touched);
}

TEST_F(StaticFilesTest, AFolderThatIsMissingIsNamed) {
  const auto files = StaticFiles::create(folder / "missing");
  ASSERT_FALSE(files);
  EXPECT_NE(files.error().message.find((folder / "missing").string()), std::string::npos);
  EXPECT_FALSE(StaticFiles::create(folder / "secret.txt"));
}

}  // namespace
}  // namespace troupe::socket
