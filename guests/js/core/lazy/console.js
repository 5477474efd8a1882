// The methods of console that few plugins use: counters, timers, groups and tables.
() => {
  "use strict";

  const counts = new Map();
  const begun = new Map();
  const names_of = (value) => (typeof value === "object" && value !== null ? Object.keys(value) : []);
  const elapsed = (label, values) => {
    const start = begun.get(label);
    if (start === undefined) return console.warn(`there is no timer "${label}"`);
    console.log(`${label}: ${(performance.now() - start).toFixed(3)} ms`, ...values);
  };

  return {
    count(label = "default") {
      counts.set(`${label}`, (counts.get(`${label}`) ?? 0) + 1);
      console.log(`${label}: ${counts.get(`${label}`)}`);
    },
    countReset(label = "default") { counts.delete(`${label}`); },
    time(label = "default") { begun.set(`${label}`, performance.now()); },
    timeLog(label = "default", ...values) { elapsed(`${label}`, values); },
    timeEnd(label = "default") {
      elapsed(`${label}`, []);
      begun.delete(`${label}`);
    },
    // A log has no indentation.
    group(...values) { if (values.length > 0) console.log(...values); },
    groupCollapsed(...values) { if (values.length > 0) console.log(...values); },
    groupEnd() {},
    dir(value) { console.log(value); },
    dirxml(...values) { console.log(...values); },
    table(data, columns) {
      if (typeof data !== "object" || data === null) return console.log(data);
      const rows = data instanceof Map ? [...data] : Object.entries(data);
      const heads = columns ?? [...new Set(rows.flatMap(([, row]) => names_of(row)))];
      const has_values = rows.some(([, row]) => names_of(row).length === 0);
      const cell = (value) => (value === undefined ? "" : typeof value === "string" ? `'${value}'` : JSON.stringify(value) ?? String(value));
      const lines = [
        ["(index)", ...heads, ...(has_values ? ["Values"] : [])],
        ...rows.map(([index, row]) => {
          const is_plain = names_of(row).length === 0;
          return [`${index}`, ...heads.map((head) => (is_plain ? "" : cell(row[head]))), ...(has_values ? [is_plain ? cell(row) : ""] : [])];
        }),
      ];
      const widths = lines[0].map((_, i) => Math.max(...lines.map((row) => row[i].length)));
      console.log(lines.map((row) => row.map((text, i) => text.padEnd(widths[i])).join(" | ").trimEnd()).join("\n"));
    },
  };
}
