// What LiveState's own testbed shows, with phx-live-state from /troupe.js.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Server, fixture, frames_of, launch } from "./harness.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

// A page with the elements of `body`, on a server of its own unless one is given.
async function open(test, body, server) {
  server ??= await Server.serve(test, fixture(test, "testbed"));
  const page = await (await browser.person(test)).newPage();
  page.frames_seen = frames_of(page);
  await page.goto(server.url);
  await page.evaluate((html) => (document.body.innerHTML = html), body);
  return page;
}

const result = (page, text) => page.locator(".result").getByText(text, { exact: true });
const error = (page, text) => page.locator(".error").getByText(text, { exact: true });
const press = (page, name) => page.getByRole("button", { name, exact: true }).click();

test("16 bumps over a max_version of 10 show 16 and version 5", async (test) => {
  const page = await open(test, "<patchy-element></patchy-element>");
  await result(page, "0").waitFor();
  for (let bumps = 1; bumps <= 16; bumps++) await press(page, "Bump");
  await result(page, "16").waitFor();
  await page.getByText("version: 5", { exact: true }).waitFor();
  const { received, sent } = page.frames_seen;
  assert.deepEqual(
    received.filter(([, , , event]) => event === "state:patch").map(([, , , , { version }]) => version),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 1, 2, 3, 4, 5],
  );
  assert.equal(sent.some(([, , , event]) => event === "lvs_refresh"), false, "the client missed no version");
});

test("each page has an actor of its own where the topic names none", async (test) => {
  const server = await Server.serve(test, fixture(test, "testbed"));
  const first = await open(test, "<patchy-element></patchy-element>", server);
  await result(first, "0").waitFor();
  await press(first, "Bump");
  await result(first, "1").waitFor();
  const second = await open(test, "<patchy-element></patchy-element>", server);
  await result(second, "0").waitFor();
});

test("init sees the parameters of the join", async (test) => {
  const page = await open(test, '<join-params api-key="foo"></join-params>');
  await result(page, "foo").waitFor();
});

test("a topic that no rule matches is an error with that text", async (test) => {
  const page = await open(test, '<display-error topic="garbage"></display-error>');
  await error(page, "unmatched topic").waitFor();
});

test("an error of init reaches the page as its message alone, and the log has the place", async (test) => {
  const server = await Server.serve(test, fixture(test, "testbed"));
  const page = await open(test, '<display-error topic="init_error"></display-error>', server);
  await error(page, "You suck").waitFor();
  await server.logged(/init_error\.js:4:\d+/);
});

test("authorize refuses a join with what it throws, and lets the others in", async (test) => {
  const server = await Server.serve(test, fixture(test, "testbed"));
  const stranger = await open(test, '<guarded-element password="please"></guarded-element>', server);
  await error(stranger, "Go away!").waitFor();
  const friend = await open(test, '<guarded-element password="open sesame"></guarded-element>', server);
  await result(friend, "treasure").waitFor();
});

test("an error push keeps the state and the version, and the next event goes on from there", async (test) => {
  const page = await open(test, '<bump-counter topic="shared:a"></bump-counter>');
  await result(page, "0").waitFor();
  await press(page, "Bump");
  await result(page, "1").waitFor();
  await press(page, "Fail");
  await error(page, "not today").waitFor();
  await press(page, "No such");
  await error(page, 'unknown event "nosuch"').waitFor();
  await press(page, "Bump");
  await result(page, "2").waitFor();
  await page.getByText("version: 2", { exact: true }).waitFor();
  assert.equal(page.frames_seen.sent.filter(([, , , event]) => event === "phx_join").length, 1, "no rejoin");
});

test("a reply reaches the sender, a broadcast everyone, before the state", async (test) => {
  const server = await Server.serve(test, fixture(test, "testbed"));
  const anna = await open(test, '<bump-counter topic="shared:a"></bump-counter>', server);
  const ben = await open(test, '<bump-counter topic="shared:a"></bump-counter>', server);
  await result(anna, "0").waitFor();
  await result(ben, "0").waitFor();
  await press(anna, "Greet");
  await anna.getByText("version: 1", { exact: true }).waitFor();
  await ben.getByText("version: 1", { exact: true }).waitFor();
  assert.deepEqual(await anna.locator("li").allTextContents(), ["greeted: hello Anna", "arrived: Anna is here"]);
  assert.deepEqual(await ben.locator("li").allTextContents(), ["arrived: Anna is here"]);
  const events = anna.frames_seen.received.map(([, , , event]) => event);
  assert.deepEqual(events.slice(-3), ["greeted", "arrived", "state:patch"]);
});

test("an actor of a session is one browser's, and survives its reload", async (test) => {
  const server = await Server.serve(test, fixture(test, "testbed"));
  const body = '<bump-counter topic="session:a"></bump-counter>';
  const page = await open(test, body, server);
  await result(page, "0").waitFor();
  await press(page, "Bump");
  await result(page, "1").waitFor();
  await page.reload();
  await page.evaluate((html) => (document.body.innerHTML = html), body);
  await result(page, "1").waitFor();
  const other = await open(test, body, server);
  await result(other, "0").waitFor();

  const joins = page.frames_seen.sent.filter(([, , , event]) => event === "phx_join");
  assert.equal(joins.length, 2);
  for (const [, , , , params] of joins) assert.deepEqual(params, {}, "on its own site the cookie says who it is");
  const cookies = await page.context().cookies();
  assert.deepEqual(cookies.map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite })), [
    { name: "troupe_session", httpOnly: true, sameSite: "Lax" },
  ]);
});
