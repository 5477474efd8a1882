// Keeps what it is told, in order; fails when it is told to.
import { handler, subscribe } from "troupe";

export const init = handler(() => ({ log: [] }));
export const add = handler(({ id }, { log }) => ({ log: [...log, id] }));
export const listen = handler(({ topic }, state) => {
  subscribe(topic);
  return state;
});
export const handle_message = handler(({ payload }, { log }) => ({ log: [...log, payload.id] }));
export const raise = handler(() => {
  throw new Error("no");
});
