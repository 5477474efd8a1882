// The module a page loads as /troupe.js: phx-live-state, phoenix and Lit as they are on npm, in one file.
//
//   import { LitElement, html, liveState } from "/troupe.js";
//
// Three things are done for the page beyond what the packages do:
//   - `liveState` connects an element also where it has neither `provide` nor `context` (live_state.ts);
//   - a socket without an address goes to the server this module was loaded from (socket.ts);
//   - on another site than the server's, each join carries `troupe_session`, which a cookie cannot (session.ts).
import { show_build_errors } from "./dev_overlay.js";

export * from "lit";
export {
  customElement,
  eventOptions,
  property,
  query,
  queryAll,
  queryAssignedElements,
  queryAsync,
  state,
} from "lit/decorators.js";
export { classMap } from "lit/directives/class-map.js";
export { ifDefined } from "lit/directives/if-defined.js";
export { live } from "lit/directives/live.js";
export { repeat } from "lit/directives/repeat.js";

export {
  LiveState,
  connectAtttribute,
  connectElement,
  connectProperty,
  liveStateConfig,
  liveStateProperty,
  receiveEvent,
  sendEvent,
} from "phx-live-state";
export type { LiveStateChange, LiveStateError, LiveStatePatch } from "phx-live-state";
export { liveState } from "./live_state.js";

export { Channel, Presence } from "phoenix";
export { Socket } from "./socket.js";

declare global {
  // Set by the first line of this module as `troupe dev` serves it.
  var troupeDev: boolean | undefined;
}

if (globalThis.troupeDev) show_build_errors();
