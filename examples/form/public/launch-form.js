// <launch-form form-id="contact">: sends the HTML form within it to the plugin behind `launch_form:contact`.
//
// The form stays what it is, with the page's own fields, looks and checks. Once it was delivered, what has slot="complete" takes
// its place; what goes wrong is shown below it.
import { LitElement, css, html, liveState, liveStateConfig, nothing } from "/troupe.js";

class LaunchForm extends LitElement {
  static properties = {
    complete: { type: Boolean, reflect: true },
    sending: { state: true },
    error: { state: true },
  };

  #live;

  constructor() {
    super();
    this.addEventListener("submit", (event) => this.#submit(event));
  }

  get topic() {
    return `launch_form:${this.getAttribute("form-id") ?? "form"}`;
  }

  // Set once the element is connected to its topic.
  get liveState() {
    return this.#live;
  }

  set liveState(live) {
    this.#live = live;
    live.addEventListener("livestate-change", () => (this.sending = false));
    live.addEventListener("livestate-error", ({ detail }) => {
      this.sending = false;
      if (detail?.type !== "socket error") this.error = detail?.message;
    });
  }

  // A field that is there more than once, such as a group of check boxes, becomes a list. Files stay where they are.
  #submit(event) {
    event.preventDefault();
    if (this.sending) return;
    const detail = {};
    const data = new FormData(event.target, event.submitter);
    for (const name of new Set(data.keys())) {
      const values = data.getAll(name).filter((value) => typeof value === "string");
      if (values.length > 0) detail[name] = values.length > 1 ? values : values[0];
    }
    this.sending = true;
    this.error = undefined;
    this.dispatchEvent(new CustomEvent("launch-form-submit", { detail }));
  }

  render() {
    if (this.complete) return html`<slot name="complete" role="status">Thank you.</slot>`;
    return html`
      <slot ?inert=${this.sending}></slot>
      ${this.error ? html`<p role="alert">${this.error}</p>` : nothing}
    `;
  }

  static styles = css`
    :host {
      display: block;
    }
    slot[inert] {
      opacity: 0.5;
    }
    p {
      color: var(--bad, light-dark(#b3261e, #ff8a80));
    }
  `;
}

liveStateConfig("topic")(LaunchForm.prototype, "topic");
liveState({ properties: ["complete"], events: { send: ["launch-form-submit"] } })(LaunchForm);
// Only now: a browser looks at a class once, when it is defined.
customElements.define("launch-form", LaunchForm);
