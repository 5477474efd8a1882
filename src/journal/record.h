// What happened to an actor, in the order it happened: its records, and the checkpoints to start
// again from. Here as values, and as the bytes of docs/formats/journal.md.
//
// Nothing here does I/O; any thread may use it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::journal {

// Who caused the turn: 128 random bits for a client's event, else what its sender and its number
// there, or a timer and its generation, hash to.
using InputId = std::array<std::uint8_t, 16>;
using Hash = std::array<std::uint8_t, 16>;

// The id of the `number`th message that a sender has sent in one of its lives.
InputId sender_id(std::string_view sender, std::uint64_t incarnation, std::uint64_t number);

enum class Kind : std::uint8_t {
  turn = 1,  // a message was handled
  init,      // the first state was made; counts as a turn
  upgrade,   // from the code in `input` to `code`; comes with a checkpoint
  restart,   // the guest's memory was given up: variables and state alone go on
  config,    // `input` is the configuration that holds from here on
  rewind,    // the actor is again as it was at `source`; comes with a checkpoint
  fork,      // the life begins as a copy of `source`; comes with a checkpoint
  end,       // the life is over: the tombstone
};
inline constexpr bool is_turn(Kind kind) {
  return kind == Kind::turn || kind == Kind::init;
}
// "turn", "init" and so on; a tombstone is "delete".
std::string_view name_of(Kind kind);

enum class TurnResult : std::uint8_t {
  done,    // the guest returned normally
  error,   // the guest reported an error
  failed,  // trap, timeout, out of memory, unusable output
};
std::string_view name_of(TurnResult result);

// A moment in the past of an actor: the end of a turn.
struct Moment {
  std::string address;
  std::uint64_t incarnation = 0;
  std::uint64_t turn = 0;
  friend bool operator==(const Moment&, const Moment&) = default;
};

// What an HTTP request of the guest was answered with, as the guest saw it.
struct HttpAnswer {
  int status = 0;
  std::string headers;  // a JSON object; empty when the plugin gets none
  std::string body;
  std::string error;         // why the call was ended instead; empty for an answer
  std::int64_t took_ns = 0;  // the turn's clock moved on by it
  friend bool operator==(const HttpAnswer&, const HttpAnswer&) = default;
};

// Of a host function: JSON text, or what came by HTTP.
using Answer = std::variant<std::string, HttpAnswer>;
std::size_t bytes_of(const Answer& answer);

// What a new instance started with, before its first turn.
struct StartUp {
  std::int64_t time_ns = 0;
  std::array<std::uint8_t, 32> seed{};
  friend bool operator==(const StartUp&, const StartUp&) = default;
};

struct Record {
  std::uint64_t turn = 0;  // counted from 1 in each life of the actor
  InputId input_id{};
  std::string function;                 // the export that was called
  std::string input;                    // what it was given beside the state
  std::int64_t time_ns = 0;             // the turn's time, since the Unix epoch
  std::array<std::uint8_t, 32> seed{};  // of its random numbers; all zero: it asked for none
  std::string code;                     // content hash of the plugin that ran
  std::vector<Answer> answers;          // of host functions, in the order of the calls
  TurnResult result = TurnResult::done;
  bool committed = false;  // else the turn was undone, and is not run again
  std::string reason;      // of an error or a failure
  Hash outcome{};          // of state, output and effects

  Kind kind = Kind::turn;
  std::int64_t last_time_ns = 0;  // what the actor's clock had reached at the end; 0: `time_ns`
  Moment source{};                // of a rewind or a fork
  // Of a turn of an instance that came from no checkpoint's memory and has not had a turn that
  // committed: how it started. Else all zero.
  StartUp start_up{};

  // What it takes to keep it.
  std::size_t bytes() const {
    std::size_t sum = sizeof(Record) + function.size() + input.size() + reason.size();
    for (const Answer& answer : answers) sum += bytes_of(answer);
    return sum;
  }
  friend bool operator==(const Record&, const Record&) = default;
};

struct Timer {
  std::string name;
  std::string event;
  std::string payload;
  std::int64_t due_ns = 0;  // since the Unix epoch
  std::uint64_t generation = 0;
  friend bool operator==(const Timer&, const Timer&) = default;
};

// What one entry changed in the actor's timers and subscriptions, the sum of it: a name is in one
// list, once. A timer that has fired counts as cancelled.
struct Changes {
  std::uint64_t sent = 0;  // messages to other actors that this life has sent by now
  std::vector<Timer> timers_set;
  std::vector<std::string> timers_cancelled;
  std::vector<std::string> topics_joined;
  std::vector<std::string> topics_left;
  friend bool operator==(const Changes&, const Changes&) = default;
};

// As Subject, of an address that is somewhere else.
struct SubjectView {
  std::string_view address;
  std::uint64_t incarnation = 0;
  std::uint64_t number = 0;
  friend bool operator==(const SubjectView&, const SubjectView&) = default;
};

// Whose entry it is.
struct Subject {
  std::string address;
  std::uint64_t incarnation = 0;  // which of its lives
  std::uint64_t number = 0;       // of the entry: 1, 2, 3, ... over all lives of the address
  operator SubjectView() const { return {address, incarnation, number}; }
  friend bool operator==(const Subject&, const Subject&) = default;
};

// One record as it stands in the journal.
struct Entry {
  Subject subject;
  std::uint64_t sequence = 0;  // in the partition of the address
  Record record;
  Changes changes;
  bool has_checkpoint = false;  // one was committed with it
  friend bool operator==(const Entry&, const Entry&) = default;
};

// An actor as it was after one of its entries.
struct Checkpoint {
  Subject subject;  // the last entry it holds
  std::uint64_t turn = 0;
  std::int64_t last_time_ns = 0;
  std::uint64_t sent = 0;              // messages to other actors
  std::uint64_t timer_generation = 0;  // the last that was given out
  std::string code;                    // content hash of the plugin whose memory it is
  std::string state;                   // canonical text; empty before init
  std::vector<std::pair<std::string, std::string>> vars;  // these three ascend by name
  std::vector<Timer> timers;
  std::vector<std::string> topics;
  std::optional<std::string> memory;  // nothing: that of a new instance
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

// A message of an actor on its way to another.
struct Outgoing {
  enum class Kind : std::uint8_t { event = 1, call, notice };
  Kind kind = Kind::event;
  std::string sender;
  std::uint64_t incarnation = 0;
  std::uint64_t number = 0;  // the how-manyeth of that life: sender_id() makes its input id
  std::string to;
  std::string name;
  std::string payload;
  std::size_t bytes() const { return name.size() + payload.size(); }
  friend bool operator==(const Outgoing&, const Outgoing&) = default;
};
std::string_view name_of(Outgoing::Kind kind);

// A timer and whose it is.
struct Alarm {
  std::string address;
  std::uint64_t incarnation = 0;
  Timer timer;
  friend bool operator==(const Alarm&, const Alarm&) = default;
};

inline constexpr int format_version = 1;
inline constexpr std::size_t partitions = 256;
inline constexpr std::size_t address_bytes_max = 576;
// More than a body of HTTP, its answers and a reason together may be.
inline constexpr std::size_t entry_bytes_max = std::size_t{16} << 20;
// Memory of the largest instance, with variables and state.
inline constexpr std::size_t checkpoint_bytes_max = std::size_t{256} << 20;
// A batch that has reached this many bytes takes no further entry: to read one entry of an actor is
// to read its batch.
inline constexpr std::size_t batch_bytes_max = std::size_t{16} << 10;

std::uint8_t partition_of(std::string_view address);

// The encoder. What these append is what the page of the format says; what they are given must
// be sound: a number, an address, and the turn's clock not before its time.
//
// An entry's content is made by who appends it; the frame around it, by who knows its batch.
void append_content(std::string& out,
                    const SubjectView& subject,
                    const Record& record,
                    const Changes& changes,
                    bool has_checkpoint);
void append_entry(std::string& out,
                  std::string_view content,
                  std::uint64_t batch,
                  std::uint64_t previous_batch,
                  std::uint64_t sequence);
inline constexpr char batch_head = static_cast<char>(format_version);
std::string encode(const Checkpoint& checkpoint);
std::string encode(const Outgoing& message);
std::string encode(const Alarm& alarm);
// Of a file in a backup.
std::uint64_t file_sum(std::string_view path, std::string_view body);

}  // namespace troupe::journal
