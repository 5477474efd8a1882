// The Socket of phoenix, knowing its server. The build gives this class to phx-live-state in the place of phoenix's own
// (build.mjs), so that elements, `connectElement`, `new LiveState` and `new Socket` all behave alike.
import { Socket as PhoenixSocket, type Channel, type SocketConnectOption } from "phoenix";

import { with_session } from "./session.js";
import { tab_storage } from "./storage.js";

// Where the server that sent this module takes sockets, unless its configuration says otherwise.
export const default_endpoint = new URL("/socket", import.meta.url.replace(/^http/, "ws")).href;

export class Socket extends PhoenixSocket {
  readonly #server: URL;

  // `endpoint` is without "/websocket", absolute or relative to the page; by default `default_endpoint`.
  constructor(endpoint: string = default_endpoint, options: Partial<SocketConnectOption> = {}) {
    // Without a store phoenix asks for window.sessionStorage, which throws where the browser blocks storage.
    super(endpoint, { sessionStorage: tab_storage(), ...options });
    this.#server = new URL(endpoint, location.href);
  }

  // `params` are the join's; a function is asked again at each rejoin.
  override channel(topic: string, params?: object | (() => object)): Channel {
    return super.channel(topic, with_session(this.#server, params));
  }
}
