#include "server/config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::server {
namespace {

namespace fs = std::filesystem;

// A folder of its own for each test, with a plugin of each kind.
class ConfigFile : public testing::Test {
 protected:
  ConfigFile() {
    std::string name = (fs::temp_directory_path() / "troupe-config-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    write("todo.js", "");
    write("todo.wasm", "");
    fs::create_directory(folder_ / "public");
  }
  ~ConfigFile() override { fs::remove_all(folder_); }

  void write(const std::string& name, std::string_view text) {
    std::ofstream(folder_ / name) << text;
  }

  Result<Config> load(std::string_view text) {
    write("troupe.toml", text);
    return load_config(folder_ / "troupe.toml");
  }

  // The mistakes of a file, one a line, without the folder's name.
  std::string mistakes(std::string_view text) {
    const Result<Config> config = load(text);
    if (config) return "";
    std::string message = config.error().message;
    const std::string prefix = folder_.string() + "/";
    for (std::size_t at = 0; (at = message.find(prefix, at)) != std::string::npos;) {
      message.erase(at, prefix.size());
    }
    return message;
  }

  fs::path folder_;
};

constexpr std::string_view sound = R"([plugins.todo]
source = "todo.js"
behaviour = "live_state"

[[topics]]
match = "todo:*"
plugin = "todo"
)";

std::string with(std::string_view more) {
  return std::string(sound) + std::string(more);
}

TEST_F(ConfigFile, ReadsTheFoldersThatAPluginMaySee) {
  const Config config = load(R"([plugins.todo]
source = "todo.js"
behaviour = "live_state"
allowed_paths = { public = "/files", "ro:public" = "/read" }

[[topics]]
match = "todo:*"
plugin = "todo"
)")
                            .value();
  const guest::Environment environment = config.plugins[0].environment();
  const std::vector<guest::AllowedPath>& paths = environment.allowed_paths;
  ASSERT_EQ(paths.size(), 2U);
  EXPECT_EQ(paths[0].host, folder_ / "public");
  EXPECT_EQ(paths[0].guest, "/files");
  EXPECT_FALSE(paths[0].read_only);
  EXPECT_EQ(paths[1].host, folder_ / "public");
  EXPECT_EQ(paths[1].guest, "/read");
  EXPECT_TRUE(paths[1].read_only);
  EXPECT_NE(mistakes("[plugins.b]\nsource = \"todo.js\"\nallowed_paths = { none = \"/n\" }\n")
                .find("plugins.b.allowed_paths: there is no folder none"),
            std::string::npos);
}

TEST_F(ConfigFile, ReadsWhomAPluginMaySendRequestsTo) {
  write("key", "from a file\n");
  ::setenv("TROUPE_CONFIG_TEST", "from the environment", 1);
  const Config config = load(R"([plugins.todo]
source = "todo.js"
behaviour = "live_state"
allowed_hosts = ["api.example.com", "*.example.org", "[::1]"]
http_response_headers = true
memory = { max_http_response_bytes = 1000 }

[plugins.todo.secrets]
FILE = { from = "file:key", hosts = ["api.example.com"] }
ENVIRONMENT = { from = "env:TROUPE_CONFIG_TEST", hosts = ["api.example.com", "b.example.com"] }

[[topics]]
match = "todo:*"
plugin = "todo"
)")
                            .value();
  ::unsetenv("TROUPE_CONFIG_TEST");
  const guest::Environment environment = config.plugins[0].environment();
  EXPECT_EQ(environment.allowed_hosts,
            std::vector<std::string>({"api.example.com", "*.example.org", "[::1]"}));
  EXPECT_TRUE(environment.http_response_headers);
  EXPECT_EQ(environment.limits.http_response_bytes_max, 1000U);
  const guest::Secrets::Target target{
      .host = "api.example.com", .stays_secret = true, .place = guest::Secrets::Place::body};
  EXPECT_EQ(
      environment.secrets->fill("{{secret.FILE}}, {{secret.ENVIRONMENT}}", target).value().view(),
      "from a file, from the environment");
}

TEST_F(ConfigFile, TakesThePluginsOfAManifestAndItsSettings) {
  write("todo.json",
        R"({"wasm":[{"path":"todo.wasm"}],"memory":{"max_pages":7,"max_var_bytes":8},
            "config":{"a":"manifest","b":"manifest"},"timeout_ms":9})");
  const Config config = load(R"([plugins.todo]
manifest = "todo.json"
behaviour = "live_state"
wasi = false
config = { b = "file" }
memory = { max_pages = 70 }

[[topics]]
match = "todo:*"
plugin = "todo"
)")
                            .value();
  const PluginConfig& plugin = config.plugins.at(0);
  EXPECT_EQ(plugin.file(), folder_ / "todo.json");
  EXPECT_EQ(plugin.folder, folder_);
  EXPECT_FALSE(plugin.wasi);
  const Manifest manifest = load_manifest(plugin.manifest).value();
  const guest::Environment environment = plugin.environment(&manifest);
  EXPECT_EQ(environment.config.at("a"), "manifest");
  EXPECT_EQ(environment.config.at("b"), "file");
  EXPECT_EQ(environment.limits.memory_pages_max, 70U);
  EXPECT_EQ(environment.limits.vars_bytes_max, 8U);
  EXPECT_EQ(environment.limits.timeout, std::chrono::milliseconds(9));
}

TEST_F(ConfigFile, FillsInTheDefaults) {
  const Config config = load(sound).value();
  EXPECT_EQ(config.data_dir, folder_ / "troupe-data");
  ASSERT_EQ(config.http.listen.size(), 1U);
  EXPECT_EQ(config.http.listen[0], "127.0.0.1:4000");
  EXPECT_EQ(config.admin, "127.0.0.1:4001");
  EXPECT_EQ(config.http.threads, 0U);
  EXPECT_TRUE(config.http.static_folder.empty());
  ASSERT_EQ(config.plugins.size(), 1U);
  const PluginConfig& plugin = config.plugins[0];
  EXPECT_EQ(plugin.source, folder_ / "todo.js");
  EXPECT_FALSE(plugin.init_payload);
  EXPECT_EQ(plugin.environment().limits.timeout, std::chrono::milliseconds(1000));
  EXPECT_EQ(plugin.environment().limits.memory_pages_max, 256U);
  EXPECT_EQ(plugin.bounds.mailbox_messages_max, 1000U);
  ASSERT_EQ(config.topics.size(), 1U);
  EXPECT_EQ(config.topics[0].rule.actor.text(), "{topic}/{join}");
  EXPECT_EQ(config.topics[0].rule.max_version, 1000U);
  EXPECT_EQ(config.topics[0].rule.events, std::nullopt);
}

TEST_F(ConfigFile, ReadsEveryKey) {
  const Config config = load(R"(
data_dir = "data"
[http]
listen = ["0.0.0.0:80", "[::1]:8080"]
origins = ["https://example.com"]
trusted_proxies = ["10.0.0.1", "fd00::/8"]
threads = 3
static = "public"
[admin]
listen = "localhost:9000"
[limits]
connections = 6
address_connections = 5
address_joins_per_second = 4
address_events_per_second = 3
socket_joins_per_second = 2
socket_events_per_second = 1
frame_bytes = 2048
header_bytes = 3072
idle_ms = 1005
actor_idle_ms = 1009
request_ms = 1006
answer_ms = 1008
write_ms = 1007
http_body_bytes = 4096
socket_topics = 7
socket_unsent_bytes = 8192
channel_events = 9
drain_ms = 11
compile_cpu_seconds = 12
compile_memory_bytes = 1073741824
instances = 13
instance_pages = 512
mailbox_messages = 14
state_bytes = 15000
outbox_bytes = 25600
output_bytes = 16000
[plugins.todo]
wasm = "todo.wasm"
behaviour = "live_state"
durability = "none"
init_payload = true
wasi = true
config = { greeting = "hello" }
memory = { max_pages = 300, max_var_bytes = 17 }
timeout_ms = 18
[plugins.todo.limits]
mailbox_messages = 19
mailbox_bytes = 20480
effects = 21
effects_bytes = 22
log_bytes_per_second = 23
instances = 10
[[topics]]
match = "todo:*"
plugin = "todo"
actor = "{rest}"
socket = "/live"
events = ["addTodo"]
max_version = 24
)")
                            .value();
  EXPECT_EQ(config.data_dir, folder_ / "data");
  ASSERT_EQ(config.http.listen.size(), 2U);
  EXPECT_EQ(config.http.listen[1], "[::1]:8080");
  EXPECT_EQ(config.http.origins, std::vector<std::string>{"https://example.com"});
  EXPECT_EQ(config.http.trusted_proxies.size(), 2U);
  EXPECT_EQ(config.http.threads, 3U);
  EXPECT_EQ(config.http.static_folder, folder_ / "public");
  EXPECT_EQ(config.admin, "localhost:9000");
  EXPECT_EQ(config.bounds.socket.connections_max, 6U);
  EXPECT_EQ(config.bounds.socket.frame_bytes_max, 2048U);
  EXPECT_EQ(config.bounds.socket.header_bytes_max, 3072U);
  EXPECT_EQ(config.bounds.socket.body_bytes_max, 4096U);
  EXPECT_EQ(config.bounds.socket.address_connections_max, 5U);
  EXPECT_EQ(config.bounds.socket.address.joins_per_second, 4U);
  EXPECT_EQ(config.bounds.socket.address.events_per_second, 3U);
  EXPECT_EQ(config.bounds.channel.joins_per_second, 2U);
  EXPECT_EQ(config.bounds.channel.events_per_second, 1U);
  EXPECT_EQ(config.bounds.socket.unsent_bytes_max, 8192U);
  EXPECT_EQ(config.bounds.socket.idle_timeout.count(), 1005);
  EXPECT_EQ(config.bounds.socket.request_timeout.count(), 1006);
  EXPECT_EQ(config.bounds.socket.write_timeout.count(), 1007);
  EXPECT_EQ(config.bounds.socket.answer_timeout.count(), 1008);
  EXPECT_EQ(config.bounds.channel.topics_max, 7U);
  EXPECT_EQ(config.bounds.channel.unsent_bytes_max, 8192U);
  EXPECT_EQ(config.bounds.channel.events_waiting_max, 9U);
  EXPECT_EQ(config.bounds.socket.drain_timeout.count(), 11);
  EXPECT_EQ(config.bounds.compile.cpu_time_max.count(), 12);
  EXPECT_EQ(config.bounds.compile.memory_bytes_max, std::size_t{1} << 30);
  EXPECT_EQ(config.bounds.instances_max, 13U);
  EXPECT_EQ(config.bounds.actor_idle_max.count(), 1009);
  EXPECT_EQ(config.bounds.instance_pages_max, 512U);
  const PluginConfig& plugin = config.plugins.at(0);
  EXPECT_EQ(plugin.wasm, folder_ / "todo.wasm");
  EXPECT_TRUE(plugin.source.empty());
  EXPECT_TRUE(plugin.init_payload);
  EXPECT_EQ(plugin.environment().config.at("greeting"), "hello");
  EXPECT_EQ(plugin.environment().limits.memory_pages_max, 300U);
  EXPECT_EQ(plugin.environment().limits.vars_bytes_max, 17U);
  EXPECT_EQ(plugin.environment().limits.timeout.count(), 18);
  EXPECT_EQ(plugin.environment().limits.output_bytes_max, 16000U) << "of [limits]";
  EXPECT_EQ(plugin.bounds.mailbox_messages_max, 19U) << "the plugin's own before [limits]";
  EXPECT_EQ(plugin.bounds.mailbox_bytes_max, 20480U);
  EXPECT_EQ(plugin.bounds.state_bytes_max, 15000U) << "of [limits]";
  EXPECT_EQ(plugin.bounds.outbox_bytes_max, 25600U);
  EXPECT_EQ(plugin.bounds.effects_max, 21U);
  EXPECT_EQ(plugin.bounds.effects_bytes_max, 22U);
  EXPECT_EQ(plugin.bounds.log_bytes_per_second_max, 23U);
  EXPECT_EQ(plugin.bounds.instances_max, 10U);
  const channel::TopicRule& rule = config.topics.at(0).rule;
  EXPECT_EQ(config.topics[0].mount, "/live");
  EXPECT_EQ(rule.actor.text(), "{rest}");
  EXPECT_EQ(rule.events, std::vector<std::string>{"addTodo"});
  EXPECT_EQ(rule.max_version, 24U);
}

TEST_F(ConfigFile, ReportsAllMistakesInTheOrderOfTheFile) {
  EXPECT_EQ(mistakes(R"(data_dri = "x"
[http]
threads = "two"
[plugins.todo]
source = "tood.js"
behaviour = "live_stat"
[[topics]]
match = "todo:*"
plugin = "tood"
)"),
            "troupe.toml:1:1: data_dri: unknown key, did you mean \"data_dir\"?\n"
            "troupe.toml:3:11: http.threads: expected an integer, got a string\n"
            "troupe.toml:5:10: plugins.todo.source: there is no file tood.js\n"
            "troupe.toml:6:13: plugins.todo.behaviour: unknown behaviour \"live_stat\", did you "
            "mean \"live_state\"?\n"
            "troupe.toml:9:10: topics[0].plugin: there is no plugin \"tood\", did you mean "
            "\"todo\"?");
}

TEST_F(ConfigFile, NamesThePlaceOfBrokenSyntax) {
  EXPECT_TRUE(mistakes("[http]\nthreads = = 1\n").starts_with("troupe.toml:2:11: "))
      << mistakes("[http]\nthreads = = 1\n");
  // The same plugin twice is the same table twice.
  const std::string twice = mistakes(with("[plugins.todo]\nsource = \"todo.js\"\n"));
  EXPECT_TRUE(twice.starts_with("troupe.toml:8:")) << twice;
  EXPECT_NE(twice.find("todo"), std::string::npos) << twice;
}

TEST_F(ConfigFile, AFileThatIsNotThereIsNamed) {
  const Result<Config> config = load_config(folder_ / "nothing.toml");
  ASSERT_TRUE(config.has_error());
  EXPECT_EQ(config.error().message,
            "cannot read " + (folder_ / "nothing.toml").string() + ": No such file or directory");
}

// One mistake in an otherwise sound file, and all that is said about it.
struct Mistake {
  std::string_view name;
  std::string_view text;  // behind the sound file, which ends with [[topics]] in line 7
  std::string_view message;
};

void PrintTo(const Mistake& mistake, std::ostream* stream) {
  *stream << mistake.name;
}

class ConfigMistake : public ConfigFile, public testing::WithParamInterface<Mistake> {};

TEST_P(ConfigMistake, IsNamedWithLineColumnAndKey) {
  EXPECT_EQ(mistakes(with(GetParam().text)), GetParam().message);
}

constexpr std::string_view endpoint_hint =
    "is no address to listen on; write ADDRESS:PORT, such as \"127.0.0.1:4000\", "
    "\"[::1]:4000\", or \"0.0.0.0:4000\" for everywhere";

const std::string no_port =
    "troupe.toml:9:11: http.listen[0]: \"127.0.0.1\" " + std::string(endpoint_hint);
const std::string no_host =
    "troupe.toml:9:10: admin.listen: \"example:1\" " + std::string(endpoint_hint);
const std::string big_port =
    "troupe.toml:9:10: admin.listen: \"127.0.0.1:65536\" " + std::string(endpoint_hint);

INSTANTIATE_TEST_SUITE_P(
    All,
    ConfigMistake,
    testing::Values(
        Mistake{"UnknownKeyOfATopic",
                "maxversion = 3\n",
                "troupe.toml:8:1: topics[0].maxversion: unknown key, did you mean "
                "\"max_version\"?"},
        Mistake{"UnknownKeyNearNothing",
                "colour = 3\n",
                "troupe.toml:8:1: topics[0].colour: unknown key; known here: match, plugin, actor, "
                "socket, events, functions, max_version"},
        Mistake{"UnknownTable",
                "[htp]\nlisten = []\n",
                "troupe.toml:8:2: htp: unknown key, did you mean \"http\"?"},
        Mistake{"TableExpected",
                "[[http]]\nthreads = 1\n",
                "troupe.toml:8:1: http: expected a table, got a list"},
        Mistake{"FlagExpected",
                "[plugins.b]\nsource = \"todo.js\"\nbehaviour = \"live_state\"\n"
                "init_payload = 1\n",
                "troupe.toml:11:16: plugins.b.init_payload: expected true or false, got an "
                "integer"},
        Mistake{"NumberWithAPoint",
                "max_version = 1.5\n",
                "troupe.toml:8:15: topics[0].max_version: expected an integer, got a number with "
                "a point"},
        Mistake{"NumberOutOfRange",
                "max_version = 0\n",
                "troupe.toml:8:15: topics[0].max_version: must be between 1 and 9007199254740991, "
                "got 0"},
        Mistake{"ListExpected",
                "events = \"addTodo\"\n",
                "troupe.toml:8:10: topics[0].events: expected a list of strings, got a string"},
        Mistake{"ListOfStringsExpected",
                "events = [\"addTodo\", 7]\n",
                "troupe.toml:8:22: topics[0].events[1]: expected a string, got an integer"},
        Mistake{"AddressWithoutPort", "[http]\nlisten = [\"127.0.0.1\"]\n", no_port},
        Mistake{"AddressByName", "[admin]\nlisten = \"example:1\"\n", no_host},
        Mistake{"PortTooLarge", "[admin]\nlisten = \"127.0.0.1:65536\"\n", big_port},
        Mistake{"NoAddress",
                "[http]\nlisten = []\n",
                "troupe.toml:9:10: http.listen: must name at least one address"},
        Mistake{"OriginWithoutScheme",
                "[http]\norigins = [\"example.com\"]\n",
                "troupe.toml:9:12: http.origins[0]: \"example.com\" is not an origin; write "
                "\"https://site.example\", \"//site.example\" for any scheme, or "
                "\"//*.site.example\" for a site with its subdomains"},
        Mistake{"OriginWithAPath",
                "[http]\norigins = [\"https://example.com/\"]\n",
                "troupe.toml:9:12: http.origins[0]: \"https://example.com/\" is not an origin; "
                "write \"https://site.example\", \"//site.example\" for any scheme, or "
                "\"//*.site.example\" for a site with its subdomains"},
        Mistake{"ProxyByName",
                "[http]\ntrusted_proxies = [\"proxy\"]\n",
                "troupe.toml:9:20: http.trusted_proxies[0]: \"proxy\" is neither an address nor a "
                "network; write \"10.0.0.1\" or \"10.0.0.0/8\""},
        Mistake{"StaticFolderMissing",
                "[http]\nstatic = \"pages\"\n",
                "troupe.toml:9:10: http.static: there is no folder pages"},
        Mistake{"PluginName",
                "[plugins.Todo]\nsource = \"todo.js\"\nbehaviour = \"live_state\"\n",
                "troupe.toml:8:10: plugins.Todo: a plugin's name has 1 to 63 of the characters a-z "
                "0-9 _ . - and begins with a letter or digit"},
        Mistake{"SourceThatIsAModule",
                "[plugins.b]\nsource = \"b.wasm\"\n",
                "troupe.toml:9:10: plugins.b.source: b.wasm is a module; the key for one is wasm"},
        Mistake{"ManifestThatIsAModule",
                "[plugins.b]\nmanifest = \"b.wasm\"\n",
                "troupe.toml:9:12: plugins.b.manifest: b.wasm is a module; the key for one is "
                "wasm"},
        Mistake{"PluginWithTwoCodes",
                "[plugins.b]\nsource = \"todo.js\"\nwasm = \"todo.wasm\"\n"
                "behaviour = \"live_state\"\n",
                "troupe.toml:10:8: plugins.b.wasm: source is given too; a plugin has one of them"},
        Mistake{"PluginIsNoTable",
                "[plugins]\nb = \"todo.js\"\n",
                "troupe.toml:9:5: plugins.b: expected a table, got a string"},
        Mistake{"BehaviourOfLater",
                "[plugins.b]\nsource = \"todo.js\"\nbehaviour = \"game\"\n",
                "troupe.toml:10:13: plugins.b.behaviour: this version of troupe does not offer "
                "\"game\" yet; it has \"call\" and \"live_state\""},
        Mistake{"JournalElsewhere",
                "[journal]\nurl = \"nats://127.0.0.1\"\n",
                "troupe.toml:9:7: journal.url: \"nats://127.0.0.1\" is none of a journal that this "
                "version of troupe has; write \"sqlite:\" or \"sqlite:PATH\""},
        Mistake{"UnknownDurability",
                "[plugins.b]\nsource = \"todo.js\"\n"
                "behaviour = \"live_state\"\ndurability = \"non\"\n",
                "troupe.toml:11:14: plugins.b.durability: unknown durability \"non\", did you mean "
                "\"none\"?"},
        Mistake{"ConfigOfNumbers",
                "[plugins.b]\nsource = \"todo.js\"\nbehaviour = \"live_state\"\n"
                "config = { size = 7 }\n",
                "troupe.toml:11:19: plugins.b.config.size: expected a string, got an integer"},
        Mistake{"MorePagesThanASlot",
                "[limits]\ninstance_pages = 100\n[plugins.b]\n"
                "source = \"todo.js\"\nbehaviour = \"live_state\"\n"
                "memory = { max_pages = 101 }\n",
                "troupe.toml:13:24: plugins.b.memory.max_pages: must be between 1 and 100, got "
                "101"},
        Mistake{"Tls",
                "[http]\ntls_key = \"key.pem\"\n",
                "troupe.toml:9:11: http.tls_key: there is no file key.pem\n"
                "troupe.toml:9:11: http.tls_key: TLS needs both tls_certificate and tls_key"},
        Mistake{"SecretFromNowhere",
                "[plugins.b]\nsource = \"todo.js\"\nbehaviour = \"live_state\"\n"
                "secrets = { A = { from = \"sk_live_123\", hosts = [\"a.example\"] } }\n",
                "troupe.toml:11:26: plugins.b.secrets.A.from: must be \"env:NAME\", a variable of "
                "the environment, or \"file:PATH\""},
        Mistake{"SecretUnset",
                "[plugins.b]\nsource = \"todo.js\"\nbehaviour = \"live_state\"\n"
                "secrets = { A = { from = \"env:TROUPE_UNSET\", hosts = [\"a.example\"] } }\n",
                "troupe.toml:11:26: plugins.b.secrets.A.from: the variable TROUPE_UNSET of the "
                "environment is not set"},
        Mistake{"SecretWithoutHosts",
                "[plugins.b]\nsource = \"todo.js\"\nbehaviour = \"live_state\"\n"
                "secrets = { A = { from = \"file:troupe.toml\" } }\n",
                "troupe.toml:11:13: plugins.b.secrets.A: the secret A has no hosts; name those it "
                "may be sent to, such as hosts = [\"api.example.com\"]"},
        Mistake{"AllowedHosts",
                "[plugins.b]\nsource = \"todo.js\"\nbehaviour = \"live_state\"\n"
                "allowed_hosts = [\"*.example.com\", \"https://a.example\"]\n",
                "troupe.toml:11:35: plugins.b.allowed_hosts[1]: \"https://a.example\" is no host; "
                "write its name in lower case, without scheme, port and path, such as "
                "\"api.example.com\" or \"*.example.com\""},
        Mistake{
            "AllowedPaths",
            "[plugins.b]\nsource = \"todo.js\"\nbehaviour = \"live_state\"\n"
            "allowed_paths = { public = \"\" }\n",
            "troupe.toml:11:17: plugins.b.allowed_paths: \"public\" has no name for the plugin, "
            "such as \"/data\""},
        Mistake{"Manifest",
                "[plugins.b]\nmanifest = \"todo.js\"\nbehaviour = \"live_state\"\n",
                "troupe.toml:9:12: plugins.b.manifest: todo.js:1:1: wasm: No wasm files specified "
                "in Extism manifest"},
        Mistake{
            "Template",
            "actor = \"{tpoic}\"\n",
            "troupe.toml:8:9: topics[0].actor: \"{tpoic}\" is unknown; there are {topic}, {rest}, "
            "{join}, {session} and {param.NAME}"},
        Mistake{"RestWithoutStar",
                "[[topics]]\nmatch = \"a\"\nplugin = \"todo\"\nactor = "
                "\"{rest}\"\n",
                "troupe.toml:11:9: topics[1].actor: {rest} is what a star matched, and match does "
                "not end with one"},
        Mistake{"StarInTheMiddle",
                "[[topics]]\nmatch = \"a*b\"\nplugin = \"todo\"\n",
                "troupe.toml:9:9: topics[1].match: a star stands at the end or not at all, as in "
                "\"todo:*\""},
        Mistake{"TopicNeverReached",
                "[[topics]]\nmatch = \"todo:all\"\nplugin = \"todo\"\n",
                "troupe.toml:9:9: topics[1].match: \"todo:all\" is never reached: \"todo:*\" "
                "stands before it in the file"},
        Mistake{"TopicWithoutMatch",
                "[[topics]]\nplugin = \"todo\"\n",
                "troupe.toml:8:1: topics[1]: match is missing: a topic such as \"todo:all\", or "
                "\"todo:*\""},
        Mistake{"TopicWithoutPlugin",
                "[[topics]]\nmatch = \"a\"\n",
                "troupe.toml:8:1: topics[1]: plugin is missing"},
        Mistake{"Mount",
                "socket = \"live/\"\n",
                "troupe.toml:8:10: topics[0].socket: \"live/\" is no mount; write a path such as "
                "\"/socket\", which clients reach at ws://HOST/socket"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_F(ConfigFile, TheSameTopicMayStandOnTwoMounts) {
  EXPECT_EQ(mistakes(with("[[topics]]\nmatch = \"todo:all\"\nplugin = \"todo\"\n"
                          "socket = \"/other\"\n")),
            "");
}

TEST_F(ConfigFile, WithoutTopicsNobodyReachesAPlugin) {
  EXPECT_EQ(mistakes("[plugins.todo]\nsource = \"todo.js\"\nbehaviour = \"live_state\"\n"),
            "troupe.toml:1:1: topics: there is none, so nobody could reach a plugin; add "
            "[[topics]] with match and plugin");
}

TEST(ConfigGuide, ListsEveryKey) {
  std::ifstream stream(TROUPE_GUIDES "/configuration.md");
  const std::string guide(std::istreambuf_iterator<char>(stream), {});
  ASSERT_FALSE(guide.empty());
  for (const std::string& key : known_keys()) {
    EXPECT_NE(guide.find("`" + key + "`"), std::string::npos) << key << " is not in the guide";
  }
}

// By its own name, or for all those of a plugin that begin with it.
TEST(ConfigGuide, EveryLimitIsCounted) {
  constexpr std::string_view limits = "limits.";
  for (const std::string& key : known_keys()) {
    if (!key.starts_with(limits)) continue;
    const std::string_view name = std::string_view(key).substr(limits.size());
    const auto counts = [&](std::string_view label) {
      return name == label ||
             (name.starts_with(label) && name.substr(label.size()).starts_with('_'));
    };
    EXPECT_TRUE(std::ranges::find(bound_names, name) != bound_names.end() ||
                std::ranges::any_of(actor::limit_names, counts))
        << key << " has no counter";
  }
}

}  // namespace
}  // namespace troupe::server
