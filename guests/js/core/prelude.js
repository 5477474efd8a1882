// The globals that every plugin has from the start: Extism's API for JavaScript, console and random numbers. Others are
// in lazy/. The text is one function, called once with the natives of api.c.
(function (native) {
  "use strict";

  const define = (name, value) =>
    Object.defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true });

  define("Host", {
    inputBytes: native.inputBytes,
    inputString: native.inputString,
    outputBytes: native.outputBytes,
    outputString: native.outputString,
    getFunctions: native.getFunctions,
    arrayBufferToBase64: (bytes) => new Uint8Array(bytes).toBase64(),
    base64ToArrayBuffer: (text) => Uint8Array.fromBase64(text).buffer,
  });

  define("Var", {
    get: native.varGetString,
    getString: native.varGetString,
    getBytes: native.varGetBytes,
    set: native.varSet,
  });

  define("Config", { get: native.configGet });

  define("Http", {
    request({ url, method = "GET", headers = {} }, body) {
      const texts = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, `${value}`]));
      const response = native.http(JSON.stringify({ url: `${url}`, method, headers: texts }), body ?? undefined, false);
      response.headers = JSON.parse(response.headers);
      return response;
    },
  });

  // ---- Memory

  class MemoryHandle {
    constructor(offset, len) {
      this.offset = offset;
      this.len = len;
    }
    readBytes() { return native.memoryRead(this.offset); }
    readString() { return native.decode(this.readBytes(), false); }
    readJsonObject() { return JSON.parse(this.readString()); }
    readUInt32() { return new DataView(this.readBytes()).getUint32(0, true); }
    readUInt64() { return new DataView(this.readBytes()).getBigUint64(0, true); }
    readFloat32() { return new DataView(this.readBytes()).getFloat32(0, true); }
    readUFloat64() { return new DataView(this.readBytes()).getFloat64(0, true); }
    free() { native.memoryFree(this.offset); }
  }

  const fromBuffer = (bytes) => new MemoryHandle(native.memoryFrom(bytes), bytes.byteLength);
  define("MemoryHandle", MemoryHandle);
  define("Memory", {
    fromBuffer,
    fromString: (text) => fromBuffer(native.encode(text)),
    fromJsonObject: (value) => fromBuffer(native.encode(JSON.stringify(value))),
    allocUInt32: (value) => fromBuffer(new Uint32Array([value])),
    allocUInt64: (value) => fromBuffer(new BigUint64Array([BigInt(value)])),
    allocFloat32: (value) => fromBuffer(new Float32Array([value])),
    allocFloat64: (value) => fromBuffer(new Float64Array([value])),
    find(offset) {
      const length = native.memoryLength(offset);
      return length === 0 ? undefined : new MemoryHandle(offset, length);
    },
  });

  // ---- Console

  const show = (value) => {
    if (typeof value === "string") return value;
    if (value instanceof Error) return `${value.name}: ${value.message}\n${native.stackOf(value)}`.trimEnd();
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value !== "object" || value === null) return String(value);
    if (value instanceof Map) return `Map(${value.size}) ${show([...value])}`;
    if (value instanceof Set) return `Set(${value.size}) ${show([...value])}`;
    try {
      return JSON.stringify(value) ?? String(value);
    } catch {
      return Object.prototype.toString.call(value);
    }
  };
  const directives = {
    s: (value) => (typeof value === "object" ? show(value) : String(value)),
    d: (value) => `${typeof value === "bigint" ? show(value) : Number(value)}`,
    i: (value) => `${typeof value === "bigint" ? show(value) : parseInt(value)}`,
    f: (value) => `${parseFloat(value)}`,
    j: show,
    o: show,
    O: show,
    c: () => "",
  };
  // One line of log; "%s" and the like in a first text take the values behind it.
  const line = ([first, ...values]) => {
    if (typeof first !== "string" || !first.includes("%")) return [first, ...values].map(show).join(" ");
    const text = first.replace(/%[sdifjoOc%]/g, (found) =>
      found === "%%" ? "%" : values.length === 0 ? found : directives[found[1]](values.shift()));
    return [text, ...values.map(show)].join(" ");
  };
  const logger = (level) => (...values) => native.log(level, line(values));
  define("console", {
    trace: logger(0),
    debug: logger(1),
    log: logger(2),
    info: logger(2),
    warn: logger(3),
    error: logger(4),
    assert(condition, ...values) {
      if (!condition) this.error("Assertion failed:", ...values);
    },
  });

  // ---- Random numbers

  Math.random = native.random;
  define("crypto", {
    getRandomValues(array) {
      if (!ArrayBuffer.isView(array) || array instanceof DataView || /Float/.test(array.constructor.name)) {
        throw new DOMException("crypto.getRandomValues() takes a typed array of integers", "TypeMismatchError");
      }
      if (array.byteLength > 65536) {
        throw new DOMException("crypto.getRandomValues() fills at most 65536 bytes", "QuotaExceededError");
      }
      native.randomFill(array);
      return array;
    },
    randomUUID() {
      const bytes = this.getRandomValues(new Uint8Array(16));
      bytes[6] = (bytes[6] & 0x0f) | 0x40;
      bytes[8] = (bytes[8] & 0x3f) | 0x80;
      const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
    },
  });

  // ---- Time

  // Times are from the first reading in an instance on.
  let origin;
  const now = () => {
    const time = native.now();
    origin ??= time || undefined; // 0 while the plugin is built
    return time;
  };
  define("performance", {
    now: () => now() - (origin ?? 0),
    get timeOrigin() {
      now();
      return origin ?? 0;
    },
    toJSON() {
      return { timeOrigin: this.timeOrigin };
    },
  });

  define("global", globalThis);
  define("self", globalThis);
})
