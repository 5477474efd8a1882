// <launch-form> of examples/form on a page of another origin, with a server that takes what the plugin posts.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { Server, edit, folder, foreign_site, launch, root } from "./harness.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const token = "a token that nobody sees";

// Where forms go. `answer` may be set to give something else than 204.
async function target_server(test) {
  const target = { received: [], answer: (response) => response.writeHead(204).end() };
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const text of request.setEncoding("utf8")) body += text;
    target.received.push({ method: request.method, url: request.url, headers: request.headers, body: JSON.parse(body) });
    target.answer(response);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  test.after(() => new Promise((closed) => {
    server.close(closed);
    server.closeAllConnections();
  }));
  target.url = `http://127.0.0.1:${server.address().port}/forms`;
  return target;
}

async function bakery(test) {
  const target = await target_server(test);
  const path = folder(test, join(root, "examples/form"));
  const site = await foreign_site(test, join(root, "examples/form/site"));
  process.env.FORM_TOKEN = token;
  edit(join(path, "troupe.toml"), (text) =>
    text
      .replace("http://127.0.0.1:5000", site.url)
      .replace("http://127.0.0.1:5001/forms", target.url)
      .replace("timeout_ms = 10_000", "timeout_ms = 120_000"));
  const server = await Server.serve(test, path);
  site.replace = (html) => html.replaceAll("http://127.0.0.1:4000", server.url);
  const page = await browser.open(test, site.url);
  return { target, server, page };
}

test("a form on a page of another origin is delivered, with the secret that the page never sees", async (test) => {
  const { target, server, page } = await bakery(test);
  await page.getByLabel("Your name").fill("Ann");
  await page.getByLabel("Rye").check();
  await page.getByLabel("Spelt").check();
  await page.getByLabel("Anything else?").fill("crusty, please");
  await page.getByRole("button", { name: "Order" }).click();
  await page.getByText("Your bread is in the oven.").waitFor();
  assert.equal(await page.getByLabel("Your name").isVisible(), false);

  assert.equal(target.received.length, 1);
  const [{ method, url, headers, body }] = target.received;
  assert.equal(method, "POST");
  assert.equal(url, "/forms");
  assert.equal(headers.authorization, `Bearer ${token}`);
  assert.match(headers["idempotency-key"], /^[0-9a-f]{32}-1$/);
  assert.deepEqual(body, { form: "orders", fields: { name: "Ann", bread: ["rye", "spelt"], note: "crusty, please" } });
  assert.equal(server.log.includes(token), false);
});

test("what goes wrong is shown, and the form can be sent again", async (test) => {
  const { target, page } = await bakery(test);
  const order = page.getByRole("button", { name: "Order" });
  await page.getByLabel("Your name").fill("Ben {{secret.FORM_TOKEN}}");
  await order.click();
  await page.getByRole("alert").getByText('"name" must not have "{{" in it.').waitFor();
  assert.equal(target.received.length, 0);

  target.answer = (response) => response.writeHead(500).end();
  await page.getByLabel("Your name").fill("Ben");
  await order.click();
  await page.getByRole("alert").getByText("could not be delivered").waitFor();
  assert.equal(await page.getByLabel("Your name").inputValue(), "Ben");

  target.answer = (response) => response.writeHead(201).end("{}");
  await order.click();
  await page.getByText("Your bread is in the oven.").waitFor();
  const keys = target.received.map(({ headers }) => headers["idempotency-key"]);
  assert.equal(new Set(keys).size, 2);
});

test("a target that takes its time delays nobody else", async (test) => {
  const { target, page } = await bakery(test);
  const other = await browser.open(test, page.url());
  const held = new Promise((arrived) => (target.answer = arrived));
  await page.getByLabel("Your name").fill("Slow");
  await page.getByRole("button", { name: "Order" }).click();
  const response = await held;

  target.answer = (response) => response.writeHead(204).end();
  await other.getByLabel("Your name").fill("Quick");
  await other.getByRole("button", { name: "Order" }).click();
  await other.getByText("Your bread is in the oven.").waitFor();
  assert.equal(await page.getByText("Your bread is in the oven.").isVisible(), false);
  response.writeHead(204).end();
  await page.getByText("Your bread is in the oven.").waitFor();
});
