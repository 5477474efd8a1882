// Builds what the server hands to browsers: node build.mjs DIRECTORY
//   troupe.js, troupe.js.map   the module of elements/troupe.ts with all it imports
//   dev.html                   the page of `troupe dev`, its script and style inside
//   etags.inc                  the HTTP entity tag of each, for assets.cc
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] && resolve(process.argv[2]);
if (!out) {
  console.error("build.mjs: name the directory to write to, as in: node build.mjs dist");
  process.exit(2);
}
mkdirSync(out, { recursive: true });

const common = {
  absWorkingDir: here,
  bundle: true,
  charset: "utf8",
  format: "esm",
  legalComments: "eof",
  logLevel: "warning",
  minify: true,
  target: "es2022",
  tsconfig: "tsconfig.json",
};

// phx-live-state makes its sockets of the class in elements/socket.ts; our own files get phoenix itself.
const our_socket = {
  name: "our_socket",
  setup(builder) {
    builder.onResolve({ filter: /^phoenix$/ }, ({ importer }) =>
      importer.includes("/node_modules/phx-live-state/")
        ? { path: join(here, "elements/socket.ts") }
        : undefined,
    );
  },
};

await build({
  ...common,
  entryPoints: ["elements/troupe.ts"],
  outfile: join(out, "troupe.js"),
  plugins: [our_socket],
  sourcemap: true,
});

const page = await build({
  ...common,
  entryPoints: ["dev/try.ts"],
  external: ["/troupe.js"],
  write: false,
});
const script = page.outputFiles[0].text.trim();
if (/<\/script|<!--/i.test(script))
  throw new Error("dev/try.ts: its script would end the script element around it");
const html = readFileSync(join(here, "dev/try.html"), "utf8");
writeFileSync(
  join(out, "dev.html"),
  html.replace("<!-- script -->", () => `<script type="module">${script}</script>`),
);

const etags = ["troupe.js", "troupe.js.map", "dev.html"].map((name) => {
  const hash = createHash("sha256")
    .update(readFileSync(join(out, name)))
    .digest("hex");
  const constant = name.replaceAll(".", "_");
  return `constexpr std::string_view ${constant}_etag = "\\"${hash.slice(0, 16)}\\"";\n`;
});
writeFileSync(join(out, "etags.inc"), etags.join(""));
