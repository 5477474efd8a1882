// What a turn wants to be done once it has committed: pushes to viewers, messages to other actors,
// timers.
//
// Collected while the guest runs and dropped when the turn does not commit. Lives in a turn.
#pragma once

#include "base/result.h"

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::actor {

// What viewers are shown before the new state.
struct Push {
  bool to_all = false;  // to every viewer, or to the one whose event this is
  std::string name;
  std::string detail;  // JSON text
};

// Everything else, in the order of the calls.
struct Deed {
  enum class Kind {
    publish,    // `event` and `payload` to the actors that have subscribed to `target`
    subscribe,  // to the topic `target`
    send,       // `event` and `payload` to the actor `target`
    call,       // the function `event` of the actor `target`
    timer,      // `target`: `event` and `payload` come back `after` from the turn's time
    cancel,     // the timer `target`
  };
  Kind kind;
  std::string target;
  std::string event;
  std::string payload;  // JSON text; of a call the bytes
  std::chrono::milliseconds after{0};
  // Of what is published: what handle_message gets of it, and the durable actors that had
  // subscribed when the turn ended.
  std::string notice{};
  std::vector<std::string> hearers{};

  // To other actors.
  bool is_message() const {
    return kind == Kind::publish || kind == Kind::send || kind == Kind::call;
  }
  std::size_t bytes() const { return target.size() + event.size() + payload.size(); }
  // Of one message, as Message::bytes().
  std::size_t message_bytes() const {
    return kind == Kind::publish ? target.size() + notice.size() : event.size() + payload.size();
  }
};

inline constexpr std::size_t topic_bytes_max = 512;
inline constexpr std::size_t timer_name_bytes_max = 128;
inline constexpr std::chrono::milliseconds timer_min{10};
inline constexpr std::chrono::milliseconds timer_max{std::chrono::hours(24 * 366)};

class Effects {
 public:
  Effects(std::size_t count_max, std::size_t bytes_max)
      : count_max_(count_max), bytes_max_(bytes_max) {}

  // Takes a call of the host function troupe_FUNCTION with this JSON. An Error, for the guest, when
  // there is no such function, the input is not what it takes, or a turn has had its fill.
  Result<> add(std::string_view function, std::string_view input);

  const std::vector<Push>& pushes() const { return pushes_; }
  const std::vector<Deed>& deeds() const { return deeds_; }
  std::vector<Deed>& deeds() { return deeds_; }
  bool empty() const { return pushes_.empty() && deeds_.empty(); }
  // Something was refused because the turn has had its fill.
  bool is_full() const { return full_; }

 private:
  Result<> take_room(std::size_t bytes);

  const std::size_t count_max_;
  const std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  bool full_ = false;
  std::vector<Push> pushes_;
  std::vector<Deed> deeds_;
};

// Names that the protocols use themselves: state:change, state:patch, error, phx_*, livestate-*.
bool is_reserved_event(std::string_view name);

}  // namespace troupe::actor
