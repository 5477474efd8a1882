// A call in flight, as the functions see it that the guest imports (extism.cc, wasi.cc). Private to
// this folder.
#pragma once

#include "guest/arena.h"
#include "guest/engine.h"
#include "guest/host.h"
#include "guest/http.h"
#include "guest/instance.h"
#include "guest/turn_inputs.h"
#include "guest/vars.h"
#include "guest/wasi_files.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::guest {

// The clock and the random numbers of a turn: the same inputs give the same readings in the same
// order.
class TurnSource {
 public:
  explicit TurnSource(const TurnInputs& inputs) : time_ns_(inputs.time_ns), seed_(inputs.seed) {}

  // Each reading is a microsecond after the one before, so that a guest which waits in a loop gets
  // on.
  std::int64_t read_clock_ns();
  std::int64_t now_ns() const { return time_ns_; }
  // After a wait of the guest.
  void advance(std::uint64_t ns);

  void random(std::span<std::uint8_t> bytes);
  bool has_drawn() const { return random_at_ != 0; }

 private:
  std::int64_t time_ns_;
  const Seed seed_;
  std::uint64_t random_at_ = 0;  // position in the key stream
};

// Standard output or error: bytes become lines of the log.
class LineWriter {
 public:
  // A longer line is cut into several.
  static constexpr std::size_t line_bytes_max = 8192;

  explicit LineWriter(LogLevel level) : level_(level) {}

  void write(std::string_view bytes, LogLevel lowest, Host& host);
  // What was written after the last end of line.
  void flush(LogLevel lowest, Host& host);

 private:
  const LogLevel level_;
  std::string line_;
};

// What a component waits for: times of the turn's clock, by numbers that it holds as resources.
// They live as long as the instance.
class Pollables {
 public:
  static constexpr std::size_t count_max = 1024;

  // Nothing when there are too many.
  std::optional<std::uint32_t> add(std::uint64_t due_ns);
  void remove(std::uint32_t number);
  // 0, long ago, for a number that is none.
  std::uint64_t due_ns(std::uint32_t number) const;

 private:
  std::vector<std::uint64_t> due_ns_;
  std::vector<std::uint32_t> free_;
};

struct Call {
  // vars: null while the instance starts up, which belongs to no actor yet.
  Call(Engine::Impl& g, Arena& a, const Environment& e, const TurnInputs& inputs, Vars* v, Host& h)
      : engine(g), arena(a), environment(e), vars(v), host(h), source(inputs) {
    http.turn = inputs.name;
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // What the guest has written without an end of line, when no more will come.
  void end_output();

  Engine::Impl& engine;
  Arena& arena;
  const Environment& environment;
  Vars* const vars;
  Host& host;
  TurnSource source;
  Pollables* pollables = nullptr;  // of a component
  LineWriter standard_output{LogLevel::info};
  LineWriter standard_error{LogLevel::warn};

  // What the guest asked to wait for; the one who polls waits, advances the clock and clears it.
  std::optional<std::uint64_t> wait_ns;

  HttpState http;

  Files* files = nullptr;  // null where the plugin sees none
  std::optional<FileWork>
      file_work;  // what the guest waits for; who polls sees to it and clears it

  std::chrono::nanoseconds ran{0};  // guest code; see Outcome
  bool starved = false;  // it was ended because it had to wait for the thread for too long

  // The arena was asked for more than it may hold. A guest that traps afterwards ran out of memory.
  bool memory_refused = false;
  bool vars_full = false;  // see Outcome

  // Why an imported function has ended the guest with a trap, in words and, where it is more than a
  // refusal, in kind.
  std::optional<std::string> refusal;
  bool refused_by_host = false;  // Host::call said no: an error of the guest, not a failure
  std::optional<std::int32_t> exit_code;  // proc_exit
};

// The call whose guest code runs on this thread. Set around each poll of the guest's fibre: reading
// it costs the imported functions a nanosecond, where asking Wasmtime for data of the store costs
// five.
extern constinit thread_local Call* running_call;

}  // namespace troupe::guest
