#include "guests/js/builder/fake_host.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace troupe::js {

namespace {

constexpr std::size_t arena_bytes = std::size_t{16} << 20;
constexpr std::uint64_t first_block = 77;  // where Extism's own kernel begins

}  // namespace

FakeHost::FakeHost(std::span<const std::uint8_t> wasm,
                   bool with_troupe,
                   const guest::SandboxLimits& limits,
                   guest::Sandbox::HostFunctions more)
    : arena_(arena_bytes, '\0') {
  more.merge(functions(with_troupe));
  auto sandbox = guest::Sandbox::create(wasm, {}, std::move(more), limits);
  if (sandbox) {
    sandbox_ = std::move(*sandbox);
  } else {
    start_error = sandbox.error().message;
  }
}

std::uint64_t FakeHost::alloc(std::string_view bytes) {
  if (bytes.empty()) return 0;
  const std::uint64_t begin =
      blocks_.empty() ? first_block : blocks_.rbegin()->first + blocks_.rbegin()->second + 8;
  if (begin + bytes.size() > arena_.size()) return 0;
  blocks_[begin] = bytes.size();
  std::ranges::copy(bytes, arena_.begin() + static_cast<std::ptrdiff_t>(begin));
  return begin;
}

std::string FakeHost::block(std::uint64_t handle) const {
  const auto found = blocks_.find(handle);
  return found == blocks_.end() ? "" : arena_.substr(handle, found->second);
}

guest::Sandbox::HostFunctions FakeHost::functions(bool with_troupe) {
  guest::Sandbox::HostFunctions all;
  const auto kernel = [&](std::string_view name, guest::Sandbox::HostFunction function) {
    all["extism:host/env." + std::string(name)] = std::move(function);
  };
  const auto load = [this](std::uint64_t address, std::size_t size) -> std::uint64_t {
    std::uint64_t value = 0;
    if (address + size <= arena_.size()) std::memcpy(&value, arena_.data() + address, size);
    return value;
  };
  const auto store = [this](std::uint64_t address, std::uint64_t value, std::size_t size) {
    if (address + size <= arena_.size()) std::memcpy(arena_.data() + address, &value, size);
    return std::uint64_t{0};
  };
  kernel("alloc", [this](Words w) -> Outcome { return alloc(std::string(w[0], '\0')); });
  kernel("free", [this](Words w) -> Outcome { return blocks_.erase(w[0]), 0; });
  kernel("length", [this](Words w) -> Outcome { return block(w[0]).size(); });
  kernel("load_u8", [load](Words w) -> Outcome { return load(w[0], 1); });
  kernel("load_u64", [load](Words w) -> Outcome { return load(w[0], 8); });
  kernel("store_u8", [store](Words w) -> Outcome { return store(w[0], w[1], 1); });
  kernel("store_u64", [store](Words w) -> Outcome { return store(w[0], w[1], 8); });
  kernel("input_length", [this](Words) -> Outcome { return block(input_).size(); });
  kernel("input_load_u8", [this, load](Words w) -> Outcome { return load(input_ + w[0], 1); });
  kernel("input_load_u64", [this, load](Words w) -> Outcome { return load(input_ + w[0], 8); });
  kernel("output_set",
         [this](Words w) -> Outcome { return output_ = arena_.substr(w[0], w[1]), 0; });
  kernel("error_set", [this](Words w) -> Outcome { return error_ = block(w[0]), 0; });
  kernel("config_get", [this](Words w) -> Outcome {
    const auto found = config.find(block(w[0]));
    return found == config.end() ? 0 : alloc(found->second);
  });
  kernel("var_get", [this](Words w) -> Outcome {
    const auto found = vars.find(block(w[0]));
    return found == vars.end() ? 0 : alloc(found->second);
  });
  kernel("var_set", [this](Words w) -> Outcome {
    if (w[1] == 0) return vars.erase(block(w[0])), 0;
    return vars[block(w[0])] = block(w[1]), 0;
  });
  kernel("http_request", [this](Words w) -> Outcome {
    http_request = block(w[0]) + " " + block(w[1]);
    return alloc("pong");
  });
  kernel("http_status_code", [](Words) -> Outcome { return 201; });
  kernel("http_headers",
         [this](Words) -> Outcome { return alloc(R"({"content-type":"text/plain"})"); });
  for (const std::string level : {"trace", "debug", "info", "warn", "error"}) {
    kernel("log_" + level, [this, level](Words w) -> Outcome {
      log.push_back(level + ": " + block(w[0]));
      return 0;
    });
  }
  if (with_troupe) {
    all["extism:host/user.troupe_self"] = [this](Words) -> Outcome { return alloc(self); };
    for (const std::string name :
         {"reply", "broadcast", "publish", "subscribe", "send", "timer", "cancel"}) {
      all["extism:host/user.troupe_" + name] = [this, name](Words w) -> Outcome {
        effects.emplace_back(name, block(w[0]));
        return 0;
      };
    }
  }
  all["wasi_snapshot_preview1.clock_time_get"] = [this](Words w) -> Outcome {
    std::memcpy(sandbox_->memory().data() + w[2], &time_ns, sizeof time_ns);
    return 0;
  };
  // One subscription to a clock: a wait that takes no time but moves the clock.
  all["wasi_snapshot_preview1.poll_oneoff"] = [this](Words w) -> Outcome {
    std::uint64_t timeout = 0;
    std::memcpy(&timeout, sandbox_->memory().data() + w[0] + 24, sizeof timeout);
    waits_ns.push_back(timeout);
    time_ns += timeout;
    const std::uint32_t events = 1;
    std::memcpy(sandbox_->memory().data() + w[3], &events, sizeof events);
    return 0;
  };
  all["wasi_snapshot_preview1.random_get"] = [this](Words w) -> Outcome {
    for (std::uint64_t i = 0; i < w[1]; i++) {
      seed = seed * 6364136223846793005 + 1442695040888963407;
      sandbox_->memory()[w[0] + i] = static_cast<std::uint8_t>(seed >> 56);
    }
    return 0;
  };
  return all;
}

FakeHost::Result FakeHost::call(std::string_view function,
                                std::string_view input,
                                std::span<const std::uint64_t> arguments) {
  blocks_.clear();
  output_.clear();
  error_.clear();
  input_ = alloc(input);
  auto outcome = sandbox_->call(function, arguments);
  Result result{outcome.ending, outcome.value, output_, error_};
  if (outcome.ending != guest::Ending::done) result.error = outcome.message;
  return result;
}

std::string FakeHost::output_of(std::string_view function, std::string_view input) {
  auto result = call(function, input);
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.code, 0u);
  return result.output;
}

}  // namespace troupe::js
