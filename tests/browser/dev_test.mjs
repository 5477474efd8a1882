// `troupe dev`: its page to try a plugin, saving to live, failed builds on the open pages.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { Server, edit, launch, todo_example } from "./harness.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

async function try_page(test) {
  const folder = todo_example(test);
  const server = await Server.start(test, folder, "dev", "todo.js", "--listen", "127.0.0.1:0");
  const page = await browser.open(test, server.url);
  await page.locator(".status.live").waitFor();
  return { folder, server, page, source: join(folder, "todo.js") };
}

const event_form = (page, name) => page.locator(`event-form[name=${name}]`);

async function send(page, name, payload) {
  const form = event_form(page, name);
  await form.locator("textarea").fill(typeof payload === "string" ? payload : JSON.stringify(payload));
  await form.locator("button").click();
}

const state = (page) => page.locator("section.state");
const entry = (page, kind, text) => page.locator(`.timeline li.${kind}`, { hasText: text });

test("the page shows the state, a form for each event, and the patches as they come", async (test) => {
  const { page, server } = await try_page(test);
  await page.locator("h1", { hasText: "todo" }).waitFor();
  assert.deepEqual(await page.locator("event-form button").allTextContents(), ["addTodo", "clearDone", "remove", "toggle"]);
  await state(page).getByText('"todos": []').waitFor();

  const other = await browser.open(test, server.url);
  await other.locator(".status.live").waitFor();
  await send(page, "addTodo", { todo: "milk" });
  await state(page).getByText('"milk"').waitFor();
  await state(other).getByText('"milk"').waitFor();
  await entry(page, "sent", '{"todo":"milk"}').waitFor();
  await entry(page, "patch", '"milk"').waitFor();
  await entry(other, "patch", '"milk"').waitFor();
  assert.equal(await entry(other, "sent", "").count(), 0);
});

test("a payload that is no JSON cannot be sent, and the page says why", async (test) => {
  const { page } = await try_page(test);
  const form = event_form(page, "addTodo");
  await form.locator("textarea").fill('{"todo": ');
  await form.locator("button:disabled").waitFor();
  await form.getByText("JSON").waitFor();
  await form.locator("textarea").fill('{"todo": "milk"}');
  await form.locator("button:enabled").click();
  await state(page).getByText('"milk"').waitFor();
});

test("what the plugin throws is shown, and its stack is in the log on the page", async (test) => {
  const { page } = await try_page(test);
  await send(page, "addTodo", { todo: "" });
  await entry(page, "error", "A todo needs a few words.").first().waitFor();
  await entry(page, "error", /todo\.js:\d+:\d+/).waitFor();
  await state(page).getByText('"todos": []').waitFor();
});

test("saving the source makes the next click run the new code, and keeps the state", async (test) => {
  const { page, source } = await try_page(test);
  await send(page, "addTodo", { todo: "milk" });
  await state(page).getByText('"milk"').waitFor();
  edit(source, (text) => text.replace("const text = String(todo", 'const text = "fresh " + String(todo'));
  // The first is the build that the page was told of when it was opened.
  await entry(page, "build", "built and live").nth(1).waitFor();
  await send(page, "addTodo", { todo: "eggs" });
  await state(page).getByText('"fresh eggs"').waitFor();
  await state(page).getByText('"milk"').waitFor();
});

test("an event that a change adds gets its form", async (test) => {
  const { page, source } = await try_page(test);
  edit(source, (text) => `${text}\nexport const forget = handler(() => ({ todos: [], last_id: 0 }));\n`);
  await event_form(page, "forget").waitFor();
  await send(page, "addTodo", { todo: "milk" });
  await state(page).getByText('"milk"').waitFor();
  await send(page, "forget", {});
  await state(page).getByText('"todos": []').waitFor();
});

test("a build that fails is shown with its place, the old code goes on, and the next good build clears it", async (test) => {
  const { page, source, server } = await try_page(test);
  const overlay = page.locator("troupe-build-errors section");
  edit(source, (text) => text.replace("const id = state.last_id + 1;", "const id = = state.last_id + 1;"));
  await overlay.getByText(/todo\.js:18:\d+/).waitFor();
  await server.logged(/todo\.js:18:\d+/);
  await send(page, "addTodo", { todo: "milk" });
  await state(page).getByText('"milk"').waitFor();

  // A page that is opened while the build is broken hears of it as well.
  const late = await browser.open(test, server.url);
  await late.locator("troupe-build-errors section").waitFor();

  edit(source, (text) => text.replace("const id = = ", "const id = "));
  await overlay.waitFor({ state: "detached" });
  await late.locator("troupe-build-errors section").waitFor({ state: "detached" });
  await state(page).getByText('"milk"').waitFor();
});

test("with a configuration, the pages of the site show the failed build", async (test) => {
  const folder = todo_example(test);
  const server = await Server.start(
    test, folder, "dev", "--config", "troupe.toml", "--listen", "127.0.0.1:0", "--data", join(folder, "data"));
  const page = await browser.open(test, server.url);
  await page.locator("todo-form input").fill("milk");
  await page.locator("todo-form button").click();
  await page.locator("todo-list li", { hasText: "milk" }).waitFor();

  edit(join(folder, "todo.js"), (text) => text.replace("const id = ", "const id = = "));
  await page.locator("troupe-build-errors", { hasText: "todo.js:18" }).waitFor();
  edit(join(folder, "todo.js"), (text) => text.replace("const id = = ", "const id = 100 + "));
  await page.locator("troupe-build-errors section").waitFor({ state: "detached" });
  await page.locator("todo-list li", { hasText: "milk" }).waitFor();
  await page.locator("todo-form input").fill("eggs");
  await page.locator("todo-form button").click();
  await page.locator("todo-list li", { hasText: "eggs" }).waitFor();
});

test("a page that was hidden is told what it missed, and nothing twice", async (test) => {
  const { page, server } = await try_page(test);
  const other = await browser.open(test, server.url);
  await other.locator(".status.live").waitFor();
  const thrown = (page) => entry(page, "error", /todo\.js:\d+:\d+/);
  await send(page, "addTodo", { todo: "" });
  await thrown(page).waitFor();

  await show(page, "hidden");
  await send(other, "addTodo", { todo: "" });
  await thrown(other).nth(1).waitFor();
  assert.equal(await thrown(page).count(), 1);

  await show(page, "visible");
  await thrown(page).nth(1).waitFor();
  // The next line comes after all that is retold.
  await send(page, "addTodo", { todo: "x".repeat(201) });
  await thrown(page).nth(2).waitFor();
  assert.equal(await thrown(page).count(), 3);
  assert.equal(await entry(page, "build", "built and live").count(), 1);
});

// As when the person looks at another tab; Chromium without a head always shows its pages.
function show(page, visibility) {
  return page.evaluate((visibility) => {
    Object.defineProperty(document, "visibilityState", { value: visibility, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, visibility);
}
