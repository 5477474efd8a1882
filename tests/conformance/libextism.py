"""The real libextism by its C API, as one of the two hosts that are compared."""

import threading

from extism_sys import ffi, lib

I32, I64, F64 = 0, 1, 3


def _val(kind, value):
    return {"t": kind, "v": {"i32": value} if kind == I32 else {"i64": value} if kind == I64 else {"f64": value}}


class Libextism:
    """One plugin. Errors of creation are RuntimeError with libextism's words."""

    def __init__(self, plugin, wasi=False, fuel=None, functions=(), http_headers=False):
        self._callbacks = []
        made = [self._function(name) for name in functions]
        pointers = ffi.new("ExtismFunction*[]", made) if made else ffi.NULL
        error = ffi.new("char**")
        data = ffi.from_buffer(plugin)
        if fuel is None:
            self._plugin = lib.extism_plugin_new(data, len(plugin), pointers, len(made), wasi, error)
        else:
            self._plugin = lib.extism_plugin_new_with_fuel_limit(data, len(plugin), pointers, len(made), wasi, fuel, error)
        if self._plugin == ffi.NULL:
            text = ffi.string(error[0]).decode() if error[0] != ffi.NULL else "no reason given"
            if error[0] != ffi.NULL:
                lib.extism_plugin_new_error_free(error[0])
            raise RuntimeError(text)
        if http_headers:
            lib.extism_plugin_allow_http_response_headers(self._plugin)

    def close(self):
        lib.extism_plugin_free(self._plugin)

    def exists(self, function):
        return bool(lib.extism_plugin_function_exists(self._plugin, function.encode()))

    def config(self, json_text):
        return bool(lib.extism_plugin_config(self._plugin, json_text.encode(), len(json_text.encode())))

    def reset(self):
        lib.extism_plugin_reset(self._plugin)

    def call(self, function, data=b"", cancel_after=None):
        timer = None
        if cancel_after is not None:
            handle = lib.extism_plugin_cancel_handle(self._plugin)
            timer = threading.Timer(cancel_after, lambda: lib.extism_plugin_cancel(handle))
            timer.start()
        code = lib.extism_plugin_call(self._plugin, function.encode(), data, len(data))
        if timer:
            timer.cancel()
        error = lib.extism_plugin_error(self._plugin)
        if error != ffi.NULL:
            return {"code": code, "output": b"", "error": ffi.string(error).decode(errors="replace")}
        length = lib.extism_plugin_output_length(self._plugin)
        output = bytes(ffi.buffer(lib.extism_plugin_output_data(self._plugin), length)) if length else b""
        # The C API gives the code alone; these are the words of the Rust library and those above it.
        return {"code": code, "output": output, "error": f"Returned non-zero exit code: {code}" if code else None}

    def _function(self, name):
        parameters, results, body = FUNCTIONS[name]

        @ffi.callback("void(ExtismCurrentPlugin*, const ExtismVal*, ExtismSize, ExtismVal*, ExtismSize, void*)")
        def callback(current, inputs, _n_in, outputs, _n_out, _user):
            body(current, inputs, outputs)

        self._callbacks.append(callback)
        return lib.extism_function_new(
            name.encode(), ffi.new("ExtismValType[]", parameters), len(parameters),
            ffi.new("ExtismValType[]", results), len(results), callback, ffi.NULL, ffi.NULL)


def _upper(current, inputs, outputs):
    """A block in, a new block out."""
    handle = inputs[0].v.i64
    length = lib.extism_current_plugin_memory_length(current, handle)
    memory = lib.extism_current_plugin_memory(current)
    text = bytes(ffi.buffer(memory + handle, length)).upper()
    block = lib.extism_current_plugin_memory_alloc(current, length)
    memory = lib.extism_current_plugin_memory(current)
    ffi.buffer(memory + block, length)[:] = text
    outputs[0].t = I64
    outputs[0].v.i64 = block


def _mix(_current, inputs, outputs):
    """Numbers alone: (i32, i64, f64) -> f64."""
    outputs[0].t = F64
    outputs[0].v.f64 = inputs[0].v.i32 + inputs[1].v.i64 + inputs[2].v.f64


FUNCTIONS = {"upper": ([I64], [I64], _upper), "mix": ([I32, I64, F64], [F64], _mix)}
