// setTimeout and its kind. A call is over when nothing is left to do in it: the timers that it set
// run before it returns, and waiting for them is the host's (poll_oneoff), which lets others run
// meanwhile.
#include "core.h"

#include <wasi/api.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

// Of one call; reaching it is a RangeError.
enum { timers_max = 1000 };
// As in browsers and in Node: a longer wait does not fit in 32 bits there, and is none.
static const double delay_max_ms = 2147483647;

typedef struct {
  uint64_t due_ms;
  uint64_t order;  // of those due at the same time, the first that was set goes first
  uint32_t id;
  bool repeats;
  uint32_t interval_ms;
  JSValue function;
  JSValue arguments;  // an array
} Timer;

static Timer* timers;
static size_t timer_count, timer_room;
static uint32_t last_id;
static uint64_t last_order;
// The latest time that is known to have come. Whole milliseconds, so that timers set together are
// due together.
static uint64_t now_ms;

static void read_clock(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  uint64_t ms = (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
  if (ms > now_ms) now_ms = ms;
}

static void forget_timer(JSContext* ctx, size_t index) {
  Timer gone = timers[index];
  timers[index] = timers[--timer_count];
  JS_FreeValue(ctx, gone.function);
  JS_FreeValue(ctx, gone.arguments);
}

static JSValue set_timer(
    JSContext* ctx, JSValueConst this, int argc, JSValueConst* argv, int repeats) {
  (void)this;
  const char* what = repeats ? "setInterval()" : "setTimeout()";
  if (refuse_while_building(ctx, what)) return JS_EXCEPTION;
  if (!JS_IsFunction(ctx, argv[0])) return JS_ThrowTypeError(ctx, "%s takes a function", what);
  double delay = 0;
  if (argc > 1 && JS_ToFloat64(ctx, &delay, argv[1]) < 0) return JS_EXCEPTION;
  if (!(delay >= 1)) delay = 0;
  if (delay > delay_max_ms) delay = 1;
  // An interval of 0 would never let time pass.
  if (repeats && delay < 1) delay = 1;
  if (timer_count == timers_max)
    return JS_ThrowRangeError(ctx, "%d timers are pending, and more are not allowed", timers_max);
  if (timer_count == timer_room) {
    size_t room = timer_room ? timer_room * 2 : 8;
    Timer* grown = realloc(timers, room * sizeof *grown);
    if (!grown) return JS_ThrowOutOfMemory(ctx);
    timers = grown;
    timer_room = room;
  }
  JSValue arguments = JS_NewArray(ctx);
  if (JS_IsException(arguments)) return arguments;
  for (int i = 2; i < argc; i++)
    JS_SetPropertyUint32(ctx, arguments, (uint32_t)i - 2, JS_DupValue(ctx, argv[i]));
  read_clock();
  timers[timer_count++] = (Timer){
      .due_ms = now_ms + (uint64_t)delay,
      .order = ++last_order,
      .id = ++last_id,
      .repeats = repeats,
      .interval_ms = (uint32_t)delay,
      .function = JS_DupValue(ctx, argv[0]),
      .arguments = arguments,
  };
  return JS_NewUint32(ctx, last_id);
}

static JSValue clear_timer(JSContext* ctx, JSValueConst this, int argc, JSValueConst* argv) {
  (void)this, (void)argc;
  if (!JS_IsNumber(argv[0])) return JS_UNDEFINED;
  uint32_t id = 0;
  if (JS_ToUint32(ctx, &id, argv[0]) < 0) return JS_EXCEPTION;
  for (size_t i = 0; i < timer_count; i++) {
    if (timers[i].id != id) continue;
    forget_timer(ctx, i);
    break;
  }
  return JS_UNDEFINED;
}

static bool wait_until(JSContext* ctx, uint64_t due_ms) {
  __wasi_subscription_t wait;
  memset(&wait, 0, sizeof wait);
  wait.u.tag = __WASI_EVENTTYPE_CLOCK;
  wait.u.u.clock.id = __WASI_CLOCKID_MONOTONIC;
  wait.u.u.clock.timeout = (due_ms - now_ms) * 1000000;
  __wasi_event_t event;
  __wasi_size_t events;
  __wasi_errno_t error = __wasi_poll_oneoff(&wait, &event, 1, &events);
  if (error != __WASI_ERRNO_SUCCESS) {
    JS_ThrowInternalError(ctx, "the host does not let a plugin wait (error %d)", error);
    return false;
  }
  now_ms = due_ms;
  return true;
}

int timers_run_next(JSContext* ctx) {
  if (timer_count == 0) return 0;
  size_t next = 0;
  for (size_t i = 1; i < timer_count; i++) {
    const Timer *a = &timers[i], *b = &timers[next];
    if (a->due_ms < b->due_ms || (a->due_ms == b->due_ms && a->order < b->order)) next = i;
  }
  if (timers[next].due_ms > now_ms) read_clock();
  if (timers[next].due_ms > now_ms && !wait_until(ctx, timers[next].due_ms)) return -1;

  JSValue function = JS_DupValue(ctx, timers[next].function);
  JSValue arguments = JS_DupValue(ctx, timers[next].arguments);
  if (timers[next].repeats) {
    timers[next].due_ms += timers[next].interval_ms;
    timers[next].order = ++last_order;
  } else {
    forget_timer(ctx, next);
  }
  JSValue global = JS_GetGlobalObject(ctx);
  JSValue apply = JS_GetPropertyStr(ctx, function, "apply");
  JSValueConst values[] = {global, arguments};
  JSValue result = JS_Call(ctx, apply, function, 2, values);
  JS_FreeValue(ctx, apply);
  JS_FreeValue(ctx, global);
  JS_FreeValue(ctx, arguments);
  JS_FreeValue(ctx, function);
  bool failed = JS_IsException(result);
  JS_FreeValue(ctx, result);
  return failed ? -1 : 1;
}

void timers_forget(JSContext* ctx) {
  while (timer_count > 0) forget_timer(ctx, timer_count - 1);
}

bool timers_install(JSContext* ctx) {
  static const JSCFunctionListEntry functions[] = {
      JS_CFUNC_MAGIC_DEF("setTimeout", 1, set_timer, false),
      JS_CFUNC_MAGIC_DEF("setInterval", 1, set_timer, true),
      JS_CFUNC_DEF("clearTimeout", 1, clear_timer),
      JS_CFUNC_DEF("clearInterval", 1, clear_timer),
  };
  JSValue global = JS_GetGlobalObject(ctx);
  bool ok = JS_SetPropertyFunctionList(
                ctx, global, functions, sizeof functions / sizeof functions[0]) >= 0;
  JS_FreeValue(ctx, global);
  return ok;
}
