// An Extism host as small as it can be, to run plugins in tests: memory, input and output, vars,
// configuration, log, and a record of what was said to Troupe.
#pragma once

#include "guest/sandbox.h"

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::js {

class FakeHost {
 public:
  struct Result {
    guest::Ending ending = guest::Ending::done;
    std::uint64_t code = 0;
    std::string output;
    std::string error;  // what error_set was given, or the text of a trap
  };

  // Without Troupe's functions it is the host of any Extism plugin.
  explicit FakeHost(std::span<const std::uint8_t> wasm,
                    bool with_troupe = true,
                    const guest::SandboxLimits& limits = {},
                    guest::Sandbox::HostFunctions more = {});

  // `arguments` are those of an export with parameters; its result is the code.
  Result call(std::string_view function,
              std::string_view input = "",
              std::span<const std::uint64_t> arguments = {});
  // A call whose error would fail the test by its text.
  std::string output_of(std::string_view function, std::string_view input = "");
  std::span<std::uint8_t> memory() { return sandbox_->memory(); }
  std::uint64_t alloc(std::string_view bytes);
  // The block that begins at the handle; empty for none.
  std::string block(std::uint64_t handle) const;

  std::string start_error;  // not empty when the plugin cannot be instantiated here
  std::map<std::string, std::string> vars;
  std::map<std::string, std::string> config;
  std::string self = "{}";
  std::vector<std::pair<std::string, std::string>> effects;  // "reply" and its JSON
  std::vector<std::string> log;                              // "error: text"
  std::string http_request;
  std::uint64_t seed = 1;
  std::uint64_t time_ns = 0;
  std::vector<std::uint64_t> waits_ns;  // that the plugin asked for

 private:
  using Words = std::span<const std::uint64_t>;
  using Outcome = troupe::Result<std::uint64_t>;

  guest::Sandbox::HostFunctions functions(bool with_troupe);

  std::map<std::uint64_t, std::uint64_t> blocks_;  // begin and size
  std::string arena_;
  std::uint64_t input_ = 0;
  std::string output_;
  std::string error_;
  std::unique_ptr<guest::Sandbox> sandbox_;
};

}  // namespace troupe::js
