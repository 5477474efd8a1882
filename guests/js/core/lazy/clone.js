// structuredClone.
() => {
  "use strict";

  const refuse = (value) => {
    const what = typeof value === "function" ? `the function ${value.name}`.trimEnd()
      : typeof value === "symbol" ? value.toString()
      : Object.prototype.toString.call(value);
    throw new DOMException(`${what} cannot be cloned`, "DataCloneError");
  };
  const errors = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
  const not_cloneable = [WeakMap, WeakSet, WeakRef, Promise];

  const clone = (value, known) => {
    if (typeof value === "symbol" || typeof value === "function") refuse(value);
    if (typeof value !== "object" || value === null) return value;
    if (known.has(value)) return known.get(value);
    const remember = (copy) => {
      known.set(value, copy);
      return copy;
    };
    const tag = Object.prototype.toString.call(value).slice(8, -1);

    if (value instanceof Boolean || value instanceof Number || value instanceof String || value instanceof BigInt) {
      return remember(Object(value.valueOf()));
    }
    if (value instanceof Date) return remember(new Date(value.getTime()));
    if (value instanceof RegExp) return remember(new RegExp(value.source, value.flags));
    if (value instanceof ArrayBuffer) return remember(value.slice(0));
    if (value instanceof SharedArrayBuffer) refuse(value);
    if (ArrayBuffer.isView(value)) {
      const buffer = clone(value.buffer, known);
      const length = value instanceof DataView ? value.byteLength : value.length;
      const constructors = { Buffer: Uint8Array };
      const Kind = constructors[value.constructor.name] ?? globalThis[value.constructor.name] ?? Uint8Array;
      return remember(new Kind(buffer, value.byteOffset, length));
    }
    if (value instanceof Map) {
      const copy = remember(new Map());
      for (const [key, item] of [...value]) copy.set(clone(key, known), clone(item, known));
      return copy;
    }
    if (value instanceof Set) {
      const copy = remember(new Set());
      for (const item of [...value]) copy.add(clone(item, known));
      return copy;
    }
    if (value instanceof DOMException) return remember(new DOMException(value.message, value.name));
    if (value instanceof Error) {
      const Kind = errors[value.name] ?? Error;
      const copy = remember(Object.create(Kind.prototype));
      const hide = (name, item) => Object.defineProperty(copy, name, { value: item, writable: true, configurable: true });
      if (Object.hasOwn(value, "stack") || typeof value.stack === "string") hide("stack", value.stack);
      if (Object.hasOwn(value, "message")) hide("message", String(value.message));
      if (Object.hasOwn(value, "cause")) hide("cause", clone(value.cause, known));
      return copy;
    }
    if (not_cloneable.some((Kind) => value instanceof Kind) || tag === "Generator") refuse(value);
    const copy = remember(Array.isArray(value) ? new Array(value.length) : {});
    for (const key of Object.keys(value)) copy[key] = clone(value[key], known);
    return copy;
  };

  return {
    structuredClone(...values) {
      if (values.length === 0) throw new TypeError("structuredClone() takes a value");
      const [value, options] = values;
      const known = new Map();
      const transferred = [...(options?.transfer ?? [])];
      for (const item of transferred) {
        if (!(item instanceof ArrayBuffer) || item.detached || known.has(item)) {
          throw new DOMException("only an ArrayBuffer can be transferred, and only once", "DataCloneError");
        }
        known.set(item, null);
      }
      // The bytes move; a failure on the way leaves them where they were.
      for (const item of transferred) known.set(item, item.slice(0));
      const copy = clone(value, known);
      for (const item of transferred) item.transfer();
      return copy;
    },
  };
}
