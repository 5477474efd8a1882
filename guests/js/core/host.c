// Functions with types of their own: host functions that a plugin declares, and exports that take
// parameters or give more than a return code.
//
// Their types are known only while a plugin is built, so neither the core nor its imports have
// them. Values pass through cells of 8 bytes; the code between cells and WebAssembly's values is
// written by the builder (../builder/snapshot.cc), which also puts it where `slots` point.
#include "core.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS(X)                                                                               \
  X(0)                                                                                         \
  X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) X(17) \
      X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)

#define DECLARE(n) IMPORT("troupe:build", "host_" #n) void host_##n(uint64_t* cells);
SLOTS(DECLARE)
#define POINT(n) host_##n,
// Arguments go in from the first cell on, a result comes back in the first.
static void (*const slots[])(uint64_t* cells) = {SLOTS(POINT)};
enum { slots_max = sizeof slots / sizeof slots[0], cells_max = 16 };

// Parameters and, behind a colon, the result: i, I, f and F are i32, i64, f32 and f64.
typedef struct {
  char* name;
  char* types;
} Signature;

static Signature hosts[slots_max];
static uint32_t host_count;
static Signature* typed_exports;
static uint32_t typed_export_count;

static uint64_t export_cells[cells_max];

static double as_double(uint64_t cell) {
  double value;
  memcpy(&value, &cell, sizeof value);
  return value;
}

static JSValue value_of_cell(JSContext* ctx, char type, uint64_t cell) {
  switch (type) {
    case 'i':
      return JS_NewInt32(ctx, (int32_t)cell);
    case 'I': {
      // A number as long as it is exact; offsets of memory always are.
      int64_t value = (int64_t)cell;
      bool is_exact = value >= -(1LL << 53) && value <= 1LL << 53;
      return is_exact ? JS_NewInt64(ctx, value) : JS_NewBigInt64(ctx, value);
    }
    case 'f': {
      uint32_t bits = (uint32_t)cell;
      float value;
      memcpy(&value, &bits, sizeof value);
      return JS_NewFloat64(ctx, value);
    }
    default:
      return JS_NewFloat64(ctx, as_double(cell));
  }
}

// What is not given is 0, as in Extism's kit.
static bool cell_of_value(JSContext* ctx, char type, JSValueConst value, uint64_t* cell) {
  *cell = 0;
  if (JS_IsUndefined(value) || JS_IsNull(value)) return true;
  if (type == 'i') {
    int32_t number;
    if (JS_ToInt32(ctx, &number, value) < 0) return false;
    *cell = (uint32_t)number;
  } else if (type == 'I') {
    int64_t number;
    if (JS_ToInt64Ext(ctx, &number, value) < 0) return false;
    *cell = (uint64_t)number;
  } else {
    double number;
    if (JS_ToFloat64(ctx, &number, value) < 0) return false;
    if (type == 'f') {
      float single = (float)number;
      uint32_t bits;
      memcpy(&bits, &single, sizeof bits);
      *cell = bits;
    } else {
      memcpy(cell, &number, sizeof number);
    }
  }
  return true;
}

static JSValue call_host(
    JSContext* ctx, JSValueConst this, int argc, JSValueConst* argv, int index) {
  (void)this;
  if (refuse_while_building(ctx, "a host function")) return JS_EXCEPTION;
  uint64_t cells[cells_max] = {0};
  const char* types = hosts[index].types;
  int count = 0;
  for (; types[count] != ':'; count++) {
    JSValueConst value = count < argc ? argv[count] : JS_UNDEFINED;
    if (!cell_of_value(ctx, types[count], value, &cells[count])) return JS_EXCEPTION;
  }
  slots[index](cells);
  char result = types[count + 1];
  return result ? value_of_cell(ctx, result, cells[0]) : JS_UNDEFINED;
}

bool host_add_functions(JSContext* ctx, JSValueConst object) {
  for (uint32_t i = 0; i < host_count; i++) {
    int parameters = (int)(strchr(hosts[i].types, ':') - hosts[i].types);
    JSValue function = JS_NewCFunctionMagic(
        ctx, call_host, hosts[i].name, parameters, JS_CFUNC_generic_magic, (int)i);
    if (JS_SetPropertyStr(ctx, object, hosts[i].name, function) < 0) return false;
  }
  return true;
}

// "NAME TYPES" up to the end of the line; *at moves behind it. False at an empty line or the end.
static bool read_signature(const char** at, Signature* signature) {
  const char* end = strchr(*at, '\n');
  if (!end || end == *at) return false;
  const char* blank = memchr(*at, ' ', (size_t)(end - *at));
  signature->name = strndup(*at, (size_t)(blank - *at));
  signature->types = strndup(blank + 1, (size_t)(end - blank - 1));
  *at = end + 1;
  return true;
}

bool host_read_interface(JSContext* ctx) {
  AnswerKind kind;
  size_t size;
  char* text = ask(ctx, ask_interface, "", "", &kind, &size);
  if (!text) return false;
  const char* at = text;
  while (host_count < slots_max && read_signature(&at, &hosts[host_count])) host_count++;
  if (*at == '\n') at++;
  Signature signature;
  while (read_signature(&at, &signature)) {
    Signature* grown = realloc(typed_exports, (typed_export_count + 1) * sizeof *grown);
    if (!grown) __builtin_trap();
    typed_exports = grown;
    typed_exports[typed_export_count++] = signature;
  }
  forget(text);
  tell(tell_cells, (uint32_t)(uintptr_t)export_cells, NULL, NULL);
  return true;
}

// Calls an export with parameters; the builder's code has put them into the cells, and reads the
// result from the first. There is no way to return an error, so one is a trap.
EXPORT("invoke_typed") void invoke_typed(uint32_t index, uint32_t typed) {
  const char* types = typed_exports[typed].types;
  JSValue values[cells_max];
  int count = 0;
  call_begin();
  for (; types[count] != ':'; count++)
    values[count] = value_of_cell(context, types[count], export_cells[count]);
  JSValue result = JS_Call(context, exported[index], JS_UNDEFINED, count, values);
  for (int i = 0; i < count; i++) JS_FreeValue(context, values[i]);
  if (!JS_IsException(result)) result = settled(context, result, "the promise of this function");
  char type = types[count + 1];
  bool ok =
      !JS_IsException(result) && (!type || cell_of_value(context, type, result, &export_cells[0]));
  if (!ok) {
    error_report(context, JS_GetException(context));
    __builtin_trap();
  }
  JS_FreeValue(context, result);
  call_end();
}
