// Event, CustomEvent, EventTarget, AbortController and AbortSignal.
() => {
  "use strict";

  class Event {
    #type;
    #bubbles;
    #cancelable;
    #prevented = false;
    #time = performance.now();
    _target = null;
    _current = null;
    _stopped = false;
    constructor(type, { bubbles = false, cancelable = false } = {}) {
      this.#type = `${type}`;
      this.#bubbles = Boolean(bubbles);
      this.#cancelable = Boolean(cancelable);
      for (const name of ["_target", "_current", "_stopped"]) {
        Object.defineProperty(this, name, { enumerable: false, writable: true });
      }
    }
    get type() { return this.#type; }
    get bubbles() { return this.#bubbles; }
    get cancelable() { return this.#cancelable; }
    get composed() { return false; }
    get isTrusted() { return false; }
    get eventPhase() { return this._current ? 2 : 0; }
    get defaultPrevented() { return this.#prevented; }
    get timeStamp() { return this.#time; }
    get target() { return this._target; }
    get currentTarget() { return this._current; }
    composedPath() { return this._current ? [this._current] : []; }
    preventDefault() { if (this.#cancelable) this.#prevented = true; }
    stopPropagation() {}
    stopImmediatePropagation() { this._stopped = true; }
    get [Symbol.toStringTag]() { return "Event"; }
  }

  class CustomEvent extends Event {
    #detail;
    constructor(type, options = {}) {
      super(type, options);
      this.#detail = options.detail ?? null;
    }
    get detail() { return this.#detail; }
  }

  class EventTarget {
    #listeners = [];
    addEventListener(type, callback, options) {
      if (callback === null || callback === undefined) return;
      const { once = false, capture = false, signal } = typeof options === "object" && options ? options
        : { capture: Boolean(options) };
      if (signal?.aborted) return;
      const is_there = this.#listeners.some((l) => l.type === `${type}` && l.callback === callback && l.capture === capture);
      if (is_there) return;
      this.#listeners.push({ type: `${type}`, callback, once, capture });
      signal?.addEventListener("abort", () => this.removeEventListener(type, callback, options), { once: true });
    }
    removeEventListener(type, callback, options) {
      const capture = Boolean(typeof options === "object" ? options?.capture : options);
      this.#listeners = this.#listeners.filter((l) => {
        const is_meant = l.type === `${type}` && l.callback === callback && l.capture === capture;
        if (is_meant) l.removed = true;
        return !is_meant;
      });
    }
    dispatchEvent(event) {
      if (!(event instanceof Event)) throw new TypeError("dispatchEvent() takes an Event");
      if (event._current) throw new DOMException("the event is being dispatched", "InvalidStateError");
      event._target = event._current = this;
      event._stopped = false;
      for (const listener of [...this.#listeners]) {
        if (listener.type !== event.type || listener.removed) continue;
        if (listener.once) this.removeEventListener(listener.type, listener.callback, listener.capture);
        try {
          if (typeof listener.callback === "function") listener.callback.call(this, event);
          else listener.callback.handleEvent(event);
        } catch (error) {
          console.error("a listener failed:", error);
        }
        if (event._stopped) break;
      }
      event._current = null;
      return !event.defaultPrevented;
    }
    get [Symbol.toStringTag]() { return "EventTarget"; }
  }

  let may_construct = false;
  const new_signal = () => {
    may_construct = true;
    try {
      return new AbortSignal();
    } finally {
      may_construct = false;
    }
  };

  class AbortSignal extends EventTarget {
    #aborted = false;
    #reason = undefined;
    onabort = null;
    constructor() {
      super();
      if (!may_construct) throw new TypeError("an AbortSignal comes from an AbortController, AbortSignal.abort() or .timeout()");
    }
    get aborted() { return this.#aborted; }
    get reason() { return this.#reason; }
    throwIfAborted() { if (this.#aborted) throw this.#reason; }
    get [Symbol.toStringTag]() { return "AbortSignal"; }

    static _abort(signal, reason) {
      if (signal.#aborted) return;
      signal.#aborted = true;
      signal.#reason = reason === undefined ? new DOMException("This operation was aborted", "AbortError") : reason;
      const event = new Event("abort");
      if (typeof signal.onabort === "function") {
        signal.addEventListener("abort", signal.onabort, { once: true });
      }
      signal.dispatchEvent(event);
    }
    static abort(reason) {
      const signal = new_signal();
      AbortSignal._abort(signal, reason);
      return signal;
    }
    static timeout(ms) {
      const signal = new_signal();
      setTimeout(() => AbortSignal._abort(signal, new DOMException("The operation was aborted due to timeout", "TimeoutError")), ms);
      return signal;
    }
    static any(signals) {
      const joined = new_signal();
      for (const signal of [...signals]) {
        if (signal.aborted) AbortSignal._abort(joined, signal.reason);
        else signal.addEventListener("abort", () => AbortSignal._abort(joined, signal.reason), { once: true });
      }
      return joined;
    }
  }

  class AbortController {
    #signal = new_signal();
    get signal() { return this.#signal; }
    abort(reason) { AbortSignal._abort(this.#signal, reason); }
    get [Symbol.toStringTag]() { return "AbortController"; }
  }

  return { Event, CustomEvent, EventTarget, AbortController, AbortSignal };
}
