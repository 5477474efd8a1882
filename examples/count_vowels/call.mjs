// How a program calls an actor: one HTTP request. Needs Node 18 or newer.
import { readFileSync } from "node:fs";

const server = process.env.TROUPE_SERVER ?? readFileSync("troupe-data/admin.address", "utf8").trim();
const token = process.env.TROUPE_TOKEN ?? readFileSync("troupe-data/admin.token", "utf8");

async function call(plugin, key, name, input) {
  const response = await fetch(`${server}/api/v1/actors/${plugin}/call/${name}?key=${encodeURIComponent(key)}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: input,
  });
  if (!response.ok) throw new Error((await response.json()).detail);
  return response.text();
}

console.log(await call("count_vowels", "from-node", "count_vowels", process.argv[2]));
