#include "server/data_dir.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <unistd.h>

namespace troupe::server {
namespace {

namespace fs = std::filesystem;

class DataFolder : public testing::Test {
 protected:
  DataFolder() {
    std::string name = (fs::temp_directory_path() / "troupe-data-XXXXXX").string();
    parent_ = ::mkdtemp(name.data());
  }
  ~DataFolder() override { fs::remove_all(parent_); }

  static mode_t mode_of(const fs::path& path) {
    struct stat status{};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 0777;
  }

  fs::path parent_;
};

TEST_F(DataFolder, IsMadeForItsOwnerAlone) {
  const fs::path folder = parent_ / "a/b";
  const auto data = DataDir::open(folder).value();
  EXPECT_EQ(mode_of(folder), 0700U);
  EXPECT_EQ(mode_of(folder / "session.key"), 0600U);
  EXPECT_EQ(data->session_key().size(), 32U);
}

TEST_F(DataFolder, KeepsTheSessionKey) {
  const std::string first = DataDir::open(parent_ / "data").value()->session_key();
  EXPECT_EQ(DataDir::open(parent_ / "data").value()->session_key(), first);
  EXPECT_NE(DataDir::open(parent_ / "other").value()->session_key(), first);
}

TEST_F(DataFolder, ASecondServerIsRefusedByTheFirstsPid) {
  const auto first = DataDir::open(parent_ / "data").value();
  const auto second = DataDir::open(parent_ / "data");
  ASSERT_TRUE(second.has_error());
  EXPECT_NE(second.error().message.find("pid " + std::to_string(::getpid()) + ";"),
            std::string::npos)
      << second.error().message;
}

TEST_F(DataFolder, IsFreeAgainWhenItsServerHasEnded) {
  DataDir::open(parent_ / "data").value().reset();
  EXPECT_TRUE(DataDir::open(parent_ / "data").has_value());
}

TEST_F(DataFolder, ADamagedSessionKeyIsNamed) {
  fs::create_directory(parent_ / "data");
  std::ofstream(parent_ / "data/session.key") << "short";
  const auto data = DataDir::open(parent_ / "data");
  ASSERT_TRUE(data.has_error());
  EXPECT_NE(data.error().message.find("session.key has 5 bytes and must have 32"),
            std::string::npos)
      << data.error().message;
}

TEST_F(DataFolder, AFolderThatCannotBeMadeIsNamed) {
  std::ofstream(parent_ / "file") << "";
  const auto data = DataDir::open(parent_ / "file/data");
  ASSERT_TRUE(data.has_error());
  EXPECT_NE(data.error().message.find("file/data"), std::string::npos) << data.error().message;
}

TEST_F(DataFolder, KeepsTheTokenOfOperatorsForItsOwnerAlone) {
  const fs::path folder = parent_ / "data";
  std::string token;
  {
    const auto data = DataDir::open(folder).value();
    token = data->admin_token();
    EXPECT_EQ(token.size(), 52U);
    EXPECT_EQ(mode_of(folder / "admin.token"), 0600U);
  }
  EXPECT_EQ(DataDir::open(folder).value()->admin_token(), token);
  EXPECT_EQ(read_admin_token(folder).value(), token);
}

TEST_F(DataFolder, SaysWhereTheServerIsAsLongAsItRuns) {
  const fs::path folder = parent_ / "data";
  {
    const auto data = DataDir::open(folder).value();
    ASSERT_TRUE(data->write_admin_address("http://127.0.0.1:4001"));
    EXPECT_EQ(read_admin_address(folder).value(), "http://127.0.0.1:4001");
  }
  const auto gone = read_admin_address(folder);
  ASSERT_TRUE(gone.has_error());
  EXPECT_NE(gone.error().message.find("troupe serve"), std::string::npos);
}

TEST_F(DataFolder, AServerThatIsRefusedLeavesTheAddressOfTheOneThatRuns) {
  const fs::path folder = parent_ / "data";
  const auto first = DataDir::open(folder).value();
  ASSERT_TRUE(first->write_admin_address("http://127.0.0.1:4001"));
  ASSERT_TRUE(DataDir::open(folder).has_error());
  const auto address = read_admin_address(folder);
  ASSERT_TRUE(address) << address.error().message;
  EXPECT_EQ(*address, "http://127.0.0.1:4001");
}

TEST_F(DataFolder, AnAddressThatCannotBeReadIsNotTakenForNone) {
  fs::create_symlink("admin.address", parent_ / "admin.address");  // leads nowhere but to itself
  const auto address = read_admin_address(parent_);
  ASSERT_TRUE(address.has_error());
  EXPECT_NE(address.error().message.find("cannot read"), std::string::npos)
      << address.error().message;
}

}  // namespace
}  // namespace troupe::server
