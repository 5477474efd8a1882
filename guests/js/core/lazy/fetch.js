// fetch, Headers, Request and Response above the host's HTTP: a call waits until the whole answer is there, so the promise
// that fetch returns is settled when it returns.
(native) => {
  "use strict";

  const is_token = (text) => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text);
  const name_of = (name) => {
    if (!is_token(`${name}`)) throw new TypeError(`"${name}" is not a name of a header`);
    return `${name}`.toLowerCase();
  };
  const value_of = (value) => {
    const text = `${value}`.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
    if (/[\0\n\r]/.test(text)) throw new TypeError("a header's value is one line");
    return text;
  };

  class Headers {
    #list = new Map();
    constructor(init) {
      if (init === undefined || init === null) return;
      if (typeof init !== "object") throw new TypeError("Headers are made of an object, of pairs or of Headers");
      const pairs = typeof init[Symbol.iterator] === "function" ? init : Object.entries(init);
      for (const pair of pairs) {
        const [name, value, ...more] = pair;
        if (value === undefined || more.length > 0) throw new TypeError("a header is a name and a value");
        this.append(name, value);
      }
    }
    append(name, value) {
      const key = name_of(name);
      const before = this.#list.get(key);
      this.#list.set(key, before === undefined ? value_of(value) : `${before}, ${value_of(value)}`);
    }
    set(name, value) { this.#list.set(name_of(name), value_of(value)); }
    get(name) { return this.#list.get(name_of(name)) ?? null; }
    has(name) { return this.#list.has(name_of(name)); }
    delete(name) { this.#list.delete(name_of(name)); }
    getSetCookie() { return this.has("set-cookie") ? [this.get("set-cookie")] : []; }
    forEach(callback, self) { for (const [name, value] of this) callback.call(self, value, name, this); }
    *entries() { yield* [...this.#list].sort(([a], [b]) => (a < b ? -1 : 1)); }
    *keys() { for (const [name] of this.entries()) yield name; }
    *values() { for (const [, value] of this.entries()) yield value; }
    [Symbol.iterator]() { return this.entries(); }
    get [Symbol.toStringTag]() { return "Headers"; }
  }

  // The bytes of a body, or the text as it is, and the content type that follows from its kind.
  const body_of = (body) => {
    if (body === undefined || body === null) return [null, null];
    if (body instanceof URLSearchParams) return [body.toString(), "application/x-www-form-urlencoded;charset=UTF-8"];
    if (ArrayBuffer.isView(body)) {
      return [body.buffer.slice(body.byteOffset, body.byteOffset + body.byteLength), null];
    }
    if (body instanceof ArrayBuffer) return [body.slice(0), null];
    return [`${body}`.toWellFormed(), "text/plain;charset=UTF-8"];
  };

  // What Request and Response share: a body that is read once.
  class Body {
    #body = null;
    #used = false;
    _set(body) { this.#body = body; }
    _peek() {
      if (this.#used) throw new TypeError("the body was read already");
      return this.#body;
    }
    #take() {
      const body = this._peek();
      this.#used = body !== null;
      return body ?? "";
    }
    get bodyUsed() { return this.#used; }
    async text() {
      const body = this.#take();
      if (typeof body === "string") return body;
      const text = native.decode(body, false);
      return text.startsWith("\ufeff") ? text.slice(1) : text;
    }
    async json() { return JSON.parse(await this.text()); }
    async arrayBuffer() {
      const body = this.#take();
      return typeof body === "string" ? native.encode(body) : body;
    }
    async bytes() { return new Uint8Array(await this.arrayBuffer()); }
  }
  for (const name of ["_set", "_peek"]) Object.defineProperty(Body.prototype, name, { enumerable: false });

  const methods_without_body = ["GET", "HEAD"];
  const methods_normalized = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];

  class Request extends Body {
    constructor(input, init = {}) {
      super();
      const from = input instanceof Request ? input : null;
      const method = `${init.method ?? from?.method ?? "GET"}`;
      if (!is_token(method)) throw new TypeError(`"${method}" is not an HTTP method`);
      const upper = method.toUpperCase();
      const url = new URL(from ? from.url : `${input}`);
      if (url.username || url.password) throw new TypeError("a URL with a name and password cannot be fetched; use a header");
      const values = {
        url: url.href,
        method: methods_normalized.includes(upper) ? upper : method,
        headers: new Headers(init.headers ?? from?.headers),
        signal: init.signal ?? from?.signal ?? null,
      };
      for (const name of Object.keys(values)) Object.defineProperty(this, name, { value: values[name], enumerable: true });
      const [body, type] = init.body === undefined && from ? [from._peek(), null] : body_of(init.body);
      if (body !== null && methods_without_body.includes(values.method)) {
        throw new TypeError(`a request with ${values.method} has no body`);
      }
      if (type && !this.headers.has("content-type")) this.headers.set("content-type", type);
      this._set(body);
    }
    clone() { return new Request(this); }
    get [Symbol.toStringTag]() { return "Request"; }
  }

  const statuses_without_body = [101, 204, 205, 304];

  class Response extends Body {
    #status;
    #statusText;
    #headers;
    #url = "";
    #type = "default";
    constructor(body, { status = 200, statusText = "", headers } = {}) {
      super();
      if (!Number.isInteger(status) || status < 200 || status > 599) throw new RangeError(`${status} is not the status of a response`);
      this.#status = status;
      this.#statusText = `${statusText}`;
      this.#headers = new Headers(headers);
      const [content, type] = body_of(body);
      if (content !== null && statuses_without_body.includes(status)) {
        throw new TypeError(`a response with status ${status} has no body`);
      }
      if (type && !this.#headers.has("content-type")) this.#headers.set("content-type", type);
      this._set(content);
    }
    get status() { return this.#status; }
    get statusText() { return this.#statusText; }
    get ok() { return this.#status >= 200 && this.#status < 300; }
    get headers() { return this.#headers; }
    get url() { return this.#url; }
    get type() { return this.#type; }
    get redirected() { return false; }
    clone() {
      const copy = new Response(null, { statusText: this.#statusText, headers: this.#headers });
      const body = this._peek();
      copy.#status = this.#status;
      copy.#url = this.#url;
      copy.#type = this.#type;
      copy._set(body instanceof ArrayBuffer ? body.slice(0) : body);
      return copy;
    }
    static json(value, init = {}) {
      const headers = new Headers(init.headers);
      if (!headers.has("content-type")) headers.set("content-type", "application/json");
      return new Response(JSON.stringify(value), { ...init, headers });
    }
    static error() {
      const response = new Response();
      response.#status = 0;
      response.#type = "error";
      return response;
    }
    static redirect(url, status = 302) {
      if (![301, 302, 303, 307, 308].includes(status)) throw new RangeError(`${status} is not the status of a redirect`);
      return new Response(null, { status, headers: { location: new URL(url).href } });
    }
    static _received(url, status, headers, body) {
      const response = new Response(null, { headers });
      response.#status = status;
      response.#url = url;
      response.#type = "basic";
      response._set(body);
      return response;
    }
    get [Symbol.toStringTag]() { return "Response"; }
  }
  Object.defineProperty(Response, "_received", { enumerable: false });

  const fetch = async (input, init) => {
    const request = new Request(input, init);
    request.signal?.throwIfAborted();
    const { status, body, headers } = native.http(
      JSON.stringify({ url: request.url, method: request.method, headers: Object.fromEntries(request.headers) }),
      request._peek() ?? undefined,
      true,
    );
    return Response._received(request.url, status, JSON.parse(headers), body);
  };

  return { fetch, Headers, Request, Response };
}
