// The user's sources: ES modules, CommonJS modules and JSON, which may import each other as in
// Node.
//
// The builder resolves names and reads files; a module is known by the key the builder gave it,
// which is also its name in stack frames. All of it happens while building.
#include "core.h"

#include <stdlib.h>
#include <string.h>

// Static imports are resolved while a text is compiled; an import at any other time is a call of
// import().
static int compiling;

static JSValue commonjs_modules;  // key -> module object

// ---- Texts

typedef struct {
  char* text;
  size_t size;
  AnswerKind kind;
} Source;

static bool source_read(JSContext* ctx, const char* key, Source* source) {
  source->text = ask(ctx, ask_read, key, "", &source->kind, &source->size);
  if (!source->text) return false;
  note_uses(source->text);
  if (!lazy_load_named(ctx, source->text)) return false;
  AnswerKind kind;
  size_t size;
  char* map = ask(ctx, ask_source_map, key, "", &kind, &size);
  if (!map) return false;
  if (size > 0) {
    source_map_set(key, map);
  } else {
    forget(map);
  }
  return true;
}

static JSModuleDef* compile_module(JSContext* ctx, const char* key, const Source* source) {
  compiling++;
  JSValue value = JS_Eval(
      ctx, source->text, source->size, key, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
  compiling--;
  if (JS_IsException(value)) return NULL;
  JSModuleDef* module = JS_VALUE_GET_PTR(value);
  JS_FreeValue(ctx, value);  // the context's list of modules keeps it
  return module;
}

// ---- CommonJS

static JSValue require_key(JSContext* ctx, const char* key);

static JSValue require(JSContext* ctx,
                       JSValueConst this,
                       int argc,
                       JSValueConst* argv,
                       int magic,
                       JSValueConst* data) {
  (void)this, (void)argc, (void)magic;
  if (!building) {
    return JS_ThrowTypeError(
        ctx, "require() works only while the plugin is built: call it at the top of the file");
  }
  const char* specifier = JS_ToCString(ctx, argv[0]);
  const char* importer = JS_ToCString(ctx, data[0]);
  JSValue result = JS_EXCEPTION;
  if (specifier && importer && strcmp(specifier, TROUPE_MODULE) == 0) {
    uses |= use_all_of_troupe;
    result = require_key(ctx, specifier);
  } else if (specifier && importer) {
    AnswerKind kind;
    size_t size;
    char* key = ask(ctx, ask_resolve, importer, specifier, &kind, &size);
    if (key) result = require_key(ctx, key);
    forget(key);
  }
  JS_FreeCString(ctx, specifier);
  JS_FreeCString(ctx, importer);
  return result;
}

// Makes `exports` known under the key, so that whoever needs the module next finds it. Returns the
// module object.
static JSValue remember(JSContext* ctx, const char* key, JSValueConst exports) {
  JSValue module = JS_NewObject(ctx);
  JS_SetPropertyStr(ctx, module, "exports", JS_DupValue(ctx, exports));
  JS_SetPropertyStr(ctx, commonjs_modules, key, JS_DupValue(ctx, module));
  return module;
}

// Runs the function of a CommonJS text, owned, and returns module.exports.
static JSValue run_commonjs(JSContext* ctx, const char* key, JSValue function) {
  int outer = compiling;
  compiling = 0;
  JSValue exports = JS_NewObject(ctx);
  JSValue module = remember(ctx, key, exports);
  JSValue name = JS_NewString(ctx, key);
  JSValue require_function = JS_NewCFunctionData(ctx, require, 1, 0, 1, &name);
  JSValue arguments[] = {exports, require_function, module};
  JSValue result = JS_Call(ctx, function, exports, 3, arguments);
  if (JS_IsException(result)) {
    JS_SetPropertyStr(ctx, commonjs_modules, key, JS_UNDEFINED);
  } else {
    JS_FreeValue(ctx, result);
    result = JS_GetPropertyStr(ctx, module, "exports");
  }
  JS_FreeValue(ctx, function);
  JS_FreeValue(ctx, name);
  for (size_t i = 0; i < 3; i++) JS_FreeValue(ctx, arguments[i]);
  compiling = outer;
  return result;
}

// How far into the file `key` the parser came before this error: line and column as one number, and
// beyond all of them when the error is not about the file's own syntax.
static uint64_t progress_of(JSContext* ctx, JSValueConst error, const char* key) {
  static const char prefix[] = "    at ";
  char* stack = error_stack(ctx, error);
  char* at = stack + sizeof prefix - 1;
  uint64_t progress = UINT64_MAX;
  if (strncmp(stack, prefix, sizeof prefix - 1) == 0 && strncmp(at, key, strlen(key)) == 0 &&
      at[strlen(key)] == ':') {
    char* column;
    uint64_t line = strtoul(at + strlen(key) + 1, &column, 10);
    progress = line << 32 | strtoul(column + 1, NULL, 10);
  }
  free(stack);
  return progress;
}

// Compiles a text that is one or the other. Most texts are cheap to tell apart, because the first
// import or export ends the attempt to read them as CommonJS. When both fail, the one that got
// further read the language its author meant.
static JSModuleDef* compile_either(JSContext* ctx,
                                   const char* key,
                                   const Source* source,
                                   JSValue* function) {
  *function = engine_compile_wrapped(ctx, source->text, source->size, key);
  if (!JS_IsException(*function)) return NULL;
  JSValue as_commonjs = JS_GetException(ctx);
  JSModuleDef* module = compile_module(ctx, key, source);
  if (!module) {
    JSValue as_module = JS_GetException(ctx);
    bool module_is_better = progress_of(ctx, as_module, key) >= progress_of(ctx, as_commonjs, key);
    JS_Throw(ctx, module_is_better ? as_module : as_commonjs);
    as_commonjs = module_is_better ? as_commonjs : as_module;
  }
  JS_FreeValue(ctx, as_commonjs);
  return module;
}

// Reads a file as whatever it is: either an ES module (module set) or the exports of the others
// (exports set).
static bool load(JSContext* ctx, const char* key, JSModuleDef** module, JSValue* exports) {
  *module = NULL;
  *exports = JS_UNDEFINED;
  Source source;
  if (!source_read(ctx, key, &source)) return false;
  JSValue function = JS_UNDEFINED;
  bool ok = true;
  switch (source.kind) {
    case answer_module:
      *module = compile_module(ctx, key, &source);
      ok = *module != NULL;
      break;
    case answer_commonjs:
      function = engine_compile_wrapped(ctx, source.text, source.size, key);
      ok = !JS_IsException(function);
      break;
    case answer_json:
      *exports = JS_ParseJSON(ctx, source.text, source.size, key);
      ok = !JS_IsException(*exports);
      if (ok) JS_FreeValue(ctx, remember(ctx, key, *exports));
      break;
    default:
      *module = compile_either(ctx, key, &source, &function);
      ok = *module || !JS_IsException(function);
      break;
  }
  forget(source.text);
  if (ok && JS_IsObject(function)) {
    *exports = run_commonjs(ctx, key, function);
    ok = !JS_IsException(*exports);
  }
  return ok;
}

static JSValue require_key(JSContext* ctx, const char* key) {
  JSModuleDef* module = engine_find_module(ctx, key);
  if (!module) {
    JSValue known = JS_GetPropertyStr(ctx, commonjs_modules, key);
    if (!JS_IsUndefined(known)) {
      JSValue exports = JS_GetPropertyStr(ctx, known, "exports");
      JS_FreeValue(ctx, known);
      return exports;
    }
    JSValue exports;
    if (strcmp(key, TROUPE_MODULE) == 0) {
      module = troupe_module(ctx);
      if (!module) return JS_EXCEPTION;
    } else if (!load(ctx, key, &module, &exports)) {
      return JS_EXCEPTION;
    } else if (!module) {
      return exports;
    }
  }
  return module_evaluate(ctx, module);
}

// ---- A CommonJS or JSON module seen from an ES module: the default export is module.exports, its
// properties are the named ones, as they were when it was first imported.

static int fill_module(JSContext* ctx, JSModuleDef* module) {
  JSValue exports = JS_GetModulePrivateValue(ctx, module);
  JSPropertyEnum* names = NULL;
  uint32_t count = 0;
  if (JS_IsObject(exports) &&
      JS_GetOwnPropertyNames(ctx, &names, &count, exports, JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY) <
          0) {
    JS_FreeValue(ctx, exports);
    return -1;
  }
  for (uint32_t i = 0; i < count; i++) {
    const char* name = JS_AtomToCString(ctx, names[i].atom);
    // A property that was not there when the exports were declared is refused by quickjs, which is
    // right: it cannot have been imported.
    if (name && strcmp(name, "default") != 0) {
      JS_SetModuleExport(ctx, module, name, JS_GetProperty(ctx, exports, names[i].atom));
    }
    JS_FreeCString(ctx, name);
  }
  JS_FreePropertyEnum(ctx, names, count);
  return JS_SetModuleExport(ctx, module, "default", exports);
}

static JSModuleDef* commonjs_as_module(JSContext* ctx, const char* key, JSValue exports) {
  JSModuleDef* module = JS_NewCModule(ctx, key, fill_module);
  if (!module) return NULL;
  JSPropertyEnum* names = NULL;
  uint32_t count = 0;
  if (JS_IsObject(exports) &&
      JS_GetOwnPropertyNames(ctx, &names, &count, exports, JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY) <
          0) {
    return NULL;
  }
  for (uint32_t i = 0; i < count; i++) {
    const char* name = JS_AtomToCString(ctx, names[i].atom);
    if (name && strcmp(name, "default") != 0) JS_AddModuleExport(ctx, module, name);
    JS_FreeCString(ctx, name);
  }
  JS_FreePropertyEnum(ctx, names, count);
  JS_AddModuleExport(ctx, module, "default");
  JS_SetModulePrivateValue(ctx, module, exports);
  return module;
}

// ---- What quickjs calls

JSModuleDef* module_load(JSContext* ctx, const char* key) {
  if (strcmp(key, TROUPE_MODULE) == 0) return troupe_module(ctx);
  if (strcmp(key, TROUPE_NATIVE) == 0) return troupe_native_module(ctx);
  JSValue known = JS_GetPropertyStr(ctx, commonjs_modules, key);
  if (!JS_IsUndefined(known)) {
    JSValue exports = JS_GetPropertyStr(ctx, known, "exports");
    JS_FreeValue(ctx, known);
    return commonjs_as_module(ctx, key, exports);
  }
  JSModuleDef* module;
  JSValue exports;
  if (!load(ctx, key, &module, &exports)) return NULL;
  return module ? module : commonjs_as_module(ctx, key, exports);
}

static JSModuleDef* loader(JSContext* ctx, const char* key, void* opaque) {
  (void)opaque;
  return module_load(ctx, key);
}

static char* normalize(JSContext* ctx, const char* importer, const char* specifier, void* opaque) {
  (void)opaque;
  if (!building) {
    JS_ThrowTypeError(
        ctx,
        "import(\"%s\") works only while the plugin is built: import it at the top of the file",
        specifier);
    return NULL;
  }
  if (strcmp(specifier, TROUPE_MODULE) == 0) {
    if (!compiling) uses |= use_all_of_troupe;
    return js_strdup(ctx, specifier);
  }
  if (strcmp(importer, TROUPE_MODULE) == 0) return js_strdup(ctx, specifier);
  AnswerKind kind;
  size_t size;
  char* key = ask(ctx, ask_resolve, importer, specifier, &kind, &size);
  char* owned = key ? js_strdup(ctx, key) : NULL;
  forget(key);
  return owned;
}

void modules_install(JSContext* ctx) {
  JS_SetModuleLoaderFunc(JS_GetRuntime(ctx), normalize, loader, NULL);
  commonjs_modules = JS_NewObjectProto(ctx, JS_NULL);
}

JSValue module_evaluate(JSContext* ctx, JSModuleDef* module) {
  JSValue promise = JS_EvalFunction(ctx, engine_module_value(ctx, module));
  if (JS_IsException(promise)) return promise;
  JSValue done = settled(ctx, promise, "the top-level await of a module");
  if (JS_IsException(done)) return done;
  JS_FreeValue(ctx, done);
  return JS_GetModuleNamespace(ctx, module);
}
