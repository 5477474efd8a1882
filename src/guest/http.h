// The HTTP requests of one call: what the guest has asked for, and its answer. Private to this
// folder; on the shard of the call.
#pragma once

#include "base/task.h"
#include "guest/http_request.h"
#include "guest/turn_inputs.h"
#include "guest/wasmtime.h"
#include "shard/shard.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace troupe::guest {

struct Call;

struct HttpState {
  // Of one call, and what all their answers together may hold: they are kept for its record.
  static constexpr std::size_t requests_max = 100;
  static constexpr std::size_t answers_bytes_max = std::size_t{64} << 20;

  struct Asked {
    HttpRequest request;
    std::string body;
    wasmtime_val_t* result;  // for the handle of the answer's body
    wasm_trap_t** trap;
  };
  // The guest's fibre waits until whoever polls it has called answer_http().
  std::optional<Asked> asked;

  TurnName turn;  // whose requests these are
  std::size_t requests = 0;
  std::size_t answers_bytes = 0;

  // Of the latest request, when it was answered.
  int status = 0;
  std::string headers;  // a JSON object; empty when the plugin gets none
};

// Makes the request that the guest waits for, and gives it the answer. False when there was none by
// the deadline. The clock of the call moves on by what it took.
Task<bool> answer_http(shard::Shard& shard,
                       Call& call,
                       std::chrono::steady_clock::time_point deadline);

}  // namespace troupe::guest
