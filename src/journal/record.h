// What a turn read and what came of it: enough to run it again and to know whether it came out the
// same.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe::journal {

// Who caused the turn: 128 random bits for a client's event, else what its sender and its number
// there, or a timer and its generation, hash to.
using InputId = std::array<std::uint8_t, 16>;
using Hash = std::array<std::uint8_t, 16>;

// The id of the `number`th message that a sender has sent in one of its lives.
InputId sender_id(std::string_view sender, std::uint64_t incarnation, std::uint64_t number);

enum class Result : std::uint8_t {
  done,    // the guest returned normally
  error,   // the guest reported an error
  failed,  // trap, timeout, out of memory, unusable output
};

// What an HTTP request of the guest was answered with, as the guest saw it.
struct HttpAnswer {
  int status = 0;
  std::string headers;  // a JSON object; empty when the plugin gets none
  std::string body;
  std::string error;         // why the call was ended instead; empty for an answer
  std::int64_t took_ns = 0;  // the turn's clock moved on by it
};

// Of a host function: JSON text, or what came by HTTP.
using Answer = std::variant<std::string, HttpAnswer>;
std::size_t bytes_of(const Answer& answer);

struct Record {
  std::uint64_t turn = 0;  // counted from 1 in each life of the actor
  InputId input_id{};
  std::string function;                 // the export that was called
  std::string input;                    // what it was given beside the state
  std::int64_t time_ns = 0;             // the turn's time, since the Unix epoch
  std::array<std::uint8_t, 32> seed{};  // of the turn's random numbers
  std::string code;                     // content hash of the plugin that ran
  std::vector<Answer> answers;          // of host functions, in the order of the calls
  Result result = Result::done;
  bool committed = false;  // else the turn was undone, and is not run again
  std::string reason;      // of an error or a failure
  Hash outcome{};          // of state, output and effects

  // What it takes to keep it.
  std::size_t bytes() const {
    std::size_t sum = sizeof(Record) + function.size() + input.size() + reason.size();
    for (const Answer& answer : answers) sum += bytes_of(answer);
    return sum;
  }
};

}  // namespace troupe::journal
