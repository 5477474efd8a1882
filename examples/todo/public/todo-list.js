// <todo-list>: the todos, as the plugin last left them.
//
// It holds no todos of its own. `todos` is set from the state whenever that changes, and a click
// becomes an event for the plugin; elements.js says which plugin.
import { LitElement, css, html, nothing, repeat } from "/troupe.js";

// How long an error stays to be read.
const error_shown_ms = 6000;

export class TodoList extends LitElement {
  static properties = {
    heading: { type: String },
    source: { type: String },
    todos: { type: Array },
    online: { state: true },
    error: { state: true },
  };

  #live;
  #forget_error;

  // Set once the element is connected to its topic.
  get liveState() {
    return this.#live;
  }

  set liveState(live) {
    this.#live = live;
    live.socket.onClose(() => (this.online = false));
    live.addEventListener("livestate-change", () => (this.online = true));
    live.addEventListener("livestate-error", ({ detail }) => this.#show_error(detail));
  }

  #show_error({ type, message }) {
    // That the connection is gone is shown beside the heading.
    if (type === "socket error" || !message || message === "connection_closed") return;
    clearTimeout(this.#forget_error);
    this.error = message;
    this.#forget_error = setTimeout(() => (this.error = undefined), error_shown_ms);
  }

  #send(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  render() {
    const { heading, source, online, todos } = this;
    return html`
      <header>
        <h2>${heading}</h2>
        ${source ? html`<code>${source}</code>` : nothing}
        <span class="status ${online ? "online" : ""}" role="status">${online ? "live" : "connecting"}</span>
      </header>
      ${todos ? this.#list(todos) : nothing}
      ${this.error ? html`<p class="error" role="alert">${this.error}</p>` : nothing}
    `;
  }

  #list(todos) {
    if (todos.length === 0) return html`<p class="empty">Nothing to do. Enjoy it, or add something.</p>`;
    const done = todos.filter((todo) => todo.done).length;
    return html`
      <ul>
        ${repeat(todos, (todo, index) => todo.id ?? index, (todo) => this.#item(todo))}
      </ul>
      <footer>
        <span>${todos.length - done} left</span>
        ${done > 0 ? html`<button @click=${() => this.#send("clearDone")}>Clear ${done} done</button>` : nothing}
      </footer>
    `;
  }

  // A todo that is only a text (../component) has nothing to check and no name to remove it by.
  #item(todo) {
    if (typeof todo === "string") return html`<li><span>${todo}</span></li>`;
    const { id, text, done } = todo;
    return html`<li class=${done ? "done" : ""}>
      <label>
        <input type="checkbox" .checked=${done} @click=${(event) => this.#toggle(event, id)}>
        <span>${text}</span>
      </label>
      <button class="remove" aria-label="Remove ${text}" @click=${() => this.#send("remove", { id })}>×</button>
    </li>`;
  }

  // The box follows the state, as all else: it is checked when the plugin says so.
  #toggle(event, id) {
    event.preventDefault();
    this.#send("toggle", { id });
  }

  static styles = css`
    header {
      display: flex;
      align-items: baseline;
      gap: 10px;
      margin-bottom: 12px;
    }
    h2 {
      margin: 0;
      font-size: 20px;
      letter-spacing: -0.01em;
    }
    code {
      color: var(--faint);
      font: 12.5px ui-monospace, "SF Mono", Menlo, Consolas, monospace;
    }
    .status {
      margin-left: auto;
      color: var(--faint);
      font-size: 13px;
    }
    .status::before {
      content: "";
      display: inline-block;
      width: 8px;
      height: 8px;
      margin-right: 7px;
      border-radius: 50%;
      background: var(--faint);
    }
    .status.online::before {
      background: var(--good);
    }
    ul {
      margin: 0 -8px;
      padding: 0;
      list-style: none;
    }
    li {
      display: flex;
      align-items: flex-start;
      border-radius: 10px;
      animation: appear 0.25s ease-out;
    }
    li:hover {
      background: color-mix(in srgb, var(--line) 45%, transparent);
    }
    @keyframes appear {
      from {
        opacity: 0;
        transform: translateY(-6px);
      }
    }
    @media (prefers-reduced-motion: reduce) {
      li {
        animation: none;
      }
    }
    label {
      display: flex;
      flex: 1;
      gap: 11px;
      min-width: 0;
      padding: 8px;
      cursor: pointer;
    }
    li > span {
      padding: 8px;
    }
    li span {
      min-width: 0;
      overflow-wrap: anywhere;
    }
    .done span {
      color: var(--faint);
      text-decoration: line-through;
    }
    input {
      flex: none;
      width: 17px;
      height: 17px;
      margin: 4px 0 0;
      accent-color: var(--accent);
      cursor: pointer;
    }
    button {
      border: 0;
      border-radius: 8px;
      background: transparent;
      color: var(--faint);
      font: inherit;
      font-size: 14px;
      cursor: pointer;
    }
    button:hover {
      color: var(--text);
    }
    .remove {
      padding: 5px 11px;
      font-size: 19px;
      line-height: 1.4;
      opacity: 0.55;
    }
    .remove:hover,
    .remove:focus-visible {
      color: var(--bad);
      opacity: 1;
    }
    footer {
      display: flex;
      justify-content: space-between;
      margin-top: 8px;
      color: var(--faint);
      font-size: 14px;
    }
    footer button {
      padding: 0;
    }
    .empty {
      margin: 6px 0 12px;
      color: var(--faint);
    }
    .error {
      margin: 12px 0 0;
      padding: 9px 13px;
      border-radius: 10px;
      background: var(--bad-card);
      color: var(--bad);
      font-size: 14.5px;
    }
    :focus-visible {
      outline: 2px solid var(--accent);
      outline-offset: 2px;
    }
  `;

  constructor() {
    super();
    this.heading = "Todo list";
    this.online = false;
  }
}
