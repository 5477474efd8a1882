// A counter; and events that fail in the ways a guest can.
import { broadcast, handler, reply } from "troupe";

export const init = handler(() => ({ count: 0 }));
export const add = handler((_, { count }) => ({ count: count + 1 }));
export const tell = handler((_, { count }) => {
  reply("you", { count });
  broadcast("all", { count });
  return { count: count + 1 };
});
export const raise = handler(() => {
  throw new Error("no");
});
export const exhaust = handler(() => {
  const kept = [];
  for (;;) kept.push("x".repeat(1 << 20) + kept.length);
});
