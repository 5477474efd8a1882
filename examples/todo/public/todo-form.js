// <todo-form>: adds a todo to the list it shares a LiveState with.
import { LitElement, css, html } from "/troupe.js";

export class TodoForm extends LitElement {
  static properties = { sending: { state: true } };

  constructor() {
    super();
    this.sending = false;
  }

  get #input() {
    return this.renderRoot.querySelector("input");
  }

  // The button rests from the click until the plugin has answered: by a new state, or by an error,
  // which leaves the text in the field.
  #submit(event) {
    event.preventDefault();
    const live = this.liveState;
    if (!live || this.sending) return;

    const answered = ({ type }) => {
      live.removeEventListener("livestate-change", answered);
      live.removeEventListener("livestate-error", answered);
      this.sending = false;
      if (type === "livestate-change") this.#input.value = "";
      this.#input.focus();
    };
    live.addEventListener("livestate-change", answered);
    live.addEventListener("livestate-error", answered);
    this.sending = true;
    this.dispatchEvent(new CustomEvent("addTodo", { detail: { todo: this.#input.value } }));
  }

  render() {
    return html`
      <form @submit=${this.#submit}>
        <input name="todo" placeholder="What is to be done?" aria-label="A new todo" autocomplete="off">
        <button ?disabled=${this.sending}>Add</button>
      </form>
    `;
  }

  static styles = css`
    form {
      display: flex;
      gap: 8px;
      margin-top: 16px;
    }
    input {
      flex: 1;
      min-width: 0;
      padding: 10px 13px;
      border: 1px solid var(--line);
      border-radius: 11px;
      background: var(--page);
      color: var(--text);
      font: inherit;
    }
    input::placeholder {
      color: var(--faint);
    }
    button {
      padding: 10px 18px;
      border: 0;
      border-radius: 11px;
      background: var(--accent);
      color: var(--accent-text);
      font: inherit;
      font-weight: 650;
      cursor: pointer;
    }
    button:disabled {
      opacity: 0.45;
      cursor: progress;
    }
    :focus-visible {
      outline: 2px solid var(--accent);
      outline-offset: 1px;
    }
  `;
}
