// {{NAME}}: a plugin of Troupe. The server keeps the state and calls these functions one at a time.
import { handler } from "troupe";

// Called once, before the first viewer sees the state.
export const init = handler(() => ({ count: 0 }));

// An event is the function of its name: it gets what the page sent and the state, and returns the new state. What it
// throws is shown to the sender alone, and the state stays as it was.
export const add = handler(({ by = 1 }, state) => {
  if (!Number.isInteger(by)) throw new Error("by must be a whole number");
  return { ...state, count: state.count + by };
});

export const reset = handler(() => ({ count: 0 }));
