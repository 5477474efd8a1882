// Keeps what it is told, in order; fails when it is told to.
import { handler } from "troupe";

export const init = handler(() => ({ log: [] }));
export const add = handler(({ id }, { log }) => ({ log: [...log, id] }));
export const raise = handler(() => {
  throw new Error("no");
});
