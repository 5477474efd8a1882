// What a turn read and what came of it: enough to run it again and to know whether it came out the
// same.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace troupe::journal {

// Who caused the turn: 128 random bits for a client's event.
using InputId = std::array<std::uint8_t, 16>;

enum class Result : std::uint8_t {
  done,    // committed
  error,   // undone: the guest reported an error
  failed,  // undone: trap, timeout, out of memory, unusable output
};

struct Record {
  std::uint64_t turn = 0;  // counted from 1 in each life of the actor
  InputId input_id{};
  std::string function;                 // the export that was called
  std::string input;                    // the event's payload, as JSON text
  std::int64_t time_ns = 0;             // the turn's time, since the Unix epoch
  std::array<std::uint8_t, 32> seed{};  // of the turn's random numbers
  std::string code;                     // content hash of the plugin that ran
  std::vector<std::string> answers;     // of host functions, in the order of the calls
  Result result = Result::done;
  std::string reason;                         // of a turn that was undone
  std::array<std::uint8_t, 16> state_hash{};  // of the state's canonical text after the turn
};

}  // namespace troupe::journal
