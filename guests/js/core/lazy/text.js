// TextEncoder and TextDecoder: UTF-8, UTF-16 and windows-1252, which the web calls latin1.
(native) => {
  "use strict";

  class TextEncoder {
    get encoding() { return "utf-8"; }
    encode(text = "") { return new Uint8Array(native.encode(`${text}`.toWellFormed())); }
    encodeInto(text, target) {
      if (!(target instanceof Uint8Array)) throw new TypeError("encodeInto() writes into a Uint8Array");
      const bytes = this.encode(text);
      if (bytes.length <= target.length) {
        target.set(bytes);
        return { read: `${text}`.length, written: bytes.length };
      }
      let end = target.length;
      while (end > 0 && (bytes[end] & 0xc0) === 0x80) end--;
      const whole = bytes.subarray(0, end);
      target.set(whole);
      return { read: native.decode(whole, false).length, written: end };
    }
    get [Symbol.toStringTag]() { return "TextEncoder"; }
  }

  const labels = {
    "utf-8": "utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8",
    "utf-16le": "utf-16le utf-16 ucs-2 csunicode iso-10646-ucs-2 unicode unicodefeff",
    "utf-16be": "utf-16be unicodefffe",
    "windows-1252":
      "windows-1252 latin1 iso-8859-1 iso8859-1 iso_8859-1 iso88591 ascii us-ascii l1 cp1252 cp819 ibm819 x-cp1252 " +
      "ansi_x3.4-1968 csisolatin1 iso-ir-100 iso_8859-1:1987",
  };
  // What windows-1252 has at 0x80 to 0x9f, where latin1 has controls.
  const above = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ";
  const characters_at_once = 4096;

  const bytes_of = (input) => {
    if (input === undefined) return new Uint8Array(0);
    if (ArrayBuffer.isView(input)) return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
    if (input instanceof ArrayBuffer || input instanceof SharedArrayBuffer) return new Uint8Array(input);
    throw new TypeError("TextDecoder.decode() takes an ArrayBuffer or a view of one");
  };

  // The text of code units that `unit` gives by index.
  const text_of = (count, unit) => {
    let text = "";
    for (let at = 0; at < count; at += characters_at_once) {
      const part = new Array(Math.min(characters_at_once, count - at));
      for (let i = 0; i < part.length; i++) part[i] = unit(at + i);
      text += String.fromCharCode(...part);
    }
    return text;
  };

  class TextDecoder {
    #encoding;
    #fatal;
    #ignoreBOM;
    #kept = new Uint8Array(0); // the beginning of a character whose end has not come yet
    #streaming = false;
    #begun = false;

    constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
      const wanted = `${label}`.trim().toLowerCase();
      this.#encoding = Object.keys(labels).find((name) => labels[name].split(" ").includes(wanted));
      if (!this.#encoding) {
        throw new RangeError(`TextDecoder knows ${Object.keys(labels).join(", ")} and not "${label}"`);
      }
      this.#fatal = Boolean(fatal);
      this.#ignoreBOM = Boolean(ignoreBOM);
    }
    get encoding() { return this.#encoding; }
    get fatal() { return this.#fatal; }
    get ignoreBOM() { return this.#ignoreBOM; }
    get [Symbol.toStringTag]() { return "TextDecoder"; }

    decode(input, { stream = false } = {}) {
      let bytes = bytes_of(input);
      if (!this.#streaming) {
        this.#kept = new Uint8Array(0);
        this.#begun = false;
      }
      if (this.#kept.length > 0) {
        const joined = new Uint8Array(this.#kept.length + bytes.length);
        joined.set(this.#kept);
        joined.set(bytes, this.#kept.length);
        bytes = joined;
      }
      this.#streaming = Boolean(stream);
      const tail = stream ? this.#unfinished(bytes) : 0;
      this.#kept = bytes.slice(bytes.length - tail);
      let text = this.#text(tail > 0 ? bytes.subarray(0, bytes.length - tail) : bytes);
      if (!this.#begun && text !== "") {
        this.#begun = true;
        if (!this.#ignoreBOM && this.#encoding !== "windows-1252" && text.startsWith("\ufeff")) text = text.slice(1);
      }
      return text;
    }

    // How many bytes at the end are the beginning of a character.
    #unfinished(bytes) {
      if (this.#encoding === "windows-1252") return 0;
      if (this.#encoding === "utf-8") return native.decodeTail(bytes);
      const odd = bytes.length % 2;
      const last = bytes.length - odd - (this.#encoding === "utf-16le" ? 1 : 2);
      return last >= 0 && (bytes[last] & 0xfc) === 0xd8 ? odd + 2 : odd;
    }

    #text(bytes) {
      if (this.#encoding === "utf-8") return native.decode(bytes, this.#fatal);
      if (this.#encoding === "windows-1252") {
        return text_of(bytes.length, (i) => {
          const byte = bytes[i];
          return byte >= 0x80 && byte < 0xa0 ? above.charCodeAt(byte - 0x80) : byte;
        });
      }
      const [low, high] = this.#encoding === "utf-16le" ? [0, 1] : [1, 0];
      const text = text_of(bytes.length >> 1, (i) => bytes[2 * i + low] | (bytes[2 * i + high] << 8));
      const is_whole = bytes.length % 2 === 0;
      if (this.#fatal && !(is_whole && text.isWellFormed())) {
        throw new TypeError(`the bytes are not valid ${this.#encoding}`);
      }
      return text.toWellFormed() + (is_whole ? "" : "\ufffd");
    }
  }

  return { TextEncoder, TextDecoder };
}
