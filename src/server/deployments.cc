#include "server/deployments.h"

#include "actor/address.h"
#include "base/json.h"
#include "guest/module_cache.h"
#include "server/data_dir.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace troupe::server {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t index_format = 1;

Result<std::string> read_file(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(stream), {});
  if (stream) return text;
  return Error{fmt::format("cannot read {}: {}",
                           path.string(),
                           std::error_code(errno, std::generic_category()).message())};
}

bool is_hash(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::string string_of(json::Value object, std::string_view name) {
  const auto value = object.find(name);
  return value && value->is_string() ? value->string() : "";
}

// As the index has it, and with the name of the file.
struct KindName {
  Deployment::Kind kind;
  std::string_view name;
  std::string_view extension;
};
constexpr std::array<KindName, 2> kinds = {{{Deployment::Kind::module, "module", ".wasm"},
                                            {Deployment::Kind::manifest, "manifest", ".json"}}};

const KindName& names_of(Deployment::Kind kind) {
  return *std::ranges::find(kinds, kind, &KindName::kind);
}

std::int64_t integer_of(json::Value object, std::string_view name) {
  const auto value = object.find(name);
  return value ? value->integer().value_or(-1) : -1;
}

// Nothing when the text is not what write_index() writes.
std::optional<DeployedPlugin> parse_index(std::string_view text) {
  json::Tape tape;
  if (!json::parse(text, tape)) return std::nullopt;
  const json::Value root = tape.root();
  if (integer_of(root, "format") != index_format) return std::nullopt;
  DeployedPlugin plugin{.taken_from_file = string_of(root, "taken_from_file"),
                        .current = string_of(root, "current")};
  const auto versions = root.find("versions");
  if (!versions || !versions->is_array()) return std::nullopt;
  for (const json::Value each : versions->elements()) {
    const std::int64_t bytes = integer_of(each, "bytes");
    const auto kind = std::ranges::find(kinds, string_of(each, "kind"), &KindName::name);
    if (kind == kinds.end()) return std::nullopt;
    Deployment deployment{.hash = string_of(each, "hash"),
                          .code = string_of(each, "code"),
                          .kind = kind->kind,
                          .bytes = static_cast<std::uint64_t>(bytes),
                          .time_ms = integer_of(each, "time_ms"),
                          .origin = string_of(each, "origin")};
    if (deployment.code.empty() && kind->kind == Deployment::Kind::module) {
      deployment.code = deployment.hash;
    }
    if (!is_hash(deployment.hash) || bytes < 0) return std::nullopt;
    if (!deployment.code.empty() && !is_hash(deployment.code)) return std::nullopt;
    plugin.versions.push_back(std::move(deployment));
  }
  if (!plugin.current.empty() && plugin.find(plugin.current) == nullptr) return std::nullopt;
  if (!plugin.taken_from_file.empty() && !is_hash(plugin.taken_from_file)) return std::nullopt;
  return plugin;
}

std::string index_text(const DeployedPlugin& plugin) {
  std::string text = fmt::format(
      "{{\n  \"format\": {},\n  \"taken_from_file\": \"{}\",\n"
      "  \"current\": \"{}\",\n  \"versions\": [",
      index_format,
      plugin.taken_from_file,
      plugin.current);
  for (const Deployment& each : plugin.versions) {
    text += fmt::format(
        "{}\n    {{ \"hash\": \"{}\", \"code\": \"{}\", \"kind\": \"{}\", \"bytes\": {}, "
        "\"time_ms\": {}, \"origin\": \"{}\" }}",
        text.back() == '[' ? "" : ",",
        each.hash,
        each.code,
        names_of(each.kind).name,
        each.bytes,
        each.time_ms,
        each.origin);
  }
  return text + "\n  ]\n}\n";
}

}  // namespace

const Deployment* DeployedPlugin::find(std::string_view hash) const {
  const auto found = std::find_if(
      versions.begin(), versions.end(), [&](const Deployment& each) { return each.hash == hash; });
  return found == versions.end() ? nullptr : &*found;
}

const Deployment* DeployedPlugin::previous() const {
  const Deployment* found = find(current);
  return found == nullptr || found == versions.data() ? nullptr : found - 1;
}

Result<Deployments> Deployments::open(fs::path folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return Error{fmt::format("cannot make {}: {}", folder.string(), error.message())};
  fs::permissions(folder, fs::perms::owner_all, error);
  Deployments deployments(folder);
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const fs::path index = entry.path() / "index.json";
    if (!actor::is_plugin_name(name) || !entry.is_directory()) continue;
    if (!fs::exists(index, error)) continue;
    TRY(const std::string text, read_file(index));
    std::optional<DeployedPlugin> plugin = parse_index(text);
    if (!plugin) {
      return Error{fmt::format(
          "{} is not an index of deployments of format {} (docs/formats/deployments.md): it was "
          "changed by hand or by a newer troupe; restore it, or remove the folder to begin anew "
          "with what the configuration names",
          index.string(),
          index_format)};
    }
    for (const fs::directory_entry& file : fs::directory_iterator(entry.path())) {
      const std::string stem = file.path().stem().string();
      if (is_hash(stem) && plugin->find(stem) == nullptr) fs::remove(file.path(), error);
    }
    deployments.plugins_.emplace(name, std::move(*plugin));
  }
  return deployments;
}

const DeployedPlugin* Deployments::find(std::string_view plugin) const {
  const auto found = plugins_.find(plugin);
  return found == plugins_.end() ? nullptr : &found->second;
}

bool Deployments::is_news(std::string_view plugin, std::string_view hash) const {
  const DeployedPlugin* found = find(plugin);
  return found == nullptr || found->taken_from_file != hash;
}

fs::path Deployments::file_of(std::string_view plugin, const Deployment& version) const {
  return folder_ / plugin / fmt::format("{}{}", version.hash, names_of(version.kind).extension);
}

Result<std::string> Deployments::read(std::string_view plugin, std::string_view hash) const {
  const fs::path path = file_of(plugin, *find(plugin)->find(hash));
  TRY(std::string content, read_file(path));
  if (guest::content_hash(content) == hash) return content;
  return Error{fmt::format(
      "{} does not have the content it is named by; restore it, or deploy the plugin {} again",
      path.string(),
      plugin)};
}

Result<void> Deployments::add(const std::string& plugin,
                              Deployment deployment,
                              std::string_view content,
                              const std::set<std::string>& in_use) {
  const DeployedPlugin* before = find(plugin);
  DeployedPlugin next = before != nullptr ? *before : DeployedPlugin{};
  std::erase_if(next.versions,
                [&](const Deployment& each) { return each.hash == deployment.hash; });
  next.current = deployment.hash;
  if (deployment.origin == "file") next.taken_from_file = deployment.hash;
  next.versions.push_back(std::move(deployment));

  std::vector<Deployment> gone;
  for (auto each = next.versions.begin();
       next.versions.size() > versions_kept_max && each != next.versions.end();) {
    if (each->hash == next.current || in_use.contains(each->hash)) {
      ++each;
    } else {
      gone.push_back(*each);
      each = next.versions.erase(each);
    }
  }
  std::error_code error;
  fs::create_directories(folder_ / plugin, error);
  if (error) {
    return Error{fmt::format("cannot make {}: {}", (folder_ / plugin).string(), error.message())};
  }
  TRY_VOID(write_file(file_of(plugin, *next.find(next.current)), content, 0600));
  TRY_VOID(write_index(plugin, next));
  for (const Deployment& each : gone) fs::remove(file_of(plugin, each), error);
  return {};
}

Result<void> Deployments::choose(const std::string& plugin, const std::string& hash) {
  DeployedPlugin next = *find(plugin);
  next.current = hash;
  return write_index(plugin, next);
}

Result<void> Deployments::remove(const std::string& plugin) {
  const DeployedPlugin* before = find(plugin);
  if (before == nullptr) return {};
  const std::vector<Deployment> versions = before->versions;
  TRY_VOID(write_index(plugin, {.taken_from_file = before->taken_from_file}));
  std::error_code ignored;
  for (const Deployment& each : versions) fs::remove(file_of(plugin, each), ignored);
  return {};
}

Result<void> Deployments::write_index(const std::string& plugin, const DeployedPlugin& index) {
  TRY_VOID(write_file(folder_ / plugin / "index.json", index_text(index), 0600));
  plugins_.insert_or_assign(plugin, index);
  return {};
}

}  // namespace troupe::server
