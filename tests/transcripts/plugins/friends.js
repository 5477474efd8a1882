// Actors that hear of each other: by address, by topic, by timer.
import { cancel, handler, publish, send, subscribe, timer } from "troupe";

export const init = handler(() => {
  subscribe("gossip");
  return { heard: [] };
});
const heard = (state, what) => ({ heard: [...state.heard, what] });

export const tell = handler(({ to, what }, state) => {
  send(`friends/${to}`, "told", { what });
  return state;
});
export const told = handler(({ what }, state) => heard(state, what));
export const gossip = handler(({ what }, state) => {
  publish("gossip", "news", { what });
  return state;
});
export const handle_message = handler((message, state) => heard(state, message));
export const later = handler(({ name, ms, what }, state) => {
  timer(name, ms, "told", { what });
  return state;
});
export const never = handler(({ name }, state) => {
  cancel(name);
  return state;
});
export const lost = handler((_, state) => {
  send("nowhere", "told", {});
  return state;
});
