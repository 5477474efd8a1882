#include "server/config.h"

#include "guest/secrets.h"
#include "server/source.h"
#include "server/suggest.h"
#include "server/toml_section.h"
#include "wire/origin.h"
#include "wire/proxies.h"
#include "wire/uri.h"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <system_error>
#include <utility>

namespace troupe::server {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kib = 1024;
constexpr std::int64_t mib = 1024 * kib;
constexpr std::int64_t gib = 1024 * mib;
// Frames, bodies, states and outputs are handled whole in memory.
constexpr std::int64_t text_bytes_max = 256 * mib;
constexpr std::int64_t time_ms_max = 3'600'000;
constexpr std::int64_t per_second_max = 1'000'000;
constexpr std::string_view data_dir_default = "troupe-data";
// Larger integers are not exact in browsers.
constexpr std::int64_t version_max = (std::int64_t{1} << 53) - 1;

// A path of plain parts, without '/' at its end.
bool is_mount(std::string_view text) {
  const auto plain = [](char c) {
    return c == '/' || wire::percent_encode_key_part({&c, 1}) == std::string_view(&c, 1);
  };
  return text.size() > 1 && text.front() == '/' && text.back() != '/' &&
         text.find("//") == std::string_view::npos && text.find("/.") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(), plain);
}

// Upper case would never fit: the names it is compared with have none.
bool is_host_pattern(std::string_view text) {
  const bool bracketed = text.starts_with('[') && text.ends_with(']');
  return !text.empty() && text.find_first_of("/@ ABCDEFGHIJKLMNOPQRSTUVWXYZ") == text.npos &&
         (bracketed || text.find(':') == text.npos);
}

// From env:NAME or file:PATH. No error repeats what may be the secret itself.
Result<guest::SecretText> read_secret(std::string_view from, const fs::path& folder) {
  if (from.starts_with("env:")) {
    const std::string name(from.substr(4));
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) {
      return Error{fmt::format("the variable {} of the environment is not set", name)};
    }
    return guest::SecretText(value);
  }
  if (!from.starts_with("file:")) {
    return Error{"must be \"env:NAME\", a variable of the environment, or \"file:PATH\""};
  }
  const fs::path path = folder / from.substr(5);
  std::ifstream stream(path, std::ios::binary);
  // One byte more than is allowed, so that too much is noticed.
  std::vector<char, guest::WipingAllocator<char>> bytes(guest::Secrets::value_bytes_max + 3);
  stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (stream.gcount() == 0) {
    return Error{fmt::format("cannot read {}, or it is empty", path.string())};
  }
  std::string_view text(bytes.data(), static_cast<std::size_t>(stream.gcount()));
  // The line's end that an editor puts there.
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return guest::SecretText(text);
}

// One reading of one file; what it finds goes into `config_` and `notes_`.
class Reader {
 public:
  Reader(const fs::path& file, TomlNotes& notes) : folder_(file.parent_path()), notes_(notes) {
    config_.file = file;
  }

  Config read(const toml::table& root) {
    Section file(notes_, root, "", "", {1, 1});
    config_.data_dir = folder_ / data_dir_default;
    config_.http.listen = {"127.0.0.1:4000"};
    config_.admin = "127.0.0.1:4001";

    if (std::string data_dir; file.string("data_dir", data_dir)) {
      if (data_dir.empty()) file.mistake("data_dir", "must not be empty");
      config_.data_dir = folder_ / data_dir;
    }
    file.table("http", [this](Section& section) { read_http(section); });
    file.table("admin", [this](Section& section) { read_admin(section); });
    file.table("log", [this](Section& section) { read_log(section); });
    file.table("limits", [this](Section& section) { read_bounds(section); });
    file.table("journal", [this](Section& section) { read_journal(section); });
    file.not_offered("pages", "serve a page of your own from http.static");
    file.tables("plugins", "NAME", [this](const std::string& name, Section& section) {
      read_plugin(name, section);
    });
    file.list("topics", [this](Section& section) { read_topic(section); });
    // Functions are called over HTTP and by other actors; states are for viewers of topics.
    const auto is_called = [](const PluginConfig& plugin) {
      return plugin.behaviour == actor::Behaviour::call;
    };
    const bool only_called = !config_.plugins.empty() &&
                             std::all_of(config_.plugins.begin(), config_.plugins.end(), is_called);
    if (!file.has("topics") && !only_called) {
      file.mistake("topics",
                   "there is none, so nobody could reach a plugin; add [[topics]] with match "
                   "and plugin");
    }
    file.finish();
    return std::move(config_);
  }

 private:
  void read_http(Section& section) {
    std::vector<std::string> listen;
    if (section.strings("listen", [&](const std::string& text, const Section::Note& note) {
          if (auto address = check_address(text); !address) note(address.error().message);
          listen.push_back(text);
        })) {
      if (listen.empty()) {
        section.mistake("listen", "must name at least one address");
      }
      config_.http.listen = std::move(listen);
    }
    section.strings("origins", [&](const std::string& text, const Section::Note& note) {
      if (auto rules = wire::OriginRules::parse({&text, 1}); !rules) note(rules.error().message);
      config_.http.origins.push_back(text);
    });
    section.strings("trusted_proxies", [&](const std::string& text, const Section::Note& note) {
      if (auto proxies = wire::TrustedProxies::parse({&text, 1}); !proxies) {
        note(proxies.error().message);
      }
      config_.http.trusted_proxies.push_back(text);
    });
    section.number("threads", config_.http.threads, 0, 1024);
    if (std::string text; section.string("static", text)) {
      config_.http.static_folder = folder_ / text;
      std::error_code error;
      if (!fs::is_directory(config_.http.static_folder, error)) {
        section.mistake("static",
                        fmt::format("there is no folder {}", config_.http.static_folder.string()));
      }
    }
    read_file(section, "tls_certificate", config_.http.tls.certificate);
    read_file(section, "tls_key", config_.http.tls.key);
    if (section.has("tls_certificate") != section.has("tls_key")) {
      section.mistake(section.has("tls_key") ? "tls_key" : "tls_certificate",
                      "TLS needs both tls_certificate and tls_key");
    }
  }

  void read_admin(Section& section) {
    if (!section.string("listen", config_.admin)) return;
    if (auto address = check_address(config_.admin); !address) {
      section.mistake("listen", address.error().message);
    }
  }

  void read_journal(Section& section) {
    constexpr std::string_view scheme = "sqlite:";
    std::string url;
    if (!section.string("url", url)) return;
    if (!url.starts_with(scheme)) {
      section.mistake("url",
                      fmt::format("\"{}\" is none of a journal that this version of troupe has; "
                                  "write \"sqlite:\" or \"sqlite:PATH\"",
                                  url));
    } else if (url.size() > scheme.size()) {
      config_.journal = folder_ / url.substr(scheme.size());
    }
  }

  void read_log(Section& section) {
    static const std::vector<std::string> formats = {"text", "json"};
    static const std::vector<std::string> levels = {"trace", "debug", "info", "warn", "error"};
    const auto one_of = [&](std::string_view key, std::string& value, const auto& known) {
      if (!section.string(key, value)) return;
      if (std::find(known.begin(), known.end(), value) != known.end()) return;
      section.mistake(key,
                      fmt::format("unknown {} \"{}\"{}", key, value, suggestion(value, known)));
    };
    std::string format = "text";
    one_of("format", format, formats);
    config_.log.json = format == "json";
    one_of("level", config_.log.level, levels);
  }

  void read_bounds(Section& section) {
    ServerBounds& bounds = config_.bounds;
    socket::Limits& socket = bounds.socket;
    section.number("connections", socket.connections_max, 1, 1'000'000);
    section.number("address_connections", socket.address_connections_max, 1, 1'000'000);
    section.number("address_joins_per_second", socket.address.joins_per_second, 1, per_second_max);
    section.number(
        "address_events_per_second", socket.address.events_per_second, 1, per_second_max);
    section.number("socket_joins_per_second", bounds.channel.joins_per_second, 1, per_second_max);
    section.number("socket_events_per_second", bounds.channel.events_per_second, 1, per_second_max);
    section.number("frame_bytes", socket.frame_bytes_max, kib, text_bytes_max);
    section.number("header_bytes", socket.header_bytes_max, kib, mib);
    section.number("http_body_bytes", socket.body_bytes_max, kib, text_bytes_max);
    section.number("upload_bytes", bounds.upload_bytes_max, kib, text_bytes_max);
    section.number("socket_topics", bounds.channel.topics_max, 1, 1'000'000);
    section.number("socket_unsent_bytes", socket.unsent_bytes_max, kib, gib);
    bounds.channel.unsent_bytes_max = socket.unsent_bytes_max;
    section.number("channel_events", bounds.channel.events_waiting_max, 1, 1'000'000);
    read_time(section, "idle_ms", socket.idle_timeout, 1000);
    read_time(section, "request_ms", socket.request_timeout, 100);
    read_time(section, "answer_ms", socket.answer_timeout, 100);
    read_time(section, "write_ms", socket.write_timeout, 100);
    read_time(section, "drain_ms", socket.drain_timeout, 0);
    std::int64_t seconds = bounds.compile.cpu_time_max.count();
    section.number("compile_cpu_seconds", seconds, 1, 3600);
    bounds.compile.cpu_time_max = std::chrono::seconds(seconds);
    section.number("compile_memory_bytes", bounds.compile.memory_bytes_max, 256 * mib, 1024 * gib);
    section.number("instances", bounds.instances_max, 1, 16'000);
    read_time(section, "actor_idle_ms", bounds.actor_idle_max, 1000);
    section.number("instance_pages", bounds.instance_pages_max, 1, 65'536);
    read_plugin_bounds(section, plugin_bounds_, output_bytes_max_);
  }

  static void read_time(Section& section,
                        std::string_view key,
                        std::chrono::milliseconds& time,
                        std::int64_t min_ms) {
    std::int64_t ms = time.count();
    section.number(key, ms, min_ms, time_ms_max);
    time = std::chrono::milliseconds(ms);
  }

  // The bounds of a plugin: in [limits] for all, in [plugins.NAME.limits] for one.
  static void read_plugin_bounds(Section& section,
                                 actor::Bounds& bounds,
                                 std::size_t& output_bytes_max) {
    section.number("mailbox_messages", bounds.mailbox_messages_max, 1, 10'000'000);
    section.number("mailbox_bytes", bounds.mailbox_bytes_max, kib, gib);
    section.number("state_bytes", bounds.state_bytes_max, 2, text_bytes_max);
    section.number("output_bytes", output_bytes_max, 2, text_bytes_max);
    section.number("effects", bounds.effects_max, 0, 1'000'000);
    section.number("effects_bytes", bounds.effects_bytes_max, 0, gib);
    section.number("log_bytes_per_second", bounds.log_bytes_per_second_max, 0, gib);
    section.number("timers", bounds.timers_max, 0, 1'000'000);
    section.number("subscriptions", bounds.topics_max, 0, 1'000'000);
    section.number("outbox", bounds.outbox_max, 1, 1'000'000);
    section.number("outbox_bytes", bounds.outbox_bytes_max, kib, 32 * mib);
  }

  void read_plugin(const std::string& name, Section& section) {
    PluginConfig plugin;
    plugin.name = name;
    plugin.place = section.place();
    plugin.bounds = plugin_bounds_;
    plugin.pages_max = config_.bounds.instance_pages_max;
    plugin.base.limits.output_bytes_max = output_bytes_max_;
    Manifest& settings = plugin.settings;

    if (!actor::is_plugin_name(name)) section.mistake("", actor::plugin_name_rule);
    read_source(section, plugin.source);
    read_file(section, "wasm", plugin.wasm);
    read_file(section, "manifest", plugin.manifest);
    check_origin(section);
    plugin.folder = folder_;
    check_manifest(section, plugin.manifest);
    read_behaviour(section, plugin.behaviour);
    if (std::string durability; section.string("durability", durability)) {
      static const std::vector<std::string> known = {"none", "async", "commit"};
      const auto found = std::find(known.begin(), known.end(), durability);
      if (found == known.end()) {
        section.mistake(
            "durability",
            fmt::format("unknown durability \"{}\"{}", durability, suggestion(durability, known)));
      } else {
        plugin.durability = static_cast<actor::Durability>(found - known.begin());
      }
    }
    section.flag("init_payload", plugin.init_payload);
    section.flag("wasi", plugin.wasi);
    section.string_table("config", [&](const std::string& key, const std::string& value) {
      settings.config.insert_or_assign(key, value);
    });
    read_http_client(section, plugin);
    read_allowed_paths(section, settings);
    section.table("memory", [&](Section& memory) {
      read_number(memory, "max_pages", settings.pages_max, 1, plugin.pages_max);
      read_number(memory, "max_var_bytes", settings.vars_bytes_max, 0, text_bytes_max);
      read_number(
          memory, "max_http_response_bytes", settings.http_response_bytes_max, 0, text_bytes_max);
    });
    read_number(section, "timeout_ms", settings.timeout_ms, 1, time_ms_max);
    section.number("max_restarts", plugin.supervision.restarts_max, 0, 1'000'000);
    std::int64_t window_seconds =
        std::chrono::duration_cast<std::chrono::seconds>(plugin.supervision.window).count();
    section.number("max_seconds", window_seconds, 1, 86'400);
    plugin.supervision.window = std::chrono::seconds(window_seconds);
    section.table("limits", [&](Section& bounds) {
      read_plugin_bounds(bounds, plugin.bounds, plugin.base.limits.output_bytes_max);
      bounds.number("instances", plugin.bounds.instances_max, 1, config_.bounds.instances_max);
    });
    config_.plugins.push_back(std::move(plugin));
  }

  template <class Number>
  static void read_number(Section& section,
                          std::string_view key,
                          std::optional<Number>& value,
                          std::int64_t min,
                          std::int64_t max) {
    Number number{};
    if (section.number(key, number, min, max)) value = number;
  }

  void read_allowed_paths(Section& section, Manifest& settings) {
    section.string_table("allowed_paths", [&](const std::string& host, const std::string& guest) {
      const fs::path folder = folder_ / without_read_only(host);
      std::error_code error;
      if (!fs::is_directory(folder, error)) {
        section.mistake("allowed_paths", fmt::format("there is no folder {}", folder.string()));
      } else if (guest.empty()) {
        section.mistake("allowed_paths",
                        fmt::format("\"{}\" has no name for the plugin, such as \"/data\"", host));
      }
      settings.allowed_paths.insert_or_assign(host, guest);
    });
  }

  // Whom the plugin may send requests to, and with which secrets.
  void read_http_client(Section& section, PluginConfig& plugin) {
    section.strings("allowed_hosts", [&](const std::string& text, const Section::Note& note) {
      if (!is_host_pattern(text)) {
        note(
            fmt::format("\"{}\" is no host; write its name in lower case, without scheme, port and "
                        "path, such as \"api.example.com\" or \"*.example.com\"",
                        text));
      }
      plugin.settings.allowed_hosts.push_back(text);
    });
    section.flag("http_response_headers", plugin.base.http_response_headers);
    auto secrets = std::make_shared<guest::Secrets>();
    section.tables("secrets", "NAME", [&](const std::string& name, Section& secret) {
      std::string from;
      std::vector<std::string> hosts;
      if (!secret.string("from", from) && !secret.has("from")) {
        secret.mistake("from", "is missing; write \"env:NAME\" or \"file:PATH\"");
      }
      secret.strings("hosts",
                     [&](const std::string& text, const Section::Note&) { hosts.push_back(text); });
      if (from.empty()) return;
      const Result<guest::SecretText> value = read_secret(from, folder_);
      if (!value) {
        secret.mistake("from", value.error().message);
      } else if (auto added = secrets->add(name, value->view(), std::move(hosts)); !added) {
        secret.mistake("", added.error().message);
      }
    });
    if (section.has("secrets")) plugin.base.secrets = std::move(secrets);
  }

  // A plugin comes from one place.
  static void check_origin(Section& section) {
    static constexpr std::array<std::string_view, 3> keys = {"source", "wasm", "manifest"};
    std::string_view first;
    for (const std::string_view key : keys) {
      if (!section.has(key)) continue;
      if (!first.empty()) {
        section.mistake(key, fmt::format("{} is given too; a plugin has one of them", first));
        return;
      }
      first = key;
    }
  }

  // What an Extism manifest says is read with its code; its mistakes are told with the others.
  static void check_manifest(Section& section, const fs::path& file) {
    std::error_code error;
    if (file.empty() || !fs::is_regular_file(file, error)) return;  // the latter noted before
    const Result<Manifest> manifest = load_manifest(file);
    if (!manifest) section.mistake("manifest", manifest.error().message);
  }

  void read_file(Section& section, std::string_view key, fs::path& path) {
    std::string text;
    if (!section.string(key, text)) return;
    if (key == "manifest" && is_wrong_key(section, key, text)) return;
    path = folder_ / text;
    std::error_code error;
    if (!fs::is_regular_file(path, error)) {
      section.mistake(key, fmt::format("there is no file {}", path.string()));
    }
  }

  static bool is_wrong_key(Section& section, std::string_view key, const fs::path& file) {
    if (!is_module(file)) return false;
    section.mistake(
        key, fmt::format("{} is a module; the key for one is wasm", file.filename().string()));
    return true;
  }

  void read_source(Section& section, fs::path& path) {
    std::string text;
    if (!section.string("source", text) || is_wrong_key(section, "source", text)) return;
    if (Result<fs::path> source = find_source(folder_ / text)) {
      path = std::move(*source);
    } else {
      section.mistake("source", source.error().message);
    }
  }

  static void read_behaviour(Section& section, actor::Behaviour& behaviour) {
    static const std::vector<std::string> known = {"call", "live_state", "live_view", "game"};
    std::string text = "call";
    if (!section.string("behaviour", text) && section.has("behaviour")) return;
    if (text == "live_state") {
      behaviour = actor::Behaviour::live_state;
    } else if (text == "call") {
      behaviour = actor::Behaviour::call;
    } else if (std::find(known.begin(), known.end(), text) != known.end()) {
      section.mistake("behaviour",
                      fmt::format("this version of troupe does not offer \"{}\" yet; it has "
                                  "\"call\" and \"live_state\"",
                                  text));
    } else {
      section.mistake("behaviour",
                      fmt::format("unknown behaviour \"{}\"{}", text, suggestion(text, known)));
    }
  }

  void read_topic(Section& section) {
    TopicConfig topic;
    topic.place = section.place();
    channel::TopicRule& rule = topic.rule;
    if (!section.string("match", rule.match) && !section.has("match")) {
      section.mistake("", "match is missing: a topic such as \"todo:all\", or \"todo:*\"");
    }
    if (section.has("match")) check_match(section, rule.match);
    read_topic_plugin(section, rule.plugin);

    std::string actor = "{topic}/{join}";
    section.string("actor", actor);
    if (Result<channel::KeyTemplate> key = channel::KeyTemplate::parse(actor)) {
      rule.actor = std::move(*key);
      if (actor.find("{rest}") != std::string::npos && !rule.match.ends_with('*')) {
        section.mistake("actor", "{rest} is what a star matched, and match does not end with one");
      }
    } else {
      section.mistake("actor", key.error().message);
    }
    topic.mount = "/socket";
    if (section.string("socket", topic.mount) && !is_mount(topic.mount)) {
      section.mistake("socket",
                      fmt::format("\"{}\" is no mount; write a path such as \"/socket\", which "
                                  "clients reach at ws://HOST/socket",
                                  topic.mount));
    }
    std::vector<std::string> events;
    if (section.strings("events", [&](const std::string& event, const Section::Note& note) {
          if (event.empty()) note("must not be empty");
          events.push_back(event);
        })) {
      rule.events = std::move(events);
    }
    section.strings("functions", [&](const std::string& function, const Section::Note& note) {
      if (function.empty()) note("must not be empty");
      rule.functions.push_back(function);
    });
    section.number("max_version", rule.max_version, 1, version_max);

    for (const TopicConfig& earlier : config_.topics) {
      if (rule.match.empty() || earlier.mount != topic.mount ||
          !covers(earlier.rule.match, rule.match)) {
        continue;
      }
      section.mistake("match",
                      fmt::format("\"{}\" is never reached: \"{}\" stands before it in the file",
                                  rule.match,
                                  earlier.rule.match));
      break;
    }
    config_.topics.push_back(std::move(topic));
  }

  static void check_match(Section& section, const std::string& match) {
    if (match.empty()) {
      section.mistake("match", "must not be empty");
    } else if (match.find('*') < match.size() - 1) {
      section.mistake("match", "a star stands at the end or not at all, as in \"todo:*\"");
    } else if (match == "phoenix") {
      section.mistake("match", "the topic \"phoenix\" belongs to the protocol");
    }
  }

  void read_topic_plugin(Section& section, std::string& name) {
    if (!section.string("plugin", name)) {
      if (!section.has("plugin")) section.mistake("", "plugin is missing");
      return;
    }
    std::vector<std::string> names;
    for (const PluginConfig& plugin : config_.plugins) names.push_back(plugin.name);
    if (std::find(names.begin(), names.end(), name) != names.end()) return;
    section.mistake(
        "plugin",
        names.empty() ? fmt::format("there is no plugin \"{}\"; add [plugins.{}]", name, name)
                      : fmt::format("there is no plugin \"{}\"{}", name, suggestion(name, names)));
  }

  // Whether every topic that `later` matches is matched by `earlier`.
  static bool covers(std::string_view earlier, std::string_view later) {
    if (!earlier.ends_with('*')) return earlier == later;
    return later.starts_with(earlier.substr(0, earlier.size() - 1));
  }

  const fs::path folder_;
  TomlNotes& notes_;
  Config config_;
  actor::Bounds plugin_bounds_;
  std::size_t output_bytes_max_ = guest::Limits().output_bytes_max;
};

}  // namespace

guest::Environment PluginConfig::environment(const Manifest* code) const {
  guest::Environment environment = base;
  if (code != nullptr) code->apply(environment, folder);
  settings.apply(environment, folder);
  std::uint32_t& pages = environment.limits.memory_pages_max;
  pages = std::min(pages, pages_max);
  return environment;
}

Result<void> check_address(std::string_view text) {
  const Error error{fmt::format(
      "\"{}\" is no address to listen on; write ADDRESS:PORT, such as \"127.0.0.1:4000\", "
      "\"[::1]:4000\", or \"0.0.0.0:4000\" for everywhere",
      text)};
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return error;
  std::string host(text.substr(0, colon));
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return error;
  } else if (host == "localhost") {
    host = "127.0.0.1";
  }
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (code != std::errc() || end != digits.data() + digits.size()) return error;
  boost::system::error_code bad_address;
  boost::asio::ip::make_address(host, bad_address);
  if (bad_address) return error;
  return {};
}

namespace {

Result<toml::table> read_toml(const fs::path& file, TomlNotes& notes) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  if (!stream) {
    return Error{fmt::format("cannot read {}: {}",
                             file.string(),
                             std::error_code(errno, std::generic_category()).message())};
  }
  std::optional<toml::table> root = parse_toml(text, notes);
  if (!root) return Error{notes.text()};
  return std::move(*root);
}

}  // namespace

Result<Config> load_config(const fs::path& file) {
  TomlNotes notes(file.string());
  TRY(const toml::table root, read_toml(file, notes));
  Config config = Reader(file, notes).read(root);
  if (!notes.sound()) return Error{notes.text()};
  return config;
}

Result<fs::path> data_dir_of(const fs::path& file) {
  TomlNotes notes(file.string());
  TRY(const toml::table root, read_toml(file, notes));
  return file.parent_path() / root["data_dir"].value_or(std::string(data_dir_default));
}

std::set<std::string> known_keys() {
  // A file in which every table stands, so that the reader asks for the keys of each.
  TomlNotes notes("");
  const std::optional<toml::table> root = parse_toml(R"(
    http = {}
    admin = {}
    log = {}
    limits = {}
    plugins.NAME = { memory = {}, limits = {}, secrets.NAME = {} }
    topics = [{}]
  )",
                                                     notes);
  Reader("", notes).read(*root);
  return notes.known_keys;
}

}  // namespace troupe::server
