// What a thrown value says. The client gets its message and no more; the log gets name, message,
// causes and the stack in the user's own files; the builder gets message and stack to point at the
// line.
#include "core.h"

#include <stdlib.h>
#include <string.h>

IMPORT("extism:host/env", "error_set") void kernel_error_set(Handle text);
IMPORT("extism:host/env", "log_error") void kernel_log_error(Handle text);

enum { causes_max = 8 };

// A text that grows. When memory is full it stops growing: half a stack is better than none.
typedef struct {
  char* data;
  size_t size, room;
} Text;

static void append(Text* text, const char* data, size_t size) {
  if (text->size + size + 1 > text->room) {
    size_t room = (text->size + size + 1) * 2;
    char* grown = realloc(text->data, room);
    if (!grown) return;
    text->data = grown;
    text->room = room;
  }
  memcpy(text->data + text->size, data, size);
  text->size += size;
  text->data[text->size] = 0;
}

static void append_string(Text* text, const char* string) {
  append(text, string, strlen(string));
}

static char* finished(Text* text) {
  return text->data ? text->data : strdup("");
}

// The property as an owned text; NULL when it is missing, empty, not a string or throws.
static char* text_property(JSContext* ctx, JSValueConst object, const char* name) {
  JSValue value = JS_GetPropertyStr(ctx, object, name);
  char* owned = NULL;
  if (JS_IsException(value)) {
    JS_FreeValue(ctx, JS_GetException(ctx));
  } else if (JS_IsString(value)) {
    const char* text = JS_ToCString(ctx, value);
    if (text && *text) owned = strdup(text);
    JS_FreeCString(ctx, text);
  }
  JS_FreeValue(ctx, value);
  return owned;
}

// Any value as an owned text: JSON for plain objects, else what String() makes of it.
static char* text_of(JSContext* ctx, JSValueConst value) {
  JSValue shown = JS_UNDEFINED;
  if (JS_IsObject(value) && !JS_IsFunction(ctx, value)) {
    shown = JS_JSONStringify(ctx, value, JS_UNDEFINED, JS_UNDEFINED);
    if (JS_IsException(shown)) JS_FreeValue(ctx, JS_GetException(ctx));
  }
  const char* text = JS_ToCString(ctx, JS_IsString(shown) ? shown : value);
  if (!text) JS_FreeValue(ctx, JS_GetException(ctx));
  char* owned = text && *text ? strdup(text) : NULL;
  JS_FreeCString(ctx, text);
  JS_FreeValue(ctx, shown);
  return owned;
}

char* error_message(JSContext* ctx, JSValueConst error) {
  char* message = NULL;
  if (JS_IsObject(error)) message = text_property(ctx, error, "message");
  if (!message && JS_IsError(error)) message = text_property(ctx, error, "name");
  if (!message) message = text_of(ctx, error);
  // Extism takes an empty text for no error at all.
  return message ? message : strdup("an error without a message");
}

// One line of a stack without its end: "    at name (file:line:column)" or "    at
// file:line:column".
static void append_frame(Text* text, const char* line, size_t size) {
  const char* end = line + size;
  const char* close = end;
  if (close > line && close[-1] == ')') close--;
  // Backwards: a file name may hold colons, numbers may not.
  const char* column = close;
  while (column > line && column[-1] != ':') column--;
  const char* number = column > line ? column - 1 : line;
  while (number > line && number[-1] != ':') number--;
  if (number == line) {
    // No position: a frame of the engine's own ("(native)"), which tells a user nothing.
    return;
  }
  const char* file = number - 1;
  while (file > line && file[-1] != '(' &&
         !(file - line >= 7 && strncmp(file - 7, "    at ", 7) == 0))
    file--;
  size_t file_size = (size_t)(number - 1 - file);
  const char* source;
  size_t source_size;
  int source_line, source_column;
  if (source_map_find(file,
                      file_size,
                      atoi(number),
                      atoi(column),
                      &source,
                      &source_size,
                      &source_line,
                      &source_column)) {
    char position[32];
    snprintf(position, sizeof position, ":%d:%d", source_line, source_column);
    append(text, line, (size_t)(file - line));
    append(text, source, source_size);
    append_string(text, position);
    append(text, close, (size_t)(end - close));
  } else if ((file_size == strlen(TROUPE_MODULE) && memcmp(file, TROUPE_MODULE, file_size) == 0) ||
             file[0] == '<') {
    return;  // not the user's
  } else {
    append(text, line, size);
  }
  append(text, "\n", 1);
}

char* error_stack(JSContext* ctx, JSValueConst error) {
  Text text = {0};
  char* stack = JS_IsObject(error) ? text_property(ctx, error, "stack") : NULL;
  for (const char* at = stack; at && *at;) {
    const char* end = strchr(at, '\n');
    size_t size = end ? (size_t)(end - at) : strlen(at);
    append_frame(&text, at, size);
    at += size + (end != NULL);
  }
  free(stack);
  return finished(&text);
}

static void append_error(JSContext* ctx, Text* text, JSValueConst error) {
  char* name = JS_IsError(error) ? text_property(ctx, error, "name") : NULL;
  char* message = error_message(ctx, error);
  char* stack = error_stack(ctx, error);
  if (name && strcmp(name, message) != 0) {
    append_string(text, name);
    append_string(text, ": ");
  }
  append_string(text, message);
  append(text, "\n", 1);
  append_string(text, stack);
  free(name);
  free(message);
  free(stack);
}

static void log_text(Text* text) {
  while (text->size > 0 && text->data[text->size - 1] == '\n') text->size--;
  Handle block = block_from(text->data, text->size);
  if (block) kernel_log_error(block);
}

void error_log(JSContext* ctx, const char* prefix, JSValueConst error) {
  Text text = {0};
  append_string(&text, prefix);
  append_error(ctx, &text, error);
  JSValue cause = JS_UNDEFINED;
  JSValue of = JS_DupValue(ctx, error);
  for (int i = 0; i < causes_max && JS_IsObject(of); i++) {
    cause = JS_GetPropertyStr(ctx, of, "cause");
    JS_FreeValue(ctx, of);
    of = cause;
    if (JS_IsException(cause)) JS_FreeValue(ctx, JS_GetException(ctx));
    if (JS_IsException(cause) || JS_IsUndefined(cause)) break;
    append_string(&text, "caused by: ");
    append_error(ctx, &text, cause);
  }
  JS_FreeValue(ctx, of);
  log_text(&text);
  free(text.data);
}

// When not even an error object can be made, quickjs throws null.
static bool is_out_of_memory(JSContext* ctx, JSValueConst error) {
  if (!memory_ran_out) return false;
  if (!JS_IsError(error)) return true;
  char* message = text_property(ctx, error, "message");
  bool is = !message || strcmp(message, "out of memory") == 0;
  free(message);
  return is;
}

void error_report(JSContext* ctx, JSValueConst error) {
  error_log(ctx, "", error);
  // Memory that ran out may have left the program half-way through anything: the host must not go
  // on with it.
  if (is_out_of_memory(ctx, error)) __builtin_trap();
  char* message = error_message(ctx, error);
  Handle block = message ? block_from(message, strlen(message)) : 0;
  if (block) kernel_error_set(block);
  free(message);
}
