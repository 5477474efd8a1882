// quickjs-ng in one piece with the few functions that need its insides.
//
// It is included, not linked: the names of its fields are checked by the compiler when its version
// changes.
#include "engine.h"

#include "quickjs.c"

static const char wrapper_head[] = "(function (exports, require, module) {\n";
static const char wrapper_tail[] = "\n})";

JSValue engine_compile_wrapped(JSContext* ctx, const char* text, size_t size, const char* file) {
  size_t head = sizeof wrapper_head - 1;
  size_t tail = sizeof wrapper_tail - 1;
  char* wrapped = js_malloc(ctx, head + size + tail + 1);
  if (!wrapped) return JS_EXCEPTION;
  memcpy(wrapped, wrapper_head, head);
  memcpy(wrapped + head, text, size);
  memcpy(wrapped + head + size, wrapper_tail, tail + 1);
  // The wrapper's own line is line 0. JS_EvalThis2 would take a 0 for "not given".
  JSValue function = JS_EvalInternal(
      ctx, ctx->global_obj, wrapped, head + size + tail, file, 0, JS_EVAL_TYPE_GLOBAL, -1);
  js_free(ctx, wrapped);
  return function;
}

JSModuleDef* engine_find_module(JSContext* ctx, const char* key) {
  JSAtom name = JS_NewAtom(ctx, key);
  if (name == JS_ATOM_NULL) return NULL;
  JSModuleDef* module = js_find_loaded_module(ctx, name);
  JS_FreeAtom(ctx, name);
  return module;
}

JSValue engine_module_value(JSContext* ctx, JSModuleDef* module) {
  return JS_NewModuleValue(ctx, module);
}

static void tell_atom(JSContext* ctx, JSAtom atom, void (*each)(const char* name)) {
  const char* name = JS_AtomToCString(ctx, atom);
  if (name) each(name);
  JS_FreeCString(ctx, name);
}

void engine_each_import(JSContext* ctx, const char* key, void (*each)(const char* name)) {
  JSModuleDef* target = engine_find_module(ctx, key);
  if (!target) return;
  struct list_head* el;
  list_for_each(el, &ctx->loaded_modules) {
    JSModuleDef* m = list_entry(el, JSModuleDef, link);
    for (int i = 0; i < m->import_entries_count; i++) {
      JSImportEntry* entry = &m->import_entries[i];
      if (m->req_module_entries[entry->req_module_idx].module == target)
        tell_atom(ctx, entry->import_name, each);
    }
    for (int i = 0; i < m->export_entries_count; i++) {
      JSExportEntry* entry = &m->export_entries[i];
      if (entry->export_type == JS_EXPORT_TYPE_INDIRECT &&
          m->req_module_entries[entry->u.req_module_idx].module == target) {
        tell_atom(ctx, entry->local_name, each);
      }
    }
    for (int i = 0; i < m->star_export_entries_count; i++) {
      if (m->req_module_entries[m->star_export_entries[i].req_module_idx].module == target)
        each("*");
    }
  }
}

static bool is_unlinked(JSContext* ctx, JSModuleDef* from, JSAtom name) {
  JSModuleDef* found_in;
  JSExportEntry* found;
  if (!from || name == JS_ATOM__star_) return false;
  return js_resolve_export(ctx, &found_in, &found, from, name) != JS_RESOLVE_RES_FOUND;
}

static bool name_unlinked(
    JSContext* ctx, JSModuleDef* m, JSAtom atom, char** importer, char** name) {
  const char* importer_text = JS_AtomToCString(ctx, m->module_name);
  const char* name_text = JS_AtomToCString(ctx, atom);
  bool ok = importer_text && name_text;
  if (ok) {
    *importer = strdup(importer_text);
    *name = strdup(name_text);
  }
  JS_FreeCString(ctx, importer_text);
  JS_FreeCString(ctx, name_text);
  return ok && *importer && *name;
}

bool engine_find_unlinked(JSContext* ctx, char** importer, char** name) {
  struct list_head* el;
  list_for_each(el, &ctx->loaded_modules) {
    JSModuleDef* m = list_entry(el, JSModuleDef, link);
    for (int i = 0; i < m->import_entries_count; i++) {
      JSImportEntry* entry = &m->import_entries[i];
      if (is_unlinked(
              ctx, m->req_module_entries[entry->req_module_idx].module, entry->import_name)) {
        return name_unlinked(ctx, m, entry->import_name, importer, name);
      }
    }
    for (int i = 0; i < m->export_entries_count; i++) {
      JSExportEntry* entry = &m->export_entries[i];
      if (entry->export_type == JS_EXPORT_TYPE_INDIRECT &&
          is_unlinked(
              ctx, m->req_module_entries[entry->u.req_module_idx].module, entry->local_name)) {
        return name_unlinked(ctx, m, entry->local_name, importer, name);
      }
    }
  }
  return false;
}
