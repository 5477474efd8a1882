// The globals of a plugin: Extism's API for JavaScript, and what the web has of console, text and random numbers.
// The text is one function, called once with the natives of api.c.
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
      const response = native.http(JSON.stringify({ url, method, headers }), body ?? undefined);
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
    readString() { return native.decode(this.readBytes()); }
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
    try {
      return JSON.stringify(value) ?? String(value);
    } catch {
      return Object.prototype.toString.call(value);
    }
  };
  const logger = (level) => (...values) => native.log(level, values.map(show).join(" "));
  const error = logger(4);
  define("console", {
    trace: logger(0),
    debug: logger(1),
    log: logger(2),
    info: logger(2),
    warn: logger(3),
    error,
    assert(condition, ...values) {
      if (!condition) error("Assertion failed:", ...values);
    },
  });

  // ---- Text

  define("TextEncoder", class TextEncoder {
    get encoding() { return "utf-8"; }
    encode(text = "") { return new Uint8Array(native.encode(text)); }
    encodeInto(text, target) {
      let read = 0;
      let written = 0;
      for (const character of String(text)) {
        const bytes = new Uint8Array(native.encode(character));
        if (written + bytes.length > target.length) break;
        target.set(bytes, written);
        written += bytes.length;
        read += character.length;
      }
      return { read, written };
    }
  });

  define("TextDecoder", class TextDecoder {
    #fatal;
    #ignoreBOM;
    constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
      if (!/^\s*(utf-?8|unicode-1-1-utf-8)\s*$/i.test(label)) throw new RangeError(`TextDecoder knows utf-8 and not "${label}"`);
      this.#fatal = Boolean(fatal);
      this.#ignoreBOM = Boolean(ignoreBOM);
    }
    get encoding() { return "utf-8"; }
    get fatal() { return this.#fatal; }
    get ignoreBOM() { return this.#ignoreBOM; }
    decode(bytes) {
      if (bytes === undefined) return "";
      const text = native.decode(bytes);
      if (this.#fatal && text.includes("\ufffd")) {
        // The replacement character itself is valid in the input; anything else it stands for is not.
        const again = new Uint8Array(native.encode(text));
        const given = ArrayBuffer.isView(bytes)
          ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
          : new Uint8Array(bytes);
        if (again.length !== given.length || again.some((byte, i) => byte !== given[i])) {
          throw new TypeError("the bytes are not valid utf-8");
        }
      }
      return !this.#ignoreBOM && text.startsWith("\ufeff") ? text.slice(1) : text;
    }
  });

  // ---- Random numbers

  Math.random = native.random;
  define("crypto", {
    getRandomValues(array) {
      if (!ArrayBuffer.isView(array)) throw new TypeError("crypto.getRandomValues() takes a typed array");
      if (array.byteLength > 65536) throw new RangeError("crypto.getRandomValues() fills at most 65536 bytes");
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

  define("global", globalThis);
})
