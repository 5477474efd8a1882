// A JSON value as people read it, with the parts that just changed marked for a moment.
import { css, html, type TemplateResult } from "/troupe.js";

// JSON Pointers of the changed parts, and the version they changed with: consecutive versions use
// two names of one animation, because only a change of name starts it again.
export interface Change {
  pointers: ReadonlySet<string>;
  version: number;
}

// A container whose text is no longer than this stands on one line.
const inline_characters_max = 64;
// More children than this are counted instead of shown: a state may have 1 MiB.
const children_shown_max = 200;

export const json_style = css`
  .json {
    font: 13px/1.65 var(--mono);
    overflow-wrap: anywhere;
  }
  .json .children {
    padding-left: 1.6em;
    border-left: 1px solid var(--line);
    margin-left: 0.3em;
  }
  .json .string {
    color: var(--string);
  }
  .json .number,
  .json .literal {
    color: var(--number);
  }
  .json .key {
    color: var(--accent);
  }
  .json .mark,
  .json .faint {
    color: var(--faint);
  }
  .changed-0 {
    animation: changed-0 1.6s ease-out;
  }
  .changed-1 {
    animation: changed-1 1.6s ease-out;
  }
  @keyframes changed-0 {
    from {
      background: var(--mark);
    }
  }
  @keyframes changed-1 {
    from {
      background: var(--mark);
    }
  }
`;

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export function json_view(value: unknown, change: Change): TemplateResult {
  return html`
    <div class="json">${lines(value as Json, "", html``, html``, change)}</div>
  `;
}

// `before` is the key with its colon, `after` the comma.
function lines(
  value: Json,
  pointer: string,
  before: TemplateResult,
  after: TemplateResult,
  change: Change,
): TemplateResult {
  const changed = class_of(pointer, change);
  if (value === null || typeof value !== "object" || fits_a_line(value)) {
    return html`
      <div>
        ${before}
        <span class=${changed}>${inline(value, pointer, change)}</span>
        ${after}
      </div>
    `;
  }
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const children = entries(value);
  const shown = children.slice(0, children_shown_max);
  return html`
    <div class=${changed}>
      <div>
        ${before}
        <span class="mark">${open}</span>
      </div>
      <div class="children">
        ${shown.map(([key, child], index) =>
          lines(
            child,
            `${pointer}/${escaped(key)}`,
            Array.isArray(value) ? html`` : key_text(key),
            index + 1 < children.length
              ? html`
                  <span class="mark">,</span>
                `
              : html``,
            change,
          ),
        )}
        ${
          children.length > shown.length
            ? html`
                <div class="faint">… ${children.length - shown.length} more</div>
              `
            : ""
        }
      </div>
      <div>
        <span class="mark">${close}</span>
        ${after}
      </div>
    </div>
  `;
}

function inline(value: Json, pointer: string, change: Change): TemplateResult {
  if (value === null || typeof value !== "object") {
    const kind = typeof value === "string" || typeof value === "number" ? typeof value : "literal";
    return html`
      <span class=${kind}>${JSON.stringify(value)}</span>
    `;
  }
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const parts = entries(value).map(([key, child], index) => {
    const at = `${pointer}/${escaped(key)}`;
    return html`
      ${
        index > 0
          ? html`
              <span class="mark">,</span>
            `
          : ""
      }${Array.isArray(value) ? "" : key_text(key)}
      <span class=${class_of(at, change)}>${inline(child, at, change)}</span>
    `;
  });
  return html`
    <span class="mark">${open}</span>
    ${parts}
    <span class="mark">${close}</span>
  `;
}

function key_text(key: string): TemplateResult {
  return html`
    <span class="key">${JSON.stringify(key)}</span>
    <span class="mark">:</span>
  `;
}

function entries(value: Json[] | { [key: string]: Json }): [string, Json][] {
  return Object.entries(value);
}

function fits_a_line(value: Json): boolean {
  return JSON.stringify(value).length <= inline_characters_max;
}

function class_of(pointer: string, { pointers, version }: Change): string {
  return pointers.has(pointer) ? `changed-${version % 2}` : "";
}

function escaped(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
