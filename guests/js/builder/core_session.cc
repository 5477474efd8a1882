#include "guests/js/builder/core_session.h"

#include "guest/sandbox.h"

#include <algorithm>
#include <cstring>
#include <utility>

// The core as the build made it, between two symbols.
asm(R"(
  .section .rodata
  .balign 16
  .global troupe_js_core_begin
  .global troupe_js_core_end
troupe_js_core_begin:
  .incbin ")" TROUPE_JS_CORE R"("
troupe_js_core_end:
  .byte 0
  .previous
)");

extern "C" {
extern const std::uint8_t troupe_js_core_begin[];
extern const std::uint8_t troupe_js_core_end[];
}

namespace troupe::js {

namespace {

using Words = std::span<const std::uint64_t>;

// As in ../core/core.h.
enum class Operation : std::uint32_t {
  ask_resolve = 1,
  ask_read = 2,
  ask_source_map = 3,
  ask_take = 4,
  tell_export = 5,
  tell_uses = 6,
  tell_error = 7,
  tell_log = 8,
  tell_error_name = 9,
  tell_unlinked = 10,
  tell_output = 11,
  ask_interface = 12,
  tell_cells = 13,
};

// Six words of 32 bits in the core's memory.
struct Request {
  std::uint32_t operation;
  std::uint32_t number;
  std::uint32_t a;
  std::uint32_t a_size;
  std::uint32_t b;
  std::uint32_t b_size;
};

constexpr std::size_t log_lines_max = 1000;                        // kept of one evaluation
constexpr std::size_t log_line_bytes_max = std::size_t{8} * 1024;  // kept of one line
constexpr std::size_t exports_max = 10'000;

// WASI's error numbers.
constexpr std::uint64_t wasi_success = 0;
constexpr std::uint64_t wasi_badf = 8;
constexpr std::uint64_t wasi_fault = 21;

class Session {
 public:
  explicit Session(CoreFiles& files) : files_(files) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Result<> start(const BuildOptions& options);
  Result<Evaluation> evaluate();
  // One run of a tool, whose program and input are files.
  Result<std::string> run_tool();

 private:
  guest::Sandbox::HostFunctions host_functions();
  Result<std::uint64_t> ask(Words arguments);
  std::uint64_t answer(std::uint8_t kind, std::string text);
  std::uint64_t answer(const Result<std::string>& result);
  // A range of the core's memory; empty when it is not inside.
  std::span<std::uint8_t> range(std::uint64_t address, std::uint64_t size);
  std::string_view text(std::uint32_t address, std::uint32_t size);

  CoreFiles& files_;
  std::unique_ptr<guest::Sandbox> sandbox_;
  Evaluation evaluation_;
  CoreError error_;
  std::string answer_;
  std::string output_;
  bool has_started_ = false;  // the user's source, not only the core
};

std::span<std::uint8_t> Session::range(std::uint64_t address, std::uint64_t size) {
  const auto memory = sandbox_->memory();
  if (address > memory.size() || size > memory.size() - address) return {};
  return memory.subspan(address, size);
}

std::string_view Session::text(std::uint32_t address, std::uint32_t size) {
  const auto bytes = range(address, size);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::uint64_t Session::answer(std::uint8_t kind, std::string text) {
  answer_ = std::move(text);
  return std::uint64_t{answer_.size()} << 8 | kind;
}

std::uint64_t Session::answer(const Result<std::string>& result) {
  return result ? answer(1, *result) : answer(0, result.error().message);
}

Result<std::uint64_t> Session::ask(Words arguments) {
  const auto bytes = range(arguments[0], sizeof(Request));
  if (bytes.empty()) return Error{"the core asked from outside of its memory"};
  Request request{};
  std::memcpy(&request, bytes.data(), sizeof request);
  const std::string_view a = text(request.a, request.a_size);
  const std::string_view b = text(request.b, request.b_size);

  switch (static_cast<Operation>(request.operation)) {
    case Operation::ask_resolve: {
      has_started_ = true;
      auto result = files_.resolve(a, b);
      if (files_.must_stop()) return Error{"stopped"};
      return answer(result);
    }
    case Operation::ask_read: {
      auto result = files_.read(a);
      if (files_.must_stop()) return Error{"stopped"};
      if (result.has_error()) return answer(0, result.error().message);
      return answer(static_cast<std::uint8_t>(result->kind), std::string(result->text));
    }
    case Operation::ask_source_map:
      return answer(1, files_.source_map(a));
    case Operation::ask_take: {
      const auto target = range(request.number, answer_.size());
      if (target.size() != answer_.size())
        return Error{"the core wants an answer outside of its memory"};
      std::ranges::copy(answer_, target.begin());
      return 0;
    }
    case Operation::tell_export:
      if (evaluation_.exports.size() == exports_max) {
        return Error{"the source exports more than " + std::to_string(exports_max) + " functions"};
      }
      evaluation_.exports.emplace_back(a);
      return 0;
    case Operation::tell_uses:
      evaluation_.uses = request.number;
      return 0;
    case Operation::ask_interface:
      return answer(1, files_.interface());
    case Operation::tell_cells:
      evaluation_.cells = request.number;
      return 0;
    case Operation::tell_output:
      output_ = a;
      return 0;
    case Operation::tell_error_name:
      error_.name = a;
      return 0;
    case Operation::tell_unlinked:
      error_.importer = a;
      error_.imported_name = b;
      return 0;
    case Operation::tell_error:
      error_.message = a;
      error_.stack = b;
      evaluation_.error = error_;
      return 0;
    case Operation::tell_log:
      if (evaluation_.log.size() < log_lines_max) {
        const auto level = std::min<std::uint32_t>(request.number, 4);
        evaluation_.log.push_back(
            {static_cast<BuildLog::Level>(level), std::string(a.substr(0, log_line_bytes_max))});
      }
      return 0;
  }
  return Error{"the core asked something unknown"};
}

// The few functions of WASI that the core's C library may call. Building the same source twice must
// give the same bytes: the clock stands at 1970 and random numbers are zeros.
guest::Sandbox::HostFunctions Session::host_functions() {
  const auto bad_file = [](Words) -> Result<std::uint64_t> { return wasi_badf; };
  guest::Sandbox::HostFunctions functions;
  functions["troupe:build.ask"] = [this](Words words) { return ask(words); };
  functions["wasi_snapshot_preview1.clock_time_get"] =
      [this](Words words) -> Result<std::uint64_t> {
    evaluation_.read_clock = evaluation_.read_clock || has_started_;
    const auto target = range(words[2], 8);
    std::ranges::fill(target, std::uint8_t{0});
    return target.empty() ? wasi_fault : wasi_success;
  };
  functions["wasi_snapshot_preview1.random_get"] = [this](Words words) -> Result<std::uint64_t> {
    std::ranges::fill(range(words[0], words[1]), std::uint8_t{0});
    return wasi_success;
  };
  for (const auto* name : {"fd_close", "fd_fdstat_get", "fd_seek", "fd_write", "poll_oneoff"}) {
    functions[std::string("wasi_snapshot_preview1.") + name] = bad_file;
  }
  return functions;
}

Result<> Session::start(const BuildOptions& options) {
  guest::SandboxLimits limits;
  limits.time_max = options.evaluation_time_max;
  limits.memory_bytes_max = options.evaluation_memory_max;
  const auto folder = options.cache_folder.empty() ? default_cache_folder() : options.cache_folder;
  TRY(sandbox_, guest::Sandbox::create(core_module(), folder, host_functions(), limits));

  const auto initialized = sandbox_->call("_initialize");
  if (initialized.ending != guest::Ending::done)
    return Error{"the JavaScript core does not start: " + initialized.message};
  return {};
}

Result<Evaluation> Session::evaluate() {
  const auto built = sandbox_->call("build");
  evaluation_.ending = built.ending;
  evaluation_.trap = built.message;
  if (built.ending == guest::Ending::done && !evaluation_.error) {
    const auto memory = sandbox_->memory();
    evaluation_.memory.assign(memory.begin(), memory.end());
  }
  return std::move(evaluation_);
}

Result<std::string> Session::run_tool() {
  evaluation_.error.reset();
  const auto ran = sandbox_->call("run_tool");
  if (ran.ending != guest::Ending::done) return Error{ran.message};
  if (evaluation_.error) return Error{evaluation_.error->message};
  return std::move(output_);
}

// As in ../core/core.h.
constexpr std::string_view tool_program = "<tool>";

class ToolSession : public Tool, private CoreFiles {
 public:
  explicit ToolSession(std::string_view program) : program_(program), session_(*this) {}

  Result<> start(const BuildOptions& options) { return session_.start(options); }
  Result<std::string> run(std::string_view input) override {
    input_ = input;
    return session_.run_tool();
  }

 private:
  Result<std::string> resolve(std::string_view, std::string_view specifier) override {
    return Error{"a tool imports " + std::string(specifier)};
  }
  Result<Text> read(std::string_view key) override {
    return Text{SourceKind::either, key == tool_program ? program_ : input_};
  }
  std::string source_map(std::string_view) override { return ""; }
  bool must_stop() const override { return false; }

  std::string_view program_;
  std::string_view input_;
  Session session_;
};

}  // namespace

std::span<const std::uint8_t> core_module() {
  return {troupe_js_core_begin, troupe_js_core_end};
}

Result<std::unique_ptr<Tool>> Tool::create(std::string_view program, const BuildOptions& options) {
  auto tool = std::make_unique<ToolSession>(program);
  TRY_VOID(tool->start(options));
  return std::unique_ptr<Tool>(std::move(tool));
}

Result<Evaluation> evaluate(CoreFiles& files, const BuildOptions& options) {
  Session session(files);
  TRY_VOID(session.start(options));
  return session.evaluate();
}

}  // namespace troupe::js
