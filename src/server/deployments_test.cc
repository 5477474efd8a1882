#include "server/deployments.h"

#include "guest/module_cache.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace troupe::server {
namespace {

namespace fs = std::filesystem;

class DeploymentsTest : public testing::Test {
 protected:
  DeploymentsTest() {
    std::string name = (fs::temp_directory_path() / "troupe-deployments-XXXXXX").string();
    parent_ = ::mkdtemp(name.data());
  }
  ~DeploymentsTest() override { fs::remove_all(parent_); }

  Deployments open() { return Deployments::open(parent_ / "plugins").value(); }

  static std::string add(Deployments& deployments,
                         const std::string& wasm,
                         const std::string& origin = "upload",
                         const std::set<std::string>& in_use = {}) {
    std::string hash = guest::content_hash(wasm);
    EXPECT_TRUE(
        deployments.add("todo",
                        {.hash = hash, .bytes = wasm.size(), .time_ms = 1, .origin = origin},
                        wasm,
                        in_use));
    return hash;
  }

  fs::path parent_;
};

TEST_F(DeploymentsTest, AnotherServerFindsWhatTheFirstDeployed) {
  std::string a;
  std::string b;
  {
    Deployments deployments = open();
    EXPECT_EQ(deployments.find("todo"), nullptr);
    a = add(deployments, "A", "file");
    b = add(deployments, "B");
  }
  const Deployments again = open();
  const DeployedPlugin& plugin = *again.find("todo");
  EXPECT_EQ(plugin.current, b);
  EXPECT_EQ(plugin.taken_from_file, a);
  EXPECT_EQ(plugin.versions.size(), 2U);
  EXPECT_EQ(plugin.previous()->hash, a);
  EXPECT_EQ(again.read("todo", a).value(), "A");
}

TEST_F(DeploymentsTest, TheFileIsNewsOnlyWhenItIsNotWhatWasTakenLast) {
  Deployments deployments = open();
  const std::string a = add(deployments, "A", "file");
  add(deployments, "B");
  EXPECT_FALSE(deployments.is_news("todo", a));
  EXPECT_TRUE(deployments.is_news("todo", guest::content_hash("C")));
  EXPECT_TRUE(deployments.is_news("other", a));
}

TEST_F(DeploymentsTest, ARollbackMovesTheMarkAndAnOlderContentDeployedAgainIsTheNewest) {
  Deployments deployments = open();
  const std::string a = add(deployments, "A");
  const std::string b = add(deployments, "B");
  ASSERT_TRUE(deployments.choose("todo", a));
  EXPECT_EQ(deployments.find("todo")->previous(), nullptr);
  add(deployments, "A");
  EXPECT_EQ(deployments.find("todo")->versions.front().hash, b);
  EXPECT_EQ(deployments.find("todo")->previous()->hash, b);
}

TEST_F(DeploymentsTest, TheOldestGoesUnlessAnActorRunsIt) {
  Deployments deployments = open();
  const std::string first = add(deployments, "first");
  const std::string second = add(deployments, "second");
  for (std::size_t i = 0; i < versions_kept_max; ++i) {
    add(deployments, std::to_string(i), "upload", {first});
  }
  const DeployedPlugin& plugin = *deployments.find("todo");
  EXPECT_EQ(plugin.versions.size(), versions_kept_max);
  EXPECT_NE(plugin.find(first), nullptr);
  EXPECT_EQ(plugin.find(second), nullptr);
  EXPECT_FALSE(fs::exists(parent_ / "plugins/todo" / (second + ".wasm")));
}

TEST_F(DeploymentsTest, ADeletedPluginWaitsAndItsFileIsNotTakenAgain) {
  Deployments deployments = open();
  const std::string a = add(deployments, "A", "file");
  ASSERT_TRUE(deployments.remove("todo"));
  EXPECT_EQ(deployments.find("todo")->current, "");
  EXPECT_FALSE(open().is_news("todo", a));
}

TEST_F(DeploymentsTest, TheCodeIsKeptAndThatOfAnOldIndexIsKnownForModules) {
  const std::string hash = guest::content_hash("{}");
  const std::string code = guest::content_hash("M");
  {
    Deployments deployments = open();
    ASSERT_TRUE(deployments.add("todo",
                                {.hash = hash,
                                 .code = code,
                                 .kind = Deployment::Kind::manifest,
                                 .bytes = 2,
                                 .time_ms = 1,
                                 .origin = "upload"},
                                "{}",
                                {}));
    add(deployments, "M");
  }
  EXPECT_EQ(open().find("todo")->find(hash)->code, code);
  EXPECT_EQ(open().find("todo")->find(code)->code, code);
  const fs::path index = parent_ / "plugins/todo/index.json";
  std::ifstream old(index);
  std::string text(std::istreambuf_iterator<char>(old), {});
  for (std::size_t at = text.find(R"("code")"); at != text.npos; at = text.find(R"("code")")) {
    text.erase(at, text.find(',', at) + 2 - at);
  }
  std::ofstream(index) << text;
  EXPECT_EQ(open().find("todo")->find(hash)->code, "") << "its modules would have to be read";
  EXPECT_EQ(open().find("todo")->find(code)->code, code);
}

TEST_F(DeploymentsTest, AManifestIsKeptAsJsonAndWhatNoIndexNamesGoes) {
  const std::string text = R"({"wasm":[{"data":"AGFzbQEAAAA="}]})";
  const std::string hash = guest::content_hash(text);
  Deployments deployments = open();
  ASSERT_TRUE(deployments.add(
      "todo",
      {.hash = hash, .kind = Deployment::Kind::manifest, .bytes = text.size(), .origin = "upload"},
      text,
      {}));
  const fs::path orphan = parent_ / "plugins/todo" / (std::string(64, 'a') + ".json");
  std::ofstream(orphan) << "{}";
  const Deployments again = open();
  EXPECT_EQ(again.find("todo")->find(hash)->kind, Deployment::Kind::manifest);
  EXPECT_EQ(again.read("todo", hash).value(), text);
  EXPECT_TRUE(fs::exists(parent_ / "plugins/todo" / (hash + ".json")));
  EXPECT_FALSE(fs::exists(orphan));
}

TEST_F(DeploymentsTest, ABrokenFileIsNamed) {
  Deployments deployments = open();
  const std::string a = add(deployments, "A");
  const fs::path wasm = parent_ / "plugins/todo" / (a + ".wasm");
  std::ofstream(wasm) << "B";
  EXPECT_NE(deployments.read("todo", a).error().message.find(wasm.string()), std::string::npos);
  std::ofstream(parent_ / "plugins/todo/index.json") << "{\"format\":2}";
  const auto reopened = Deployments::open(parent_ / "plugins");
  ASSERT_TRUE(reopened.has_error());
  EXPECT_NE(reopened.error().message.find("index.json"), std::string::npos);
}

}  // namespace
}  // namespace troupe::server
