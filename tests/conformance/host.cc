// Troupe's host behind a line of JSON for each question: what conformance_test.py compares with
// libextism.
//
//   {"op":"open","plugin":BASE64,"wasi":false,"fuel":0,"functions":["upper"],"http_headers":false}
//   {"op":"call","function":"f","input":BASE64,"cancel_ms":0}
//   {"op":"exists","function":"f"}   {"op":"config","config":JSON TEXT}   {"op":"reset"}
//   {"op":"close"}
//
// An answer is an object; a plugin that cannot be opened answers {"error":TEXT}.
#include "base/json.h"
#include "base/result.h"
#include "guest/host_function.h"
#include "guest/module_cache.h"
#include "guest/program.h"
#include "server/local_plugin.h"
#include "server/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <iostream>
#include <memory>
#include <mutex>
#include <sodium.h>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace troupe {
namespace {

std::string from_base64(std::string_view text) {
  std::string bytes(text.size(), '\0');
  std::size_t size = 0;
  const int bad = sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()),
                                    bytes.size(),
                                    text.data(),
                                    text.size(),
                                    nullptr,
                                    &size,
                                    nullptr,
                                    sodium_base64_VARIANT_ORIGINAL);
  if (bad != 0) throw std::runtime_error("a question holds what is no base64");
  bytes.resize(size);
  return bytes;
}

std::string to_base64(std::string_view bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(),
                    text.size(),
                    reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.resize(text.size() - 1);  // the zero behind it
  return text;
}

// As in libextism.py.
std::shared_ptr<const guest::HostFunctionSpec> function(std::string_view name) {
  using guest::NumberType;
  auto spec = std::make_shared<guest::HostFunctionSpec>();
  spec->name = name;
  if (name == "upper") {
    spec->parameters = {NumberType::i64};
    spec->results = {NumberType::i64};
    spec->body = [](guest::HostCall& call,
                    std::span<const guest::Number> in,
                    std::span<guest::Number> out) -> Result<void> {
      std::string text(call.read(in[0].handle()));
      for (char& c : text) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
      }
      out[0].set(call.put(text));
      return {};
    };
  } else {
    spec->parameters = {NumberType::i32, NumberType::i64, NumberType::f64};
    spec->results = {NumberType::f64};
    spec->body = [](guest::HostCall&,
                    std::span<const guest::Number> in,
                    std::span<guest::Number> out) -> Result<void> {
      out[0].set(in[0].i32() + static_cast<double>(in[1].i64()) + in[2].f64());
      return {};
    };
  }
  return spec;
}

// Ends a call after a time, unless it ends before.
class Canceller {
 public:
  Canceller(server::LocalPlugin& plugin, std::chrono::milliseconds after)
      : thread_([this, &plugin, after] {
          std::unique_lock lock(mutex_);
          if (!over_.wait_for(lock, after, [this] { return done_; })) plugin.cancel();
        }) {}
  ~Canceller() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    over_.notify_one();
    thread_.join();
  }

 private:
  std::mutex mutex_;
  std::condition_variable over_;
  bool done_ = false;
  std::thread thread_;
};

class Answerer {
 public:
  explicit Answerer(std::filesystem::path cache_folder) : cache_folder_(std::move(cache_folder)) {}

  std::string answer(json::Value question) {
    const std::string op = question.find("op")->string();
    if (op == "open") return open(question);
    if (op == "call") return call(question);
    if (op == "exists") {
      const std::string name = question.find("function")->string();
      return fmt::format("{{\"exists\":{}}}", plugin_->module().has_function(name));
    }
    if (op == "config") return config(question.find("config")->string());
    if (op == "reset") plugin_->reset();
    if (op == "close") plugin_.reset();
    return "{}";
  }

 private:
  std::string open(json::Value question) {
    auto made = make(question);
    if (made.has_error()) {
      std::string text = "{\"error\":";
      json::quote(text, made.error().message);
      return text + '}';
    }
    plugin_ = std::move(*made);
    return "{}";
  }

  Result<std::unique_ptr<server::LocalPlugin>> make(json::Value question) {
    const std::string bytes = from_base64(question.find("plugin")->string());
    server::Manifest manifest;
    if (guest::is_webassembly(bytes)) {
      server::Manifest::Module module;
      module.data = bytes;
      manifest.modules.push_back(std::move(module));
    } else {
      TRY(manifest, server::parse_manifest(bytes, "manifest"));
    }
    TRY(const server::LoadedModules modules, server::load_modules(manifest, {}));
    guest::Program program{
        .parts = modules.program(), .wasi = *question.find("wasi")->boolean(), .functions = {}};
    for (const json::Value name : question.find("functions")->elements()) {
      program.functions.push_back(function(name.string()));
    }
    server::LocalPlugin::Options options;
    // libextism's own bounds, where the manifest names none.
    options.environment.limits.timeout = std::chrono::hours(1);
    options.environment.limits.memory_pages_max = 65'536;
    options.environment.limits.output_bytes_max = std::size_t{1} << 30;
    options.environment.http_response_headers = *question.find("http_headers")->boolean();
    const auto fuel = static_cast<std::uint64_t>(*question.find("fuel")->integer());
    if (fuel != 0) options.environment.limits.fuel_max = fuel;
    manifest.apply(options.environment, {});
    TRY(std::shared_ptr<server::LocalRuntime> runtime,
        server::LocalRuntime::create({.fuel = fuel != 0, .cache_folder = cache_folder_}));
    return server::LocalPlugin::create(std::move(runtime), program, std::move(options));
  }

  std::string call(json::Value question) {
    const std::string input = from_base64(question.find("input")->string());
    const std::chrono::milliseconds cancel_after(*question.find("cancel_ms")->integer());
    std::unique_ptr<Canceller> canceller;
    if (cancel_after.count() != 0) canceller = std::make_unique<Canceller>(*plugin_, cancel_after);
    const guest::Outcome& outcome = plugin_->call(question.find("function")->string(), input);
    canceller.reset();
    std::string text =
        fmt::format("{{\"code\":{},\"output\":\"{}\"", outcome.code, to_base64(outcome.output));
    if (const std::string_view error = guest::extism_text(outcome); !error.empty()) {
      text += ",\"error\":";
      json::quote(text, error);
    }
    return text + '}';
  }

  std::string config(const std::string& object) {
    json::Tape tape;
    if (json::parse(object, tape).has_error() || !tape.root().is_object()) return "{\"ok\":false}";
    for (const json::Member member : tape.root().members()) {
      plugin_->set_config(
          member.name.string(),
          member.value.is_null() ? std::nullopt : std::optional(member.value.string()));
    }
    return "{\"ok\":true}";
  }

  const std::filesystem::path cache_folder_;
  std::unique_ptr<server::LocalPlugin> plugin_;
};

int answer_questions() {
  if (sodium_init() < 0) return 1;
  const std::filesystem::path cache =
      std::filesystem::temp_directory_path() / fmt::format("troupe-conformance-{}", ::getpid());
  {
    Answerer answerer(cache);
    json::Tape tape;
    for (std::string line; std::getline(std::cin, line);) {
      if (json::parse(line, tape).has_error()) return 1;
      std::cout << answerer.answer(tape.root()) << std::endl;
    }
  }
  std::filesystem::remove_all(cache);
  return 0;
}

}  // namespace
}  // namespace troupe

// The module cache starts this program as its compiler.
int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "compile-module") {
    return troupe::guest::run_compiler(argc - 2, argv + 2);
  }
  return troupe::answer_questions();
}
