// crypto.subtle, of which there is digest().
(native) => {
  "use strict";

  const sizes = { "SHA-1": 20, "SHA-256": 32, "SHA-384": 48, "SHA-512": 64 };
  class SubtleCrypto {
    async digest(algorithm, data) {
      const name = `${typeof algorithm === "object" ? algorithm?.name : algorithm}`.toUpperCase();
      if (!Object.hasOwn(sizes, name)) {
        throw new DOMException(`crypto.subtle.digest() knows ${Object.keys(sizes).join(", ")} and not ${name}`, "NotSupportedError");
      }
      return native.digest(sizes[name], data);
    }
    get [Symbol.toStringTag]() { return "SubtleCrypto"; }
  }
  return { subtle: new SubtleCrypto() };
}
