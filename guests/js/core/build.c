// Building: evaluates the user's source, then tells the builder what the plugin exports and
// imports.
#include "core.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

// Some 360 calls deep. Beyond it runaway recursion is a RangeError for the user and not a trap: the
// core's own stack has 256 KiB, and the calls take at most three times as much of the host's, which
// by default has 512 KiB.
enum { js_stack_bytes = 144 * 1024 };

// What an actor may allocate before the first look for garbage, besides half of what the source
// itself takes.
enum { gc_slack_bytes = 256 * 1024 };

bool building = true;
JSRuntime* runtime;
JSContext* context;

// One question or message. The builder reads the same fields (../builder/core_session.cc).
typedef struct {
  uint32_t operation;
  uint32_t number;
  const char* a;
  uint32_t a_size;
  const char* b;
  uint32_t b_size;
} Request;

// Bits 0 to 7 are an AnswerKind, those above the size of the answer, which ask_take fetches.
IMPORT("troupe:build", "ask") uint64_t builder_ask(uint64_t request);

static uint64_t send(AskOperation operation, uint32_t number, const char* a, const char* b) {
  Request request = {operation, number, a, a ? strlen(a) : 0, b, b ? strlen(b) : 0};
  return builder_ask((uint64_t)(uintptr_t)&request);
}

void tell(AskOperation operation, uint32_t number, const char* a, const char* b) {
  send(operation, number, a, b);
}

char* ask(JSContext* ctx,
          AskOperation operation,
          const char* a,
          const char* b,
          AnswerKind* kind,
          size_t* size) {
  uint64_t answer = send(operation, 0, a, b);
  *kind = (AnswerKind)(answer & 0xff);
  *size = (size_t)(answer >> 8);
  char* text = malloc(*size + 1);
  if (!text) {
    JS_ThrowOutOfMemory(ctx);
    return NULL;
  }
  send(ask_take, (uint32_t)(uintptr_t)text, NULL, NULL);
  text[*size] = 0;
  if (*kind != answer_failed) return text;
  JS_ThrowReferenceError(ctx, "%s", text);
  forget(text);
  return NULL;
}

void forget(char* text) {
  if (text && building) memset(text, 0, malloc_usable_size(text));
  free(text);
}

bool refuse_while_building(JSContext* ctx, const char* what) {
  if (!building) return false;
  JS_ThrowTypeError(
      ctx,
      "%s has nobody to ask while the plugin is built: call it inside an exported function",
      what);
  return true;
}

bool memory_ran_out;

static void* noted(void* block) {
  if (!block) memory_ran_out = true;
  return block;
}

// While building, freed memory is cleared: what the parser left behind would else be part of every
// plugin.
static void* core_calloc(void* opaque, size_t count, size_t size) {
  (void)opaque;
  return noted(calloc(count, size));
}
static void* core_malloc(void* opaque, size_t size) {
  (void)opaque;
  return noted(malloc(size));
}
static void core_free(void* opaque, void* block) {
  (void)opaque;
  forget(block);
}
static void* core_realloc(void* opaque, void* block, size_t size) {
  if (!building || !block) return noted(realloc(block, size));
  size_t old_size = malloc_usable_size(block);
  if (size <= old_size && size > old_size / 2) return block;
  void* moved = noted(malloc(size));
  if (!moved) return NULL;
  memcpy(moved, block, size < old_size ? size : old_size);
  core_free(opaque, block);
  return moved;
}
static size_t core_usable_size(const void* block) {
  return malloc_usable_size((void*)block);
}

static const JSMallocFunctions allocation = {
    core_calloc, core_malloc, core_free, core_realloc, core_usable_size};

bool core_start(void) {
  runtime = JS_NewRuntime2(&allocation, NULL);
  if (!runtime) return false;
  JS_SetMaxStackSize(runtime, js_stack_bytes);
  context = JS_NewContext(runtime);
  if (!context) return false;
  modules_install(context);
  rejections_install(runtime);
  return api_install(context);
}

static void keep_export(const char* name, JSValue function) {
  JSValue* grown = realloc(exported, (exported_count + 1) * sizeof *exported);
  if (!grown) __builtin_trap();
  exported = grown;
  exported[exported_count] = function;
  tell(tell_export, exported_count++, name, NULL);
}

static bool is_class(JSValueConst function) {
  const char* text = JS_ToCString(context, function);
  bool is = text && strncmp(text, "class", 5) == 0 && (text[5] == ' ' || text[5] == '{');
  JS_FreeCString(context, text);
  return is;
}

// The functions of a namespace or object. A default export that is an object lends its functions
// too, which is how CommonJS looks from an ES module and what `export default {...}` means to
// people.
static bool collect_exports(JSValueConst object, JSValueConst shadowing) {
  JSPropertyEnum* names;
  uint32_t count;
  if (JS_GetOwnPropertyNames(
          context, &names, &count, object, JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY) < 0)
    return false;
  bool ok = true;
  for (uint32_t i = 0; ok && i < count; i++) {
    if (!JS_IsUndefined(shadowing) && JS_HasProperty(context, shadowing, names[i].atom) == 1)
      continue;
    JSValue value = JS_GetProperty(context, object, names[i].atom);
    const char* name = JS_AtomToCString(context, names[i].atom);
    ok = name && !JS_IsException(value);
    if (ok && JS_IsFunction(context, value) && !is_class(value)) {
      keep_export(name, JS_DupValue(context, value));
    } else if (ok && strcmp(name, "default") == 0 && JS_IsUndefined(shadowing) &&
               JS_IsObject(value)) {
      ok = collect_exports(value, object);
    }
    JS_FreeCString(context, name);
    JS_FreeValue(context, value);
  }
  JS_FreePropertyEnum(context, names, count);
  return ok;
}

static bool evaluate(void) {
  AnswerKind kind;
  size_t size;
  char* entry = ask(context, ask_resolve, "", "", &kind, &size);
  if (!entry) return false;
  JSModuleDef* module = module_load(context, entry);
  forget(entry);
  if (!module) return false;
  JSValue namespace = module_evaluate(context, module);
  if (JS_IsException(namespace)) return false;
  bool ok = collect_exports(namespace, JS_UNDEFINED);
  JS_FreeValue(context, namespace);
  return ok;
}

static void use_export(const char* name) {
  uses |= use_of_export(name);
}

void tell_failure(void) {
  JSValue error = JS_GetException(context);
  char* importer;
  char* name;
  char* message = error_message(context, error);
  // quickjs says which module lacks a name, but not which one asked for it.
  if (strncmp(message, "Could not find export", 21) == 0 &&
      engine_find_unlinked(context, &importer, &name)) {
    tell(tell_unlinked, 0, importer, name);
    free(importer);
    free(name);
  }
  char* stack = error_stack(context, error);
  char* kind = NULL;
  if (JS_IsError(error)) {
    JSValue value = JS_GetPropertyStr(context, error, "name");
    const char* text = JS_ToCString(context, value);
    kind = text ? strdup(text) : NULL;
    JS_FreeCString(context, text);
    JS_FreeValue(context, value);
  }
  tell(tell_error_name, 0, kind, NULL);
  tell(tell_error, 0, message, stack);
}

// 0 when the memory is ready to be snapshot, 1 when the builder was told an error.
EXPORT("build") int32_t build(void) {
  if (!core_start() || !host_read_interface(context) || !evaluate()) {
    if (!context) __builtin_trap();
    tell_failure();
    return 1;
  }
  engine_each_import(context, TROUPE_MODULE, use_export);
  tell(tell_uses, uses, NULL, NULL);
  JS_RunGC(runtime);
  // quickjs would look for garbage at the first call of every instance, and touch all of its
  // memory.
  JSMemoryUsage usage;
  JS_ComputeMemoryUsage(runtime, &usage);
  JS_SetGCThreshold(runtime, (size_t)usage.malloc_size * 3 / 2 + gc_slack_bytes);
  building = false;
  return 0;
}
