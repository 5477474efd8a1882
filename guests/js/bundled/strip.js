// TypeScript to JavaScript by sucrase, line for line: types go, enums and parameter properties become code. The text of
// this program runs in the JavaScript core (../core/tool.c) while a plugin is built, and is in no plugin.
//
// It uses sucrase's parts and not its one function, which would not say where each token went, nor refuse what sucrase
// passes over in silence.
import { HelperManager } from "sucrase/dist/esm/HelperManager.js";
import NameManager from "sucrase/dist/esm/NameManager.js";
import TokenProcessor from "sucrase/dist/esm/TokenProcessor.js";
import identifyShadowedGlobals from "sucrase/dist/esm/identifyShadowedGlobals.js";
import { parse } from "sucrase/dist/esm/parser/index.js";
import State from "sucrase/dist/esm/parser/tokenizer/state.js";
import { state } from "sucrase/dist/esm/parser/traverser/base.js";
import { ContextualKeyword } from "sucrase/dist/esm/parser/tokenizer/keywords.js";
import { TokenType } from "sucrase/dist/esm/parser/tokenizer/types.js";
import RootTransformer from "sucrase/dist/esm/transformers/RootTransformer.js";
import getTSImportedNames from "sucrase/dist/esm/util/getTSImportedNames.js";

const options = { transforms: ["typescript"], disableESTransforms: true };

// The parser tries one reading of a text, and on an error another. When all fail, the one that came furthest is what the
// author meant, and its error is the one to show.
let furthest = null;
const note_error = (error) => {
  if (typeof error?.pos === "number" && error.pos > (furthest?.pos ?? -1)) furthest = error;
};
const { restoreFromSnapshot } = State.prototype;
State.prototype.restoreFromSnapshot = function (snapshot) {
  note_error(this.error);
  restoreFromSnapshot.call(this, snapshot);
};

class Refused extends Error {
  constructor(position, message) {
    super(message);
    this.pos = position;
  }
}

// Decorators stay in sucrase's output, where the engine does not know them; a namespace, which is code, it drops like a type.
const refuse_what_is_lost = (tokens) => {
  tokens.forEach((token, i) => {
    if (token.isType) {
      const is_namespace = token.contextualKeyword === ContextualKeyword._namespace || token.contextualKeyword === ContextualKeyword._module;
      let before = i - 1;
      if (tokens[before]?.type === TokenType._export) before--;
      const is_statement = !tokens[before]?.isType && tokens[i - 1]?.type !== TokenType._declare;
      if (is_namespace && is_statement && tokens[i + 1].type === TokenType.name) {
        throw new Refused(token.start, "a namespace cannot be part of a plugin: put what it holds into a file of its own and import that " +
          "(`declare namespace`, which has only types, is fine)");
      }
    } else if (token.type === TokenType.at) {
      throw new Refused(token.start, "decorators are not supported: call the function where the class or member is defined");
    }
  });
};

const byte_count = (text) => {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0);
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
};

// Line and column, both from 0 and the column in bytes, of offsets that only grow.
const places_in = (text) => {
  let at = 0;
  let line = 0;
  let column = 0;
  return (offset) => {
    for (;;) {
      const end = text.indexOf("\n", at);
      if (end < 0 || end >= offset) break;
      at = end + 1;
      line++;
      column = 0;
    }
    column += byte_count(text.slice(at, offset));
    at = offset;
    return { line, column };
  };
};

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const number = (value) => {
  let rest = value < 0 ? (-value << 1) | 1 : value << 1;
  let text = "";
  do {
    const more = rest >> 5;
    text += digits[(rest & 31) | (more ? 32 : 0)];
    rest = more;
  } while (rest);
  return text;
};

// The mappings of a source map with one source. A token that is where it was needs none, as long as its line has had no other.
const mappings_of = (source, tokens, code, positions) => {
  const from = places_in(source);
  const to = places_in(code);
  let text = "";
  let line = 0;
  let last = { column: 0, from_line: 0, from_column: 0 };
  let moved = false;
  tokens.forEach((token, i) => {
    // A token that was removed has the place of the next one that was not.
    if (positions[i] === undefined || positions[i] === positions[i + 1]) return;
    const place = to(positions[i]);
    const origin = from(token.start);
    if (place.line > line) {
      text += ";".repeat(place.line - line);
      line = place.line;
      last.column = 0;
      moved = false;
    }
    if (!moved && place.line === origin.line && place.column === origin.column) return;
    if (moved) text += ",";
    moved = true;
    text += number(place.column - last.column) + "A" + number(origin.line - last.from_line) + number(origin.column - last.from_column);
    last = { column: place.column, from_line: origin.line, from_column: origin.column };
  });
  return text;
};

const transform = (source) => {
  const { tokens, scopes } = parse(source, false, true, false);
  refuse_what_is_lost(tokens);
  const nameManager = new NameManager(source, tokens);
  const helperManager = new HelperManager(nameManager);
  const tokenProcessor = new TokenProcessor(source, tokens, false, true, helperManager);
  // Names that are imported and used only as types are not imported at run time.
  identifyShadowedGlobals(tokenProcessor, scopes, getTSImportedNames(tokenProcessor));
  const context = { tokenProcessor, scopes, nameManager, importProcessor: null, helperManager };
  const { code, mappings } = new RootTransformer(context, options.transforms, false, options).transform();
  return { code, map: mappings_of(source, tokens, code, mappings) };
};

// {code, map} or {message, line, column}, the place from 1 and in bytes.
globalThis.tool = (source) => {
  furthest = null;
  try {
    return transform(source);
  } catch (error) {
    if (!(error instanceof Refused)) {
      note_error(error);
      note_error(state?.error);
    }
    const reason = error instanceof Refused ? error : furthest;
    if (!reason) throw error;
    const { line, column } = places_in(source)(reason.pos);
    return { message: reason.message.replace(/ \(\d+:\d+\)$/, ""), line: line + 1, column: column + 1 };
  }
};
