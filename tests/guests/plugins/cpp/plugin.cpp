// What the tests of the kits call, in C++.
#include "troupe.hpp"

using troupe::Result;

struct State {
  std::string text;
  TROUPE_FIELDS(text)
};

struct Detail {
  std::string text;
  int n;
  TROUPE_FIELDS(text, n)
};

static Result<State> init() {
  return State{};
}
HANDLER_OF(init)

static Result<State> tell(State told, State) {
  troupe::reply("told", Detail{told.text, 1});
  troupe::broadcast("all", Detail{told.text, 2});
  return told;
}
HANDLER_OF(tell)

static Result<State> who() {
  const troupe::Self self = troupe::self();
  return State{self.address + " " + self.topic.value_or("")};
}
HANDLER_OF(who)

static Result<State> later(State what, State state) {
  if (what.text == "publish") {
    troupe::publish("news", "flash", Detail{"ü", 3});
  } else if (what.text == "subscribe") {
    troupe::subscribe("news");
  } else if (what.text == "send") {
    troupe::send(troupe::self().address, "ticked", Detail{"ü", 3});
  } else if (what.text == "timer") {
    troupe::timer("tick", 50, "ticked", Detail{"ü", 3});
  } else if (what.text == "cancel") {
    troupe::cancel("tick");
  } else {
    return troupe::fail("there is no " + what.text);
  }
  return state;
}
HANDLER_OF(later)

static Result<State> ticked(State what, State) {
  return State{"ticked " + what.text};
}
HANDLER_OF(ticked)

struct Message {
  std::string topic;
  std::string event;
  State payload;
  TROUPE_FIELDS(topic, event, payload)
};

static Result<State> handle_message(Message message, State) {
  return State{message.topic + " " + message.event + " " + message.payload.text};
}
HANDLER_OF(handle_message)

static Result<State> crash(State, State state) {
  state.text[0] = *reinterpret_cast<volatile char*>(0xfffffff0U);
  return state;
}
HANDLER_OF(crash)

static Result<int64_t> sumAll(std::vector<int64_t> numbers) {
  int64_t sum = 0;
  for (const int64_t number : numbers) sum += number;
  return sum;
}
HANDLER_OF(sumAll)
