#include "guest/module_cache.h"

#include "base/hex.h"
#include "guest/compiler.h"
#include "guest/component.h"
#include "guest/descriptor.h"
#include "guest/engine_impl.h"
#include "guest/imports.h"
#include "guest/module_impl.h"
#include "guest/text.h"

#include <sodium/crypto_generichash.h>
#include <sodium/crypto_hash_sha256.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <utility>

namespace troupe::guest {

namespace {

namespace fs = std::filesystem;

// Compiled code is run as it is: a checksum behind it tells when the disk has not kept it.
constexpr std::size_t checksum_bytes = 32;
using Checksum = std::array<std::uint8_t, checksum_bytes>;

const std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

Checksum checksum_of(std::string_view text) {
  Checksum sum;
  ::crypto_generichash(sum.data(), sum.size(), bytes_of(text), text.size(), nullptr, 0);
  return sum;
}

// What compiled code may rely on in this machine's processor: the list the kernel shows.
const std::string& cpu_features() {
  static const std::string features = [] {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);) {
      if (line.starts_with("flags") || line.starts_with("Features"))
        return content_hash(line).substr(0, 8);
    }
    return std::string("unknown");
  }();
  return features;
}

std::string file_name(const EngineOptions& engine, const std::string& hash) {
  return hash + "-" WASMTIME_VERSION "-" + compile_config_name(engine) + "-" + cpu_features() +
         ".cwasm";
}

// A cached file, mapped.
class MappedFile {
 public:
  explicit MappedFile(const fs::path& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    struct stat status{};
    if (!file || ::fstat(file.get(), &status) != 0 || status.st_size <= 0) return;
    const auto size = static_cast<std::size_t>(status.st_size);
    void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (mapped == MAP_FAILED) return;
    bytes_ = {static_cast<const char*>(mapped), size};
    const std::array<timespec, 2> times{{{0, UTIME_NOW}, {0, UTIME_NOW}}};
    ::futimens(file.get(), times.data());  // used just now: prune() takes the others first
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile() {
    if (!bytes_.empty()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
  }

  bool intact() const {
    if (bytes_.size() <= checksum_bytes) return false;
    const std::size_t code_bytes = bytes_.size() - checksum_bytes;
    return std::memcmp(checksum_of(bytes_.substr(0, code_bytes)).data(),
                       bytes_.data() + code_bytes,
                       checksum_bytes) == 0;
  }

 private:
  std::string_view bytes_;
};

Result<void> append_checksum(const fs::path& path, int fd) {
  std::ifstream in(path, std::ios::binary);
  const std::string code(std::istreambuf_iterator<char>(in), {});
  const Checksum sum = checksum_of(code);
  if (!write_all(fd, {reinterpret_cast<const char*>(sum.data()), sum.size()}) || ::fsync(fd) != 0) {
    return Error{"cannot write " + path.string() + ": " + system_text(errno)};
  }
  return {};
}

Result<void> check_bytes(std::string_view wasm) {
  using namespace std::string_view_literals;
  if (is_module_text(wasm)) return {};
  constexpr std::string_view magic = "\0asm"sv;
  if (!wasm.starts_with(magic)) {
    return Error{
        wasm.empty()
            ? "the plugin is an empty file"
            : "the plugin is not WebAssembly: it does not begin with \"\\0asm\", nor, as text, "
              "with \"(module\""};
  }
  if (!is_component(wasm) && wasm.substr(4, 4) != "\1\0\0\0"sv) {
    return Error{"the plugin is of another version of WebAssembly than 1"};
  }
  return {};
}

Result<WasmModule> map_module(Engine& engine, const fs::path& path) {
  wasmtime_module_t* module = nullptr;
  if (wasmtime_error_t* error =
          wasmtime_module_deserialize_file(engine.impl().engine.get(), path.c_str(), &module)) {
    return Error{message_of(error)};
  }
  return WasmModule(module);
}

Result<WasmComponent> map_component(Engine& engine, const fs::path& path) {
  wasmtime_component_t* component = nullptr;
  if (wasmtime_error_t* error = wasmtime_component_deserialize_file(
          engine.impl().engine.get(), path.c_str(), &component)) {
    return Error{message_of(error)};
  }
  return WasmComponent(component);
}

std::string of_part(const Program& program, const Program::Part& part) {
  return program.parts.size() == 1 ? "" : "module \"" + part.name + "\": ";
}

}  // namespace

struct ModuleCache::Loading {
  ModuleCache& cache;
  Engine& engine;

  // `map` takes compiled code from a file: a module or a component.
  template <class Map>
  auto load_or_compile(std::string_view wasm, const std::string& hash, Map map) const
      -> decltype(map(engine, {}));
};

template <class Map>
auto ModuleCache::Loading::load_or_compile(std::string_view wasm,
                                           const std::string& hash,
                                           Map map) const -> decltype(map(engine, {})) {
  const fs::path path = cache.folder_ / file_name(engine.options(), hash);
  if (std::error_code error; fs::exists(path, error)) {
    std::string reason = "its checksum is wrong";
    if (MappedFile(path).intact()) {
      auto module = map(engine, path);
      if (module) return module;
      reason = module.error().message;
    }
    if (cache.options_.log != nullptr) {
      cache.options_.log->warn("{} cannot be used and is made again: {}", path.string(), reason);
    }
  }
  TRY_VOID(cache.compile(engine.options(), wasm, path));
  auto module = map(engine, path);
  if (!module) {
    std::error_code error;
    fs::remove(path, error);
    cache.bounds_.reached(Bound::instance_pages);
    return Error{"the module does not fit the server's slots: " + module.error().message};
  }
  cache.prune();
  return module;
}

std::string content_hash(std::string_view wasm) {
  std::array<std::uint8_t, crypto_hash_sha256_BYTES> hash;
  ::crypto_hash_sha256(hash.data(), bytes_of(wasm), wasm.size());
  return hex(hash);
}

Result<std::unique_ptr<ModuleCache>> ModuleCache::open(fs::path folder,
                                                       CompileLimits limits,
                                                       ModuleCacheOptions options) {
  std::error_code error;
  if (folder.has_parent_path()) fs::create_directories(folder.parent_path(), error);
  if (error) {
    return Error{"the folder " + folder.parent_path().string() +
                 " cannot be made: " + error.message()};
  }
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return Error{"the folder " + folder.string() + " cannot be made: " + system_text(errno)};
  }
  struct stat status{};
  if (::lstat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    return Error{folder.string() + " is not a folder; compiled modules are to be kept there"};
  }
  if (status.st_uid != ::geteuid() || (status.st_mode & 022) != 0) {
    return Error{"the folder " + folder.string() +
                 " can be written by others, who could put code into this server. Remove it, or "
                 "make it your own: chown and chmod 700."};
  }
  return std::unique_ptr<ModuleCache>(
      new ModuleCache(std::move(folder), limits, std::move(options)));
}

ModuleCache::ModuleCache(fs::path folder, CompileLimits limits, ModuleCacheOptions options)
    : folder_(std::move(folder)), limits_(limits), options_(std::move(options)) {}

std::size_t ModuleCache::compilations() const {
  const std::lock_guard lock(mutex_);
  return compilations_;
}

namespace {

// The index of the part whose exports are called.
Result<std::size_t> main_of(std::span<const Program::Part> parts) {
  if (parts.empty()) return Error{"No wasm files specified in Extism manifest"};
  if (parts.size() > ModuleCache::modules_of_a_plugin_max) {
    return Error{"the plugin has " + std::to_string(parts.size()) + " modules; there may be " +
                 std::to_string(ModuleCache::modules_of_a_plugin_max)};
  }
  std::size_t main = parts.size() - 1;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string& name = parts[i].name;
    if (name == "main") main = i;
    if (parts.size() > 1 && (name == extism_module || name == wasi_module)) {
      return Error{"no module may be called \"" + name + "\""};
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (!name.empty() && parts[j].name == name) {
        return Error{"Duplicate module name found in Extism manifest: " + name};
      }
    }
  }
  return main;
}

// Of all that a plugin is made of; for a single module, of its bytes.
std::string hash_of(std::span<const Program::Part> parts, std::span<const std::string> hashes) {
  if (parts.size() == 1) return hashes.front();
  std::string all;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    all += std::to_string(parts[i].name.size()) + ":" + parts[i].name + hashes[i];
  }
  return content_hash(all);
}

}  // namespace

Result<std::shared_ptr<const Module>> ModuleCache::load(Engine& engine, std::string_view wasm) {
  return load(engine, Program{.parts = {{.name = {}, .wasm = wasm}}, .functions = {}});
}

Result<std::shared_ptr<const Module>> ModuleCache::load(Engine& engine, const Program& program) {
  if (program.parts.size() > modules_of_a_plugin_max) bounds_.reached(Bound::instance_pages);
  TRY(const std::size_t main, main_of(program.parts));
  std::vector<std::string> hashes;
  for (const Program::Part& part : program.parts) {
    if (Result<void> checked = check_bytes(part.wasm); !checked) {
      return Error{of_part(program, part) + checked.error().message};
    }
    hashes.push_back(content_hash(part.wasm));
  }
  const std::string hash = hash_of(program.parts, hashes);
  const std::pair<Engine*, std::string> key(&engine, program.wasi ? hash : hash + " without WASI");
  if (program.functions.empty()) {
    const std::lock_guard lock(mutex_);
    const auto found = loaded_.find(key);
    if (found != loaded_.end()) {
      if (auto module = found->second.lock()) return module;
    }
  }
  const Loading loading{*this, engine};
  if (is_component(program.parts[main].wasm) && program.parts.size() == 1) {
    TRY(WasmComponent component,
        loading.load_or_compile(program.parts[main].wasm, hash, map_component));
    return keep(key, Module::Impl::make(engine, std::move(component), hash));
  }
  std::vector<CompiledPart> parts;
  for (std::size_t i = 0; i < program.parts.size(); ++i) {
    const Program::Part& part = program.parts[i];
    if (is_component(part.wasm)) {
      return Error{of_part(program, part) + "it is a component, and those are not linked"};
    }
    Result<WasmModule> module = loading.load_or_compile(part.wasm, hashes[i], map_module);
    if (!module) return Error{of_part(program, part) + module.error().message};
    parts.push_back({part.name, *std::move(module)});
  }
  Result<std::shared_ptr<const Module>> module =
      Module::Impl::make(engine, std::move(parts), main, program.wasi, program.functions, hash);
  return program.functions.empty() ? keep(key, std::move(module)) : module;
}

Result<std::shared_ptr<const Module>> ModuleCache::keep(
    const std::pair<Engine*, std::string>& key, Result<std::shared_ptr<const Module>> module) {
  if (!module) return module;
  const std::lock_guard lock(mutex_);
  std::erase_if(loaded_, [](const auto& entry) { return entry.second.expired(); });
  loaded_.insert_or_assign(key, *module);
  return module;
}

Result<void> ModuleCache::compile(const EngineOptions& engine,
                                  std::string_view wasm,
                                  const fs::path& to) {
  {
    const std::lock_guard lock(mutex_);
    ++compilations_;
  }
  std::string temporary = (folder_ / "compiling-XXXXXX").string();
  const Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC | O_APPEND));
  if (!file) return Error{"cannot write in " + folder_.string() + ": " + system_text(errno)};
  places_.acquire();
  Result<void> done =
      compile_in_child(options_.compiler, engine, limits_, wasm, file.get(), bounds_);
  places_.release();
  if (done) done = append_checksum(temporary, file.get());
  if (done && ::rename(temporary.c_str(), to.c_str()) != 0) {
    done = Error{"cannot write " + to.string() + ": " + system_text(errno)};
  }
  if (!done) ::unlink(temporary.c_str());
  return done;
}

// Keeps the folder below its bound. Files in use stay usable: they are mapped.
void ModuleCache::prune() const {
  struct File {
    fs::path path;
    fs::file_time_type used;
    std::uintmax_t bytes;
  };
  std::vector<File> files;
  std::uintmax_t bytes = 0;
  std::error_code error;
  for (fs::directory_iterator entry(folder_, error), end; !error && entry != end;
       entry.increment(error)) {
    if (!entry->is_regular_file(error)) continue;
    files.push_back({entry->path(), entry->last_write_time(error), entry->file_size(error)});
    bytes += files.back().bytes;
  }
  std::ranges::sort(files, {}, &File::used);
  for (const File& file : files) {
    if (bytes <= options_.folder_bytes_max) break;
    if (fs::remove(file.path, error)) bytes -= file.bytes;
  }
}

}  // namespace troupe::guest
