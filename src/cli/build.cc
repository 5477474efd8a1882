#include "guests/js/builder/build.h"

#include "base/json.h"
#include "cli/command.h"
#include "server/local_call.h"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>

namespace troupe::cli {
namespace {

namespace fs = std::filesystem;

struct BuildArguments {
  std::string file;
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
  std::string text = "[";
  for (const std::string& each : list) {
    if (text.size() > 1) text += ',';
    json::quote(text, each);
  }
  return text + "]";
}

int build(const BuildArguments& arguments) {
  const fs::path entry = arguments.file;
  if (server::is_module(entry)) {
    return fail(fmt::format("{} is a module already; troupe build takes JavaScript or TypeScript",
                            arguments.file));
  }
  const fs::path out =
      arguments.out.empty() ? fs::path(entry).replace_extension(".wasm") : fs::path(arguments.out);
  const js::BuildResult built = js::build({.entry = entry,
                                           .interface = arguments.interface,
                                           .cache_folder = server::user_cache_folder()});
  if (!built) return fail(js::render(built.error()));
  for (const js::BuildLog& line : built->log) fmt::print(stderr, "{}\n", line.text);
  for (const std::string& warning : built->warnings) {
    fmt::print(stderr, "warning: {}\n", warning);
  }
  if (const Result<void> written = write_module(out, built->wasm); !written) {
    return fail(written.error().message);
  }
  if (arguments.json) {
    std::string file;
    json::quote(file, out.string());
    fmt::print("{{\"file\":{},\"bytes\":{},\"exports\":{},\"host_functions\":{}}}\n",
               file,
               built->wasm.size(),
               list_as_json(built->exports),
               list_as_json(built->host_functions));
  } else {
    fmt::print("{}: {} KB, exports {}\n",
               out.string(),
               (built->wasm.size() + 999) / 1000,
               fmt::join(built->exports, ", "));
  }
  return 0;
}

}  // namespace

void add_build(CLI::App& program, Run& run) {
  CLI::App* command = program.add_subcommand("build", "Make a WebAssembly plugin of a source");
  command->footer(
      "JavaScript and TypeScript need no other tool; npm packages and JSX go through the "
      "project's\n"
      "own esbuild (npm install esbuild). -i takes an interface file as extism-js does.\n\n"
      "Examples:\n"
      "  troupe build todo.js                     writes todo.wasm\n"
      "  troupe build src/todo.ts -o todo.wasm");
  auto arguments = std::make_shared<BuildArguments>();
  command->add_option("FILE", arguments->file, "The JavaScript or TypeScript source")->required();
  command->add_option("-o,--out", arguments->out, "The module; FILE with .wasm when not given");
  command->add_option("-i,--interface",
                      arguments->interface,
                      "A .d.ts file that names exports and host functions with their types");
  command->add_flag("--json", arguments->json, "Print file, bytes, exports and host functions");
  command->callback([&run, arguments] { run = [arguments] { return build(*arguments); }; });
}

}  // namespace troupe::cli
