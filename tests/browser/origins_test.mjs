// Pages of other origins: embedded where `origins` lets them, refused and logged where not.
import assert from "node:assert/strict";
import { get } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { Server, bundle, edit, fixture, foreign_site, frames_of, launch, root, todo_example } from "./harness.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const example_server = "http://127.0.0.1:4000";
const example_origin = "http://127.0.0.1:5000";

// examples/embed on a port of its own, and examples/todo that lets it in.
async function embedded(test) {
  const site = await foreign_site(test, join(root, "examples/embed"));
  const todo = todo_example(test, { "troupe.toml": (text) => text.replace(example_origin, site.url) });
  const server = await Server.serve(test, todo);
  site.replace = (html) => html.replaceAll(example_server, server.url);
  return { site, server };
}

test("a page of another origin shows and changes the list it embeds", async (test) => {
  const { site, server } = await embedded(test);
  const here = await browser.open(test, server.url);
  const there = await browser.open(test, site.url);

  await there.locator("todo-form input").fill("From elsewhere");
  await there.locator("todo-form button").click();
  await here.locator("todo-list li", { hasText: "From elsewhere" }).waitFor();
  await here.locator("todo-form input").fill("From here");
  await here.locator("todo-form button").click();
  await there.locator("todo-list li", { hasText: "From here" }).waitFor();
  await there.locator("todo-count", { hasText: "2" }).waitFor();
});

// The testbed, and a foreign page with one of its elements.
async function session_page(test) {
  const folder = fixture(test, "testbed");
  const site = await foreign_site(test, join(folder, "public"));
  edit(join(folder, "troupe.toml"), (text) => text.replace("[http]", `[http]\norigins = ["${site.url}"]`));
  const server = await Server.serve(test, folder);
  site.replace = (html) =>
    html
      .replace('src="elements.js"', `src="${server.url}/elements.js"`)
      .replace(/<body>[^]*<\/body>/, '<body><bump-counter topic="session:a"></bump-counter></body>');
  return { site, server };
}

test("on a foreign site each join carries a session, which survives a reload", async (test) => {
  const { site } = await session_page(test);
  const page = await (await browser.person(test)).newPage();
  const frames = frames_of(page);
  await page.goto(site.url);
  await page.locator(".result").getByText("0", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Bump" }).click();
  await page.locator(".result").getByText("1", { exact: true }).waitFor();
  await page.reload();
  await page.locator(".result").getByText("1", { exact: true }).waitFor();

  const sessions = frames.sent
    .filter(([, , , event]) => event === "phx_join")
    .map(([, , , , params]) => params.troupe_session);
  assert.equal(sessions.length, 2);
  assert.match(sessions[0], /^[A-Za-z0-9_-]{22}$/);
  assert.equal(sessions[1], sessions[0]);

  const other = await browser.open(test, site.url);
  await other.locator(".result").getByText("0", { exact: true }).waitFor();
});

test("where a browser blocks storage, a session lasts as long as the page", async (test) => {
  const { site } = await session_page(test);
  const page = await (await browser.person(test)).newPage();
  const frames = frames_of(page);
  // A sandboxed frame has an opaque origin, in which reading localStorage throws; here it does so
  // while the page keeps its origin.
  await page.addInitScript(() => {
    const blocked = { get: () => { throw new DOMException("blocked", "SecurityError"); } };
    Object.defineProperty(window, "localStorage", blocked);
    Object.defineProperty(window, "sessionStorage", blocked);
  });
  await page.goto(site.url);
  await page.getByRole("button", { name: "Bump" }).click();
  await page.locator(".result").getByText("1", { exact: true }).waitFor();
  // A second element of the same page has the same session.
  await page.evaluate(() => document.body.insertAdjacentHTML("beforeend", '<bump-counter topic="session:a" id="second">'));
  await page.locator("#second .result").getByText("1", { exact: true }).waitFor();
  const sessions = frames.sent
    .filter(([, , , event]) => event === "phx_join")
    .map(([, , , , params]) => params.troupe_session);
  assert.equal(sessions.length, 2);
  assert.equal(sessions[1], sessions[0]);
});

// A page whose client is its own, so that it can try where /troupe.js would not even load.
async function stock_page(test, { allowed }) {
  const folder = fixture(test, "testbed");
  const stock = fixture(test, "stock");
  const site = await foreign_site(test, stock);
  if (allowed) edit(join(folder, "troupe.toml"), (text) => text.replace("[http]", `[http]\norigins = ["${site.url}"]`));
  const server = await Server.serve(test, folder);
  await bundle(join(root, "tests/browser/fixtures/stock/stock.js"), join(stock, "bundle.js"));
  site.replace = (html) => html.replace("SERVER", `${server.url.replace("http", "ws")}/socket`);
  return { site, server };
}

test("phx-live-state as it is on npm talks to the server, from an origin that is allowed", async (test) => {
  const { site } = await stock_page(test, { allowed: true });
  const anna = await browser.open(test, site.url);
  const ben = await browser.open(test, site.url);
  await ben.locator(".result").getByText("0", { exact: true }).waitFor();
  await anna.getByRole("button", { name: "Bump" }).click();
  await ben.locator(".result").getByText("1", { exact: true }).waitFor();
  await anna.locator(".result").getByText("1", { exact: true }).waitFor();
});

test("an origin that is not allowed is refused, and the log has the line to add", async (test) => {
  const { site, server } = await stock_page(test, { allowed: false });
  const page = await browser.open(test, site.url);
  await page.locator(".error").getByText("socket error").waitFor();
  const [line] = await server.logged(/origins = \[.*\]/);
  assert.equal(line, `origins = ["${site.url}"]`);
});

test("the refusal is a 403 without a body, and the own origin passes", async (test) => {
  const server = await Server.serve(test, fixture(test, "testbed"));
  const refused = await upgrade(server.url, "http://example.com");
  assert.deepEqual(refused, { status: 403, body: "" });
  assert.equal((await upgrade(server.url, server.url)).status, 101);
  assert.equal((await upgrade(server.url, undefined)).status, 101);
});

// The answer to a WebSocket handshake from a page of `origin`.
function upgrade(url, origin) {
  return new Promise((resolve, reject) => {
    const headers = {
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
      ...(origin && { Origin: origin }),
    };
    const request = get(`${url}/socket/websocket?vsn=2.0.0`, { headers, agent: false });
    request.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode });
    });
    request.on("response", (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text) => (body += text));
      response.on("end", () => resolve({ status: response.statusCode, body }));
    });
    request.on("error", reject);
  });
}
