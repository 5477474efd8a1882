// The host functions of Troupe and the module "troupe" above them (troupe.js).
#include "core.h"

#include <stdlib.h>
#include <string.h>

#define USER(name) IMPORT("extism:host/user", name)
USER("troupe_self") Handle host_self(void);
USER("troupe_reply") void host_reply(Handle json);
USER("troupe_broadcast") void host_broadcast(Handle json);
USER("troupe_publish") void host_publish(Handle json);
USER("troupe_subscribe") void host_subscribe(Handle json);
USER("troupe_send") void host_send(Handle json);
USER("troupe_timer") void host_timer(Handle json);
USER("troupe_cancel") void host_cancel(Handle json);

static const char module_text[] = {
#embed "troupe.js"
    , 0};

uint32_t uses;

// All but `self` take a block of JSON and return nothing.
typedef void Effect(Handle json);
static const struct {
  const char* name;  // in the module "troupe"; with "troupe_" in front the host's name
  uint32_t use;
  Effect* effect;
} effects[] = {
    {"reply", use_reply, host_reply},
    {"broadcast", use_broadcast, host_broadcast},
    {"publish", use_publish, host_publish},
    {"subscribe", use_subscribe, host_subscribe},
    {"send", use_send, host_send},
    {"timer", use_timer, host_timer},
    {"cancel", use_cancel, host_cancel},
};
enum { effect_count = sizeof effects / sizeof effects[0] };

uint32_t use_of_export(const char* name) {
  if (strcmp(name, "*") == 0) return use_all_of_troupe;
  if (strcmp(name, "self") == 0) return use_self;
  for (int i = 0; i < effect_count; i++) {
    if (strcmp(name, effects[i].name) == 0) return effects[i].use;
  }
  return 0;
}

void note_uses(const char* text) {
  if (strstr(text, "Http") || strstr(text, "fetch")) uses |= use_http_headers;
  if (!strstr(text, "getFunctions")) return;
  if (strstr(text, "troupe_self")) uses |= use_self;
  for (int i = 0; i < effect_count; i++) {
    char name[32];
    snprintf(name, sizeof name, "troupe_%s", effects[i].name);
    if (strstr(text, name)) uses |= effects[i].use;
  }
}

// ---- For the module "troupe"

// self(): what the host says of this call, parsed.
static JSValue native_self(JSContext* ctx, JSValueConst this, int argc, JSValueConst* argv) {
  (void)this, (void)argc, (void)argv;
  if (refuse_while_building(ctx, "self()")) return JS_EXCEPTION;
  size_t size;
  char* json = block_read(host_self(), &size);
  if (!json) return JS_ThrowOutOfMemory(ctx);
  JSValue value = JS_ParseJSON(ctx, json, size, "<self>");
  free(json);
  return value;
}

// effect(index, object)
static JSValue native_effect(
    JSContext* ctx, JSValueConst this, int argc, JSValueConst* argv, int index) {
  (void)this, (void)argc;
  char what[32];
  snprintf(what, sizeof what, "%s()", effects[index].name);
  if (refuse_while_building(ctx, what)) return JS_EXCEPTION;
  JSValue json = JS_JSONStringify(ctx, argv[0], JS_UNDEFINED, JS_UNDEFINED);
  if (JS_IsException(json)) return json;
  Handle block = block_from_string(ctx, json);
  JS_FreeValue(ctx, json);
  if (block == 0) return JS_EXCEPTION;
  effects[index].effect(block);
  return JS_UNDEFINED;
}

// input(): the input parsed, undefined when there is none.
static JSValue native_input(JSContext* ctx, JSValueConst this, int argc, JSValueConst* argv) {
  (void)this, (void)argc, (void)argv;
  if (refuse_while_building(ctx, "a handler")) return JS_EXCEPTION;
  size_t size;
  char* json = input_read(&size);
  if (!json) return JS_ThrowOutOfMemory(ctx);
  JSValue value = size == 0 ? JS_UNDEFINED : JS_ParseJSON(ctx, json, size, "<input>");
  free(json);
  return value;
}

// output(value): writes it as JSON; undefined, functions and symbols are no output.
static JSValue native_output(JSContext* ctx, JSValueConst this, int argc, JSValueConst* argv) {
  (void)this, (void)argc;
  JSValue json = JS_JSONStringify(ctx, argv[0], JS_UNDEFINED, JS_UNDEFINED);
  if (!JS_IsString(json)) return json;
  size_t size;
  const char* text = JS_ToCStringLen(ctx, &size, json);
  JS_FreeValue(ctx, json);
  if (!text) return JS_EXCEPTION;
  bool written = output_write(ctx, text, size);
  JS_FreeCString(ctx, text);
  return written ? JS_UNDEFINED : JS_EXCEPTION;
}

static int fill_native(JSContext* ctx, JSModuleDef* module) {
  JS_SetModuleExport(ctx, module, "input", JS_NewCFunction(ctx, native_input, "input", 0));
  JS_SetModuleExport(ctx, module, "output", JS_NewCFunction(ctx, native_output, "output", 1));
  JS_SetModuleExport(ctx, module, "self", JS_NewCFunction(ctx, native_self, "self", 0));
  for (int i = 0; i < effect_count; i++) {
    JSValue function =
        JS_NewCFunctionMagic(ctx, native_effect, effects[i].name, 1, JS_CFUNC_generic_magic, i);
    if (JS_SetModuleExport(ctx, module, effects[i].name, function) < 0) return -1;
  }
  return 0;
}

JSModuleDef* troupe_native_module(JSContext* ctx) {
  JSModuleDef* module = JS_NewCModule(ctx, TROUPE_NATIVE, fill_native);
  if (!module) return NULL;
  JS_AddModuleExport(ctx, module, "input");
  JS_AddModuleExport(ctx, module, "output");
  JS_AddModuleExport(ctx, module, "self");
  for (int i = 0; i < effect_count; i++) JS_AddModuleExport(ctx, module, effects[i].name);
  return module;
}

JSModuleDef* troupe_module(JSContext* ctx) {
  JSValue value = JS_Eval(ctx,
                          module_text,
                          sizeof module_text - 1,
                          TROUPE_MODULE,
                          JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
  if (JS_IsException(value)) return NULL;
  JSModuleDef* module = JS_VALUE_GET_PTR(value);
  JS_FreeValue(ctx, value);
  return module;
}

// ---- For Host.getFunctions(): the same functions as Extism knows them, with offsets for
// arguments.

static JSValue host_function(
    JSContext* ctx, JSValueConst this, int argc, JSValueConst* argv, int index) {
  (void)this, (void)argc;
  if (refuse_while_building(ctx, "a host function")) return JS_EXCEPTION;
  if (index == effect_count) return JS_NewInt64(ctx, (int64_t)host_self());
  int64_t block;
  if (JS_ToInt64Ext(ctx, &block, argv[0]) < 0) return JS_EXCEPTION;
  effects[index].effect((Handle)block);
  return JS_UNDEFINED;
}

JSValue troupe_host_functions(JSContext* ctx) {
  JSValue functions = JS_NewObject(ctx);
  for (int i = 0; i <= effect_count; i++) {
    uint32_t use = i == effect_count ? use_self : effects[i].use;
    if (!(uses & use)) continue;
    char name[32];
    snprintf(name, sizeof name, "troupe_%s", i == effect_count ? "self" : effects[i].name);
    JS_SetPropertyStr(ctx,
                      functions,
                      name,
                      JS_NewCFunctionMagic(ctx, host_function, name, 1, JS_CFUNC_generic_magic, i));
  }
  if (!host_add_functions(ctx, functions)) {
    JS_FreeValue(ctx, functions);
    return JS_EXCEPTION;
  }
  return functions;
}
