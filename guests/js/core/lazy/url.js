// URL and URLSearchParams as the URL Standard says: its basic parser as a state machine. Two things are simpler: a host
// that is not ASCII is lowercased and normalized (NFKC) before Punycode, without the tables of UTS 46; and text is always
// UTF-8.
(native) => {
  "use strict";

  const encode = (text) => new Uint8Array(native.encode(text.toWellFormed()));
  const decode = (bytes) => native.decode(bytes, false);

  // ---- Percent-encoding: sets as texts of the ASCII characters in them; controls and non-ASCII are in all.
  const fragment_set = ' "<>`';
  const query_set = ' "#<>';
  const special_query_set = query_set + "'";
  const path_set = query_set + "?^`{}";
  const userinfo_set = path_set + "/:;=@[\\]|";

  const percent = (byte) => `%${byte < 16 ? "0" : ""}${byte.toString(16).toUpperCase()}`;
  const percent_encode = (text, set) => {
    let out = "";
    for (const character of text) {
      const code = character.codePointAt(0);
      if (code > 0x1f && code < 0x7f) out += set.includes(character) ? percent(code) : character;
      else for (const byte of encode(character)) out += percent(byte);
    }
    return out;
  };
  const hex = (code) => (code >= 48 && code <= 57 ? code - 48 : (code | 32) >= 97 && (code | 32) <= 102 ? (code | 32) - 87 : -1);
  const percent_decode_bytes = (bytes) => {
    const out = [];
    for (let i = 0; i < bytes.length; i++) {
      const high = bytes[i] === 0x25 && i + 2 < bytes.length ? hex(bytes[i + 1]) : -1;
      const low = high >= 0 ? hex(bytes[i + 2]) : -1;
      if (low >= 0) {
        out.push(high * 16 + low);
        i += 2;
      } else {
        out.push(bytes[i]);
      }
    }
    return new Uint8Array(out);
  };

  // ---- Hosts

  const punycode = (label) => {
    const points = Array.from(label, (c) => c.codePointAt(0));
    let out = points.filter((p) => p < 128).map((p) => String.fromCharCode(p)).join("");
    const basic = out.length;
    let done = basic;
    if (basic > 0) out += "-";
    let n = 128;
    let delta = 0;
    let bias = 72;
    while (done < points.length) {
      const next = Math.min(...points.filter((p) => p >= n));
      delta += (next - n) * (done + 1);
      n = next;
      for (const p of points) {
        if (p < n) delta++;
        if (p !== n) continue;
        let q = delta;
        for (let k = 36; ; k += 36) {
          const t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
          if (q < t) break;
          const digit = t + ((q - t) % (36 - t));
          out += String.fromCharCode(digit < 26 ? digit + 97 : digit + 22);
          q = Math.floor((q - t) / (36 - t));
        }
        out += String.fromCharCode(q < 26 ? q + 97 : q + 22);
        delta = done === basic ? Math.floor(delta / 700) : Math.floor(delta / 2);
        delta += Math.floor(delta / (done + 1));
        let k = 0;
        for (; delta > 455; k += 36) delta = Math.floor(delta / 35);
        bias = k + Math.floor((36 * delta) / (delta + 38));
        delta = 0;
        done++;
      }
      delta++;
      n++;
    }
    return `xn--${out}`;
  };

  const domain_to_ascii = (domain) =>
    domain.normalize("NFKC").toLowerCase().replace(/[\u3002\uff0e\uff61]/g, ".").replace(/\u00ad|\u200b|\u2060|\ufeff/g, "")
      .split(".").map((label) => (/^[\0-\x7f]*$/.test(label) ? label : punycode(label))).join(".");

  const ipv4_number = (text) => {
    if (text === "") return NaN;
    let base = 10;
    let digits = text;
    if (/^0[xX]/.test(text)) [base, digits] = [16, text.slice(2)];
    else if (text.length > 1 && text[0] === "0") [base, digits] = [8, text.slice(1)];
    if (digits === "") return 0;
    const allowed = { 10: /^[0-9]+$/, 16: /^[0-9a-fA-F]+$/, 8: /^[0-7]+$/ }[base];
    return allowed.test(digits) ? parseInt(digits, base) : NaN;
  };
  // Undefined when the host does not end in a number; null when it does and is no address.
  const parse_ipv4 = (host) => {
    const parts = host.split(".");
    if (parts.at(-1) === "" && parts.length > 1) parts.pop();
    const last = parts.at(-1);
    if (!/^[0-9]+$/.test(last) && !/^0[xX][0-9a-fA-F]*$/.test(last)) return undefined;
    if (parts.length > 4) return null;
    const numbers = parts.map(ipv4_number);
    if (numbers.some(Number.isNaN) || numbers.slice(0, -1).some((n) => n > 255)) return null;
    if (numbers.at(-1) >= 256 ** (5 - numbers.length)) return null;
    let address = numbers.at(-1);
    for (let i = 0; i < numbers.length - 1; i++) address += numbers[i] * 256 ** (3 - i);
    return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
  };

  const parse_ipv6 = (text) => {
    const halves = text.split("::");
    if (halves.length > 2) return null;
    const read = (half, is_last) => {
      if (half === "") return [];
      const pieces = [];
      const parts = half.split(":");
      for (let i = 0; i < parts.length; i++) {
        if (i === parts.length - 1 && is_last && parts[i].includes(".")) {
          const numbers = parts[i].split(".");
          if (numbers.length !== 4 || numbers.some((n) => !/^(0|[1-9][0-9]{0,2})$/.test(n) || Number(n) > 255)) return null;
          pieces.push(numbers[0] * 256 + Number(numbers[1]), numbers[2] * 256 + Number(numbers[3]));
        } else {
          if (!/^[0-9a-fA-F]{1,4}$/.test(parts[i])) return null;
          pieces.push(parseInt(parts[i], 16));
        }
      }
      return pieces;
    };
    const head = read(halves[0], halves.length === 1);
    const tail = halves.length === 2 ? read(halves[1], true) : [];
    if (!head || !tail) return null;
    const missing = 8 - head.length - tail.length;
    if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
    const pieces = [...head, ...new Array(missing).fill(0), ...tail];
    // The first longest run of two or more zeros is "::".
    let best = { at: -1, length: 1 };
    for (let i = 0; i < 8; i++) {
      let length = 0;
      while (i + length < 8 && pieces[i + length] === 0) length++;
      if (length > best.length) best = { at: i, length };
      i += length;
    }
    const hexes = pieces.map((p) => p.toString(16));
    if (best.at < 0) return `[${hexes.join(":")}]`;
    return `[${hexes.slice(0, best.at).join(":")}::${hexes.slice(best.at + best.length).join(":")}]`;
  };

  const forbidden_host = /[\0\t\n\r #/:<>?@[\\\]^|]/;
  const forbidden_domain = /[\0-\x20"#%/:<>?@[\\\]^`{|}\x7f]/;

  // Null when it is no host.
  const parse_host = (text, is_special) => {
    if (text[0] === "[") return text.at(-1) === "]" ? parse_ipv6(text.slice(1, -1)) : null;
    if (!is_special) return forbidden_host.test(text) ? null : percent_encode(text, "");
    const domain = domain_to_ascii(decode(percent_decode_bytes(encode(text))));
    if (domain === "" || forbidden_domain.test(domain)) return null;
    const address = parse_ipv4(domain);
    return address === undefined ? domain : address;
  };

  // ---- The parser

  const ports = { __proto__: null, "ftp:": 21, "file:": null, "http:": 80, "https:": 443, "ws:": 80, "wss:": 443 };
  const is_special = (url) => url.scheme in ports;
  const is_drive = (text) => /^[a-zA-Z][:|]$/.test(text);
  const starts_with_drive = (text) => /^[a-zA-Z][:|]([/\\?#]|$)/.test(text);
  const is_single_dot = (segment) => /^(\.|%2e)$/i.test(segment);
  const is_double_dot = (segment) => /^(\.|%2e){2}$/i.test(segment);
  const shorten = (url) => {
    if (url.scheme === "file:" && url.path.length === 1 && /^[a-zA-Z]:$/.test(url.path[0])) return;
    url.path.pop();
  };
  const credentials = (url) => url.username !== "" || url.password !== "";

  // The basic URL parser. `state` is given by a setter, which changes `url`; false then means that nothing changes. Without
  // one the result is a new record or null.
  const parse = (input, base, url, state) => {
    const overridden = state !== undefined;
    if (!url) {
      url = { scheme: "", username: "", password: "", host: null, port: null, path: [], query: null, fragment: null };
      input = input.replace(/^[\0-\x20]+|[\0-\x20]+$/g, "");
    }
    const failure = overridden ? false : null;
    const text = Array.from(input.replace(/[\t\n\r]/g, ""));
    state ??= "scheme start";
    let buffer = "";
    let at_seen = false;
    let in_brackets = false;
    let password_seen = false;

    for (let p = 0; ; p++) {
      const c = text[p]; // undefined is the end
      const rest = () => text.slice(p).join("");
      const ends_authority = c === undefined || c === "/" || c === "?" || c === "#" || (is_special(url) && c === "\\");
      switch (state) {
        case "scheme start":
          if (c !== undefined && /[a-zA-Z]/.test(c)) {
            buffer += c.toLowerCase();
            state = "scheme";
          } else if (!overridden) {
            state = "no scheme";
            p--;
          } else {
            return false;
          }
          break;

        case "scheme":
          if (c !== undefined && /[a-zA-Z0-9+\-.]/.test(c)) {
            buffer += c.toLowerCase();
          } else if (c === ":") {
            const scheme = `${buffer}:`;
            if (overridden) {
              if (is_special(url) !== scheme in ports) return false;
              if ((credentials(url) || url.port !== null) && scheme === "file:") return false;
              if (url.scheme === "file:" && url.host === "") return false;
            }
            url.scheme = scheme;
            if (overridden) {
              if (url.port === ports[scheme]) url.port = null;
              return true;
            }
            buffer = "";
            if (scheme === "file:") state = "file";
            else if (is_special(url) && base && base.scheme === scheme) state = "special relative or authority";
            else if (is_special(url)) state = "special authority slashes";
            else if (text[p + 1] === "/") {
              state = "path or authority";
              p++;
            } else {
              url.path = "";
              state = "opaque path";
            }
          } else if (!overridden) {
            buffer = "";
            state = "no scheme";
            p = -1;
          } else {
            return false;
          }
          break;

        case "no scheme":
          if (!base || (typeof base.path === "string" && c !== "#")) return null;
          if (typeof base.path === "string") {
            Object.assign(url, { scheme: base.scheme, path: base.path, query: base.query, fragment: "" });
            state = "fragment";
          } else {
            state = base.scheme === "file:" ? "file" : "relative";
            p--;
          }
          break;

        case "special relative or authority":
          if (c === "/" && text[p + 1] === "/") {
            state = "special authority ignore slashes";
            p++;
          } else {
            state = "relative";
            p--;
          }
          break;

        case "path or authority":
          if (c === "/") state = "authority";
          else {
            state = "path";
            p--;
          }
          break;

        case "relative":
          url.scheme = base.scheme;
          if (c === "/" || (is_special(url) && c === "\\")) {
            state = "relative slash";
            break;
          }
          Object.assign(url, {
            username: base.username, password: base.password, host: base.host, port: base.port,
            path: [...base.path], query: base.query,
          });
          if (c === "?") {
            url.query = "";
            state = "query";
          } else if (c === "#") {
            url.fragment = "";
            state = "fragment";
          } else if (c !== undefined) {
            url.query = null;
            shorten(url);
            state = "path";
            p--;
          }
          break;

        case "relative slash":
          if (is_special(url) && (c === "/" || c === "\\")) state = "special authority ignore slashes";
          else if (c === "/") state = "authority";
          else {
            Object.assign(url, { username: base.username, password: base.password, host: base.host, port: base.port });
            state = "path";
            p--;
          }
          break;

        case "special authority slashes":
          state = "special authority ignore slashes";
          if (c === "/" && text[p + 1] === "/") p++;
          else p--;
          break;

        case "special authority ignore slashes":
          if (c !== "/" && c !== "\\") {
            state = "authority";
            p--;
          }
          break;

        case "authority":
          if (c === "@") {
            if (at_seen) buffer = `%40${buffer}`;
            at_seen = true;
            for (const character of buffer) {
              if (character === ":" && !password_seen) password_seen = true;
              else if (password_seen) url.password += percent_encode(character, userinfo_set);
              else url.username += percent_encode(character, userinfo_set);
            }
            buffer = "";
          } else if (ends_authority) {
            if (at_seen && buffer === "") return null;
            p -= Array.from(buffer).length + 1;
            buffer = "";
            state = "host";
          } else {
            buffer += c;
          }
          break;

        case "host":
        case "hostname":
          if (overridden && url.scheme === "file:") {
            p--;
            state = "file host";
          } else if (c === ":" && !in_brackets) {
            if (buffer === "" || (overridden && state === "hostname")) return failure;
            const host = parse_host(buffer, is_special(url));
            if (host === null) return failure;
            url.host = host;
            buffer = "";
            state = "port";
          } else if (ends_authority) {
            p--;
            if (is_special(url) && buffer === "") return failure;
            if (overridden && buffer === "" && (credentials(url) || url.port !== null)) return false;
            const host = parse_host(buffer, is_special(url));
            if (host === null) return failure;
            url.host = host;
            buffer = "";
            state = "path start";
            if (overridden) return true;
          } else {
            if (c === "[") in_brackets = true;
            if (c === "]") in_brackets = false;
            buffer += c;
          }
          break;

        case "port":
          if (c !== undefined && /[0-9]/.test(c)) {
            buffer += c;
          } else if (ends_authority || overridden) {
            if (buffer !== "") {
              const port = Number(buffer);
              if (port > 65535) return overridden ? true : null; // the host before it stays changed
              url.port = port === ports[url.scheme] ? null : port;
              buffer = "";
              if (overridden) return true;
            }
            if (overridden) return true;
            state = "path start";
            p--;
          } else {
            return null;
          }
          break;

        case "file":
          url.scheme = "file:";
          url.host = "";
          if (c === "/" || c === "\\") {
            state = "file slash";
          } else if (base && base.scheme === "file:") {
            Object.assign(url, { host: base.host, path: [...base.path], query: base.query });
            if (c === "?") {
              url.query = "";
              state = "query";
            } else if (c === "#") {
              url.fragment = "";
              state = "fragment";
            } else if (c !== undefined) {
              url.query = null;
              if (starts_with_drive(rest())) url.path = [];
              else shorten(url);
              state = "path";
              p--;
            }
          } else {
            state = "path";
            p--;
          }
          break;

        case "file slash":
          if (c === "/" || c === "\\") {
            state = "file host";
          } else {
            if (base && base.scheme === "file:") {
              url.host = base.host;
              if (!starts_with_drive(rest()) && /^[a-zA-Z]:$/.test(base.path[0] ?? "")) url.path.push(base.path[0]);
            }
            state = "path";
            p--;
          }
          break;

        case "file host":
          if (c === undefined || c === "/" || c === "\\" || c === "?" || c === "#") {
            p--;
            if (!overridden && is_drive(buffer)) {
              state = "path";
            } else if (buffer === "") {
              url.host = "";
              if (overridden) return true;
              state = "path start";
            } else {
              const host = parse_host(buffer, true);
              if (host === null) return failure;
              url.host = host === "localhost" ? "" : host;
              if (overridden) return true;
              buffer = "";
              state = "path start";
            }
          } else {
            buffer += c;
          }
          break;

        case "path start":
          if (is_special(url)) {
            state = "path";
            if (c !== "/" && c !== "\\") p--;
          } else if (!overridden && c === "?") {
            url.query = "";
            state = "query";
          } else if (!overridden && c === "#") {
            url.fragment = "";
            state = "fragment";
          } else if (c !== undefined) {
            state = "path";
            if (c !== "/") p--;
          } else if (overridden && url.host === null) {
            url.path.push("");
          }
          break;

        case "path": {
          const is_slash = c === "/" || (is_special(url) && c === "\\");
          if (c === undefined || is_slash || (!overridden && (c === "?" || c === "#"))) {
            if (is_double_dot(buffer)) {
              shorten(url);
              if (!is_slash) url.path.push("");
            } else if (is_single_dot(buffer)) {
              if (!is_slash) url.path.push("");
            } else {
              if (url.scheme === "file:" && url.path.length === 0 && is_drive(buffer)) buffer = `${buffer[0]}:`;
              url.path.push(buffer);
            }
            buffer = "";
            if (c === "?") {
              url.query = "";
              state = "query";
            } else if (c === "#") {
              url.fragment = "";
              state = "fragment";
            }
          } else {
            buffer += percent_encode(c, path_set);
          }
          break;
        }

        case "opaque path":
          if (c === "?" || c === "#" || c === undefined) {
            url.path = percent_encode(buffer, "");
            // A blank at the end would be lost with what follows it.
            if (c !== undefined) url.path = url.path.replace(/ $/, "%20");
            buffer = "";
            if (c === "?") {
              url.query = "";
              state = "query";
            } else if (c === "#") {
              url.fragment = "";
              state = "fragment";
            }
          } else {
            buffer += c;
          }
          break;

        case "query":
          if (c === undefined || (!overridden && c === "#")) {
            url.query += percent_encode(buffer, is_special(url) ? special_query_set : query_set);
            buffer = "";
            if (c === "#") {
              url.fragment = "";
              state = "fragment";
            }
          } else {
            buffer += c;
          }
          break;

        case "fragment":
          if (c !== undefined) buffer += c;
          else url.fragment += percent_encode(buffer, fragment_set);
          break;
      }
      if (c === undefined && p >= text.length) return overridden ? true : url;
    }
  };

  const path_text = (url) => (typeof url.path === "string" ? url.path : url.path.map((segment) => `/${segment}`).join(""));
  const host_text = (url) => (url.host === null ? "" : url.port === null ? url.host : `${url.host}:${url.port}`);
  const text_of = (url) => {
    let text = url.scheme;
    if (url.host !== null) {
      text += "//";
      if (credentials(url)) text += `${url.username}${url.password === "" ? "" : `:${url.password}`}@`;
      text += host_text(url);
    } else if (typeof url.path !== "string" && url.path.length > 1 && url.path[0] === "") {
      text += "/.";
    }
    text += path_text(url);
    if (url.query !== null) text += `?${url.query}`;
    if (url.fragment !== null) text += `#${url.fragment}`;
    return text;
  };

  // ---- URLSearchParams

  const form_encode = (text) => {
    let out = "";
    for (const byte of encode(text)) {
      const is_plain = (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122) ||
        byte === 42 || byte === 45 || byte === 46 || byte === 95;
      out += is_plain ? String.fromCharCode(byte) : byte === 32 ? "+" : percent(byte);
    }
    return out;
  };
  const form_decode = (text) => decode(percent_decode_bytes(encode(text.replaceAll("+", " "))));
  const parse_form = (text) =>
    text.split("&").filter((part) => part !== "").map((part) => {
      const at = part.indexOf("=");
      return at < 0 ? [form_decode(part), ""] : [form_decode(part.slice(0, at)), form_decode(part.slice(at + 1))];
    });

  class URLSearchParams {
    #list = [];
    #changed = () => {};
    constructor(init = "") {
      if (typeof init === "object" && init !== null) {
        if (typeof init[Symbol.iterator] === "function") {
          for (const pair of init) {
            const entry = [...pair];
            if (entry.length !== 2) throw new TypeError("URLSearchParams takes pairs of a name and a value");
            this.#list.push([`${entry[0]}`.toWellFormed(), `${entry[1]}`.toWellFormed()]);
          }
        } else {
          for (const name of Object.keys(init)) this.#list.push([name.toWellFormed(), `${init[name]}`.toWellFormed()]);
        }
      } else {
        const text = `${init}`;
        this.#list = parse_form(text[0] === "?" ? text.slice(1) : text);
      }
    }
    // For URL: its own parameters, which change it.
    static _of(changed) {
      const params = new URLSearchParams();
      params.#changed = changed;
      return params;
    }
    static _read(params, query) { params.#list = parse_form(query ?? ""); }

    get size() { return this.#list.length; }
    append(name, value) {
      this.#list.push([`${name}`.toWellFormed(), `${value}`.toWellFormed()]);
      this.#changed();
    }
    delete(name, value) {
      this.#list = this.#list.filter(([n, v]) => !(n === `${name}` && (value === undefined || v === `${value}`)));
      this.#changed();
    }
    get(name) { return this.#list.find(([n]) => n === `${name}`)?.[1] ?? null; }
    getAll(name) { return this.#list.filter(([n]) => n === `${name}`).map(([, v]) => v); }
    has(name, value) { return this.#list.some(([n, v]) => n === `${name}` && (value === undefined || v === `${value}`)); }
    set(name, value) {
      const first = this.#list.find(([n]) => n === `${name}`);
      if (!first) return this.append(name, value);
      first[1] = `${value}`.toWellFormed();
      this.#list = this.#list.filter((entry) => entry === first || entry[0] !== `${name}`);
      this.#changed();
    }
    sort() {
      this.#list.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
      this.#changed();
    }
    forEach(callback, self) {
      if (typeof callback !== "function") throw new TypeError("forEach() takes a function");
      for (const [name, value] of this) callback.call(self, value, name, this);
    }
    *entries() { for (let i = 0; i < this.#list.length; i++) yield [...this.#list[i]]; }
    *keys() { for (const [name] of this.entries()) yield name; }
    *values() { for (const [, value] of this.entries()) yield value; }
    [Symbol.iterator]() { return this.entries(); }
    toString() { return this.#list.map(([name, value]) => `${form_encode(name)}=${form_encode(value)}`).join("&"); }
    get [Symbol.toStringTag]() { return "URLSearchParams"; }
  }

  // ---- URL

  const parse_with_base = (input, base) => {
    const from = base === undefined ? undefined : parse(`${base}`.toWellFormed());
    return from === null ? null : parse(`${input}`.toWellFormed(), from);
  };

  class URL {
    #url;
    #params;
    constructor(...values) {
      if (values.length === 0) throw new TypeError("URL takes a text");
      this.#url = parse_with_base(...values);
      if (!this.#url) {
        const error = new TypeError("Invalid URL");
        error.code = "ERR_INVALID_URL";
        error.input = `${values[0]}`;
        throw error;
      }
      this.#params = URLSearchParams._of(() => {
        const text = this.#params.toString();
        this.#url.query = text === "" ? null : text;
      });
      URLSearchParams._read(this.#params, this.#url.query);
    }
    static canParse(input, base) { return parse_with_base(input, base) !== null; }
    static parse(input, base) { return URL.canParse(input, base) ? new URL(input, base) : null; }

    #has_no_port() { return this.#url.host === null || this.#url.host === "" || this.#url.scheme === "file:"; }
    // Runs the parser from a state on a copy, which replaces the record when the parser says so.
    #change(text, state, prepare = () => {}) {
      const copy = { ...this.#url, path: typeof this.#url.path === "string" ? this.#url.path : [...this.#url.path] };
      prepare(copy);
      if (parse(`${text}`.toWellFormed(), undefined, copy, state)) this.#url = copy;
    }

    get href() { return text_of(this.#url); }
    set href(text) {
      const parsed = parse(`${text}`.toWellFormed());
      if (!parsed) throw new TypeError("Invalid URL");
      this.#url = parsed;
      URLSearchParams._read(this.#params, parsed.query);
    }
    get origin() {
      const url = this.#url;
      if (url.scheme === "blob:") {
        const inner = parse(path_text(url));
        return inner && /^https?:$/.test(inner.scheme) ? `${inner.scheme}//${host_text(inner)}` : "null";
      }
      return is_special(url) && url.scheme !== "file:" ? `${url.scheme}//${host_text(url)}` : "null";
    }
    get protocol() { return this.#url.scheme; }
    set protocol(text) { this.#change(`${text}:`, "scheme start"); }
    get username() { return this.#url.username; }
    set username(text) { if (!this.#has_no_port()) this.#url.username = percent_encode(`${text}`, userinfo_set); }
    get password() { return this.#url.password; }
    set password(text) { if (!this.#has_no_port()) this.#url.password = percent_encode(`${text}`, userinfo_set); }
    get host() { return host_text(this.#url); }
    set host(text) { if (typeof this.#url.path !== "string") this.#change(text, "host"); }
    get hostname() { return this.#url.host ?? ""; }
    set hostname(text) { if (typeof this.#url.path !== "string") this.#change(text, "hostname"); }
    get port() { return this.#url.port === null ? "" : `${this.#url.port}`; }
    set port(text) {
      if (this.#has_no_port()) return;
      if (`${text}` === "") this.#url.port = null;
      else this.#change(text, "port");
    }
    get pathname() { return path_text(this.#url); }
    set pathname(text) {
      if (typeof this.#url.path !== "string") this.#change(text, "path start", (url) => { url.path = []; });
    }
    get search() { return this.#url.query ? `?${this.#url.query}` : ""; }
    set search(text) {
      const query = `${text}`.replace(/^\?/, "");
      if (query === "") this.#url.query = null;
      else this.#change(query, "query", (url) => { url.query = ""; });
      URLSearchParams._read(this.#params, this.#url.query);
    }
    get searchParams() { return this.#params; }
    get hash() { return this.#url.fragment ? `#${this.#url.fragment}` : ""; }
    set hash(text) {
      const fragment = `${text}`.replace(/^#/, "");
      if (fragment === "") this.#url.fragment = null;
      else this.#change(fragment, "fragment", (url) => { url.fragment = ""; });
    }
    toString() { return this.href; }
    toJSON() { return this.href; }
    get [Symbol.toStringTag]() { return "URL"; }
  }

  return { URL, URLSearchParams };
}
