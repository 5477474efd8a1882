// Functions of bytes. What `count` counts is in the plugin's own memory.
let calls = 0;

export function count() {
  Host.outputString(JSON.stringify({ calls: ++calls }));
}
export function echo() {
  Host.outputString(Host.inputString());
}
export function bytes() {
  Host.outputBytes(new Uint8Array([0, 255, ...new Uint8Array(Host.inputBytes())]).buffer);
}
export function fail() {
  ++calls;
  throw new Error("You suck");
}
export function spin() {
  ++calls;
  for (;;);
}
export function secret() {
  Host.outputString("for the command line only");
}
