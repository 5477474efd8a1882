import { handler } from "troupe";

export const init = handler(() => {
  throw new Error("You suck");
});
export const bump = handler((_, state) => state);
