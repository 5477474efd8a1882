// The core as a tool of the builder: runs a program that is not the user's on texts
// (../typescript).
//
// An instance that does this makes no plugin.
#include "core.h"

#include <string.h>

static JSValue function;

// The program sets the global `tool`, a function of one text.
static bool start_tool(void) {
  if (!core_start()) return false;
  AnswerKind kind;
  size_t size;
  char* program = ask(context, ask_read, TOOL_PROGRAM, "", &kind, &size);
  if (!program) return false;
  JSValue result = JS_Eval(context, program, size, TOOL_PROGRAM, JS_EVAL_TYPE_GLOBAL);
  forget(program);
  if (JS_IsException(result)) return false;
  JS_FreeValue(context, result);
  JSValue global = JS_GetGlobalObject(context);
  function = JS_GetPropertyStr(context, global, "tool");
  JS_FreeValue(context, global);
  return !JS_IsException(function);
}

// Runs it on the text that the builder has ready, and tells the JSON of what it returns.
static bool run_tool(void) {
  AnswerKind kind;
  size_t size;
  char* input = ask(context, ask_read, TOOL_INPUT, "", &kind, &size);
  if (!input) return false;
  JSValue text = JS_NewStringLen(context, input, size);
  forget(input);
  JSValue result = JS_Call(context, function, JS_UNDEFINED, 1, &text);
  JS_FreeValue(context, text);
  if (JS_IsException(result)) return false;
  JSValue json = JS_JSONStringify(context, result, JS_UNDEFINED, JS_UNDEFINED);
  JS_FreeValue(context, result);
  const char* output = JS_IsException(json) ? NULL : JS_ToCString(context, json);
  JS_FreeValue(context, json);
  if (!output) return false;
  tell(tell_output, 0, output, NULL);
  JS_FreeCString(context, output);
  return true;
}

// 0 when the output was told, 1 when an error was.
EXPORT("run_tool") int32_t run_tool_export(void) {
  static bool started;
  if (!started && !start_tool()) {
    if (!context) __builtin_trap();
    tell_failure();
    return 1;
  }
  started = true;
  JS_UpdateStackTop(runtime);
  if (run_tool()) return 0;
  tell_failure();
  return 1;
}
