// Buffer, as Node has it: bytes with encodings, which packages written for Node expect.
(native) => {
  "use strict";

  const views = new WeakMap();
  const view_of = (bytes) => {
    let view = views.get(bytes);
    if (!view) views.set(bytes, (view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)));
    return view;
  };
  const out_of_range = (what, value) => new RangeError(`The value of "${what}" is out of range: ${String(value)}`);
  const wrong_type = (what, value) => new TypeError(`The "${what}" argument is of the wrong type: ${typeof value}`);

  // ---- Encodings: each gives the bytes of a text, and the text of bytes.

  const characters_at_once = 4096;
  const text_of_units = (count, unit) => {
    let text = "";
    for (let at = 0; at < count; at += characters_at_once) {
      const part = new Array(Math.min(characters_at_once, count - at));
      for (let i = 0; i < part.length; i++) part[i] = unit(at + i);
      text += String.fromCharCode(...part);
    }
    return text;
  };
  const each_unit = (text, mask) => {
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i) & mask;
    return bytes;
  };

  const base64_values = new Int8Array(128).fill(-1);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (let i = 0; i < 64; i++) base64_values[alphabet.charCodeAt(i)] = i;
  base64_values[45] = 62; // - and _ of base64url are taken in both
  base64_values[95] = 63;

  const base64 = (options) => ({
    // Up to the first =; whatever else is no digit is passed over.
    encode(text) {
      const bytes = new Uint8Array((text.length * 3) >> 2);
      let bits = 0, kept = 0, at = 0;
      for (let i = 0; i < text.length; i++) {
        const code = text.charCodeAt(i);
        if (code === 61) break;
        const value = code < 128 ? base64_values[code] : -1;
        if (value < 0) continue;
        kept = (kept << 6) | value;
        bits += 6;
        if (bits >= 8) {
          bits -= 8;
          bytes[at++] = (kept >> bits) & 0xff;
          kept &= (1 << bits) - 1;
        }
      }
      return bytes.subarray(0, at);
    },
    decode: (bytes) => new Uint8Array(bytes).toBase64(options),
    // As if each character were a digit, but for two = at the end.
    size(text) {
      const padding = text.endsWith("==") && text.length > 2 ? 2 : text.endsWith("=") ? 1 : 0;
      return ((text.length - padding) * 3) >> 2;
    },
  });

  const utf8 = { encode: (text) => new Uint8Array(native.encode(text.toWellFormed())), decode: (bytes) => native.decode(bytes, false) };
  const utf16le = {
    encode(text) {
      const bytes = new Uint8Array(2 * text.length);
      for (let i = 0; i < text.length; i++) {
        const unit = text.charCodeAt(i);
        bytes[2 * i] = unit & 0xff;
        bytes[2 * i + 1] = unit >> 8;
      }
      return bytes;
    },
    decode: (bytes) => text_of_units(bytes.length >> 1, (i) => bytes[2 * i] | (bytes[2 * i + 1] << 8)),
  };
  const latin1 = { encode: (text) => each_unit(text, 0xff), decode: (bytes) => text_of_units(bytes.length, (i) => bytes[i]) };
  const ascii = { encode: latin1.encode, decode: (bytes) => text_of_units(bytes.length, (i) => bytes[i] & 0x7f) };
  const hex = {
    // Up to the first pair that is no number.
    encode(text) {
      const bytes = new Uint8Array(text.length >> 1);
      for (let i = 0; i < bytes.length; i++) {
        const pair = text.slice(2 * i, 2 * i + 2);
        if (!/^[0-9a-fA-F]{2}$/.test(pair)) return bytes.subarray(0, i);
        bytes[i] = parseInt(pair, 16);
      }
      return bytes;
    },
    decode: (bytes) => new Uint8Array(bytes).toHex(),
    size: (text) => text.length >> 1,
  };
  const encodings = {
    utf8, "utf-8": utf8, hex, latin1, binary: latin1, ascii,
    ucs2: utf16le, "ucs-2": utf16le, utf16le, "utf-16le": utf16le,
    base64: base64({}), base64url: base64({ alphabet: "base64url", omitPadding: true }),
  };
  const find_encoding = (name) => {
    const lower = `${name}`.toLowerCase();
    return Object.hasOwn(encodings, lower) ? encodings[lower] : undefined;
  };
  const encoding_of = (name = "utf8") => {
    const encoding = find_encoding(name);
    if (!encoding) throw new TypeError(`Unknown encoding: ${String(name)}`);
    return encoding;
  };

  // ----

  const is_bytes = (value) => value instanceof Uint8Array;
  const is_buffer_memory = (value) => value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;
  const bytes_or_throw = (value, what) => {
    if (!is_bytes(value)) throw wrong_type(what, value);
    return value;
  };
  const compare_bytes = (a, b) => {
    const length = Math.min(a.length, b.length);
    for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
    return Math.sign(a.length - b.length);
  };
  // What indexOf, includes and fill take: text, bytes or a number.
  const pattern_of = (value, encoding) => {
    if (typeof value === "string") return encoding_of(encoding).encode(value);
    if (typeof value === "number") return Uint8Array.of(value);
    return bytes_or_throw(value, "value");
  };
  const whole = (value, otherwise) => (value === undefined ? otherwise : Math.trunc(Number(value)) || 0);
  const clamp = (value, min, max) => Math.min(Math.max(value, min), max);

  class Buffer extends Uint8Array {
    static poolSize = 8192;

    static from(value, encoding_or_offset, length) {
      if (typeof value === "string") return adopt(encoding_of(encoding_or_offset).encode(value));
      if (is_buffer_memory(value)) return new Buffer(value, encoding_or_offset, length);
      if (value === null || typeof value !== "object") throw wrong_type("value", value);
      if (value.type === "Buffer" && Array.isArray(value.data)) return Buffer.from(value.data);
      const primitive = typeof value.valueOf === "function" ? value.valueOf() : value;
      if (primitive !== value && primitive !== null && primitive !== undefined) return Buffer.from(primitive, encoding_or_offset, length);
      if (typeof value.length === "number" || ArrayBuffer.isView(value)) return adopt(Uint8Array.from(value));
      if (typeof value[Symbol.toPrimitive] === "function") return Buffer.from(value[Symbol.toPrimitive]("string"), encoding_or_offset);
      throw wrong_type("value", value);
    }
    static of(...values) { return adopt(Uint8Array.of(...values)); }
    static alloc(size, fill, encoding) {
      if (typeof size !== "number") throw wrong_type("size", size);
      if (!(size >= 0 && size <= 2 ** 31)) throw out_of_range("size", size);
      const made = new Buffer(size);
      return fill === undefined || fill === 0 ? made : made.fill(fill, encoding);
    }
    static allocUnsafe(size) { return Buffer.alloc(size); }
    static allocUnsafeSlow(size) { return Buffer.alloc(size); }
    static isBuffer(value) { return value instanceof Buffer; }
    static isEncoding(name) { return typeof name === "string" && find_encoding(name) !== undefined; }
    static byteLength(value, encoding) {
      if (typeof value === "string") {
        const codec = find_encoding(encoding ?? "utf8") ?? utf8;
        return codec.size ? codec.size(value) : codec.encode(value).length;
      }
      if (ArrayBuffer.isView(value) || is_buffer_memory(value)) return value.byteLength;
      throw wrong_type("string", value);
    }
    static compare(a, b) { return compare_bytes(bytes_or_throw(a, "buf1"), bytes_or_throw(b, "buf2")); }
    static concat(list, total) {
      if (!Array.isArray(list)) throw wrong_type("list", list);
      const size = total ?? list.reduce((sum, each) => sum + each.length, 0);
      const made = Buffer.alloc(size);
      let at = 0;
      for (const each of list) {
        const part = bytes_or_throw(each, "list").subarray(0, Math.max(size - at, 0));
        made.set(part, at);
        at += part.length;
      }
      return made;
    }

    get parent() { return this.buffer; }
    get offset() { return this.byteOffset; }

    toString(encoding, start, end) {
      const from = clamp(whole(start, 0), 0, this.length);
      const to = clamp(whole(end, this.length), from, this.length);
      return from === to ? "" : encoding_of(encoding).decode(this.subarray(from, to));
    }
    toLocaleString(encoding, start, end) { return this.toString(encoding, start, end); }
    toJSON() { return { type: "Buffer", data: Array.from(this) }; }
    equals(other) { return compare_bytes(this, bytes_or_throw(other, "otherBuffer")) === 0; }
    compare(target, target_start = 0, target_end = target.length, start = 0, end = this.length) {
      return compare_bytes(this.subarray(start, end), bytes_or_throw(target, "target").subarray(target_start, target_end));
    }
    copy(target, target_start = 0, start = 0, end = this.length) {
      bytes_or_throw(target, "target");
      if (target_start < 0) throw out_of_range("targetStart", target_start);
      if (start < 0 || start > this.length) throw out_of_range("sourceStart", start);
      if (target_start >= target.length || start >= end) return 0;
      const part = Uint8Array.prototype.subarray.call(this, start, Math.min(end, start + target.length - target_start));
      target.set(part, target_start);
      return part.length;
    }
    // Another view of the same bytes, unlike other typed arrays' slice().
    slice(start, end) { return this.subarray(start, end); }
    write(text, offset, length, encoding) {
      if (typeof text !== "string") throw wrong_type("string", text);
      if (typeof offset === "string") [offset, encoding] = [undefined, offset];
      if (typeof length === "string") [length, encoding] = [undefined, length];
      const at = whole(offset, 0);
      if (at < 0 || at > this.length) throw out_of_range("offset", offset);
      const room = Math.min(whole(length, this.length), this.length - at);
      const codec = encoding_of(encoding);
      let bytes = codec.encode(text);
      if (bytes.length > room) {
        let end = room;
        // No half characters.
        if (codec === utf8) while (end > 0 && (bytes[end] & 0xc0) === 0x80) end--;
        if (codec === utf16le) end -= end % 2;
        bytes = bytes.subarray(0, end);
      }
      this.set(bytes, at);
      return bytes.length;
    }
    fill(value, start, end, encoding) {
      if (typeof start === "string") [start, encoding] = [undefined, start];
      if (typeof end === "string") [end, encoding] = [undefined, end];
      const from = whole(start, 0), to = whole(end, this.length);
      if (from < 0) throw out_of_range("offset", start);
      if (to < 0 || to > this.length) throw out_of_range("end", end);
      if (from >= to) return this;
      const bytes = typeof value === "string" || is_bytes(value) ? pattern_of(value, encoding) : Uint8Array.of(Number(value));
      if (bytes.length === 0) {
        if (typeof value === "string" && value !== "" || is_bytes(value)) throw new TypeError(`The argument "value" is invalid`);
        return super.fill(0, from, to);
      }
      if (bytes.length === 1) return super.fill(bytes[0], from, to);
      for (let i = from; i < to; i++) this[i] = bytes[(i - from) % bytes.length];
      return this;
    }

    indexOf(value, offset, encoding) { return this.#find(value, offset, encoding, 1); }
    lastIndexOf(value, offset, encoding) { return this.#find(value, offset, encoding, -1); }
    includes(value, offset, encoding) { return this.#find(value, offset, encoding, 1) !== -1; }
    #find(value, offset, encoding, step) {
      if (typeof offset === "string") [offset, encoding] = [undefined, offset];
      const pattern = pattern_of(value, encoding);
      let from = offset === undefined || Number.isNaN(Number(offset)) ? (step > 0 ? 0 : this.length) : Math.trunc(Number(offset));
      if (from < 0) from += this.length;
      if (from < 0) {
        if (step < 0) return -1;
        from = 0;
      }
      if (pattern.length === 0) return Math.min(from, this.length);
      for (let i = step > 0 ? from : Math.min(from, this.length - pattern.length); i >= 0 && i + pattern.length <= this.length; i += step) {
        let j = 0;
        while (j < pattern.length && this[i + j] === pattern[j]) j++;
        if (j === pattern.length) return i;
      }
      return -1;
    }

    #swap(size) {
      if (this.length % size !== 0) throw new RangeError(`Buffer size must be a multiple of ${8 * size}-bits`);
      for (let i = 0; i < this.length; i += size) Uint8Array.prototype.subarray.call(this, i, i + size).reverse();
      return this;
    }
    swap16() { return this.#swap(2); }
    swap32() { return this.#swap(4); }
    swap64() { return this.#swap(8); }

    readUIntBE(offset, size) { return integer(this, offset, size, false, false); }
    readUIntLE(offset, size) { return integer(this, offset, size, true, false); }
    readIntBE(offset, size) { return integer(this, offset, size, false, true); }
    readIntLE(offset, size) { return integer(this, offset, size, true, true); }
    writeUIntBE(value, offset, size) { return put_integer(this, value, offset, size, false, false); }
    writeUIntLE(value, offset, size) { return put_integer(this, value, offset, size, true, false); }
    writeIntBE(value, offset, size) { return put_integer(this, value, offset, size, false, true); }
    writeIntLE(value, offset, size) { return put_integer(this, value, offset, size, true, true); }
  }
  const adopt = (bytes) => new Buffer(bytes.buffer, bytes.byteOffset, bytes.length);

  // ---- Numbers

  const check_place = (buffer, offset, size) => {
    if (typeof offset !== "number") throw wrong_type("offset", offset);
    if (!Number.isInteger(offset) || offset < 0 || offset + size > buffer.length) throw out_of_range("offset", offset);
  };
  const check_size = (size) => {
    if (typeof size !== "number") throw wrong_type("byteLength", size);
    if (!Number.isInteger(size) || size < 1 || size > 6) throw out_of_range("byteLength", size);
  };
  const integer = (buffer, offset, size, little, signed) => {
    check_size(size);
    check_place(buffer, offset, size);
    let value = 0;
    for (let i = 0; i < size; i++) value = value * 256 + buffer[little ? offset + size - 1 - i : offset + i];
    return signed && value >= 2 ** (8 * size - 1) ? value - 2 ** (8 * size) : value;
  };
  const check_value = (value, bits, signed) => {
    const big = typeof value === "bigint";
    const two = big ? 2n : 2, width = big ? BigInt(bits) : bits, one = big ? 1n : 1;
    const low = signed ? -(two ** (width - one)) : big ? 0n : 0;
    const high = signed ? two ** (width - one) - one : two ** width - one;
    if (value < low || value > high) throw out_of_range("value", value);
  };
  const put_integer = (buffer, number, offset, size, little, signed) => {
    const value = Number(number);
    check_size(size);
    check_value(value, 8 * size, signed);
    check_place(buffer, offset, size);
    let rest = Math.trunc(value) || 0;
    if (rest < 0) rest += 2 ** (8 * size);
    for (let i = 0; i < size; i++) {
      buffer[little ? offset + i : offset + size - 1 - i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    return offset + size;
  };

  // By the names of DataView: readInt16LE, writeDoubleBE, ... and the same with Uint for UInt.
  const add = (names, method) => {
    for (const name of names) Object.defineProperty(Buffer.prototype, name, { value: method, writable: true, configurable: true });
  };
  const spellings = (name) => (name.includes("UInt") ? [name, name.replace("UInt", "Uint")] : [name]);
  for (const [name, kind, size] of [
    ["Int8", "Int8", 1], ["UInt8", "Uint8", 1], ["Int16", "Int16", 2], ["UInt16", "Uint16", 2], ["Int32", "Int32", 4], ["UInt32", "Uint32", 4],
    ["BigInt64", "BigInt64", 8], ["BigUInt64", "BigUint64", 8], ["Float", "Float32", 4], ["Double", "Float64", 8],
  ]) {
    const signed = !name.includes("UInt");
    const is_float = kind.startsWith("Float"), is_big = kind.startsWith("Big");
    for (const order of size === 1 ? [""] : ["LE", "BE"]) {
      const little = order === "LE";
      const get = DataView.prototype[`get${kind}`], set = DataView.prototype[`set${kind}`];
      add(spellings(`read${name}${order}`), function (offset = 0) {
        check_place(this, offset, size);
        return get.call(view_of(this), offset, little);
      });
      add(spellings(`write${name}${order}`), function (value, offset = 0) {
        if (is_big && typeof value !== "bigint") throw wrong_type("value", value);
        const number = is_big ? value : Number(value);
        if (!is_float) check_value(number, 8 * size, signed);
        check_place(this, offset, size);
        set.call(view_of(this), offset, number, little);
        return offset + size;
      });
    }
  }
  const spell_too = (from, to) => add([to], Buffer.prototype[from]);
  for (const order of ["LE", "BE"]) {
    spell_too(`readUInt${order}`, `readUint${order}`);
    spell_too(`writeUInt${order}`, `writeUint${order}`);
  }

  return { Buffer };
}
