// A list, and one event for each way a handler can end.
import { broadcast, handler, reply, self } from "troupe";

export const init = handler(() => ({ items: [] }));
export const add = handler(({ item }, { items }) => ({ items: [...items, item] }));
export const prepend = handler(({ item }, { items }) => ({ items: [item, ...items] }));
export const remove = handler(({ at }, { items }) => ({ items: items.filter((_, index) => index !== at) }));
export const same = handler((_, state) => state);
export const set = handler((payload) => payload);

export const announce = handler((detail, state) => {
  broadcast("all", detail);
  reply("you", { n: 1 });
  reply("you", { n: 2 });
  return { ...state, announced: true };
});
export const reserved = handler((_, state) => {
  reply("phx_close", {});
  return state;
});
export const who = handler(() => self());

export const raise = handler((_, state) => {
  state.items.push("lost");
  throw new Error("You suck");
});
export const raise_text = handler(() => {
  throw "just text";
});
export const nothing = handler(() => undefined);
export const number = handler(() => 17);
export const no_json = () => {
  Host.outputString("{oops");
};
export const spin = handler(() => {
  for (;;);
});
export const recurse = handler(() => {
  const again = () => again() + 1;
  return again();
});
