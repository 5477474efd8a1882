"""Troupe's host, through the program `conformance_host`, as the other of the two that are compared."""

import base64
import json
import subprocess


class Host:
    """The process, in which one plugin after the other is opened."""

    def __init__(self, program):
        self._process = subprocess.Popen([str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **question):
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError(f"conformance_host ended with {self._process.wait()} at {question}")
        return json.loads(line)

    def close(self):
        self._process.stdin.close()
        assert self._process.wait(10) == 0


class Troupe:
    """One plugin. Errors of creation are RuntimeError with Troupe's words."""

    def __init__(self, host, plugin, wasi=False, fuel=None, functions=(), http_headers=False):
        self._host = host
        answer = host.ask(op="open", plugin=base64.b64encode(plugin).decode(), wasi=wasi, fuel=fuel or 0,
                          functions=list(functions), http_headers=http_headers)
        if "error" in answer:
            raise RuntimeError(answer["error"])

    def close(self):
        self._host.ask(op="close")

    def exists(self, function):
        return self._host.ask(op="exists", function=function)["exists"]

    def config(self, json_text):
        return self._host.ask(op="config", config=json_text)["ok"]

    def reset(self):
        self._host.ask(op="reset")

    def call(self, function, data=b"", cancel_after=None):
        answer = self._host.ask(op="call", function=function, input=base64.b64encode(data).decode(),
                                cancel_ms=int(1000 * (cancel_after or 0)))
        return {"code": answer["code"], "output": base64.b64decode(answer["output"]), "error": answer.get("error")}
