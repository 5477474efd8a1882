// The page at / of `troupe dev FILE`: the live state of the plugin, a form for each of its events,
// and what happens.
//
// It is a viewer like any other: it joins the topic that the dev server names, by phx-live-state. Only
// the names of the events, the log and the builds come by another way (docs/formats/dev-events.md).
import {
  LitElement,
  LiveState,
  css,
  html,
  nothing,
  repeat,
  type LiveStateChange,
  type LiveStateError,
  type LiveStatePatch,
} from "/troupe.js";

import {
  dev_event,
  type BuildMessage,
  type DevMessage,
  type LogMessage,
  type PluginMessage,
} from "../elements/dev_events.js";
import "./event_form.js";
import type { SendDetail } from "./event_form.js";
import { json_style, json_view, type Change } from "./json_view.js";
import { with_entry, type Entry } from "./timeline.js";

type Status = "waiting" | "connecting" | "live" | "refused" | "offline";

const status_text: Record<Status, string> = {
  waiting: "waiting for the plugin",
  connecting: "connecting",
  live: "live",
  refused: "join refused",
  offline: "offline, trying again",
};

class TryPage extends LitElement {
  static override properties = {
    plugin: { state: true },
    status: { state: true },
    shown: { state: true },
    entries: { state: true },
  };

  declare plugin: PluginMessage | undefined;
  declare status: Status;
  declare shown: { state: unknown; change: Change } | undefined;
  declare entries: Entry[];

  #live: LiveState | undefined;
  // The pointers of a patch that was announced and not yet applied.
  #patched: ReadonlySet<string> = new Set();
  // The time of the last log line, and what it was when the stream opened: older lines are retold.
  #told = 0;
  #told_until = 0;
  // The last build of each plugin, and whose build the open stream has told.
  readonly #builds = new Map<string, string>();
  readonly #builds_told = new Set<string>();

  constructor() {
    super();
    this.plugin = undefined;
    this.status = "waiting";
    this.shown = undefined;
    this.entries = [];
    window.addEventListener(dev_event, ({ detail }) => this.#hear(detail));
  }

  #note(kind: Entry["kind"], title: string, detail = "", time = new Date()): void {
    this.entries = with_entry(this.entries, kind, title, detail, time);
  }

  #hear(message: DevMessage): void {
    switch (message.type) {
      case "open":
        this.#told_until = this.#told;
        this.#builds_told.clear();
        break;
      case "plugin":
        this.#take_plugin(message);
        break;
      case "build":
        this.#take_build(message);
        break;
      case "log":
        this.#take_log(message);
        break;
    }
  }

  #take_build(message: BuildMessage): void {
    const { plugin, ok, ms, error } = message;
    // The first of a stream is a plugin's last build, which this page may have heard before.
    const retold = !this.#builds_told.has(plugin);
    this.#builds_told.add(plugin);
    const text = JSON.stringify(message);
    if (retold && text === this.#builds.get(plugin)) return;
    this.#builds.set(plugin, text);
    if (ok) this.#note("build", `built and live in ${ms} ms`);
    else this.#note("error", "build failed", error?.message);
  }

  #take_log({ level, text, time }: LogMessage): void {
    if (time <= this.#told_until) return;
    this.#told = time;
    if (level === "error") this.#note("error", "log", text, new Date(time));
    else this.#note("log", level, text, new Date(time));
  }

  #take_plugin(plugin: PluginMessage): void {
    const topic_before = this.plugin?.topic;
    this.plugin = plugin;
    document.title = `${plugin.name} · troupe dev`;
    if (plugin.topic !== topic_before) this.#follow(plugin.topic);
  }

  #follow(topic: string): void {
    this.#live?.disconnect();
    const live = new LiveState({ topic });
    this.#live = live;
    this.status = "connecting";

    live.socket.onClose(() => void (this.status = "offline"));
    live.addEventListener("livestate-error", ({ detail }: CustomEvent<LiveStateError>) =>
      this.#take_error(detail),
    );
    live.addEventListener("livestate-patch", ({ detail }: CustomEvent<LiveStatePatch>) => {
      this.#patched = new Set((detail.patch as Operation[]).map(changed_pointer));
      const title = `version ${detail.version}`;
      this.#note("patch", title, (detail.patch as Operation[]).map(operation_text).join("\n"));
    });
    live.addEventListener("livestate-change", ({ detail }: CustomEvent<LiveStateChange>) => {
      const { state, version } = detail;
      this.shown = { state, change: { pointers: this.#patched, version } };
      this.#patched = new Set();
    });
    // Phoenix shows this method every message of a channel, also pushes that nobody subscribed to.
    live.channel.onMessage = (event: string, payload: { status?: string }) => {
      if (event === "state:change") this.#note("state", "whole state");
      // Of all that a LiveState sends, only joining and leaving are replied to.
      else if (event === "phx_reply" && payload.status === "ok") this.status = "live";
      else if (!/^(state:|phx_|chan_reply_|error$)/.test(event)) {
        this.#note("push", event, JSON.stringify(payload));
      }
      return payload;
    };
    live.connect();
  }

  #take_error({ type, message }: LiveStateError): void {
    if (type === "socket error") return; // the status says it
    if (type === "channel join error") this.status = "refused";
    else if (this.status === "offline") return; // each channel hears of its lost socket as well
    // The type of what a plugin threw says no more than the row does.
    this.#note("error", type === "error" ? "" : (type ?? ""), message ?? "");
  }

  #send({ detail: { name, payload } }: CustomEvent<SendDetail>): void {
    this.#note("sent", name, JSON.stringify(payload));
    this.#live?.pushEvent(name, payload);
  }

  override render() {
    return html`
      ${this.#header()}
      <main>${this.#state()} ${this.#events()} ${this.#timeline()}</main>
    `;
  }

  #header() {
    const { plugin, status } = this;
    return html`<header>
      <h1>${plugin?.name ?? "troupe dev"}</h1>
      <span class="status ${status}" role="status">${status_text[status]}</span>
      ${
        plugin
          ? html`<dl>
              <div><dt>topic</dt><dd>${plugin.topic}</dd></div>
              <div><dt>code</dt><dd title=${plugin.version}>${plugin.version.slice(0, 12)}</dd></div>
            </dl>
            <a href="/" target="_blank">Open a second window</a>`
          : nothing
      }
    </header>`;
  }

  #state() {
    const { shown } = this;
    return html`<section class="state" aria-label="State">
      <h2>State ${shown ? html`<small>version ${shown.change.version}</small>` : nothing}</h2>
      ${
        shown
          ? json_view(shown.state, shown.change)
          : html`<p class="empty">Nothing yet: it appears when the plugin's init has answered.</p>`
      }
    </section>`;
  }

  #events() {
    const events = this.plugin?.events;
    return html`<section class="events" aria-label="Events">
      <h2>Events</h2>
      ${repeat(
        events ?? [],
        (name) => name,
        (name) => html`<event-form name=${name} @send-event=${this.#send}></event-form>`,
      )}
      ${events === undefined ? html`<p class="empty">They appear after the first build.</p>` : nothing}
      ${
        events?.length === 0
          ? html`<p class="empty">The plugin exports none. Export a function and save.</p>`
          : nothing
      }
    </section>`;
  }

  #timeline() {
    const { entries } = this;
    return html`<section class="timeline" aria-label="What happens">
      <h2>
        What happens
        ${entries.length > 0 ? html`<button @click=${this.#clear}>Clear</button>` : nothing}
      </h2>
      ${
        entries.length > 0
          ? html`<ol>${repeat(entries, ({ id }) => id, entry_row)}</ol>`
          : html`<p class="empty">Events, patches, log lines and errors, newest first.</p>`
      }
    </section>`;
  }

  #clear(): void {
    this.entries = [];
  }

  static override styles = [
    json_style,
    css`
      :host {
        display: block;
        max-width: 1180px;
        margin: 0 auto;
        padding: 24px 20px 64px;
      }
      header {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 6px 16px;
        margin-bottom: 20px;
      }
      h1 {
        margin: 0;
        font-size: 26px;
        letter-spacing: -0.02em;
      }
      h2 {
        display: flex;
        align-items: baseline;
        gap: 10px;
        margin: 0 0 12px;
        font-size: 13px;
        font-weight: 650;
        letter-spacing: 0.04em;
        text-transform: uppercase;
        color: var(--faint);
      }
      h2 small {
        font: 12px var(--mono);
        letter-spacing: 0;
        text-transform: none;
      }
      h2 button {
        margin-left: auto;
        padding: 2px 8px;
        border: 1px solid var(--line);
        border-radius: 6px;
        background: transparent;
        color: var(--faint);
        font: inherit;
        font-size: 12px;
        letter-spacing: 0;
        text-transform: none;
        cursor: pointer;
      }
      dl {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 16px;
        margin: 0;
        font-size: 13px;
      }
      dl div {
        display: flex;
        gap: 6px;
      }
      dt {
        color: var(--faint);
      }
      dd {
        margin: 0;
        font-family: var(--mono);
      }
      a {
        margin-left: auto;
        color: var(--accent);
        font-size: 14px;
      }
      .status {
        display: inline-flex;
        align-items: center;
        gap: 7px;
        padding: 2px 10px;
        border: 1px solid var(--line);
        border-radius: 99px;
        background: var(--card);
        font-size: 13px;
      }
      .status::before {
        content: "";
        width: 8px;
        height: 8px;
        border-radius: 50%;
        background: var(--warn);
      }
      .status.live::before {
        background: var(--good);
      }
      .status.refused::before,
      .status.offline::before {
        background: var(--bad);
      }
      main {
        display: grid;
        grid-template-columns: minmax(0, 3fr) minmax(0, 2fr);
        gap: 16px;
      }
      section {
        min-width: 0;
        padding: 16px 18px 18px;
        border: 1px solid var(--line);
        border-radius: 12px;
        background: var(--card);
      }
      .timeline {
        grid-column: 1 / -1;
      }
      event-form {
        display: block;
      }
      event-form + event-form {
        margin-top: 10px;
      }
      .empty {
        margin: 0;
        color: var(--faint);
      }
      ol {
        margin: 0;
        padding: 0;
        list-style: none;
        max-height: 50vh;
        overflow: auto;
      }
      li {
        display: grid;
        grid-template-columns: 6.2em 4.2em minmax(0, 1fr);
        gap: 0 12px;
        padding: 5px 0;
        border-top: 1px solid var(--line);
        font: 13px/1.55 var(--mono);
      }
      li:first-child {
        border-top: 0;
      }
      time {
        color: var(--faint);
      }
      .kind {
        color: var(--faint);
      }
      .error .kind {
        color: var(--bad);
      }
      .patch .kind,
      .state .kind {
        color: var(--good);
      }
      .sent .kind,
      .push .kind {
        color: var(--accent);
      }
      .title {
        font-weight: 650;
      }
      .detail {
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      .error .detail {
        color: var(--bad);
      }
      @media (max-width: 760px) {
        main {
          grid-template-columns: minmax(0, 1fr);
        }
        a {
          margin-left: 0;
        }
      }
    `,
  ];
}

interface Operation {
  op: string;
  path: string;
  value?: unknown;
  from?: string;
}

// What the reader should look at: a removed member is no longer there, so the place it was in.
function changed_pointer({ op, path }: Operation): string {
  return op === "remove" ? path.slice(0, path.lastIndexOf("/")) : path;
}

function operation_text({ op, path, value, from }: Operation): string {
  if (from !== undefined) return `${op} ${from} → ${path}`;
  return op === "remove" ? `${op} ${path}` : `${op} ${path} ${JSON.stringify(value)}`;
}

function entry_row({ time, kind, title, detail }: Entry) {
  return html`<li class=${kind}>
    <time datetime=${time.toISOString()}>${time.toTimeString().slice(0, 8)}</time>
    <span class="kind">${kind}</span>
    <span><span class="title">${title}</span> <span class="detail">${detail}</span></span>
  </li>`;
}

customElements.define("try-page", TryPage);
