// One event of the plugin: a button with its name, and a field for the payload.
import { LitElement, css, html, nothing } from "/troupe.js";

// Says `send-event` with { name, payload } when the button is pressed, or Ctrl+Enter in the field.
export interface SendDetail {
  name: string;
  payload: unknown;
}

export class EventForm extends LitElement {
  static override properties = { name: { type: String }, text: { state: true } };
  static override styles = css`
    form {
      display: grid;
      grid-template-columns: minmax(0, 1fr) auto;
      gap: 8px;
      align-items: start;
    }
    textarea {
      box-sizing: border-box;
      width: 100%;
      min-height: 36px;
      padding: 7px 10px;
      border: 1px solid var(--line);
      border-radius: 8px;
      background: var(--page);
      color: var(--text);
      font: 13px/1.5 var(--mono);
      resize: vertical;
      field-sizing: content;
    }
    textarea:focus-visible,
    button:focus-visible {
      outline: 2px solid var(--accent);
      outline-offset: 1px;
    }
    textarea[aria-invalid="true"] {
      border-color: var(--bad);
    }
    button {
      min-height: 36px;
      max-width: 16em;
      padding: 0 14px;
      border: 0;
      border-radius: 8px;
      background: var(--accent);
      color: var(--accent-text);
      font: 600 14px/1.2 inherit;
      font-family: inherit;
      overflow-wrap: anywhere;
      cursor: pointer;
    }
    button:active {
      transform: translateY(1px);
    }
    button:disabled {
      opacity: 0.45;
      cursor: not-allowed;
    }
    p {
      grid-column: 1 / -1;
      margin: 0;
      color: var(--bad);
      font-size: 13px;
    }
  `;

  declare name: string;
  declare text: string;

  constructor() {
    super();
    this.name = "";
    this.text = "{}";
  }

  override render() {
    const wrong = problem(this.text);
    return html`
      <form @submit=${this.#send} @keydown=${this.#send_by_key}>
        <textarea
          rows="1"
          spellcheck="false"
          aria-label="Payload of ${this.name}, as JSON"
          aria-invalid=${wrong ? "true" : "false"}
          .value=${this.text}
          @input=${this.#take_text}
        ></textarea>
        <button ?disabled=${wrong !== undefined} title="Ctrl+Enter in the field">${this.name}</button>
        ${wrong ? html`<p>${wrong}</p>` : nothing}
      </form>
    `;
  }

  #take_text(event: Event): void {
    this.text = (event.target as HTMLTextAreaElement).value;
  }

  #send_by_key(event: KeyboardEvent): void {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#send(event);
  }

  #send(event: Event): void {
    event.preventDefault();
    if (problem(this.text)) return;
    const detail: SendDetail = { name: this.name, payload: payload_of(this.text) };
    this.dispatchEvent(new CustomEvent("send-event", { detail }));
  }
}

customElements.define("event-form", EventForm);

// An empty field is the payload of an event without details.
function payload_of(text: string): unknown {
  return text.trim() === "" ? {} : JSON.parse(text);
}

function problem(text: string): string | undefined {
  try {
    payload_of(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
