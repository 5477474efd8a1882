// What happened, newest first: events sent, patches, log lines, builds and errors.

export interface Entry {
  readonly id: number;
  readonly time: Date;
  readonly kind: "sent" | "patch" | "state" | "push" | "log" | "build" | "error";
  readonly title: string;
  readonly detail: string;
}

// Older entries are dropped; a page may stay open for days.
const entries_max = 200;

let last_id = 0;

export function with_entry(
  entries: readonly Entry[],
  kind: Entry["kind"],
  title: string,
  detail = "",
  time = new Date(),
): Entry[] {
  last_id += 1;
  return [{ id: last_id, time, kind, title, detail }, ...entries].slice(0, entries_max);
}
