// Running: what an export of the plugin does.
#include "core.h"

#include <string.h>

JSValue* exported;
uint32_t exported_count;

// Rejected promises that nobody has handled yet: pairs of promise and reason.
static JSValue unhandled;

static void on_rejection(
    JSContext* ctx, JSValueConst promise, JSValueConst reason, bool is_handled, void* opaque) {
  (void)opaque;
  if (JS_IsUndefined(unhandled)) unhandled = JS_NewArray(ctx);
  int64_t length = 0;
  JS_GetLength(ctx, unhandled, &length);
  if (!is_handled) {
    JS_SetPropertyInt64(ctx, unhandled, length, JS_DupValue(ctx, promise));
    JS_SetPropertyInt64(ctx, unhandled, length + 1, JS_DupValue(ctx, reason));
    return;
  }
  for (int64_t i = 0; i < length; i += 2) {
    JSValue known = JS_GetPropertyInt64(ctx, unhandled, i);
    if (JS_IsStrictEqual(ctx, known, promise)) JS_SetPropertyInt64(ctx, unhandled, i, JS_UNDEFINED);
    JS_FreeValue(ctx, known);
  }
}

void rejections_install(JSRuntime* rt) {
  unhandled = JS_UNDEFINED;
  JS_SetHostPromiseRejectionTracker(rt, on_rejection, NULL);
}

static void forget_rejections(JSContext* ctx) {
  JS_FreeValue(ctx, unhandled);
  unhandled = JS_UNDEFINED;
}

static void log_rejections(JSContext* ctx) {
  if (JS_IsUndefined(unhandled)) return;
  int64_t length = 0;
  JS_GetLength(ctx, unhandled, &length);
  for (int64_t i = 0; i < length; i += 2) {
    JSValue promise = JS_GetPropertyInt64(ctx, unhandled, i);
    JSValue reason = JS_GetPropertyInt64(ctx, unhandled, i + 1);
    if (!JS_IsUndefined(promise))
      error_log(ctx, "a promise was rejected and nobody handles it: ", reason);
    JS_FreeValue(ctx, promise);
    JS_FreeValue(ctx, reason);
  }
  forget_rejections(ctx);
}

// False with an exception when a microtask threw, which only those of queueMicrotask() do: a
// promise's reaction that throws rejects its promise.
static bool run_jobs(JSContext* ctx) {
  JSContext* job_context;
  for (;;) {
    int done = JS_ExecutePendingJob(JS_GetRuntime(ctx), &job_context);
    if (done <= 0) return done == 0;
  }
}

static bool is_rejected(JSContext* ctx, JSValueConst value) {
  return JS_IsPromise(value) && JS_PromiseState(ctx, value) == JS_PROMISE_REJECTED;
}

JSValue settled(JSContext* ctx, JSValue value, const char* what) {
  for (;;) {
    bool ok = run_jobs(ctx);
    // A call that has failed is over: what it had still planned is dropped.
    if (ok && is_rejected(ctx, value)) break;
    int ran = ok ? timers_run_next(ctx) : -1;
    if (ran < 0) {
      JS_FreeValue(ctx, value);
      return JS_EXCEPTION;
    }
    if (ran == 0) break;
  }
  if (!JS_IsPromise(value)) return value;
  JSPromiseStateEnum state = JS_PromiseState(ctx, value);
  if (state == JS_PROMISE_PENDING) {
    JS_FreeValue(ctx, value);
    return JS_ThrowTypeError(ctx, "%s waits for something that never happens", what);
  }
  JSValue result = JS_PromiseResult(ctx, value);
  if (state == JS_PROMISE_REJECTED) {
    on_rejection(ctx, value, result, true, NULL);
    JS_FreeValue(ctx, value);
    return JS_Throw(ctx, result);
  }
  JS_FreeValue(ctx, value);
  return result;
}

// Ends a call that failed: nothing that it left behind may run in the next one.
static void drop_what_is_left(JSContext* ctx) {
  timers_forget(ctx);
  while (!run_jobs(ctx)) JS_FreeValue(ctx, JS_GetException(ctx));
  timers_forget(ctx);
}

void call_begin(void) {
  JS_UpdateStackTop(runtime);
  random_forget();
  memory_ran_out = false;
}

void call_end(void) {
  log_rejections(context);
}

// Calls the exported function of that index without arguments. As in Extism's kit for JavaScript, a
// number it returns is the return code of the call; any other value means success.
EXPORT("invoke") int32_t invoke(uint32_t index) {
  call_begin();
  JSValue result = JS_Call(context, exported[index], JS_UNDEFINED, 0, NULL);
  if (!JS_IsException(result)) result = settled(context, result, "the promise of this function");
  int32_t code = 0;
  if (JS_IsException(result)) {
    JSValue error = JS_GetException(context);
    error_report(context, error);
    JS_FreeValue(context, error);
    drop_what_is_left(context);
    code = 1;
  } else if (JS_IsNumber(result)) {
    JS_ToInt32(context, &code, result);
  }
  call_end();
  JS_FreeValue(context, result);
  return code;
}
