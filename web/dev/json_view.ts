// A JSON value as people read it, with the parts that just changed marked for a moment.
import { css, html, nothing, type TemplateResult } from "/troupe.js";

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
  .json .mark {
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

type Container = Json[] | { [key: string]: Json };
type Json = null | boolean | number | string | Container;

export function json_view(value: unknown, change: Change): TemplateResult {
  return html`<div class="json">${lines(value as Json, "", nothing, nothing, change)}</div>`;
}

type Part = TemplateResult | typeof nothing;

// `before` is the key with its colon, `after` the comma.
function lines(value: Json, pointer: string, before: Part, after: Part, change: Change): Part {
  const changed = class_of(pointer, change);
  if (!is_container(value) || fits_a_line(value)) {
    const text = inline(value, pointer, change);
    return html`<div>${before}<span class=${changed}>${text}</span>${after}</div>`;
  }
  const [open, close] = brackets(value);
  const children = Object.entries(value);
  const rest = children.length - children_shown_max;
  return html`<div class=${changed}>
    <div>${before}${mark(open)}</div>
    <div class="children">
      ${children.slice(0, children_shown_max).map(([key, child], index) => {
        const comma = index + 1 < children.length ? mark(",") : nothing;
        return lines(child, `${pointer}/${escaped(key)}`, key_of(value, key), comma, change);
      })}
      ${rest > 0 ? html`<div class="mark">… ${rest} more</div>` : nothing}
    </div>
    <div>${mark(close)}${after}</div>
  </div>`;
}

function inline(value: Json, pointer: string, change: Change): Part {
  if (!is_container(value)) {
    const kind = typeof value === "string" || typeof value === "number" ? typeof value : "literal";
    return html`<span class=${kind}>${JSON.stringify(value)}</span>`;
  }
  const [open, close] = brackets(value);
  const parts = Object.entries(value).map(([key, child], index) => {
    const at = `${pointer}/${escaped(key)}`;
    const text = html`<span class=${class_of(at, change)}>${inline(child, at, change)}</span>`;
    return html`${index > 0 ? mark(", ") : nothing}${key_of(value, key)}${text}`;
  });
  return html`${mark(open)}${parts}${mark(close)}`;
}

function mark(text: string): Part {
  return html`<span class="mark">${text}</span>`;
}

function key_of(container: Container, key: string): Part {
  if (Array.isArray(container)) return nothing;
  return html`<span class="key">${JSON.stringify(key)}</span>${mark(": ")}`;
}

function is_container(value: Json): value is Container {
  return value !== null && typeof value === "object";
}

function brackets(container: Container): [string, string] {
  return Array.isArray(container) ? ["[", "]"] : ["{", "}"];
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
