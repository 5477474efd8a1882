// Troupe's words for plugins in AssemblyScript: handlers of JSON values, and what a plugin says to its server.
//
// A copy of this file is part of your plugin. What a handler throws is the error of the call: the client gets its
// message. (asconfig.json names onAbort for that.) @extism/as-pdk beside it has Extism's other functions.

// ---- JSON

enum Kind {
  Missing,
  Null,
  Bool,
  Number,
  String,
  Array,
  Object,
}

const DEPTH_MAX = 128;

/** A JSON value. Numbers keep the text they came with. */
export class Json {
  private kind: Kind = Kind.Missing;
  private text: string = ""; // of a string, a number or a boolean
  private names: string[] = [];
  private items: Json[] = [];
  private path: string = ""; // where it was found, for errors

  /** The value a text consists of. Throws when it is not JSON. */
  static parse(text: string): Json {
    const parser = new Parser(text);
    const value = parser.value(0);
    parser.space();
    if (!parser.atEnd()) parser.refuse();
    return value;
  }

  static object(): Json {
    return Json.make(Kind.Object, "");
  }

  static array(): Json {
    return Json.make(Kind.Array, "");
  }

  static null(): Json {
    return Json.make(Kind.Null, "");
  }

  /** Of a number, a boolean, a string, or a value that is JSON already. */
  static of<T>(value: T): Json {
    if (value instanceof Json) return value as Json;
    if (isString<T>()) return Json.make(Kind.String, value as string);
    if (isBoolean<T>()) return Json.make(Kind.Bool, value ? "true" : "false");
    if (isInteger<T>()) return Json.make(Kind.Number, value.toString());
    if (isFloat<T>()) {
      return isFinite(<f64>value) ? Json.make(Kind.Number, value.toString()) : Json.null();
    }
    return Json.null();
  }

  static make(kind: Kind, text: string): Json {
    const json = new Json();
    json.kind = kind;
    json.text = text;
    return json;
  }

  // ---- Reading

  /** The member of an object; a value that does not exist when there is none. */
  get(name: string): Json {
    const at = this.kind == Kind.Object ? this.names.lastIndexOf(name) : -1;
    const found = at < 0 ? new Json() : this.items[at];
    found.path = this.path == "" ? name : this.path + "." + name;
    return found;
  }

  exists(): bool {
    return this.kind != Kind.Missing;
  }

  isNull(): bool {
    return this.kind == Kind.Null;
  }

  /** Throws when the value is no whole number of 64 bits. */
  asInt(): i64 {
    if (this.kind != Kind.Number) this.unfit("a whole number");
    const negative = this.text.startsWith("-");
    let result: i64 = 0;
    for (let i = negative ? 1 : 0; i < this.text.length; i++) {
      const digit: i64 = this.text.charCodeAt(i) - 48;
      if (digit < 0 || digit > 9) this.unfit("a whole number");
      if (negative ? result < (i64.MIN_VALUE + digit) / 10 : result > (i64.MAX_VALUE - digit) / 10) {
        this.unfit("a whole number of 64 bits");
      }
      result = result * 10 + (negative ? -digit : digit);
    }
    return result;
  }

  asFloat(): f64 {
    if (this.kind != Kind.Number) this.unfit("a number");
    return parseFloat(this.text);
  }

  asBool(): bool {
    if (this.kind != Kind.Bool) this.unfit("true or false");
    return this.text == "true";
  }

  asString(): string {
    if (this.kind != Kind.String) this.unfit("a string");
    return this.text;
  }

  asArray(): Json[] {
    if (this.kind != Kind.Array) this.unfit("an array");
    for (let i = 0; i < this.items.length; i++) this.items[i].path = this.path + "[" + i.toString() + "]";
    return this.items;
  }

  /** Of an array or an object; 0 for all else. */
  get length(): i32 {
    return this.items.length;
  }

  /** An element of an array, or a member of an object, by its number. */
  at(index: i32): Json {
    return this.items[index];
  }

  // (What is thrown must be made where it is thrown: the compiler reads its text from there.)
  private unfit(wanted: string): void {
    throw new Error((this.path == "" ? "the value" : this.path) + " must be " + wanted);
  }

  // ---- Making

  /** Sets a member of an object, and returns the object. */
  set<T>(name: string, value: T): Json {
    const at = this.names.indexOf(name);
    if (at < 0) {
      this.names.push(name);
      this.items.push(Json.of<T>(value));
    } else {
      this.items[at] = Json.of<T>(value);
    }
    return this;
  }

  /** Adds an element to an array, and returns the array. */
  push<T>(value: T): Json {
    this.items.push(Json.of<T>(value));
    return this;
  }

  /** As the parser needs it: of two members with one name the last counts. */
  add(name: string, value: Json): void {
    this.names.push(name);
    this.items.push(value);
  }

  toString(): string {
    const out: string[] = [];
    this.write(out);
    return out.join("");
  }

  private write(out: string[]): void {
    switch (this.kind) {
      case Kind.Bool:
      case Kind.Number:
        out.push(this.text);
        break;
      case Kind.String:
        writeString(out, this.text);
        break;
      case Kind.Array:
        for (let i = 0; i < this.items.length; i++) {
          out.push(i == 0 ? "[" : ",");
          this.items[i].write(out);
        }
        out.push(this.items.length == 0 ? "[]" : "]");
        break;
      case Kind.Object:
        for (let i = 0; i < this.items.length; i++) {
          out.push(i == 0 ? "{" : ",");
          writeString(out, this.names[i]);
          out.push(":");
          this.items[i].write(out);
        }
        out.push(this.items.length == 0 ? "{}" : "}");
        break;
      default:
        out.push("null");
    }
  }
}

function writeString(out: string[], text: string): void {
  out.push('"');
  let begin = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c >= 32 && c != 34 && c != 92) continue;
    out.push(text.substring(begin, i));
    out.push(c < 32 ? "\\u00" + (c < 16 ? "0" : "1") + (c & 15).toString(16) : c == 34 ? '\\"' : "\\\\");
    begin = i + 1;
  }
  out.push(text.substring(begin));
  out.push('"');
}

class Parser {
  private at: i32 = 0;

  constructor(private text: string) {}

  atEnd(): bool {
    return this.at == this.text.length;
  }

  refuse(): void {
    throw new Error("the input is not JSON, at character " + (this.at + 1).toString());
  }

  space(): void {
    while (this.peek() == 32 || this.peek() == 10 || this.peek() == 13 || this.peek() == 9) this.at++;
  }

  value(depth: i32): Json {
    if (depth > DEPTH_MAX) this.refuse();
    this.space();
    const c = this.peek();
    if (c == 34) return Json.make(Kind.String, this.string());
    if (c == 123) return this.object(depth);
    if (c == 91) return this.array(depth);
    if (this.word("null")) return Json.null();
    if (this.word("true")) return Json.of<bool>(true);
    if (this.word("false")) return Json.of<bool>(false);
    return this.number();
  }

  private peek(): i32 {
    return this.at < this.text.length ? this.text.charCodeAt(this.at) : -1;
  }

  private take(c: i32): bool {
    if (this.peek() != c) return false;
    this.at++;
    return true;
  }

  private word(word: string): bool {
    if (!this.text.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }

  private object(depth: i32): Json {
    const object = Json.object();
    this.at++;
    this.space();
    if (this.take(125)) return object;
    do {
      this.space();
      if (this.peek() != 34) this.refuse();
      const name = this.string();
      this.space();
      if (!this.take(58)) this.refuse();
      object.add(name, this.value(depth + 1));
      this.space();
    } while (this.take(44));
    if (!this.take(125)) this.refuse();
    return object;
  }

  private array(depth: i32): Json {
    const array = Json.array();
    this.at++;
    this.space();
    if (this.take(93)) return array;
    do {
      array.push<Json>(this.value(depth + 1));
      this.space();
    } while (this.take(44));
    if (!this.take(93)) this.refuse();
    return array;
  }

  private digits(): void {
    const begin = this.at;
    while (this.peek() >= 48 && this.peek() <= 57) this.at++;
    if (this.at == begin) this.refuse();
  }

  private number(): Json {
    const begin = this.at;
    this.take(45);
    if (!this.take(48)) this.digits();
    if (this.take(46)) this.digits();
    if (this.take(101) || this.take(69)) {
      if (!this.take(43)) this.take(45);
      this.digits();
    }
    return Json.make(Kind.Number, this.text.substring(begin, this.at));
  }

  private string(): string {
    this.at++;
    let begin = this.at;
    const parts: string[] = [];
    while (this.peek() != 34) {
      const c = this.peek();
      if (c < 32) this.refuse();
      this.at++;
      if (c != 92) continue;
      parts.push(this.text.substring(begin, this.at - 1));
      parts.push(this.escape());
      begin = this.at;
    }
    this.at++;
    parts.push(this.text.substring(begin, this.at - 1));
    return parts.join("");
  }

  private escape(): string {
    const c = this.peek();
    this.at++;
    switch (c) {
      case 34:
        return '"';
      case 92:
        return "\\";
      case 47:
        return "/";
      case 98:
        return "\b";
      case 102:
        return "\f";
      case 110:
        return "\n";
      case 114:
        return "\r";
      case 116:
        return "\t";
      case 117: {
        let code = 0;
        for (let i = 0; i < 4; i++) {
          const c = this.peek();
          const letter = c | 32;
          if (!(c >= 48 && c <= 57) && !(letter >= 97 && letter <= 102)) this.refuse();
          code = code * 16 + (c <= 57 ? c - 48 : letter - 87);
          this.at++;
        }
        return String.fromCharCode(code);
      }
    }
    this.refuse();
    return "";
  }
}

// ---- Handlers

/**
 * Runs a handler as an export:
 *
 *     export function add(): i32 {
 *       return handler((payload: Json, state: Json): Json => state.set("count", ...));
 *     }
 *
 * The input of the call is JSON: of an array the first two elements are payload and state, any other value is the
 * payload; what is not there does not exist(). What the function returns is the output. What it throws is the error of
 * the call.
 */
export function handler(f: (payload: Json, state: Json) => Json): i32 {
  const text = readInput();
  let payload = new Json();
  let state = new Json();
  if (text.length > 0) {
    const input = Json.parse(text);
    if (text.trimStart().startsWith("[")) {
      if (input.length > 0) payload = input.at(0);
      if (input.length > 1) state = input.at(1);
    } else {
      payload = input;
    }
  }
  const output = String.UTF8.encode(f(payload, state).toString(), false, String.UTF8.ErrorMode.REPLACE);
  env_output_set(put(output), output.byteLength);
  return 0;
}

// ---- What a plugin says

/** Who is called, and by whom: address, version, and when a viewer caused the turn viewer {id}, topic and params. */
export function self(): Json {
  return Json.parse(take(user_self()));
}

/** Sends an event to the client whose event this is, after the turn is committed. The detail is an object. */
export function reply(name: string, detail: Json = Json.object()): void {
  user_reply(message(Json.object().set("name", name).set("detail", detail)));
}

/** Sends an event to all viewers of this actor, after the turn is committed. The detail is an object. */
export function broadcast(name: string, detail: Json = Json.object()): void {
  user_broadcast(message(Json.object().set("name", name).set("detail", detail)));
}

/** Sends an event to all actors that are subscribed to the topic; they get it as handle_message. */
export function publish(topic: string, event: string, payload: Json = Json.object()): void {
  user_publish(message(Json.object().set("topic", topic).set("event", event).set("payload", payload)));
}

/** From now on this actor gets what is published to the topic. */
export function subscribe(topic: string): void {
  user_subscribe(message(Json.object().set("topic", topic)));
}

/** Sends an event to the actor with that address. */
export function send(to: string, event: string, payload: Json = Json.object()): void {
  user_send(message(Json.object().set("to", to).set("event", event).set("payload", payload)));
}

/** Sends an event to this actor after a time of 10 ms or more. Setting a timer of the same name replaces it. */
export function timer(name: string, after_ms: i64, event: string, payload: Json = Json.object()): void {
  const what = Json.object().set("name", name).set("after_ms", after_ms).set("event", event);
  user_timer(message(what.set("payload", payload)));
}

/** Forgets the timer of that name, if there is one. */
export function cancel(name: string): void {
  user_cancel(message(Json.object().set("name", name)));
}

/** A line in the plugin's log. */
export function log(text: string): void {
  env_log_info(putText(text));
}

// ---- The host

@external("extism:host/env", "input_length") declare function env_input_length(): u64;
@external("extism:host/env", "input_load_u8") declare function env_input_load_u8(offset: u64): u32;
@external("extism:host/env", "input_load_u64") declare function env_input_load_u64(offset: u64): u64;
@external("extism:host/env", "length") declare function env_length(block: u64): u64;
@external("extism:host/env", "alloc") declare function env_alloc(size: u64): u64;
@external("extism:host/env", "free") declare function env_free(block: u64): void;
@external("extism:host/env", "load_u8") declare function env_load_u8(offset: u64): u32;
@external("extism:host/env", "store_u8") declare function env_store_u8(offset: u64, byte: u32): void;
@external("extism:host/env", "store_u64") declare function env_store_u64(offset: u64, bytes: u64): void;
@external("extism:host/env", "output_set") declare function env_output_set(block: u64, size: u64): void;
@external("extism:host/env", "error_set") declare function env_error_set(block: u64): void;
@external("extism:host/env", "log_info") declare function env_log_info(block: u64): void;
@external("extism:host/env", "log_error") declare function env_log_error(block: u64): void;
@external("extism:host/user", "troupe_self") declare function user_self(): u64;
@external("extism:host/user", "troupe_reply") declare function user_reply(what: u64): void;
@external("extism:host/user", "troupe_broadcast") declare function user_broadcast(what: u64): void;
@external("extism:host/user", "troupe_publish") declare function user_publish(what: u64): void;
@external("extism:host/user", "troupe_subscribe") declare function user_subscribe(what: u64): void;
@external("extism:host/user", "troupe_send") declare function user_send(what: u64): void;
@external("extism:host/user", "troupe_timer") declare function user_timer(what: u64): void;
@external("extism:host/user", "troupe_cancel") declare function user_cancel(what: u64): void;
@external("wasi_snapshot_preview1", "proc_exit") declare function wasi_proc_exit(status: i32): void;

function readInput(): string {
  const size = <i32>env_input_length();
  const buffer = new ArrayBuffer(size);
  const to = changetype<usize>(buffer);
  let i = 0;
  for (; i + 8 <= size; i += 8) store<u64>(to + i, env_input_load_u64(i));
  for (; i < size; i++) store<u8>(to + i, <u8>env_input_load_u8(i));
  return String.UTF8.decode(buffer);
}

function take(block: u64): string {
  const size = block == 0 ? 0 : <i32>env_length(block);
  const buffer = new ArrayBuffer(size);
  for (let i = 0; i < size; i++) store<u8>(changetype<usize>(buffer) + i, <u8>env_load_u8(block + i));
  if (block != 0) env_free(block);
  return String.UTF8.decode(buffer);
}

function put(buffer: ArrayBuffer): u64 {
  const size = buffer.byteLength;
  const from = changetype<usize>(buffer);
  const block = env_alloc(size);
  let i = 0;
  for (; i + 8 <= size; i += 8) env_store_u64(block + i, load<u64>(from + i));
  for (; i < size; i++) env_store_u8(block + i, load<u8>(from + i));
  return block;
}

function putText(text: string): u64 {
  return put(String.UTF8.encode(text, false, String.UTF8.ErrorMode.REPLACE));
}

function message(what: Json): u64 {
  return putText(what.toString());
}

/** What throw comes to. The plugin's own errors end the call; those of the runtime are traps, with their place in the log. */
export function onAbort(message: string | null, file: string | null, line: u32, column: u32): void {
  const text = message === null ? "the plugin was aborted" : message;
  env_error_set(putText(text));
  const place = file === null ? "" : file;
  if (!place.startsWith("~lib/")) wasi_proc_exit(1);
  env_log_error(putText(text + " at " + place + ":" + line.toString() + ":" + column.toString()));
  unreachable();
}
