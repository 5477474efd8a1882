import { handler } from "troupe";

export const authorize = handler((topic, params, { viewer, origin, address }) => {
  if (topic === "guarded:trap") for (;;);
  if (topic === "guarded:number") return 1;
  if (params.password !== "secret") throw new Error("Go away!");
  return { welcome: viewer.id, origin, address };
});
export const init = handler(() => ({ inside: true }));
