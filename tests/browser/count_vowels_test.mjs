// examples/count_vowels: a page calls an actor, and goes on calling it when its code is replaced and when it was killed.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { execFile } from "node:child_process";

import { Server, folder, launch, root, troupe } from "./harness.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

test("a page calls an actor through its whole life", async (test) => {
  const path = folder(test, join(root, "examples/count_vowels"));
  const server = await Server.serve(test, path);
  const run = (...args) => promisify(execFile)(troupe, [...args, "--data", join(path, "data")], { cwd: path });
  const page = await browser.open(test, server.url);
  const other = await browser.open(test, server.url);

  const count = async (text, answer) => {
    await page.locator("input").fill(text);
    await page.getByRole("button").click();
    await page.locator("output", { hasText: answer }).waitFor();
  };
  await count("hello world", "3 of aeiouAEIOU, 3 in all");
  await other.getByText("3 vowels in 1 texts").waitFor();
  const source = readFileSync(join(path, "count_vowels.js"), "utf8");
  writeFileSync(join(path, "with_y.js"), source.replace("aeiouAEIOU", "aeiouyAEIOUY"));
  await run("deploy", "count_vowels", "with_y.js");
  await count("yes", "2 of aeiouyAEIOUY, 5 in all");
  await run("actor", "restart", "count_vowels/page");
  await count("still here", "3 of aeiouyAEIOUY, 8 in all");
  await other.getByText("8 vowels in 3 texts").waitFor();
  assert.equal(await page.locator("output").count(), 1);
});
