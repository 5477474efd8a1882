// What the browser tests share: servers, a browser, and waiting for what happens instead of sleeping.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, createReadStream, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import { chromium } from "playwright-core";

export const here = dirname(fileURLToPath(import.meta.url));
export const root = join(here, "../..");

export const troupe = process.env.TROUPE ?? join(root, "build/release/troupe");

// A busy machine compiles its first plugin in that time.
const start_ms_max = 60_000;
// For whatever a page or a log is waited for.
export const wait_ms_max = 20_000;

const chromium_flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

// A browser for the tests of one file; `open` gives a page in a profile of its own, as another
// person would have it.
export async function launch() {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: chromium_flags });
  return {
    close: () => browser.close(),
    async person(test) {
      const context = await browser.newContext();
      context.setDefaultTimeout(wait_ms_max);
      test.after(() => context.close());
      return context;
    },
    async open(test, url) {
      const page = await (await this.person(test)).newPage();
      await page.goto(url);
      return page;
    },
  };
}

// A folder that goes with the test. `from` is copied into it.
export function folder(test, from) {
  const path = mkdtempSync(join(tmpdir(), "troupe-browser-"));
  test.after(() => rmSync(path, { recursive: true, force: true }));
  if (from) cpSync(from, path, { recursive: true, filter: (file) => !file.endsWith("/target") });
  return path;
}

// A copy of examples/todo, free to be edited. `edits` maps files to functions of their text.
export function todo_example(test, edits = {}) {
  const path = folder(test, join(root, "examples/todo"));
  for (const [file, change] of Object.entries(edits)) edit(join(path, file), change);
  return path;
}

export function fixture(test, name, edits = {}) {
  const path = folder(test, join(here, "fixtures", name));
  for (const [file, change] of Object.entries(edits)) edit(join(path, file), change);
  return path;
}

// A change that changes nothing is a mistake of the test.
export function edit(file, change) {
  const before = readFileSync(file, "utf8");
  const after = change(before);
  assert.notEqual(after, before, `the edit of ${file} finds nothing to change`);
  writeFileSync(file, after);
}

// `troupe ARGUMENTS`, ready when its log says where it listens. It ends with the test; a failed
// test shows its log.
export class Server {
  #process;
  #log = "";
  #watchers = new Set();
  #ended;

  static async start(test, cwd, ...args) {
    const server = new Server();
    server.#run(cwd, args);
    test.after(async () => {
      await server.stop();
      if (!test.passed) console.error(`-- the log of troupe ${args.join(" ")}\n${server.log}--`);
    });
    const [, url] = await server.logged(/(http:\/\/(?:127\.0\.0\.1|\[::1\]):\d+)/, start_ms_max);
    server.url = url;
    return server;
  }

  // Serves the troupe.toml of a folder, on any free port unless one is given.
  static serve(test, cwd, { port = 0 } = {}) {
    return Server.start(test, cwd, "serve", "--config", "troupe.toml",
      "--listen", `127.0.0.1:${port}`, "--admin", "127.0.0.1:0", "--data", join(cwd, "data"));
  }

  get log() {
    return this.#log;
  }

  get port() {
    return Number(new URL(this.url).port);
  }

  #run(cwd, args) {
    this.#process = spawn(troupe, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    const hear = (text) => {
      this.#log += text;
      for (const look of this.#watchers) look();
    };
    this.#process.stdout.setEncoding("utf8").on("data", hear);
    this.#process.stderr.setEncoding("utf8").on("data", hear);
    this.#ended = new Promise((resolve) => {
      this.#process.on("error", (error) => resolve(hear(`${error.message}\n`)));
      this.#process.on("close", (code, signal) => resolve(code ?? signal));
    });
  }

  // The match of `pattern` in the log, now or when it comes; `after` is a length of the log.
  logged(pattern, ms_max = wait_ms_max, after = 0) {
    return new Promise((resolve, reject) => {
      const settle = (how, value) => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        how(value);
      };
      const look = () => {
        const match = pattern.exec(this.#log.slice(after));
        if (match) settle(resolve, match);
      };
      const fail = (why) => settle(reject, new Error(`${why} without ${pattern} in its log:\n${this.#log}`));
      const timer = setTimeout(() => fail(`troupe ran ${ms_max} ms`), ms_max);
      this.#watchers.add(look);
      void this.#ended.then((how) => fail(`troupe ended (${how})`));
      look();
    });
  }

  // Ends it and gives its exit status, or the signal that killed it.
  stop(signal = "SIGTERM") {
    if (this.#process.exitCode === null && this.#process.signalCode === null) this.#process.kill(signal);
    return this.#ended;
  }
}

const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

// A web server that is none of ours, as another site has: the files of a folder with `replace`
// done on their text. `replace` may be set later, when the address of Troupe is known.
export async function foreign_site(test, path) {
  const site = { replace: (text) => text };
  const server = createServer((request, response) => {
    const name = new URL(request.url, "http://site").pathname;
    const file = join(path, name === "/" ? "index.html" : name);
    if (!statSync(file, { throwIfNoEntry: false })?.isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.setHeader("Content-Type", types[extname(file)] ?? "application/octet-stream");
    if (extname(file) === ".html") response.end(site.replace(readFileSync(file, "utf8")));
    else createReadStream(file).pipe(response);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  test.after(() => new Promise((closed) => {
    server.close(closed);
    server.closeAllConnections();
  }));
  site.url = `http://127.0.0.1:${server.address().port}`;
  return site;
}

// Bundles a file with the packages as they are on npm, without anything of /troupe.js.
export async function bundle(entry, outfile) {
  await build({ entryPoints: [entry], outfile, bundle: true, format: "esm", target: "es2022", logLevel: "error" });
}

// The text frames that a page's sockets send and get from now on, parsed.
export function frames_of(page) {
  const frames = { sent: [], received: [] };
  page.on("websocket", (socket) => {
    socket.on("framesent", ({ payload }) => frames.sent.push(JSON.parse(payload)));
    socket.on("framereceived", ({ payload }) => frames.received.push(JSON.parse(payload)));
  });
  return frames;
}
