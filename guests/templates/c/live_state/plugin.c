// {{NAME}}: a plugin of Troupe. The server keeps the state and calls these functions one at a time.
#include "troupe.h"

static bool put_state(json_writer *out, int64_t count) {
  json_begin(out);
  json_name(out, "count");
  json_put_int(out, count);
  json_end(out);
  return true;
}

// Called once, before the first viewer sees the state.
HANDLER(init) {
  return put_state(out, 0);
}

// An event is the function of its name: it gets what the page sent and the state, and writes the new state. An error is
// shown to the sender alone, and the state stays as it was.
HANDLER(add) {
  int64_t by, count;
  if (!json_int(json_get(payload, "by"), &by)) return troupe_fail("by must be a whole number");
  if (!json_int(json_get(state, "count"), &count)) return troupe_fail("count must be a whole number");
  if (__builtin_add_overflow(count, by, &count)) return troupe_fail("too large");
  return put_state(out, count);
}

HANDLER(reset) {
  return put_state(out, 0);
}
