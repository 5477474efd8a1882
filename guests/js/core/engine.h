// What engine.c offers besides quickjs's own interface. On its own, so that the engine is compiled
// again only when this changes.
#pragma once

#include "quickjs.h"

#include <stdbool.h>
#include <stddef.h>

// The function that a CommonJS text is the body of, compiled so that its own first line is line 1.
JSValue engine_compile_wrapped(JSContext* ctx, const char* text, size_t size, const char* file);
JSModuleDef* engine_find_module(JSContext* ctx, const char* key);
JSValue engine_module_value(JSContext* ctx, JSModuleDef* module);
// Calls `each` for every name that a linked module imports from the module `key` ("*" for all of
// it).
void engine_each_import(JSContext* ctx, const char* key, void (*each)(const char* name));
// The first import of a name which its module does not export: importer and name, owned; false when
// all are there.
bool engine_find_unlinked(JSContext* ctx, char** importer, char** name);
