#include "guests/js/builder/build.h"

#include "base/json.h"
#include "cli/command.h"
#include "guests/toolchain/build.h"
#include "server/local_call.h"
#include "server/source.h"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace troupe::cli {
namespace {

namespace fs = std::filesystem;

struct BuildArguments {
  std::string file = ".";
  std::string out;
  std::string interface;
  bool json = false;
};

// Written aside and renamed, so that nobody ever loads half a module.
Result<void> write_module(const fs::path& out, const std::vector<std::uint8_t>& wasm) {
  const fs::path aside = out.string() + ".new";
  std::ofstream stream(aside, std::ios::binary | std::ios::trunc);
  stream.write(reinterpret_cast<const char*>(wasm.data()),
               static_cast<std::streamsize>(wasm.size()));
  stream.close();
  std::error_code error;
  if (!stream) {
    error = std::error_code(errno, std::generic_category());
  } else {
    fs::rename(aside, out, error);
  }
  if (!error) return {};
  std::error_code ignored;
  fs::remove(aside, ignored);
  return Error{fmt::format("cannot write {}: {}", out.string(), error.message())};
}

std::string list_as_json(const std::vector<std::string>& list) {
  std::string text;
  json::quote_array(text, list);
  return text;
}

struct Module {
  std::vector<std::uint8_t> wasm;
  std::vector<std::string> exports;
  std::vector<std::string> host_functions;
};

int write(const fs::path& out, const Module& module, bool as_json) {
  if (const Result<void> written = write_module(out, module.wasm); !written) {
    return fail(written.error().message);
  }
  if (as_json) {
    std::string file;
    json::quote(file, out.string());
    fmt::print("{{\"file\":{},\"bytes\":{},\"exports\":{},\"host_functions\":{}}}\n",
               file,
               module.wasm.size(),
               list_as_json(module.exports),
               list_as_json(module.host_functions));
  } else {
    fmt::print("{}: {} KB, exports {}\n",
               out.string(),
               (module.wasm.size() + 999) / 1000,
               fmt::join(module.exports, ", "));
  }
  return 0;
}

// By the author's own tools, whose words are shown as they come.
int build_project(const toolchain::Project& project, const BuildArguments& arguments) {
  const fs::path out =
      arguments.out.empty()
          ? (fs::relative(project.folder) / (project.name + ".wasm")).lexically_normal()
          : fs::path(arguments.out);
  toolchain::BuildResult built = toolchain::build(
      project, {.printed = [](std::string_view text) { fmt::print(stderr, "{}", text); }});
  if (!built) return fail(built.error().message);
  Result<std::vector<std::string>> exports =
      server::functions_of(built->wasm, server::user_cache_folder());
  if (!exports) return fail(fmt::format("{}: {}", project.name, exports.error().message));
  // Names for hosts, such as _initialize, are no functions of the plugin.
  std::erase_if(*exports, [](const std::string& name) { return name.starts_with('_'); });
  return write(out, {std::move(built->wasm), std::move(*exports), {}}, arguments.json);
}

int build(const BuildArguments& arguments) {
  if (server::is_module(arguments.file)) {
    return fail(fmt::format("{} is a module already; troupe build takes a source or a folder",
                            arguments.file));
  }
  if (const auto project = toolchain::find_project(arguments.file)) {
    return build_project(*project, arguments);
  }
  const Result<fs::path> entry = server::find_source(arguments.file);
  if (!entry) return fail(entry.error().message);
  const fs::path out =
      arguments.out.empty() ? fs::path(*entry).replace_extension(".wasm") : fs::path(arguments.out);
  js::BuildResult built = js::build({.entry = *entry,
                                     .interface = arguments.interface,
                                     .cache_folder = server::user_cache_folder()});
  if (!built) return fail(js::render(built.error()));
  for (const js::BuildLog& line : built->log) fmt::print(stderr, "{}\n", line.text);
  for (const std::string& warning : built->warnings) {
    fmt::print(stderr, "warning: {}\n", warning);
  }
  return write(
      out,
      {std::move(built->wasm), std::move(built->exports), std::move(built->host_functions)},
      arguments.json);
}

}  // namespace

void add_build(CLI::App& program, Run& run) {
  CLI::App* command = program.add_subcommand("build", "Make a WebAssembly plugin of a source");
  command->footer(
      "JavaScript and TypeScript need no other tool; npm packages and JSX go through the "
      "project's\n"
      "own esbuild (npm install esbuild). -i takes an interface file as extism-js does. Rust, Go,\n"
      "AssemblyScript, C and C++ are built by their own tools, and what is missing is named.\n\n"
      "Examples:\n"
      "  troupe build                             the plugin in this folder, NAME.wasm\n"
      "  troupe build todo.js                     writes todo.wasm\n"
      "  troupe build src/todo.ts -o todo.wasm");
  auto arguments = std::make_shared<BuildArguments>();
  command->add_option("FILE", arguments->file, "A source, or the folder of a plugin")
      ->capture_default_str();
  command->add_option("-o,--out",
                      arguments->out,
                      "The module; FILE with .wasm, or NAME.wasm in a folder, when not given");
  command->add_option("-i,--interface",
                      arguments->interface,
                      "A .d.ts file that names exports and host functions with their types");
  command->add_flag("--json", arguments->json, "Print file, bytes, exports and host functions");
  command->callback([&run, arguments] { run = [arguments] { return build(*arguments); }; });
}

}  // namespace troupe::cli
