// Types for plugins of Troupe in JavaScript and TypeScript: the module "troupe" and the globals a plugin finds.
//
// Put this file beside the sources, or name it in tsconfig.json ("types" or "include").

declare module "troupe" {
  /** A value that JSON can carry. */
  export type Json = null | boolean | number | string | Json[] | { [key: string]: Json | undefined };

  /**
   * Makes an export of a function of values. The input of the call is read as JSON: an array becomes the arguments, any
   * other value the only argument, no input none. What the function returns is the output as JSON; `undefined` is no
   * output. A promise is waited for. What it throws is the error of the call: the client gets its message, the log its
   * stack.
   *
   * ```js
   * export const addTodo = handler(({ todo }, { todos }) => ({ todos: [todo, ...todos] }));
   * ```
   */
  export function handler<Arguments extends any[], Result>(
    f: (...values: Arguments) => Result | Promise<Result>,
  ): () => void | Promise<void>;

  /** Who is called, and by whom. */
  export interface Self {
    /** The actor: `<plugin>/<key>`. */
    address: string;
    /** The turn's version of the state. */
    version: number;
    /** The viewer whose event this is; null when no viewer caused the turn. */
    viewer: { id: string; [key: string]: unknown } | null;
    /** The topic the viewer has joined; null without a viewer. */
    topic: string | null;
    /** The parameters of that join; null without a viewer. */
    params: unknown;
  }
  export function self(): Self;

  /** Sends an event to the client whose event this is, after the turn is committed. */
  export function reply(name: string, detail?: unknown): void;
  /** Sends an event to all viewers of this actor, after the turn is committed. */
  export function broadcast(name: string, detail?: unknown): void;
  /** Sends an event to all actors that are subscribed to the topic; they get it as `handle_message`. */
  export function publish(topic: string, event: string, payload?: unknown): void;
  /** From now on this actor gets what is published to the topic. */
  export function subscribe(topic: string): void;
  /** Sends an event to the actor with that address. */
  export function send(to: string, event: string, payload?: unknown): void;
  /** Sends an event to this actor after a time of 10 ms or more. Setting a timer of the same name replaces it. */
  export function timer(name: string, after_ms: number, event: string, payload?: unknown): void;
  /** Forgets the timer of that name, if there is one. */
  export function cancel(name: string): void;
}

// ---- Extism's API

/** Values of WebAssembly, for the types of an interface file; an offset of Extism memory is an I64. */
declare type I32 = number;
declare type I64 = number | bigint;
declare type F32 = number;
declare type F64 = number;
declare type PTR = number;

type Bytes = ArrayBufferLike | ArrayBufferView;

interface MemoryHandle {
  readonly offset: PTR;
  readonly len: number;
  readBytes(): ArrayBuffer;
  readString(): string;
  readJsonObject<T = any>(): T;
  readUInt32(): number;
  readUInt64(): bigint;
  readFloat32(): number;
  readUFloat64(): number;
  free(): void;
}
declare const MemoryHandle: { prototype: MemoryHandle; new (offset: PTR, len: number): MemoryHandle };

declare const Memory: {
  fromBuffer(bytes: Bytes): MemoryHandle;
  fromString(text: string): MemoryHandle;
  fromJsonObject(value: unknown): MemoryHandle;
  allocUInt32(value: number): MemoryHandle;
  allocUInt64(value: bigint): MemoryHandle;
  allocFloat32(value: number): MemoryHandle;
  allocFloat64(value: number): MemoryHandle;
  find(offset: number | bigint): MemoryHandle | undefined;
};

declare const Host: {
  inputBytes(): ArrayBuffer;
  inputString(): string;
  outputBytes(bytes: Bytes): boolean;
  outputString(text: string): boolean;
  /** The host functions that the interface file declares, and those of Troupe that the source names. */
  getFunctions(): { [name: string]: (...values: (number | bigint)[]) => any };
  arrayBufferToBase64(bytes: ArrayBuffer): string;
  base64ToArrayBuffer(text: string): ArrayBuffer;
};

declare const Var: {
  get(name: string): string | null;
  getString(name: string): string | null;
  getBytes(name: string): ArrayBuffer | null;
  /** null and an empty value delete the variable. */
  set(name: string, value: string | Bytes | null): void;
};

declare const Config: {
  get(key: string): string | null;
};

interface HttpRequest {
  url: string;
  /** GET when not given. */
  method?: string;
  headers?: { [name: string]: string | number | boolean };
}

interface HttpResponse {
  status: number;
  body: string;
  /** By lower-case name; empty when the host gives none. */
  headers: { [name: string]: string };
}

declare const Http: {
  request(request: HttpRequest, body?: string | Bytes): HttpResponse;
};

// ---- What there is of the web

interface Console {
  trace(...values: unknown[]): void;
  debug(...values: unknown[]): void;
  log(...values: unknown[]): void;
  info(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
  assert(condition: unknown, ...values: unknown[]): void;
  count(label?: string): void;
  countReset(label?: string): void;
  time(label?: string): void;
  timeLog(label?: string, ...values: unknown[]): void;
  timeEnd(label?: string): void;
  group(...values: unknown[]): void;
  groupCollapsed(...values: unknown[]): void;
  groupEnd(): void;
  dir(value: unknown): void;
  dirxml(...values: unknown[]): void;
  table(data: unknown, columns?: string[]): void;
}
/** The plugin's log: trace, debug, info (also of log), warn and error are its levels. */
declare const console: Console;

/** Timers run before the call returns; 1000 may be pending. Times are in milliseconds. */
declare function setTimeout<A extends any[]>(callback: (...values: A) => void, ms?: number, ...values: A): number;
declare function setInterval<A extends any[]>(callback: (...values: A) => void, ms?: number, ...values: A): number;
declare function clearTimeout(id: number | undefined): void;
declare function clearInterval(id: number | undefined): void;
declare function queueMicrotask(callback: () => void): void;

declare function structuredClone<T>(value: T, options?: { transfer?: ArrayBuffer[] }): T;
declare function atob(text: string): string;
declare function btoa(text: string): string;

declare const performance: {
  /** Milliseconds since the first reading in this instance. */
  now(): number;
  readonly timeOrigin: number;
  toJSON(): { timeOrigin: number };
};

interface SubtleCrypto {
  digest(algorithm: string | { name: string }, data: Bytes): Promise<ArrayBuffer>;
}
declare const crypto: {
  getRandomValues<T extends ArrayBufferView>(array: T): T;
  randomUUID(): `${string}-${string}-${string}-${string}-${string}`;
  /** Of which there is digest(), with SHA-1, SHA-256, SHA-384 and SHA-512. */
  readonly subtle: SubtleCrypto;
};

interface TextEncoder {
  readonly encoding: string;
  encode(text?: string): Uint8Array;
  encodeInto(text: string, target: Uint8Array): { read: number; written: number };
}
declare const TextEncoder: { prototype: TextEncoder; new (): TextEncoder };
interface TextDecoder {
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  decode(bytes?: Bytes, options?: { stream?: boolean }): string;
}
/** Node's: utf8, utf16le, latin1, ascii, hex, base64 and base64url. */
interface Buffer extends Uint8Array {
  toString(encoding?: string, start?: number, end?: number): string;
  toJSON(): { type: "Buffer"; data: number[] };
  equals(other: Uint8Array): boolean;
  compare(other: Uint8Array, otherStart?: number, otherEnd?: number, start?: number, end?: number): -1 | 0 | 1;
  copy(target: Uint8Array, targetStart?: number, start?: number, end?: number): number;
  /** The same bytes, not a copy. */
  slice(start?: number, end?: number): Buffer;
  subarray(start?: number, end?: number): Buffer;
  write(text: string, offset?: number, length?: number, encoding?: string): number;
  write(text: string, encoding: string): number;
  fill(value: string | number | Uint8Array, start?: number, end?: number, encoding?: string): this;
  indexOf(value: string | number | Uint8Array, offset?: number, encoding?: string): number;
  lastIndexOf(value: string | number | Uint8Array, offset?: number, encoding?: string): number;
  includes(value: string | number | Uint8Array, offset?: number, encoding?: string): boolean;
  swap16(): this;
  swap32(): this;
  swap64(): this;
  readIntLE(offset: number, size: number): number;
  readIntBE(offset: number, size: number): number;
  readUIntLE(offset: number, size: number): number;
  readUIntBE(offset: number, size: number): number;
  writeIntLE(value: number, offset: number, size: number): number;
  writeIntBE(value: number, offset: number, size: number): number;
  writeUIntLE(value: number, offset: number, size: number): number;
  writeUIntBE(value: number, offset: number, size: number): number;
  readInt8(offset?: number): number;
  writeInt8(value: number, offset?: number): number;
  readUInt8(offset?: number): number;
  writeUInt8(value: number, offset?: number): number;
  readInt16LE(offset?: number): number;
  writeInt16LE(value: number, offset?: number): number;
  readInt16BE(offset?: number): number;
  writeInt16BE(value: number, offset?: number): number;
  readUInt16LE(offset?: number): number;
  writeUInt16LE(value: number, offset?: number): number;
  readUInt16BE(offset?: number): number;
  writeUInt16BE(value: number, offset?: number): number;
  readInt32LE(offset?: number): number;
  writeInt32LE(value: number, offset?: number): number;
  readInt32BE(offset?: number): number;
  writeInt32BE(value: number, offset?: number): number;
  readUInt32LE(offset?: number): number;
  writeUInt32LE(value: number, offset?: number): number;
  readUInt32BE(offset?: number): number;
  writeUInt32BE(value: number, offset?: number): number;
  readBigInt64LE(offset?: number): bigint;
  writeBigInt64LE(value: bigint, offset?: number): number;
  readBigInt64BE(offset?: number): bigint;
  writeBigInt64BE(value: bigint, offset?: number): number;
  readBigUInt64LE(offset?: number): bigint;
  writeBigUInt64LE(value: bigint, offset?: number): number;
  readBigUInt64BE(offset?: number): bigint;
  writeBigUInt64BE(value: bigint, offset?: number): number;
  readFloatLE(offset?: number): number;
  writeFloatLE(value: number, offset?: number): number;
  readFloatBE(offset?: number): number;
  writeFloatBE(value: number, offset?: number): number;
  readDoubleLE(offset?: number): number;
  writeDoubleLE(value: number, offset?: number): number;
  readDoubleBE(offset?: number): number;
  writeDoubleBE(value: number, offset?: number): number;
}
declare const Buffer: {
  prototype: Buffer;
  from(text: string, encoding?: string): Buffer;
  from(memory: ArrayBufferLike, offset?: number, length?: number): Buffer;
  from(values: ArrayLike<number> | { type: "Buffer"; data: number[] }): Buffer;
  of(...values: number[]): Buffer;
  alloc(size: number, fill?: string | number | Uint8Array, encoding?: string): Buffer;
  allocUnsafe(size: number): Buffer;
  concat(list: readonly Uint8Array[], total?: number): Buffer;
  compare(a: Uint8Array, b: Uint8Array): -1 | 0 | 1;
  byteLength(value: string | Bytes, encoding?: string): number;
  isBuffer(value: unknown): value is Buffer;
  isEncoding(name: string): boolean;
};
/** utf-8, utf-16le, utf-16be, windows-1252, and the other names that the web has for these. */
declare const TextDecoder: {
  prototype: TextDecoder;
  new (label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean }): TextDecoder;
};

interface URLSearchParams extends Iterable<[string, string]> {
  readonly size: number;
  append(name: string, value: string): void;
  delete(name: string, value?: string): void;
  get(name: string): string | null;
  getAll(name: string): string[];
  has(name: string, value?: string): boolean;
  set(name: string, value: string): void;
  sort(): void;
  forEach(callback: (value: string, name: string, params: URLSearchParams) => void, self?: unknown): void;
  entries(): IterableIterator<[string, string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  toString(): string;
}
declare const URLSearchParams: {
  prototype: URLSearchParams;
  new (init?: string | URLSearchParams | Iterable<readonly [string, string]> | { [name: string]: string }): URLSearchParams;
};
interface URL {
  href: string;
  readonly origin: string;
  protocol: string;
  username: string;
  password: string;
  host: string;
  hostname: string;
  port: string;
  pathname: string;
  search: string;
  readonly searchParams: URLSearchParams;
  hash: string;
  toString(): string;
  toJSON(): string;
}
declare const URL: {
  prototype: URL;
  new (url: string | URL, base?: string | URL): URL;
  canParse(url: string | URL, base?: string | URL): boolean;
  parse(url: string | URL, base?: string | URL): URL | null;
};

type URLPatternInit = {
  protocol?: string;
  username?: string;
  password?: string;
  hostname?: string;
  port?: string;
  pathname?: string;
  search?: string;
  hash?: string;
  baseURL?: string;
};
interface URLPatternComponentResult {
  input: string;
  groups: { [name: string]: string | undefined };
}
interface URLPatternResult {
  inputs: [string | URLPatternInit] | [string | URLPatternInit, string];
  protocol: URLPatternComponentResult;
  username: URLPatternComponentResult;
  password: URLPatternComponentResult;
  hostname: URLPatternComponentResult;
  port: URLPatternComponentResult;
  pathname: URLPatternComponentResult;
  search: URLPatternComponentResult;
  hash: URLPatternComponentResult;
}
interface URLPattern {
  readonly protocol: string;
  readonly username: string;
  readonly password: string;
  readonly hostname: string;
  readonly port: string;
  readonly pathname: string;
  readonly search: string;
  readonly hash: string;
  readonly hasRegExpGroups: boolean;
  test(input?: string | URLPatternInit, base?: string): boolean;
  exec(input?: string | URLPatternInit, base?: string): URLPatternResult | null;
}
declare const URLPattern: {
  prototype: URLPattern;
  new (init?: string | URLPatternInit, options?: { ignoreCase?: boolean }): URLPattern;
  new (init: string | URLPatternInit, base: string, options?: { ignoreCase?: boolean }): URLPattern;
};

interface DOMException extends Error {
  readonly code: number;
}
declare const DOMException: { prototype: DOMException; new (message?: string, name?: string): DOMException };

interface Event {
  readonly type: string;
  readonly target: EventTarget | null;
  readonly currentTarget: EventTarget | null;
  readonly bubbles: boolean;
  readonly cancelable: boolean;
  readonly defaultPrevented: boolean;
  readonly timeStamp: number;
  preventDefault(): void;
  stopPropagation(): void;
  stopImmediatePropagation(): void;
}
declare const Event: { prototype: Event; new (type: string, init?: { bubbles?: boolean; cancelable?: boolean }): Event };
interface CustomEvent<T = unknown> extends Event {
  readonly detail: T;
}
declare const CustomEvent: {
  prototype: CustomEvent;
  new <T>(type: string, init?: { bubbles?: boolean; cancelable?: boolean; detail?: T }): CustomEvent<T>;
};
type EventListener = ((event: any) => void) | { handleEvent(event: any): void };
interface EventTarget {
  addEventListener(
    type: string,
    listener: EventListener | null,
    options?: boolean | { once?: boolean; capture?: boolean; signal?: AbortSignal },
  ): void;
  removeEventListener(type: string, listener: EventListener | null, options?: boolean | { capture?: boolean }): void;
  dispatchEvent(event: Event): boolean;
}
declare const EventTarget: { prototype: EventTarget; new (): EventTarget };
interface AbortSignal extends EventTarget {
  readonly aborted: boolean;
  readonly reason: any;
  onabort: ((event: Event) => void) | null;
  throwIfAborted(): void;
}
declare const AbortSignal: {
  prototype: AbortSignal;
  abort(reason?: unknown): AbortSignal;
  timeout(ms: number): AbortSignal;
  any(signals: Iterable<AbortSignal>): AbortSignal;
};
interface AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}
declare const AbortController: { prototype: AbortController; new (): AbortController };

type HeadersInit = Headers | Iterable<readonly [string, string]> | { [name: string]: string };
type BodyInit = string | Bytes | URLSearchParams;
interface Headers extends Iterable<[string, string]> {
  append(name: string, value: string): void;
  delete(name: string): void;
  get(name: string): string | null;
  getSetCookie(): string[];
  has(name: string): boolean;
  set(name: string, value: string): void;
  forEach(callback: (value: string, name: string, headers: Headers) => void, self?: unknown): void;
  entries(): IterableIterator<[string, string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
}
declare const Headers: { prototype: Headers; new (init?: HeadersInit): Headers };
interface Body {
  readonly bodyUsed: boolean;
  text(): Promise<string>;
  json(): Promise<any>;
  arrayBuffer(): Promise<ArrayBuffer>;
  bytes(): Promise<Uint8Array>;
}
interface RequestInit {
  /** GET when not given. */
  method?: string;
  headers?: HeadersInit;
  body?: BodyInit | null;
  signal?: AbortSignal | null;
}
interface Request extends Body {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly signal: AbortSignal | null;
  clone(): Request;
}
declare const Request: { prototype: Request; new (input: string | URL | Request, init?: RequestInit): Request };
interface ResponseInit {
  status?: number;
  statusText?: string;
  headers?: HeadersInit;
}
interface Response extends Body {
  readonly status: number;
  readonly statusText: string;
  readonly ok: boolean;
  readonly headers: Headers;
  readonly url: string;
  readonly type: string;
  readonly redirected: boolean;
  clone(): Response;
}
declare const Response: {
  prototype: Response;
  new (body?: BodyInit | null, init?: ResponseInit): Response;
  json(value: unknown, init?: ResponseInit): Response;
  error(): Response;
  redirect(url: string | URL, status?: number): Response;
};
/** The host's HTTP, to hosts it allows. The call waits for the whole answer. */
declare function fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;

declare const self: typeof globalThis;
declare const global: typeof globalThis;
