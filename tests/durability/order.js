// Passes what it is told on to another actor and to all who listen, and has itself rung a little later.
import { handler, publish, self, send, timer } from "troupe";

export const init = handler(() => ({ log: [], rung: [] }));
export const add = handler(({ id, after_ms }, { log, rung }) => {
  const [, rounds] = self().topic.split(":"); // order:ROUNDS:NUMBER
  send(`log/log:ledger:${rounds}`, "add", { id });
  publish(`orders:${rounds}`, "ordered", { id });
  timer(id, after_ms, "ring", { id });
  return { log: [...log, id], rung };
});
export const ring = handler(({ id }, { log, rung }) => ({ log, rung: [...rung, id] }));
