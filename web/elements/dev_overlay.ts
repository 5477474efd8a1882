// The failed builds of `troupe dev`, shown over the page until the next good build.
import { LitElement, css, html, nothing } from "lit";

import { dev_event, listen_to_dev_server, type BuildError, type DevMessage } from "./dev_events.js";

const tag = "troupe-build-errors";

// Follows the dev server on this page; shows nothing until a build fails.
export function show_build_errors(): void {
  customElements.define(tag, BuildErrors);
  const overlay = new BuildErrors();
  window.addEventListener(dev_event, ({ detail }) => overlay.take(detail));
  // The module may run in the head, before there is a body.
  document.documentElement.append(overlay);
  listen_to_dev_server();
}

class BuildErrors extends LitElement {
  static override styles = css`
    :host {
      position: fixed;
      inset: auto 0 0 0;
      z-index: 2147483647;
      max-height: 60vh;
      overflow: auto;
      font:
        14px/1.5 ui-sans-serif,
        system-ui,
        sans-serif;
      text-align: left;
    }
    section {
      position: relative;
      padding: 14px 52px 16px 20px;
      background: #2a1215;
      color: #ffe9e9;
      border-top: 3px solid #f2555a;
    }
    h2 {
      margin: 0;
      font-size: 14px;
      font-weight: 650;
    }
    code,
    pre {
      font:
        13px/1.5 ui-monospace,
        "SF Mono",
        Menlo,
        Consolas,
        monospace;
    }
    code {
      color: #ffb3b3;
    }
    p {
      margin: 4px 0 0;
      white-space: pre-wrap;
    }
    pre {
      margin: 10px 0 0;
      padding: 10px 12px;
      overflow-x: auto;
      border-radius: 6px;
      background: #190a0c;
    }
    button {
      position: absolute;
      top: 10px;
      right: 14px;
      width: 28px;
      height: 28px;
      border: 0;
      border-radius: 6px;
      background: transparent;
      color: inherit;
      font-size: 18px;
      line-height: 1;
      cursor: pointer;
    }
    button:hover {
      background: #ffffff1f;
    }
  `;

  // The last build of each plugin, where it failed.
  readonly #failed = new Map<string, BuildError>();

  take(message: DevMessage): void {
    if (message.type !== "build") return;
    if (message.error) this.#failed.set(message.plugin, message.error);
    else this.#failed.delete(message.plugin);
    this.requestUpdate();
  }

  override render() {
    return [...this.#failed].map(
      ([plugin, error]) => html`
        <section role="alert">
          <h2>The build of ${plugin} failed. The code before it goes on running.</h2>
          <p><code>${place(error)}</code> ${error.message}</p>
          ${error.excerpt ? html`<pre>${error.excerpt.trimEnd()}</pre>` : nothing}
          <button aria-label="Hide until the next build" @click=${() => this.#hide(plugin)}>×</button>
        </section>
      `,
    );
  }

  #hide(plugin: string): void {
    this.#failed.delete(plugin);
    this.requestUpdate();
  }
}

// As editors and terminals write it: todo.js:7:16
function place({ file, line, column }: BuildError): string {
  return [file, line, column].filter((part) => part !== undefined && part !== null).join(":");
}
