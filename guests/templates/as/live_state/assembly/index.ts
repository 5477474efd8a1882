// {{NAME}}: a plugin of Troupe. The server keeps the state and calls these functions one at a time.
import { handler, Json } from "./troupe";

// Called once, before the first viewer sees the state.
export function init(): i32 {
  return handler((payload: Json, state: Json): Json => Json.object().set("count", 0));
}

// An event is the function of its name: it gets what the page sent and the state, and returns the new state. What it
// throws is shown to the sender alone, and the state stays as it was.
export function add(): i32 {
  return handler((payload: Json, state: Json): Json => {
    const by = payload.get("by").asInt();
    const count = state.get("count").asInt();
    if (by > 0 ? count > i64.MAX_VALUE - by : count < i64.MIN_VALUE - by) throw new Error("too large");
    return state.set("count", count + by);
  });
}

export function reset(): i32 {
  return handler((payload: Json, state: Json): Json => Json.object().set("count", 0));
}
