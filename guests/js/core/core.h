// What the parts of the JavaScript core share.
//
// The core is quickjs-ng with the Extism API, compiled to WebAssembly. It lives twice. *Building*:
// the builder
// (../builder) runs it in a sandbox, it evaluates the user's source, and the builder makes a new
// module from what its memory holds then. *Running*: a host calls the exports of that module;
// evaluation is over, only calls remain.
//
// One thread, one context, one call at a time: hence the state in static variables, which the
// snapshot keeps.
#pragma once

#include "engine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))

// A block of Extism memory; 0 is none. The host takes back the handles it is given as keys, values,
// requests and log lines; what it returns is freed by us.
typedef uint64_t Handle;

// ---- memory.c: Extism memory, which the core reaches only by host functions.

Handle block_from(const void* data, size_t size);
// A block with the text of a value; 0 with a JS exception when it has none or the host has no room.
Handle block_from_string(JSContext* ctx, JSValueConst value);
// The bytes of a block or of the input, with a zero behind them; to be freed. NULL when memory is
// full.
char* block_read(Handle block, size_t* size);
char* input_read(size_t* size);
// Reads a block as a string and frees it.
JSValue block_take_string(JSContext* ctx, Handle block);
bool output_write(JSContext* ctx, const void* data, size_t size);

// ---- api.c: the natives under prelude.js.

bool api_install(JSContext* ctx);
void random_forget(void);

// ---- host.c: functions that the plugin's interface declares.

// Asks for the interface.
bool host_read_interface(JSContext* ctx);
// Adds the declared host functions, for Host.getFunctions().
bool host_add_functions(JSContext* ctx, JSValueConst object);

// ---- lazy.c: globals that are made at their first use.

bool lazy_install(JSContext* ctx, JSValueConst natives);
// Makes those that a source text names; false with an exception.
bool lazy_load_named(JSContext* ctx, const char* text);

// ---- timers.c: setTimeout and its kind.

bool timers_install(JSContext* ctx);
// Runs the next timer, waiting until it is due: 1. There is none: 0. The host does not wait or the
// function threw: -1, with an exception.
int timers_run_next(JSContext* ctx);
void timers_forget(JSContext* ctx);

// ---- sha.c

// The digest of that many bytes: 20 for SHA-1, 32, 48 and 64 for SHA-2; false for other sizes.
bool sha_digest(size_t size, const uint8_t* data, size_t data_size, uint8_t* digest);

// ---- troupe.c: the host functions of Troupe and the module "troupe".

// Imports of the core that a plugin keeps only when its source needs them, as bits of a set. The
// builder knows them by the same numbers (../builder/snapshot.cc).
enum {
  use_self = 1 << 0,
  use_reply = 1 << 1,
  use_broadcast = 1 << 2,
  use_publish = 1 << 3,
  use_subscribe = 1 << 4,
  use_send = 1 << 5,
  use_timer = 1 << 6,
  use_cancel = 1 << 7,
  use_http_headers = 1 << 8,
  use_all_of_troupe = (1 << 8) - 1,
};
extern uint32_t uses;

#define TROUPE_MODULE "troupe"
#define TROUPE_NATIVE "troupe:native"

JSModuleDef* troupe_module(JSContext* ctx);
JSModuleDef* troupe_native_module(JSContext* ctx);
// The bit of a name exported by "troupe", 0 for names that need no host function.
uint32_t use_of_export(const char* name);
// Adds what a source text uses by other ways than imports of "troupe".
void note_uses(const char* text);
// The host functions in use as an object, for Host.getFunctions().
JSValue troupe_host_functions(JSContext* ctx);

// ---- modules.c: finds, reads and links the user's sources while building.

void modules_install(JSContext* ctx);
JSModuleDef* module_load(JSContext* ctx, const char* key);
// A module evaluated to its end: its namespace, or an exception.
JSValue module_evaluate(JSContext* ctx, JSModuleDef* module);

// ---- build.c: the conversation with the builder, and the end of building.

extern bool building;
extern JSRuntime* runtime;
extern JSContext* context;
// The engine was refused memory since the call began.
extern bool memory_ran_out;
// Throws and returns true while building, when there is no host to ask.
bool refuse_while_building(JSContext* ctx, const char* what);

typedef enum {
  ask_resolve = 1,     // importer, specifier -> key; importer and specifier are empty for the entry
  ask_read = 2,        // key -> text; answer_kind says how to read it
  ask_source_map = 3,  // key -> source names by line, an empty line, mappings; or nothing
  ask_take = 4,        // address: copies the last answer there
  tell_export = 5,     // index, name
  tell_uses = 6,       // set
  tell_error = 7,      // message, stack
  tell_log = 8,        // level, text
  tell_error_name = 9,  // of the error that tell_error brings next: "SyntaxError"
  tell_unlinked = 10,   // importer, imported name: the import that could not be linked
  tell_output = 11,     // of a tool, as JSON
  ask_interface = 12,   // declared host functions by line, an empty line, exports with types
  tell_cells = 13,      // address of the cells of typed exports
} AskOperation;

typedef enum {
  answer_failed = 0,
  answer_module = 1,
  answer_commonjs = 2,
  answer_json = 3,
  answer_either = 4
} AnswerKind;

// Asks the builder. On success an owned text with a zero behind it, to be given to forget(); NULL
// with a JS exception, whose message is the builder's, when it says no.
char* ask(JSContext* ctx,
          AskOperation operation,
          const char* a,
          const char* b,
          AnswerKind* kind,
          size_t* size);
// Frees a text and leaves nothing of it in the snapshot.
void forget(char* text);
void tell(AskOperation operation, uint32_t number, const char* a, const char* b);
// Takes the exception and tells the builder of it.
void tell_failure(void);
// The engine with its globals, before anything is evaluated; false with an exception, or without a
// context.
bool core_start(void);

// ---- tool.c: what ask_read takes for keys there.

#define TOOL_PROGRAM "<tool>"
#define TOOL_INPUT "<input>"

// ---- invoke.c: calls while running.

// What the exports of the plugin call, by index.
extern JSValue* exported;
extern uint32_t exported_count;
void rejections_install(JSRuntime* rt);
// What belongs before and behind the call of an exported function.
void call_begin(void);
void call_end(void);
// Takes a value, runs what is left to do, timers too, and gives what the value settles to when it
// is a promise; an exception when that rejects or never settles, or when a timer or microtask
// threw.
JSValue settled(JSContext* ctx, JSValue value, const char* what);

// ---- errors.c: what a thrown value says to the client, to the log and to the builder.

// A thrown value as a plain text without position: the client's part.
char* error_message(JSContext* ctx, JSValueConst error);
// Its stack with the user's files, lines and columns, and without frames of the core; "" when it
// has none.
char* error_stack(JSContext* ctx, JSValueConst error);
// Logs the value with its stack and its causes and makes its message the error of the call.
void error_report(JSContext* ctx, JSValueConst error);
void error_log(JSContext* ctx, const char* prefix, JSValueConst error);

// ---- source_map.c: from positions in a bundle to those in the user's files.

// Takes over a text as ask_source_map answers it, for the file of that key.
void source_map_set(const char* key, char* text);
// The original of line and column (both from 1): false when the file has no map or the place no
// origin.
bool source_map_find(const char* file,
                     size_t file_size,
                     int line,
                     int column,
                     const char** source,
                     size_t* source_size,
                     int* source_line,
                     int* source_column);
