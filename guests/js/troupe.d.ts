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

interface MemoryHandle {
  readonly offset: number;
  readonly len: number;
  readBytes(): ArrayBuffer;
  readString(): string;
  readJsonObject(): any;
  readUInt32(): number;
  readUInt64(): bigint;
  readFloat32(): number;
  readUFloat64(): number;
  free(): void;
}

declare const Memory: {
  fromBuffer(bytes: ArrayBufferLike | ArrayBufferView): MemoryHandle;
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
  outputBytes(bytes: ArrayBufferLike | ArrayBufferView): boolean;
  outputString(text: string): boolean;
  /** The host functions that the source names, with offsets of Extism memory for arguments. */
  getFunctions(): { [name: string]: (...values: (number | bigint)[]) => any };
};

declare const Var: {
  get(name: string): string | null;
  getString(name: string): string | null;
  getBytes(name: string): ArrayBuffer | null;
  /** null and an empty value delete the variable. */
  set(name: string, value: string | ArrayBufferLike | ArrayBufferView | null): void;
};

declare const Config: {
  get(key: string): string | null;
};

interface HttpRequest {
  url: string;
  /** GET when not given. */
  method?: string;
  headers?: { [name: string]: string };
}

interface HttpResponse {
  status: number;
  body: string;
  /** By lower-case name; empty when the host gives none. */
  headers: { [name: string]: string };
}

declare const Http: {
  request(request: HttpRequest, body?: string | ArrayBufferLike | ArrayBufferView): HttpResponse;
};
