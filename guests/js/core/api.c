// The natives under prelude.js, which makes Extism's API for JavaScript of them.
#include "core.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KERNEL(name) IMPORT("extism:host/env", name)
KERNEL("config_get") Handle kernel_config_get(Handle key);
KERNEL("var_get") Handle kernel_var_get(Handle key);
KERNEL("var_set") void kernel_var_set(Handle key, Handle value);
KERNEL("http_request") Handle kernel_http_request(Handle request, Handle body);
KERNEL("http_status_code") int32_t kernel_http_status_code(void);
KERNEL("http_headers") Handle kernel_http_headers(void);
KERNEL("log_trace") void kernel_log_trace(Handle text);
KERNEL("log_debug") void kernel_log_debug(Handle text);
KERNEL("log_info") void kernel_log_info(Handle text);
KERNEL("log_warn") void kernel_log_warn(Handle text);
KERNEL("log_error") void kernel_log_error(Handle text);
KERNEL("length") uint64_t kernel_length(Handle block);
KERNEL("free") void kernel_free(Handle block);

static const char prelude_text[] = {
#embed "prelude.js"
    , 0};

#define ARGUMENTS JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv
#define UNUSED (void)this, (void)argc, (void)argv

static void free_bytes(JSRuntime* rt, void* opaque, void* bytes) {
  (void)rt, (void)opaque;
  free(bytes);
}

// An ArrayBuffer that owns what malloc gave.
static JSValue new_buffer(JSContext* ctx, char* bytes, size_t size) {
  if (!bytes) return JS_ThrowOutOfMemory(ctx);
  return JS_NewArrayBuffer(ctx, (uint8_t*)bytes, size, free_bytes, NULL, false);
}

// The bytes of an ArrayBuffer or of any view of one; false with an exception for other values.
static bool get_bytes(JSContext* ctx, JSValueConst value, uint8_t** bytes, size_t* size) {
  if (JS_IsArrayBuffer(value)) {
    *bytes = JS_GetArrayBuffer(ctx, size, value);
    return *bytes || *size == 0;
  }
  size_t offset, length, whole, element;
  JSValue buffer = JS_GetTypedArrayBuffer(ctx, value, &offset, &length, &element);
  if (JS_IsException(buffer)) return false;
  *bytes = JS_GetArrayBuffer(ctx, &whole, buffer);
  JS_FreeValue(ctx, buffer);
  if (*bytes) *bytes += offset;
  *size = length;
  return *bytes || length == 0;
}

// A block from a string or bytes; 0 stands for empty ones, which Extism has no blocks for. False
// with an exception.
static bool block_from_value(JSContext* ctx, JSValueConst value, Handle* block) {
  *block = 0;
  size_t size = 0;
  if (JS_IsString(value)) {
    const char* text = JS_ToCStringLen(ctx, &size, value);
    if (!text) return false;
    *block = block_from(text, size);
    JS_FreeCString(ctx, text);
  } else {
    uint8_t* bytes;
    if (!get_bytes(ctx, value, &bytes, &size)) return false;
    *block = block_from(bytes, size);
  }
  if (*block == 0 && size != 0) {
    JS_ThrowInternalError(ctx, "the host has no room for %zu bytes", size);
    return false;
  }
  return true;
}

// ---- Input and output

static JSValue input_bytes(ARGUMENTS) {
  UNUSED;
  if (refuse_while_building(ctx, "Host.inputBytes()")) return JS_EXCEPTION;
  size_t size;
  char* bytes = input_read(&size);
  return new_buffer(ctx, bytes, size);
}

static JSValue input_string(ARGUMENTS) {
  UNUSED;
  if (refuse_while_building(ctx, "Host.inputString()")) return JS_EXCEPTION;
  size_t size;
  char* bytes = input_read(&size);
  if (!bytes) return JS_ThrowOutOfMemory(ctx);
  JSValue text = JS_NewStringLen(ctx, bytes, size);
  free(bytes);
  return text;
}

static JSValue output_string(ARGUMENTS) {
  UNUSED;
  if (refuse_while_building(ctx, "Host.outputString()")) return JS_EXCEPTION;
  if (!JS_IsString(argv[0])) return JS_ThrowTypeError(ctx, "Host.outputString() takes a string");
  size_t size;
  const char* text = JS_ToCStringLen(ctx, &size, argv[0]);
  if (!text) return JS_EXCEPTION;
  bool written = output_write(ctx, text, size);
  JS_FreeCString(ctx, text);
  return written ? JS_TRUE : JS_EXCEPTION;
}

static JSValue output_bytes(ARGUMENTS) {
  UNUSED;
  if (refuse_while_building(ctx, "Host.outputBytes()")) return JS_EXCEPTION;
  uint8_t* bytes;
  size_t size;
  if (!get_bytes(ctx, argv[0], &bytes, &size)) return JS_EXCEPTION;
  return output_write(ctx, bytes, size) ? JS_TRUE : JS_EXCEPTION;
}

static JSValue get_functions(ARGUMENTS) {
  UNUSED;
  return troupe_host_functions(ctx);
}

// ---- Vars and configuration

static JSValue var_set(ARGUMENTS) {
  UNUSED;
  if (refuse_while_building(ctx, "Var.set()")) return JS_EXCEPTION;
  Handle key = block_from_string(ctx, argv[0]);
  if (key == 0) return JS_EXCEPTION;
  Handle value = 0;
  bool is_gone = JS_IsNull(argv[1]) || JS_IsUndefined(argv[1]);
  if (!is_gone && !block_from_value(ctx, argv[1], &value)) return JS_EXCEPTION;
  kernel_var_set(key, value);
  return JS_UNDEFINED;
}

static JSValue var_get_string(ARGUMENTS) {
  UNUSED;
  if (refuse_while_building(ctx, "Var.get()")) return JS_EXCEPTION;
  Handle key = block_from_string(ctx, argv[0]);
  if (key == 0) return JS_EXCEPTION;
  Handle value = kernel_var_get(key);
  return value ? block_take_string(ctx, value) : JS_NULL;
}

static JSValue var_get_bytes(ARGUMENTS) {
  UNUSED;
  if (refuse_while_building(ctx, "Var.getBytes()")) return JS_EXCEPTION;
  Handle key = block_from_string(ctx, argv[0]);
  if (key == 0) return JS_EXCEPTION;
  Handle value = kernel_var_get(key);
  if (value == 0) return JS_NULL;
  size_t size;
  char* bytes = block_read(value, &size);
  kernel_free(value);
  return new_buffer(ctx, bytes, size);
}

static JSValue config_get(ARGUMENTS) {
  UNUSED;
  if (refuse_while_building(ctx, "Config.get()")) return JS_EXCEPTION;
  Handle key = block_from_string(ctx, argv[0]);
  if (key == 0) return JS_EXCEPTION;
  Handle value = kernel_config_get(key);
  return value ? block_take_string(ctx, value) : JS_NULL;
}

// ---- HTTP: http(request as JSON, body or undefined, whether the body shall be bytes)
// -> {status, body, headers}

static JSValue http(ARGUMENTS) {
  UNUSED;
  if (refuse_while_building(ctx, "Http.request()")) return JS_EXCEPTION;
  Handle request = block_from_string(ctx, argv[0]);
  if (request == 0) return JS_EXCEPTION;
  Handle body = 0;
  if (!JS_IsUndefined(argv[1]) && !block_from_value(ctx, argv[1], &body)) return JS_EXCEPTION;
  Handle answer = kernel_http_request(request, body);
  JSValue response = JS_NewObject(ctx);
  JS_SetPropertyStr(ctx, response, "status", JS_NewInt32(ctx, kernel_http_status_code()));
  JSValue content;
  if (JS_ToBool(ctx, argv[2]) == 1) {
    size_t size = 0;
    char* bytes = block_read(answer, &size);
    if (answer) kernel_free(answer);
    content = new_buffer(ctx, bytes, size);
  } else {
    content = answer ? block_take_string(ctx, answer) : JS_NewString(ctx, "");
  }
  JS_SetPropertyStr(ctx, response, "body", content);
  Handle headers = uses & use_http_headers ? kernel_http_headers() : 0;
  JS_SetPropertyStr(ctx,
                    response,
                    "headers",
                    headers ? block_take_string(ctx, headers) : JS_NewString(ctx, "{}"));
  return response;
}

// ---- Log: log(level, text)

static JSValue log_line(ARGUMENTS) {
  UNUSED;
  int32_t level = 0;
  JS_ToInt32(ctx, &level, argv[0]);
  const char* text = JS_ToCString(ctx, argv[1]);
  if (!text) return JS_EXCEPTION;
  if (building) {
    tell(tell_log, (uint32_t)level, text, NULL);
  } else {
    static void (*const levels[])(Handle) = {
        kernel_log_trace, kernel_log_debug, kernel_log_info, kernel_log_warn, kernel_log_error};
    Handle block = block_from(text, strlen(text));
    if (block && level >= 0 && level < 5) levels[level](block);
  }
  JS_FreeCString(ctx, text);
  return JS_UNDEFINED;
}

// The stack of an error in the user's own files.
static JSValue stack_of(ARGUMENTS) {
  UNUSED;
  char* stack = error_stack(ctx, argv[0]);
  JSValue text = JS_NewString(ctx, stack);
  free(stack);
  return text;
}

// ---- Extism memory by address

static JSValue memory_from(ARGUMENTS) {
  UNUSED;
  if (refuse_while_building(ctx, "Memory")) return JS_EXCEPTION;
  Handle block;
  if (!block_from_value(ctx, argv[0], &block)) return JS_EXCEPTION;
  return JS_NewInt64(ctx, (int64_t)block);
}

static JSValue memory_length(ARGUMENTS) {
  UNUSED;
  if (refuse_while_building(ctx, "Memory")) return JS_EXCEPTION;
  int64_t block;
  if (JS_ToInt64Ext(ctx, &block, argv[0]) < 0) return JS_EXCEPTION;
  return JS_NewInt64(ctx, (int64_t)kernel_length((Handle)block));
}

static JSValue memory_read(ARGUMENTS) {
  UNUSED;
  if (refuse_while_building(ctx, "Memory")) return JS_EXCEPTION;
  int64_t block;
  if (JS_ToInt64Ext(ctx, &block, argv[0]) < 0) return JS_EXCEPTION;
  size_t size;
  char* bytes = block_read((Handle)block, &size);
  return new_buffer(ctx, bytes, size);
}

static JSValue memory_free(ARGUMENTS) {
  UNUSED;
  if (refuse_while_building(ctx, "Memory")) return JS_EXCEPTION;
  int64_t block;
  if (JS_ToInt64Ext(ctx, &block, argv[0]) < 0) return JS_EXCEPTION;
  kernel_free((Handle)block);
  return JS_UNDEFINED;
}

// ---- Text

static JSValue utf8_encode(ARGUMENTS) {
  UNUSED;
  size_t size;
  const char* text = JS_ToCStringLen(ctx, &size, argv[0]);
  if (!text) return JS_EXCEPTION;
  JSValue buffer = JS_NewArrayBufferCopy(ctx, (const uint8_t*)text, size);
  JS_FreeCString(ctx, text);
  return buffer;
}

// The length of the character at `at`, or of the longest beginning of one; *whole says which.
static size_t utf8_step(const uint8_t* at, const uint8_t* end, bool* whole) {
  *whole = true;
  if (*at < 0x80) return 1;
  size_t length = *at >= 0xc2 && *at < 0xe0   ? 2
                  : *at >= 0xe0 && *at < 0xf0 ? 3
                  : *at >= 0xf0 && *at < 0xf5 ? 4
                                              : 0;
  *whole = false;
  if (length == 0) return 1;
  // The second byte has other bounds where the character would be too long, a surrogate or too
  // large.
  uint8_t low = *at == 0xe0 ? 0xa0 : *at == 0xf0 ? 0x90 : 0x80;
  uint8_t high = *at == 0xed ? 0x9f : *at == 0xf4 ? 0x8f : 0xbf;
  for (size_t i = 1; i < length; i++) {
    if (at + i == end || at[i] < low || at[i] > high) return i;
    low = 0x80, high = 0xbf;
  }
  *whole = true;
  return length;
}

// decode(bytes, fatal): each ill-formed sequence is U+FFFD, or a TypeError when fatal.
static JSValue utf8_decode(ARGUMENTS) {
  UNUSED;
  static const char replacement[] = "\xef\xbf\xbd";
  uint8_t* bytes;
  size_t size;
  if (!get_bytes(ctx, argv[0], &bytes, &size)) return JS_EXCEPTION;
  size_t broken = 0;
  bool whole;
  for (size_t i = 0; i < size; broken += !whole) i += utf8_step(bytes + i, bytes + size, &whole);
  if (broken == 0) return JS_NewStringLen(ctx, bytes ? (const char*)bytes : "", size);
  if (JS_ToBool(ctx, argv[1]) == 1) return JS_ThrowTypeError(ctx, "the bytes are not valid utf-8");
  char* repaired = malloc(size + broken * 3);
  if (!repaired) return JS_ThrowOutOfMemory(ctx);
  size_t out = 0;
  for (size_t i = 0; i < size;) {
    size_t length = utf8_step(bytes + i, bytes + size, &whole);
    memcpy(repaired + out, whole ? (const char*)bytes + i : replacement, whole ? length : 3);
    out += whole ? length : 3;
    i += length;
  }
  JSValue text = JS_NewStringLen(ctx, repaired, out);
  free(repaired);
  return text;
}

// decodeTail(bytes): how many bytes at the end are the beginning of a character.
static JSValue utf8_tail(ARGUMENTS) {
  UNUSED;
  uint8_t* bytes;
  size_t size;
  if (!get_bytes(ctx, argv[0], &bytes, &size)) return JS_EXCEPTION;
  for (size_t back = 1; back <= 3 && back <= size; back++) {
    const uint8_t* at = bytes + size - back;
    if ((*at & 0xc0) == 0x80) continue;
    bool whole;
    bool reaches_end = utf8_step(at, bytes + size, &whole) == back;
    return JS_NewUint32(ctx,
                        *at >= 0xc2 && *at < 0xf5 && reaches_end && !whole ? (uint32_t)back : 0);
  }
  return JS_NewUint32(ctx, 0);
}

// digest(size, bytes)
static JSValue digest(ARGUMENTS) {
  UNUSED;
  uint32_t size = 0;
  uint8_t* data;
  size_t data_size;
  uint8_t out[64];
  JS_ToUint32(ctx, &size, argv[0]);
  if (!get_bytes(ctx, argv[1], &data, &data_size)) return JS_EXCEPTION;
  if (!sha_digest(size, data, data_size, out))
    return JS_ThrowRangeError(ctx, "no digest has %u bytes", size);
  return JS_NewArrayBufferCopy(ctx, out, size);
}

// ---- Time: now() in milliseconds since 1970

static JSValue now(ARGUMENTS) {
  UNUSED;
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return JS_NewFloat64(ctx, (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6);
}

// ---- Random numbers
//
// The host decides them, call by call, so that a call can be repeated: no state of the generator
// outlives a call, and nothing random happens before the first number is asked for.

static uint64_t random_state;
static bool random_seeded;

void random_forget(void) {
  random_seeded = false;
}

static void warn_of_random(void) {
  if (building) {
    tell(tell_log,
         3,
         "random numbers drawn while the plugin is built are the same in every actor: draw them "
         "inside a function",
         NULL);
  }
}

// splitmix64: any state is a good one, also 0.
static JSValue math_random(ARGUMENTS) {
  UNUSED;
  if (!random_seeded) {
    warn_of_random();
    if (getentropy(&random_state, sizeof random_state) != 0)
      return JS_ThrowInternalError(ctx, "the host has no random numbers");
    random_seeded = true;
  }
  uint64_t z = random_state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  z ^= z >> 31;
  return JS_NewFloat64(ctx, (double)(z >> 11) * 0x1.0p-53);
}

static JSValue random_fill(ARGUMENTS) {
  UNUSED;
  enum { entropy_max = 256 };  // of one getentropy
  uint8_t* bytes;
  size_t size;
  if (!get_bytes(ctx, argv[0], &bytes, &size)) return JS_EXCEPTION;
  warn_of_random();
  for (size_t i = 0; i < size; i += entropy_max) {
    size_t part = size - i < entropy_max ? size - i : entropy_max;
    if (getentropy(bytes + i, part) != 0)
      return JS_ThrowInternalError(ctx, "the host has no random numbers");
  }
  return JS_UNDEFINED;
}

// ----

static const JSCFunctionListEntry natives[] = {
    JS_CFUNC_DEF("inputBytes", 0, input_bytes),
    JS_CFUNC_DEF("inputString", 0, input_string),
    JS_CFUNC_DEF("outputBytes", 1, output_bytes),
    JS_CFUNC_DEF("outputString", 1, output_string),
    JS_CFUNC_DEF("getFunctions", 0, get_functions),
    JS_CFUNC_DEF("varSet", 2, var_set),
    JS_CFUNC_DEF("varGetString", 1, var_get_string),
    JS_CFUNC_DEF("varGetBytes", 1, var_get_bytes),
    JS_CFUNC_DEF("configGet", 1, config_get),
    JS_CFUNC_DEF("http", 3, http),
    JS_CFUNC_DEF("log", 2, log_line),
    JS_CFUNC_DEF("stackOf", 1, stack_of),
    JS_CFUNC_DEF("memoryFrom", 1, memory_from),
    JS_CFUNC_DEF("memoryLength", 1, memory_length),
    JS_CFUNC_DEF("memoryRead", 1, memory_read),
    JS_CFUNC_DEF("memoryFree", 1, memory_free),
    JS_CFUNC_DEF("encode", 1, utf8_encode),
    JS_CFUNC_DEF("decode", 2, utf8_decode),
    JS_CFUNC_DEF("decodeTail", 1, utf8_tail),
    JS_CFUNC_DEF("digest", 2, digest),
    JS_CFUNC_DEF("now", 0, now),
    JS_CFUNC_DEF("random", 0, math_random),
    JS_CFUNC_DEF("randomFill", 1, random_fill),
};

bool api_install(JSContext* ctx) {
  JSValue native = JS_NewObject(ctx);
  JS_SetPropertyFunctionList(ctx, native, natives, sizeof natives / sizeof natives[0]);
  JSValue prelude =
      JS_Eval(ctx, prelude_text, sizeof prelude_text - 1, "<prelude>", JS_EVAL_TYPE_GLOBAL);
  JSValue result =
      JS_IsException(prelude) ? prelude : JS_Call(ctx, prelude, JS_UNDEFINED, 1, &native);
  if (!JS_IsException(prelude)) JS_FreeValue(ctx, prelude);
  bool ok = !JS_IsException(result) && lazy_install(ctx, native) && timers_install(ctx);
  JS_FreeValue(ctx, native);
  JS_FreeValue(ctx, result);
  return ok;
}
