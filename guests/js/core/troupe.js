// The module "troupe": what a plugin says to Troupe in values, without handles or JSON texts. Its types are in
// ../troupe.d.ts.
import * as native from "troupe:native";

export function handler(f) {
  if (typeof f !== "function") throw new TypeError("handler() takes a function");
  const finish = (result) => native.output(result);
  return function () {
    const input = native.input();
    const result = input === undefined ? f() : Array.isArray(input) ? f(...input) : f(input);
    return typeof result?.then === "function" ? Promise.resolve(result).then(finish) : finish(result);
  };
}

const text = (value, what) => {
  if (typeof value !== "string" || value === "") throw new TypeError(`${what} must be a text that is not empty`);
  return value;
};

export const self = () => native.self();
export const reply = (name, detail) => native.reply({ name: text(name, "the name of a reply"), detail });
export const broadcast = (name, detail) => native.broadcast({ name: text(name, "the name of a broadcast"), detail });
export const publish = (topic, event, payload) =>
  native.publish({ topic: text(topic, "the topic to publish to"), event: text(event, "the event to publish"), payload });
export const subscribe = (topic) => native.subscribe({ topic: text(topic, "the topic to subscribe to") });
export const send = (to, event, payload) =>
  native.send({ to: text(to, "the address to send to"), event: text(event, "the event to send"), payload });
export const timer = (name, after_ms, event, payload) => {
  if (!Number.isFinite(after_ms) || after_ms < 0) throw new TypeError("after_ms must be a number of milliseconds");
  native.timer({ name: text(name, "the name of a timer"), after_ms, event: text(event, "the event of a timer"), payload });
};
export const cancel = (name) => native.cancel({ name: text(name, "the name of the timer to cancel") });
