#include "base/temporary_folder.h"
#include "guests/toolchain/build.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

namespace troupe::toolchain {
namespace {

namespace fs = std::filesystem;

class Toolchain : public ::testing::Test {
 protected:
  fs::path put(const std::string& name, std::string_view text = "") {
    const fs::path path = folder_.path() / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path;
  }

  TemporaryFolder folder_;
};

TEST_F(Toolchain, AFolderIsInTheLanguageOfWhatIsInIt) {
  put("rust/Cargo.toml");
  put("go/go.mod");
  put("as/asconfig.json");
  put("c/plugin.c");
  put("cpp/src/plugin.cpp");
  put("cpp/help.c");
  put("js/plugin.js");
  const auto language = [&](const char* name) {
    const auto project = find_project(folder_.path() / name);
    EXPECT_TRUE(project) << name;
    EXPECT_EQ(project->folder, folder_.path() / name);
    EXPECT_EQ(project->name, name);
    return project->language;
  };
  EXPECT_EQ(language("rust"), Language::rust);
  EXPECT_EQ(language("go"), Language::go);
  EXPECT_EQ(language("as"), Language::assemblyscript);
  EXPECT_EQ(language("c"), Language::c);
  EXPECT_EQ(language("cpp"), Language::cpp);
  EXPECT_EQ(find_project(folder_.path() / "cpp")->units.size(), 2U);
  EXPECT_EQ(find_project(folder_.path() / "cpp/")->name, "cpp") << "a slash at the end";
  EXPECT_FALSE(find_project(folder_.path() / "js"));
  EXPECT_FALSE(find_project(folder_.path() / "none"));
}

TEST_F(Toolchain, AFileIsInTheProjectAboveIt) {
  put("rust/Cargo.toml");
  const auto rust = find_project(put("rust/src/deep/lib.rs"));
  ASSERT_TRUE(rust);
  EXPECT_EQ(rust->folder, folder_.path() / "rust");
  EXPECT_FALSE(find_project(put("alone.rs"))) << "no Cargo.toml above it";

  put("as/asconfig.json");
  EXPECT_TRUE(find_project(put("as/assembly/index.ts")));
  EXPECT_FALSE(find_project(put("as/test.ts"))) << "TypeScript beside it";
  EXPECT_FALSE(find_project(put("ts/index.ts")));
}

TEST_F(Toolchain, AFileInCIsAProjectOfItsOwn) {
  put("c/other.c");
  const auto project = find_project(put("c/hello.c"));
  ASSERT_TRUE(project);
  EXPECT_EQ(project->name, "hello");
  EXPECT_EQ(project->units, std::vector<fs::path>{folder_.path() / "c/hello.c"});
}

TEST_F(Toolchain, WithoutItsToolsItSaysWhatToInstall) {
  put("rust/Cargo.toml");
  put("go/go.mod");
  put("as/asconfig.json");
  put("c/plugin.c");
  put("cpp/plugin.cpp");
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", "", 1);
  const auto message = [&](const char* name) {
    const BuildResult built = build(*find_project(folder_.path() / name), {});
    EXPECT_TRUE(built.has_error());
    EXPECT_FALSE(built.error().sources.empty()) << "to watch for a change";
    return built.error().message;
  };
  EXPECT_NE(message("rust").find("rustup target add wasm32-unknown-unknown"), std::string::npos);
  EXPECT_NE(message("rust").find("apt-get install cargo-web"), std::string::npos);
  EXPECT_NE(message("go").find("Go 1.24 or newer"), std::string::npos);
  EXPECT_NE(message("as").find("Node 20 or newer"), std::string::npos);
  EXPECT_NE(message("c").find("apt-get install clang-19 lld-19 wasi-libc"), std::string::npos);
  EXPECT_EQ(message("c").find("libc++"), std::string::npos);
  EXPECT_NE(message("cpp").find("libc++-19-dev-wasm32"), std::string::npos);
  ::setenv("PATH", path.c_str(), 1);
}

TEST_F(Toolchain, AnOldGoIsNamed) {
  put("plugin/go.mod");
  const fs::path go = put("bin/go", "#!/bin/sh\necho go1.19.8\n");
  fs::permissions(go, fs::perms::owner_all);
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", (folder_.path() / "bin").c_str(), 1);
  const BuildResult built = build(*find_project(folder_.path() / "plugin"), {});
  ::setenv("PATH", path.c_str(), 1);
  ASSERT_TRUE(built.has_error());
  EXPECT_NE(built.error().message.find("is go1.19.8"), std::string::npos) << built.error().message;
}

TEST_F(Toolchain, CIsCompiledAndItsMistakesAreToldInTheCompilersWords) {
  put("plugin/a.c",
      "int helper(void); __attribute__((export_name(\"f\"))) int f(void) { return helper(); }\n");
  const fs::path other = put("plugin/b.c", "int helper(void) { return VALUE; }\n");
  put("plugin/compile_flags.txt", "-DVALUE=7\n");
  const auto project = find_project(folder_.path() / "plugin");
  const BuildResult built = build(*project, {});
  ASSERT_TRUE(built.has_value()) << built.error().message << built.error().printed;
  EXPECT_EQ(std::string(built->wasm.begin(), built->wasm.begin() + 4), std::string("\0asm", 4));
  EXPECT_EQ(built->sources.size(), 3U);

  std::ofstream(other) << "int helper(void) { return VALUE }\n";
  std::string printed;
  const BuildResult wrong =
      build(*project, {.printed = [&](std::string_view text) { printed += text; }});
  ASSERT_TRUE(wrong.has_error());
  EXPECT_EQ(wrong.error().message, "clang failed with status 1");
  EXPECT_NE(wrong.error().printed.find("b.c:1:32: error: expected ';'"), std::string::npos)
      << wrong.error().printed;
  EXPECT_EQ(printed, wrong.error().printed);
}

TEST_F(Toolchain, ToolsThatTakeTooLongAreEnded) {
  put("plugin/a.c");
  // It answers what it is asked, and then never comes to an end.
  const fs::path clang =
      put("bin/clang-19",
          "#!/bin/sh\ncase \"$*\" in *print*) echo /lib/libc.a;; *) /bin/sleep 600;; esac\n");
  fs::permissions(clang, fs::perms::owner_all);
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", (folder_.path() / "bin").c_str(), 1);
  const BuildResult built =
      build(*find_project(folder_.path() / "plugin"), {.time_max = std::chrono::seconds(1)});
  ::setenv("PATH", path.c_str(), 1);
  ASSERT_TRUE(built.has_error());
  EXPECT_EQ(built.error().message, "clang ran longer than 1 s and was ended");
}

}  // namespace
}  // namespace troupe::toolchain
