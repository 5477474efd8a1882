// Event, EventTarget, AbortController and AbortSignal.
export async function main(print) {
  const target = new EventTarget();
  const seen = [];
  const twice = () => seen.push("twice");
  target.addEventListener("x", twice);
  target.addEventListener("x", twice);
  target.addEventListener("x", { handleEvent(event) { seen.push(`object ${event.type} ${event.target === target}`); } });
  target.addEventListener("x", () => seen.push("once"), { once: true });
  target.addEventListener("y", (event) => { seen.push("stop"); event.stopImmediatePropagation(); });
  target.addEventListener("y", () => seen.push("not reached"));
  target.addEventListener("z", (event) => event.preventDefault());
  target.dispatchEvent(new Event("x"));
  target.dispatchEvent(new Event("x"));
  target.dispatchEvent(new Event("y"));
  print(target.dispatchEvent(new Event("z")), target.dispatchEvent(new Event("z", { cancelable: true })));
  target.removeEventListener("x", twice);
  target.dispatchEvent(new Event("x"));
  print(seen.join());
  print(new CustomEvent("c", { detail: { n: 1 } }).detail.n, new Event("e", { bubbles: true }).bubbles, Object.keys(new Event("e")).join());

  const controller = new AbortController();
  let heard = 0;
  controller.signal.addEventListener("abort", () => heard++);
  controller.signal.onabort = () => heard++;
  print(controller.signal.aborted, controller.signal.reason);
  controller.abort();
  controller.abort("again");
  print(heard, controller.signal.aborted, controller.signal.reason.name, controller.signal.reason.code);
  try {
    controller.signal.throwIfAborted();
  } catch (error) {
    print(error.name, error.message);
  }
  print(AbortSignal.abort("why").reason, AbortSignal.any([new AbortController().signal, AbortSignal.abort(7)]).reason);
  const first = new AbortController();
  const any = AbortSignal.any([first.signal]);
  first.abort("first");
  print(any.aborted, any.reason);
  const late = AbortSignal.timeout(5);
  await new Promise((resolve) => { late.addEventListener("abort", resolve); setTimeout(resolve, 500); });
  print(late.aborted, late.reason.name);
  try {
    new AbortSignal();
  } catch (error) {
    print(error.name);
  }
}
