#include "server/manifest.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace troupe::server {
namespace {

namespace fs = std::filesystem;

Manifest read(std::string_view text) {
  return parse_manifest(text, "m").value();
}

std::string mistakes(std::string_view text) {
  const Result<Manifest> manifest = parse_manifest(text, "m");
  return manifest ? "" : manifest.error().message;
}

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

constexpr std::string_view everything_json = R"({
  "wasm": [
    {"path": "a.wasm", "name": "a", "hash": "00"},
    {"data": "AGFzbQEAAAA="},
    {"url": "https://example.com/b.wasm", "method": "POST", "headers": {"X-A": "b"}}],
  "memory": {"max_pages": 16, "max_http_response_bytes": 1024, "max_var_bytes": 0},
  "config": {"greeting": "hello", "empty": ""},
  "allowed_hosts": ["*.example.com"], "allowed_paths": {"ro:data": "/data"},
  "timeout_ms": 1500})";

constexpr std::string_view everything_toml = R"(
allowed_hosts = ["*.example.com"]
timeout_ms = 1500
wasm = [
  {path = "a.wasm", name = "a", hash = "00"},
  {data = "AGFzbQEAAAA="},
  {url = "https://example.com/b.wasm", method = "POST", headers = {X-A = "b"}}]
[memory]
max_pages = 16
max_http_response_bytes = 1024
max_var_bytes = 0
[config]
greeting = "hello"
empty = ""
[allowed_paths]
"ro:data" = "/data"
)";

TEST(Manifest, HasEveryFieldInJsonAndInToml) {
  for (const std::string_view text : {everything_json, everything_toml}) {
    const Manifest manifest = read(text);
    ASSERT_EQ(manifest.modules.size(), 3U);
    EXPECT_EQ(manifest.modules[0].path, "a.wasm");
    EXPECT_EQ(manifest.modules[0].name, "a");
    EXPECT_EQ(manifest.modules[0].hash, "00");
    EXPECT_EQ(manifest.modules[1].data, std::string("\0asm\1\0\0\0", 8));
    EXPECT_EQ(manifest.modules[2].url, "https://example.com/b.wasm");
    EXPECT_EQ(manifest.modules[2].method, "POST");
    EXPECT_EQ(manifest.modules[2].headers.at("X-A"), "b");
    EXPECT_EQ(manifest.pages_max, 16U);
    EXPECT_EQ(manifest.http_response_bytes_max, 1024U);
    EXPECT_EQ(manifest.vars_bytes_max, 0U);
    EXPECT_EQ(manifest.config.at("greeting"), "hello");
    EXPECT_EQ(manifest.config.at("empty"), "");
    EXPECT_EQ(manifest.allowed_hosts, std::vector<std::string>{"*.example.com"});
    EXPECT_EQ(manifest.allowed_paths.at("ro:data"), "/data");
    EXPECT_EQ(manifest.timeout_ms, 1500U);
  }
}

TEST(Manifest, WhatIsNullOrAbsentIsNotSet) {
  const Manifest manifest = read(
      R"({"wasm":[{"path":"a","name":null}],"allowed_hosts":null,"timeout_ms":null,"memory":null})");
  EXPECT_EQ(manifest.modules[0].name, "");
  EXPECT_FALSE(manifest.pages_max || manifest.vars_bytes_max || manifest.timeout_ms);
  guest::Environment environment;
  environment.limits.memory_pages_max = 7;
  environment.config["kept"] = "yes";
  manifest.apply(environment, "folder");
  EXPECT_EQ(environment.limits.memory_pages_max, 7U);
  EXPECT_EQ(environment.config.at("kept"), "yes");
}

TEST(Manifest, SetsWhatItSpeaksOf) {
  guest::Environment environment;
  read(everything_json).apply(environment, "folder");
  EXPECT_EQ(environment.limits.memory_pages_max, 16U);
  EXPECT_EQ(environment.limits.vars_bytes_max, 0U);
  EXPECT_EQ(environment.limits.http_response_bytes_max, 1024U);
  EXPECT_EQ(environment.limits.timeout, std::chrono::milliseconds(1500));
  EXPECT_EQ(environment.config.at("greeting"), "hello");
  EXPECT_EQ(environment.allowed_hosts, std::vector<std::string>{"*.example.com"});
  ASSERT_EQ(environment.allowed_paths.size(), 1U);
  EXPECT_EQ(environment.allowed_paths[0].host, "folder/data");
  EXPECT_EQ(environment.allowed_paths[0].guest, "/data");
  EXPECT_TRUE(environment.allowed_paths[0].read_only);
}

TEST(Manifest, WithItsModulesInItIsTheSameHoweverItWasWritten) {
  const std::string json =
      R"({"wasm":[{"name":"dep","data":"YWJj"},{"data":"AP8="}],"timeout_ms":5,
          "config":{"b":"2","a":"\"1\""},"memory":{"max_var_bytes":3,"max_pages":4},
          "allowed_hosts":["h"],"allowed_paths":{"ro:x":"/x"}})";
  const Manifest manifest = read(json);
  const std::string text = self_contained(manifest, load_modules(manifest, "none").value());
  EXPECT_EQ(text,
            R"({"allowed_hosts":["h"],"allowed_paths":{"ro:x":"/x"},)"
            R"("config":{"a":"\"1\"","b":"2"},"memory":{"max_pages":4,"max_var_bytes":3},)"
            R"("timeout_ms":5,"wasm":[{"data":"YWJj","name":"dep"},{"data":"AP8="}]})");
  const Manifest again = read(text);
  EXPECT_EQ(self_contained(again, load_modules(again, "none").value()), text);
  EXPECT_TRUE(is_json_manifest(text));
  EXPECT_FALSE(is_json_manifest("(module)"));
}

TEST(Manifest, NamesEveryMistakeWithItsPlace) {
  const std::string json = mistakes(
      R"({"wasm":[{"path":"a","data":"AA=="},{"nmae":"x"},{"data":"%"}],"memroy":{},
          "memory":{"max_pages":65537,"pages":1},"config":{"a":1},"timeout_ms":0,"allowed_hosts":[1.5]})");
  EXPECT_SAYS(json, "m: wasm[0]: has one of path, data and url");
  EXPECT_SAYS(json, "m: wasm[1].nmae: unknown key");
  EXPECT_SAYS(json, "m: wasm[2].data: is not base64");
  EXPECT_SAYS(json, "m: memroy: unknown key, did you mean \"memory\"?");
  EXPECT_SAYS(json, "m: memory.max_pages: must be between 0 and 65536, got 65537");
  EXPECT_SAYS(json, "m: memory.pages: unknown key");
  EXPECT_SAYS(json, "m: config.a: expected a string, got an integer");
  EXPECT_SAYS(json, "m: timeout_ms: must be between 1");
  EXPECT_SAYS(json, "m: allowed_hosts[0]: expected a string, got a number with a point");
  EXPECT_SAYS(mistakes("[[wasm]]\npath = 1\n"), "m:2:8: wasm[0].path: expected a string");
  EXPECT_SAYS(mistakes("{}"), "No wasm files specified in Extism manifest");
  EXPECT_SAYS(mistakes(""), "No wasm files specified in Extism manifest");
  EXPECT_SAYS(mistakes("{\"wasm\": ["), "Unknown manifest format");
  EXPECT_SAYS(mistakes("hello"), "Unknown manifest format");
  EXPECT_SAYS(mistakes(R"({"wasm":[{"data":{"ptr":1,"len":2}}]})"), "expected a string");
  EXPECT_SAYS(mistakes(R"({"wasm":[{"path":"a","method":"GET"}]})"), "method: unknown key");
}

class ModulesOfAManifest : public testing::Test {
 protected:
  ModulesOfAManifest() {
    std::string name = (fs::temp_directory_path() / "troupe-manifest-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    std::ofstream(folder_ / "a.wasm") << "abc";
  }
  ~ModulesOfAManifest() override { fs::remove_all(folder_); }

  std::string refusal(std::string_view text) const {
    const auto modules = load_modules(read(text), folder_);
    return modules ? "it was not refused" : modules.error().message;
  }

  fs::path folder_;
};

constexpr std::string_view hash_of_abc =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST_F(ModulesOfAManifest, AreReadRelativeToTheFolderAndChecked) {
  const std::string text =
      R"({"wasm":[{"path":"a.wasm","name":"n","hash":")" + std::string(hash_of_abc) + R"("}]})";
  const LoadedModules modules = load_modules(read(text), folder_).value();
  ASSERT_EQ(modules.parts.size(), 1U);
  EXPECT_EQ(modules.parts[0].wasm, "abc");
  EXPECT_EQ(modules.parts[0].name, "n");
  EXPECT_EQ(modules.files, std::vector<fs::path>{folder_ / "a.wasm"});
}

TEST_F(ModulesOfAManifest, AreRefusedWithTheReason) {
  EXPECT_EQ(refusal(R"({"wasm":[{"path":"a.wasm","hash":"00"}]})"),
            "wasm[0]: Hash mismatch, found " + std::string(hash_of_abc) + " but expected 00");
  EXPECT_SAYS(refusal(R"({"wasm":[{"path":"none.wasm"}]})"), "Unable to load Wasm file \"");
  EXPECT_SAYS(refusal(R"({"wasm":[{"path":"none.wasm"}]})"), "No such file or directory");
  EXPECT_SAYS(refusal(R"({"wasm":[{"path":"."}]})"), "Is a directory");
  EXPECT_SAYS(refusal(R"({"wasm":[{"url":"ftp://x/"}]})"), "only http and https are offered");
}

TEST(Manifest, AGithubTokenIsForGithubAlone) {
  const auto authorization = [](const std::string& url, const std::string& headers = "{}") {
    Manifest manifest =
        read(R"({"wasm": [{"url": ")" + url + R"(", "headers": )" + headers + "}]}");
    use_github_token(manifest, "secret");
    const auto found = manifest.modules[0].headers.find("Authorization");
    return found == manifest.modules[0].headers.end() ? "" : found->second;
  };
  EXPECT_EQ(authorization("https://github.com/o/r/releases/download/v1/a.wasm"), "Bearer secret");
  EXPECT_EQ(authorization("https://api.github.com/repos/o/r"), "Bearer secret");
  EXPECT_EQ(authorization("https://raw.githubusercontent.com/o/r/main/a.wasm"), "Bearer secret");
  for (const char* other : {"http://github.com/a.wasm",
                            "https://github.com.evil.example/a.wasm",
                            "https://github.com@evil.example/a.wasm",
                            "https://github.com:8443/a.wasm",
                            "https://evilgithub.com/a.wasm",
                            "https://user.github.io/a.wasm",
                            "https://example.com/https://github.com/a.wasm"}) {
    EXPECT_EQ(authorization(other), "") << other;
  }
  EXPECT_EQ(authorization("https://github.com/a.wasm", R"({"Authorization": "mine"})"), "mine");
  EXPECT_EQ(authorization("https://github.com/a.wasm", R"({"authorization": "mine"})"), "");
}

}  // namespace
}  // namespace troupe::server
