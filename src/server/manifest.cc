#include "server/manifest.h"

#include "base/hex.h"
#include "base/json.h"
#include "guest/download.h"
#include "server/toml_section.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <limits>
#include <ranges>
#include <sodium.h>
#include <system_error>
#include <utility>

namespace troupe::server {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view read_only = "ro:";
constexpr std::int64_t pages_max = 65'536;  // what 32 bits can address
constexpr std::int64_t number_max = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t timeout_ms_max = 1'000'000'000'000;  // decades

// ---- JSON becomes the tables that TOML would give, so that both are read by the same code. null
// is as good as absent, as for libextism.

toml::table table_of(const json::Value& object);

toml::array array_of(const json::Value& list) {
  toml::array out;
  for (const json::Value element : list.elements()) {
    switch (element.kind()) {
      case json::Kind::null:
        break;
      case json::Kind::boolean:
        out.push_back(*element.boolean());
        break;
      case json::Kind::number:
        if (const auto number = element.integer()) {
          out.push_back(*number);
        } else {
          out.push_back(0.5);  // of the wrong type wherever it stands
        }
        break;
      case json::Kind::string:
        out.push_back(element.string());
        break;
      case json::Kind::array:
        out.push_back(array_of(element));
        break;
      case json::Kind::object:
        out.push_back(table_of(element));
        break;
    }
  }
  return out;
}

toml::table table_of(const json::Value& object) {
  toml::table out;
  for (const json::Member member : object.members()) {
    const std::string name = member.name.string();
    const json::Value value = member.value;
    switch (value.kind()) {
      case json::Kind::null:
        break;
      case json::Kind::boolean:
        out.insert_or_assign(name, *value.boolean());
        break;
      case json::Kind::number:
        if (const auto number = value.integer()) {
          out.insert_or_assign(name, *number);
        } else {
          out.insert_or_assign(name, 0.5);
        }
        break;
      case json::Kind::string:
        out.insert_or_assign(name, value.string());
        break;
      case json::Kind::array:
        out.insert_or_assign(name, array_of(value));
        break;
      case json::Kind::object:
        out.insert_or_assign(name, table_of(value));
        break;
    }
  }
  return out;
}

// ---- The fields

class Reader {
 public:
  Manifest read(Section& root) {
    root.list("wasm", [this](Section& section) { read_module(section); });
    if (manifest_.modules.empty()) {
      root.mistake("wasm", "No wasm files specified in Extism manifest");
    }
    root.table("memory", [this](Section& memory) {
      read_number(memory, "max_pages", manifest_.pages_max, pages_max);
      read_number(memory, "max_http_response_bytes", manifest_.http_response_bytes_max, number_max);
      read_number(memory, "max_var_bytes", manifest_.vars_bytes_max, number_max);
    });
    root.string_table("config", [this](const std::string& key, const std::string& value) {
      manifest_.config.insert_or_assign(key, value);
    });
    root.strings("allowed_hosts", [this](const std::string& host, const Section::Note&) {
      manifest_.allowed_hosts.push_back(host);
    });
    root.string_table("allowed_paths", [this](const std::string& host, const std::string& guest) {
      manifest_.allowed_paths.insert_or_assign(host, guest);
    });
    std::uint64_t timeout_ms = 0;
    if (root.number("timeout_ms", timeout_ms, 1, timeout_ms_max)) manifest_.timeout_ms = timeout_ms;
    root.finish();
    return std::move(manifest_);
  }

 private:
  template <class Number>
  static void read_number(Section& section,
                          std::string_view key,
                          std::optional<Number>& value,
                          std::int64_t max) {
    Number number{};
    if (section.number(key, number, 0, max)) value = number;
  }

  void read_module(Section& section) {
    Manifest::Module module;
    module.place = section.path();
    std::string path;
    std::string data;
    const std::array given = {section.string("path", path),
                              section.string("data", data),
                              section.string("url", module.url)};
    module.path = path;
    section.string("name", module.name);
    section.string("hash", module.hash);
    const bool has_url = section.has("url");
    if (has_url) {
      section.string("method", module.method);
      section.string_table("headers", [&](const std::string& name, const std::string& value) {
        module.headers.insert_or_assign(name, value);
      });
    }
    const auto count = static_cast<int>(section.has("path")) +
                       static_cast<int>(section.has("data")) + static_cast<int>(has_url);
    if (count != 1) section.mistake("", "has one of path, data and url");
    if (given[1]) decode(section, data, module.data);
    manifest_.modules.push_back(std::move(module));
  }

  static void decode(Section& section, const std::string& base64, std::string& bytes) {
    bytes.resize(base64.size() / 4 * 3 + 3);
    std::size_t length = 0;
    const char* end = nullptr;
    const int done = ::sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()),
                                         bytes.size(),
                                         base64.data(),
                                         base64.size(),
                                         nullptr,
                                         &length,
                                         &end,
                                         sodium_base64_VARIANT_ORIGINAL);
    if (done != 0 || end != base64.data() + base64.size()) {
      section.mistake("data", "is not base64");
      length = 0;
    }
    bytes.resize(length);
  }

  Manifest manifest_;
};

// ---- The modules

std::string sha256(std::string_view bytes) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash;
  ::crypto_hash_sha256(
      hash.data(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  return hex(hash);
}

Result<std::string> read_file(const fs::path& path) {
  std::error_code error;
  const bool is_folder = fs::is_directory(path, error);
  std::ifstream stream(path, std::ios::binary);
  std::string bytes;
  if (stream && !is_folder) bytes.assign(std::istreambuf_iterator<char>(stream), {});
  if (!stream || is_folder) {
    return Error{fmt::format("Unable to load Wasm file \"{}\": {}",
                             path.string(),
                             std::generic_category().message(is_folder ? EISDIR : errno))};
  }
  return bytes;
}

// The slash is the end of the name: what follows is neither more of it, nor a port, nor a password.
constexpr std::array<std::string_view, 4> github_urls = {"https://github.com/",
                                                         "https://api.github.com/",
                                                         "https://codeload.github.com/",
                                                         "https://raw.githubusercontent.com/"};

bool is_authorization(std::string_view header) {
  constexpr std::string_view name = "authorization";
  return std::ranges::equal(header, name, {}, [](unsigned char c) { return std::tolower(c); });
}

Result<std::string> read_module(const Manifest::Module& module,
                                const fs::path& folder,
                                std::vector<fs::path>& files) {
  if (!module.path.empty()) {
    files.push_back(folder / module.path);
    return read_file(files.back());
  }
  if (module.url.empty()) return module.data;
  return guest::download({.url = module.url, .method = module.method, .headers = module.headers});
}

}  // namespace

std::string_view without_read_only(std::string_view host) {
  if (host.starts_with(read_only)) host.remove_prefix(read_only.size());
  return host;
}

void Manifest::apply(guest::Environment& environment, const fs::path& folder) const {
  guest::Limits& limits = environment.limits;
  if (pages_max) limits.memory_pages_max = *pages_max;
  if (http_response_bytes_max) limits.http_response_bytes_max = *http_response_bytes_max;
  if (vars_bytes_max) limits.vars_bytes_max = *vars_bytes_max;
  if (timeout_ms) limits.timeout = std::chrono::milliseconds(*timeout_ms);
  for (const auto& [key, value] : config) environment.config.insert_or_assign(key, value);
  environment.allowed_hosts.insert(
      environment.allowed_hosts.end(), allowed_hosts.begin(), allowed_hosts.end());
  for (const auto& [host, guest] : allowed_paths) {
    environment.allowed_paths.push_back({.host = folder / without_read_only(host),
                                         .guest = guest,
                                         .read_only = host.starts_with(read_only)});
  }
}

bool is_json_manifest(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  return begin != std::string_view::npos && text[begin] == '{';
}

Result<Manifest> parse_manifest(std::string_view text, const std::string& file) {
  TomlNotes notes(file);
  toml::table root;
  if (is_json_manifest(text)) {
    json::Tape tape;
    if (Result<void> parsed = json::parse(text, tape); parsed.has_error()) {
      return Error{
          fmt::format("{}: Unknown manifest format: as JSON, {}", file, parsed.error().message)};
    }
    root = table_of(tape.root());
  } else {
    std::optional<toml::table> parsed = parse_toml(text, notes);
    if (!parsed) {
      return Error{fmt::format("Unknown manifest format: neither JSON (an object) nor TOML: {}",
                               notes.text())};
    }
    root = std::move(*parsed);
  }
  Section section(notes, root, "", "", root.source().begin);
  Manifest manifest = Reader().read(section);
  if (!notes.sound()) return Error{notes.text()};
  return manifest;
}

Result<Manifest> load_manifest(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  if (!stream) {
    return Error{
        fmt::format("cannot read {}: {}", file.string(), std::generic_category().message(errno))};
  }
  return parse_manifest(text, file.string());
}

void use_github_token(Manifest& manifest, const std::string& token) {
  for (Manifest::Module& module : manifest.modules) {
    const bool is_github = std::ranges::any_of(
        github_urls, [&](std::string_view url) { return module.url.starts_with(url); });
    const auto names = std::views::keys(module.headers);
    if (is_github && std::ranges::none_of(names, is_authorization)) {
      module.headers.emplace("Authorization", "Bearer " + token);
    }
  }
}

std::vector<guest::Program::Part> LoadedModules::program() const {
  std::vector<guest::Program::Part> program;
  for (const Part& part : parts) program.push_back({part.name, part.wasm});
  return program;
}

Result<LoadedModules> load_modules(const Manifest& manifest, const fs::path& folder) {
  LoadedModules loaded;
  for (const Manifest::Module& module : manifest.modules) {
    TRY(std::string wasm, read_module(module, folder, loaded.files));
    if (!module.hash.empty()) {
      const std::string found = sha256(wasm);
      if (found != module.hash) {
        return Error{fmt::format(
            "{}: Hash mismatch, found {} but expected {}", module.place, found, module.hash)};
      }
    }
    loaded.parts.push_back({module.name, std::move(wasm)});
  }
  return loaded;
}

namespace {

std::string base64(std::string_view bytes) {
  std::string text(sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  ::sodium_bin2base64(text.data(),
                      text.size(),
                      reinterpret_cast<const unsigned char*>(bytes.data()),
                      bytes.size(),
                      sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // the zero at its end
  return text;
}

std::string object_of(const auto& strings) {
  std::string text;
  json::quote_object(text, strings);
  return text;
}

}  // namespace

std::string self_contained(const Manifest& manifest, const LoadedModules& modules) {
  std::string text = "{";
  const auto member = [&](std::string_view name, std::string_view value) {
    if (text.size() > 1) text += ',';
    json::quote(text, name);
    text += ':';
    text += value;
  };
  std::string list;
  json::quote_array(list, manifest.allowed_hosts);
  if (!manifest.allowed_hosts.empty()) member("allowed_hosts", list);
  if (!manifest.allowed_paths.empty()) member("allowed_paths", object_of(manifest.allowed_paths));
  if (!manifest.config.empty()) member("config", object_of(manifest.config));
  std::string memory;
  const auto bound = [&](std::string_view name, const auto& value) {
    if (value) memory += fmt::format("{}\"{}\":{}", memory.empty() ? "{" : ",", name, *value);
  };
  bound("max_http_response_bytes", manifest.http_response_bytes_max);
  bound("max_pages", manifest.pages_max);
  bound("max_var_bytes", manifest.vars_bytes_max);
  if (!memory.empty()) member("memory", memory + '}');
  if (manifest.timeout_ms) member("timeout_ms", fmt::format("{}", *manifest.timeout_ms));
  list.clear();
  for (const LoadedModules::Part& part : modules.parts) {
    list += list.empty() ? "[" : ",";
    list += fmt::format(R"({{"data":"{}")", base64(part.wasm));
    if (!part.name.empty()) {
      list += ",\"name\":";
      json::quote(list, part.name);
    }
    list += '}';
  }
  member("wasm", list + ']');
  return text + '}';
}

}  // namespace troupe::server
