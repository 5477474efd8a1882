// {{NAME}}: a plugin of Troupe. The server keeps the state and calls these functions one at a time.
#include "troupe.hpp"

using troupe::Result;

struct State {
  int64_t count = 0;
  TROUPE_FIELDS(count)
};

struct Add {
  int64_t by;
  TROUPE_FIELDS(by)
};

// Called once, before the first viewer sees the state.
static Result<State> init() {
  return State{};
}
HANDLER_OF(init)

// An event is the function of its name: it gets what the page sent and the state, and returns the new state. An error is
// shown to the sender alone, and the state stays as it was.
static Result<State> add(Add event, State state) {
  if (__builtin_add_overflow(state.count, event.by, &state.count)) return troupe::fail("too large");
  return state;
}
HANDLER_OF(add)

static Result<State> reset() {
  return State{};
}
HANDLER_OF(reset)
