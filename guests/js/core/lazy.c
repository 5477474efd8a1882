// Globals that come to be when they are needed: each is an accessor until its first use, which
// evaluates the part (lazy/*.js) that it belongs to.
//
// A source that has the name of one evaluates its part while the plugin is built, so that a call
// never does; what no source names costs a plugin its text and nothing else.
#include "core.h"

#include <ctype.h>
#include <string.h>

static const char text_part[] = {
#embed "lazy/text.js"
    , 0};
static const char url_part[] = {
#embed "lazy/url.js"
    , 0};
static const char clone_part[] = {
#embed "lazy/clone.js"
    , 0};
static const char events_part[] = {
#embed "lazy/events.js"
    , 0};
static const char fetch_part[] = {
#embed "lazy/fetch.js"
    , 0};
static const char console_part[] = {
#embed "lazy/console.js"
    , 0};
static const char buffer_part[] = {
#embed "lazy/buffer.js"
    , 0};
static const char digest_part[] = {
#embed "lazy/digest.js"
    , 0};
// Made of bundled/urlpattern.js.
static const char urlpattern_part[] = {
#embed "urlpattern.js"
    , 0};

typedef struct {
  const char* file;  // its name in stacks, where '<' says that it is not the user's
  const char* text;  // a function of the natives that returns an object
  size_t size;
  const char* owner;  // whose properties they are; NULL for globals
  const char* names;  // with a blank before and behind each
} Part;

#define PART(name) "<" #name ">", name##_part, sizeof name##_part - 1
static const Part parts[] = {
    {PART(text), NULL, " TextEncoder TextDecoder "},
    {PART(url), NULL, " URL URLSearchParams "},
    {PART(clone), NULL, " structuredClone "},
    {PART(events), NULL, " Event CustomEvent EventTarget AbortController AbortSignal "},
    {PART(fetch), NULL, " fetch Headers Request Response "},
    {PART(console),
     "console",
     " count countReset time timeLog timeEnd group groupCollapsed groupEnd dir dirxml table "},
    {PART(digest), "crypto", " subtle "},
    {PART(buffer), NULL, " Buffer "},
    {PART(urlpattern), NULL, " URLPattern "},
};
enum { part_count = sizeof parts / sizeof parts[0] };

static JSValue natives;

static JSValue owner_of(JSContext* ctx, const Part* part) {
  JSValue global = JS_GetGlobalObject(ctx);
  if (!part->owner) return global;
  JSValue owner = JS_GetPropertyStr(ctx, global, part->owner);
  JS_FreeValue(ctx, global);
  return owner;
}

// Evaluates a part and makes its names plain properties. Names that the user has set meanwhile stay
// as they are.
static bool load(JSContext* ctx, int index) {
  static bool loaded[part_count];
  const Part* part = &parts[index];
  if (loaded[index]) return true;
  loaded[index] = true;
  JSValue made = JS_Eval(ctx, part->text, part->size, part->file, JS_EVAL_TYPE_GLOBAL);
  if (!JS_IsException(made)) {
    JSValue function = made;
    made = JS_Call(ctx, function, JS_UNDEFINED, 1, &natives);
    JS_FreeValue(ctx, function);
  }
  if (JS_IsException(made)) {
    loaded[index] = false;
    return false;
  }
  JSValue owner = owner_of(ctx, part);
  JSPropertyEnum* names;
  uint32_t count;
  bool ok =
      JS_GetOwnPropertyNames(ctx, &names, &count, made, JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY) >= 0;
  for (uint32_t i = 0; ok && i < count; i++) {
    JSPropertyDescriptor now;
    int is_there = JS_GetOwnProperty(ctx, &now, owner, names[i].atom);
    bool is_ours = is_there == 1 && (now.flags & JS_PROP_GETSET);
    if (is_there == 1) {
      JS_FreeValue(ctx, now.value);
      JS_FreeValue(ctx, now.getter);
      JS_FreeValue(ctx, now.setter);
    }
    if (is_ours) {
      ok = JS_DefinePropertyValue(ctx,
                                  owner,
                                  names[i].atom,
                                  JS_GetProperty(ctx, made, names[i].atom),
                                  JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE) >= 0;
    }
  }
  if (names) JS_FreePropertyEnum(ctx, names, count);
  JS_FreeValue(ctx, owner);
  JS_FreeValue(ctx, made);
  return ok;
}

// The accessors' data: the name, and the part's index as magic.
static JSValue get(JSContext* ctx,
                   JSValueConst this,
                   int argc,
                   JSValueConst* argv,
                   int index,
                   JSValueConst* data) {
  (void)this, (void)argc, (void)argv;
  if (!load(ctx, index)) return JS_EXCEPTION;
  JSValue owner = owner_of(ctx, &parts[index]);
  JSAtom name = JS_ValueToAtom(ctx, data[0]);
  JSValue value = JS_GetProperty(ctx, owner, name);
  JS_FreeAtom(ctx, name);
  JS_FreeValue(ctx, owner);
  return value;
}

static JSValue set(JSContext* ctx,
                   JSValueConst this,
                   int argc,
                   JSValueConst* argv,
                   int index,
                   JSValueConst* data) {
  (void)this, (void)argc;
  JSValue owner = owner_of(ctx, &parts[index]);
  JSAtom name = JS_ValueToAtom(ctx, data[0]);
  int done = JS_DefinePropertyValue(
      ctx, owner, name, JS_DupValue(ctx, argv[0]), JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
  JS_FreeAtom(ctx, name);
  JS_FreeValue(ctx, owner);
  return done < 0 ? JS_EXCEPTION : JS_UNDEFINED;
}

bool lazy_install(JSContext* ctx, JSValueConst native) {
  natives = JS_DupValue(ctx, native);
  bool ok = true;
  for (int i = 0; ok && i < part_count; i++) {
    JSValue owner = owner_of(ctx, &parts[i]);
    const char* at = parts[i].names + 1;
    for (const char* end; ok && (end = strchr(at, ' ')); at = end + 1) {
      JSAtom name = JS_NewAtomLen(ctx, at, (size_t)(end - at));
      JSValue data = JS_AtomToString(ctx, name);
      JSValue getter = JS_NewCFunctionData(ctx, get, 0, i, 1, &data);
      JSValue setter = JS_NewCFunctionData(ctx, set, 1, i, 1, &data);
      ok = JS_DefinePropertyGetSet(ctx, owner, name, getter, setter, JS_PROP_CONFIGURABLE) >= 0;
      JS_FreeValue(ctx, data);
      JS_FreeAtom(ctx, name);
    }
    JS_FreeValue(ctx, owner);
  }
  return ok;
}

static bool is_name_character(char c) {
  return isalnum((unsigned char)c) || c == '_' || c == '$';
}

static bool has_word(const char* text, const char* word, size_t size) {
  for (const char* at = strchr(text, *word); at; at = strchr(at + 1, *word)) {
    if (strncmp(at, word, size) == 0 && !is_name_character(at[size]) &&
        (at == text || !is_name_character(at[-1])))
      return true;
  }
  return false;
}

bool lazy_load_named(JSContext* ctx, const char* text) {
  for (int i = 0; i < part_count; i++) {
    if (parts[i].owner && !strstr(text, parts[i].owner)) continue;
    const char* at = parts[i].names + 1;
    for (const char* end; (end = strchr(at, ' ')); at = end + 1) {
      if (!has_word(text, at, (size_t)(end - at))) continue;
      if (!load(ctx, i)) return false;
      break;
    }
  }
  return true;
}
