# Durable Objects as channels, once with the state in memory and once with each event in SQLite.
# `workerd serve config.capnp memory` or `... sql`; the port and the folder of the disk come from the
# command line (--socket-addr, --directory-path).
using Workerd = import "/workerd/workerd.capnp";

const memory :Workerd.Config = (
  services = [(name = "main", worker = .memoryWorker)],
  sockets = [(name = "http", http = (), service = "main")],
);

const sql :Workerd.Config = (
  services = [
    (name = "main", worker = .sqlWorker),
    (name = "disk", disk = (writable = true)),
  ],
  sockets = [(name = "http", http = (), service = "main")],
);

const memoryWorker :Workerd.Worker = (
  compatibilityDate = "2026-01-01",
  modules = .modules,
  durableObjectNamespaces = .namespaces,
  durableObjectStorage = (inMemory = void),
  bindings = [(name = "CHANNELS", durableObjectNamespace = "Channel")],
);

const sqlWorker :Workerd.Worker = (
  compatibilityDate = "2026-01-01",
  modules = .modules,
  durableObjectNamespaces = .namespaces,
  durableObjectStorage = (localDisk = "disk"),
  bindings = [
    (name = "CHANNELS", durableObjectNamespace = "Channel"),
    (name = "STORE", text = "sql"),
  ],
);

const modules :List(Workerd.Worker.Module) = [
  (name = "worker.mjs", esModule = embed "worker.mjs"),
  (name = "duplex.mjs", esModule = embed "node_modules/fast-json-patch/module/duplex.mjs"),
  (name = "core.mjs", esModule = embed "node_modules/fast-json-patch/module/core.mjs"),
  (name = "helpers.mjs", esModule = embed "node_modules/fast-json-patch/module/helpers.mjs"),
];

const namespaces :List(Workerd.Worker.DurableObjectNamespace) = [
  (className = "Channel", uniqueKey = "channel", enableSql = true),
];
