// LiveState over Phoenix channels in workerd: each topic is a Durable Object with the WebSocket
// Hibernation API. The object must be known before the upgrade, so the topic stands in the URL:
// /channel/TOPIC/websocket.
import { DurableObject } from 'cloudflare:workers';
import { compare } from 'duplex.mjs';

const MAX_VERSION = 1000;

const handlers = {
  init: () => ({ count: 0 }),
  inc: (_payload, state) => ({ ...state, count: state.count + 1 }),
};

// Without STORE the state lives in memory and goes with the idle object, after 10 s; with it each event
// is a row in SQLite, and workerd holds the answer back until the row is on disk.
export class Channel extends DurableObject {
  current; // { state, version }

  constructor(ctx, env) {
    super(ctx, env);
    if (!env.STORE) return;
    ctx.storage.sql.exec(
      'CREATE TABLE IF NOT EXISTS channel (id INTEGER PRIMARY KEY, state TEXT NOT NULL, version INTEGER NOT NULL)',
    );
    const [row] = ctx.storage.sql.exec('SELECT state, version FROM channel WHERE id = 1').toArray();
    if (row) this.current = { state: JSON.parse(row.state), version: row.version };
  }

  fetch() {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  become(state, version) {
    this.current = { state, version };
    if (!this.env.STORE) return;
    this.ctx.storage.sql.exec(
      'INSERT INTO channel VALUES (1, ?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state, version = excluded.version',
      JSON.stringify(state),
      version,
    );
  }

  webSocketMessage(socket, data) {
    const [joinRef, ref, topic, event, payload] = JSON.parse(data);
    const push = (joinRef, ref, event, payload) =>
      socket.send(JSON.stringify([joinRef, ref, topic, event, payload]));
    if (topic === 'phoenix') return push(null, ref, 'phx_reply', { status: 'ok', response: {} });
    if (event === 'phx_join') {
      if (!this.current) this.become(handlers.init(), 0);
      push(joinRef, ref, 'phx_reply', { status: 'ok', response: {} });
      return push(joinRef, null, 'state:change', this.current);
    }
    if (!this.current) {
      return push(joinRef, ref, 'phx_reply', { status: 'error', response: { reason: 'unmatched topic' } });
    }
    if (event === 'lvs_refresh') return push(joinRef, null, 'state:change', this.current);
    const handler = event.startsWith('lvs_evt:') ? handlers[event.slice(8)] : undefined;
    if (!handler) return push(joinRef, null, 'error', { message: `unknown event ${event}` });
    const { state, version } = this.current;
    const next = handler(payload, state);
    const patch = compare(state, next);
    this.become(next, version < MAX_VERSION ? version + 1 : 0);
    push(joinRef, null, 'state:patch', { patch, version: this.current.version });
  }

  webSocketClose(socket, code) {
    socket.close(code === 1005 || code === 1006 ? 1000 : code);
  }
}

export default {
  fetch(request, env) {
    const match = new URL(request.url).pathname.match(/^\/channel\/([^/]+)\/websocket$/);
    if (!match || request.headers.get('Upgrade') !== 'websocket') return new Response('not found', { status: 404 });
    return env.CHANNELS.get(env.CHANNELS.idFromName(match[1])).fetch(request);
  },
};
