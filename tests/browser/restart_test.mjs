// The server goes and comes while pages are open.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Server, launch, todo_example } from "./harness.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

for (const signal of ["SIGTERM", "SIGKILL"]) {
  test(`after ${signal} and a new start an open page is live again`, async (test) => {
    const folder = todo_example(test);
    const first = await Server.serve(test, folder);
    const page = await browser.open(test, first.url);
    await page.locator("todo-form input").fill("Before");
    await page.locator("todo-form button").click();
    await page.locator("todo-list li", { hasText: "Before" }).waitFor();

    assert.equal(await first.stop(signal), signal === "SIGTERM" ? 0 : signal);
    await page.locator("todo-list .status", { hasText: "connecting" }).waitFor();

    await Server.serve(test, folder, { port: first.port });
    // What the page had shown is in the journal: nothing on screen is lost.
    await page.locator("todo-list .status", { hasText: "live" }).waitFor();
    await page.locator("todo-list li", { hasText: "Before" }).waitFor();
    await page.locator("todo-form input").fill("After");
    await page.locator("todo-form button").click();
    await page.locator("todo-list li", { hasText: "After" }).waitFor();
    assert.equal(await page.locator("todo-list li").count(), 2);
  });
}
