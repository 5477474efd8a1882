// The plugin that the Extism documentation begins with: bytes in, bytes out. An actor of it remembers its total.
import { send } from "troupe";

const VOWELS = "aeiouAEIOU";

export function count_vowels() {
  const text = Host.inputString();
  const count = [...text].filter((letter) => VOWELS.includes(letter)).length;
  const total = Number(Var.getString("total") ?? 0) + count;
  Var.set("total", String(total));
  console.log(`counted ${count}`);
  send("board/board:all", "counted", { count });
  Host.outputString(JSON.stringify({ count, total, vowels: VOWELS }));
}
