// Who this browser is, for the actors `{topic}/{session}`.
//
// On the server's own site the cookie `troupe_session` says it, and this file does nothing. On a page of another origin
// browsers withhold that cookie, so each join carries the parameter `troupe_session` instead: 128 random bits, kept by
// the page's origin for one server. Two sites that embed the same server hence cannot tell that they share a visitor,
// and no server learns the value meant for another.
import { site_storage } from "./storage.js";

const parameter = "troupe_session";
const session_bytes = 16;
// 16 bytes in base64url without padding; the server takes no fewer characters.
const session_text = /^[A-Za-z0-9_-]{22,}$/;

type JoinParams = object | (() => object);

// The join parameters `params`, with the session where `server` is not the page's own. A session that the page sets
// itself stays.
export function with_session(server: URL, params: JoinParams = {}): JoinParams {
  if (server.host === location.host) return params;
  const session = { [parameter]: session_of(server) };
  return typeof params === "function"
    ? () => ({ ...session, ...params() })
    : { ...session, ...params };
}

function session_of(server: URL): string {
  const store = site_storage();
  const key = `${parameter}:${server.host}`;
  const kept = store.getItem(key);
  if (kept !== null && session_text.test(kept)) return kept;
  const session = random_text();
  store.setItem(key, session);
  return session;
}

function random_text(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(session_bytes));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
