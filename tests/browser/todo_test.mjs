// examples/todo as a visitor meets it: two people, two plugins, a reload, errors.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Server, frames_of, launch, todo_example } from "./harness.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const plugins = [
  { language: "JavaScript", list: "todo-list", form: "todo-form" },
  { language: "Rust", list: "rust-todo-list", form: "rust-todo-form" },
];

async function add(page, form, text) {
  await page.locator(`${form} input[name=todo]`).fill(text);
  await page.locator(`${form} button`).click();
}

const item = (page, list, text) => page.locator(`${list} li`, { hasText: text });

for (const { language, list, form } of plugins) {
  test(`${language}: what one person does, another sees`, async (test) => {
    const server = await Server.serve(test, todo_example(test));
    const anna = await browser.open(test, server.url);
    const ben = await browser.open(test, server.url);
    await anna.getByText("todo list", { exact: false }).first().waitFor();
    await ben.locator(`${list} .empty`).waitFor();

    await add(anna, form, "Do a thing");
    await item(ben, list, "Do a thing").waitFor();
    await add(ben, form, "Do another");
    await item(anna, list, "Do another").waitFor();
    assert.deepEqual(await anna.locator(`${list} li span`).allTextContents(), ["Do a thing", "Do another"]);

    await item(ben, list, "Do a thing").locator("input").click();
    await anna.locator(`${list} li.done`, { hasText: "Do a thing" }).waitFor();
    await anna.getByRole("button", { name: "Clear 1 done" }).click();
    await item(ben, list, "Do a thing").waitFor({ state: "detached" });
    await item(ben, list, "Do another").getByRole("button").click();
    await anna.locator(`${list} .empty`).waitFor();
  });

  test(`${language}: a reload shows the same list`, async (test) => {
    const server = await Server.serve(test, todo_example(test));
    const page = await browser.open(test, server.url);
    await add(page, form, "Still here");
    await item(page, list, "Still here").waitFor();
    await page.reload();
    await item(page, list, "Still here").waitFor();
    await add(page, form, "And more");
    await item(page, list, "And more").waitFor();
    assert.equal(await page.locator(`${list} li`).count(), 2);
  });

  test(`${language}: an error is shown to its sender alone, and the list stays`, async (test) => {
    const server = await Server.serve(test, todo_example(test));
    const anna = await browser.open(test, server.url);
    const ben = await browser.open(test, server.url);
    await add(anna, form, "Before");
    await item(ben, list, "Before").waitFor();

    await add(anna, form, "   ");
    await anna.locator(`${list} [role=alert]`, { hasText: "A todo needs a few words." }).waitFor();
    // What ben sees next is the next todo: an error for him would have come before it.
    await add(anna, form, "After");
    await item(ben, list, "After").waitFor();
    assert.equal(await ben.locator(`${list} [role=alert]`).count(), 0);
    assert.equal(await ben.locator(`${list} li`).count(), 2);
  });
}

test("the lists of the two plugins are apart", async (test) => {
  const server = await Server.serve(test, todo_example(test));
  const page = await browser.open(test, server.url);
  await add(page, "todo-form", "In JavaScript");
  await item(page, "todo-list", "In JavaScript").waitFor();
  await add(page, "rust-todo-form", "In Rust");
  await item(page, "rust-todo-list", "In Rust").waitFor();
  assert.deepEqual(await page.locator("todo-list li span").allTextContents(), ["In JavaScript"]);
  assert.deepEqual(await page.locator("rust-todo-list li span").allTextContents(), ["In Rust"]);
});

test("adding to a long list sends what was added, not the list", async (test) => {
  const server = await Server.serve(test, todo_example(test));
  const page = await browser.person(test).then((person) => person.newPage());
  const frames = frames_of(page);
  await page.goto(server.url);
  for (const text of ["one", "two", "three"]) {
    await add(page, "todo-form", text);
    await item(page, "todo-list", text).waitFor();
  }
  const patches = frames.received.filter(([, , , event]) => event === "state:patch");
  assert.equal(patches.length, 3);
  assert.deepEqual(patches.map(([, , , , { version }]) => version), [1, 2, 3]);
  assert.deepEqual(
    patches[2][4].patch.toSorted((a, b) => a.path.localeCompare(b.path)),
    [
      { op: "replace", path: "/last_id", value: 3 },
      { op: "add", path: "/todos/2", value: { id: 3, text: "three", done: false } },
    ],
  );
});

test("a component: what one person adds, another sees, also after a reload", async (test) => {
  const server = await Server.serve(test, todo_example(test));
  const anna = await browser.open(test, server.url);
  const ben = await browser.open(test, server.url);
  const texts = (page) => page.locator("component-todo-list li").allTextContents();
  for (const page of [anna, ben]) await item(page, "component-todo-list", "WASM Components").waitFor();
  assert.deepEqual(await texts(ben), ["Hello", "WASM Components"]);
  await add(anna, "component-todo-form", "Grüße 😀");
  await item(ben, "component-todo-list", "Grüße 😀").waitFor();
  await ben.reload();
  await item(ben, "component-todo-list", "Grüße 😀").waitFor();
  await add(ben, "component-todo-form", "");
  await anna.locator("component-todo-list li").nth(3).waitFor();
  assert.deepEqual(await texts(anna), ["", "Grüße 😀", "Hello", "WASM Components"]);
});

test("a component: a payload of the wrong type is refused with its place, and the list stays", async (test) => {
  const server = await Server.serve(test, todo_example(test));
  const page = await browser.open(test, server.url);
  await item(page, "component-todo-list", "Hello").waitFor();
  const send = (detail) =>
    page
      .locator("component-todo-form")
      .evaluate((form, detail) => form.dispatchEvent(new CustomEvent("addTodo", { detail })), detail);
  const alert = (hasText) => page.locator("component-todo-list [role=alert]", { hasText });

  await send({ todo: 12 });
  await alert("payload.todo: expected string, got number").waitFor();
  await send({ text: "milk" });
  await alert("payload.todo: expected string, got nothing").waitFor();
  await add(page, "component-todo-form", "After");
  await item(page, "component-todo-list", "After").waitFor();
  assert.equal(await page.locator("component-todo-list li").count(), 3);
});

// A plugin that works for a while before it answers.
const slow_todo = (text) =>
  text.replace("({ todo }, state) => {", "({ todo }, state) => {\n  for (let i = 0; i < 300_000; i++);");

test("the form's button rests while the plugin works, and wakes with its answer", async (test) => {
  const server = await Server.serve(test, todo_example(test, { "todo.js": slow_todo }));
  const page = await browser.open(test, server.url);
  await page.locator("todo-list .online").waitFor();
  await watch_button(page);

  await add(page, "todo-form", "Do a thing");
  await item(page, "todo-list", "Do a thing").waitFor();
  await page.locator("todo-form button:enabled").waitFor();
  assert.deepEqual(await seen_of_button(page), ["disabled", "enabled"]);
  assert.equal(await page.locator("todo-form input").inputValue(), "");
});

test("an error wakes the button as well, and leaves the text to be corrected", async (test) => {
  const server = await Server.serve(test, todo_example(test, { "todo.js": slow_todo }));
  const page = await browser.open(test, server.url);
  await page.locator("todo-list .online").waitFor();
  await watch_button(page);

  await add(page, "todo-form", "x".repeat(201));
  await page.locator("todo-list [role=alert]", { hasText: "at most 200 characters" }).waitFor();
  await page.locator("todo-form button:enabled").waitFor();
  assert.deepEqual(await seen_of_button(page), ["disabled", "enabled"]);
  assert.equal(await page.locator("todo-form input").inputValue(), "x".repeat(201));
});

// An answer may be faster than any look from outside, so the page itself keeps what it saw.
function watch_button(page) {
  return page.locator("todo-form button").evaluate((button) => {
    window.button_seen = [];
    new MutationObserver(() => window.button_seen.push(button.disabled ? "disabled" : "enabled")).observe(button, {
      attributes: true,
      attributeFilter: ["disabled"],
    });
  });
}

const seen_of_button = (page) => page.evaluate(() => window.button_seen);

test("the essay's plugin runs as it was written", async (test) => {
  const server = await Server.serve(test, todo_example(test));
  const page = await browser.open(test, `${server.url}/essay.html`);
  await item(page, "todo-list", "WASM").waitFor();
  assert.deepEqual(await page.locator("todo-list li").allTextContents(), ["Hello", "WASM"]);
  await add(page, "todo-form", "Greetings");
  await item(page, "todo-list", "Greetings from WASM!").waitFor();
  assert.deepEqual(await page.locator("todo-list li").allTextContents(), ["Greetings from WASM!", "Hello", "WASM"]);
});
