// LiveState over Phoenix channels in plain Node: handlers are functions of this process.
// What a careful Node programmer would write without WebAssembly. Usage: node server.mjs PORT.
import jsonpatch from 'fast-json-patch';
import { WebSocketServer } from 'ws';

const MAX_VERSION = 1000;

const handlers = {
  init: () => ({ count: 0 }),
  inc: (_payload, state) => ({ ...state, count: state.count + 1 }),
};

const server = new WebSocketServer({ host: '127.0.0.1', port: Number(process.argv[2]), backlog: 4096 });

server.on('connection', (socket) => {
  const channels = new Map(); // topic -> { joinRef, state, version }
  const push = (joinRef, ref, topic, event, payload) =>
    socket.send(JSON.stringify([joinRef, ref, topic, event, payload]));
  const reply = (joinRef, ref, topic, status, response = {}) =>
    push(joinRef, ref, topic, 'phx_reply', { status, response });

  socket.on('error', () => socket.terminate());
  socket.on('message', (data) => {
    const [joinRef, ref, topic, event, payload] = JSON.parse(data);
    if (topic === 'phoenix') return reply(null, ref, topic, 'ok');
    if (event === 'phx_join') {
      const channel = { joinRef, state: handlers.init(), version: 0 };
      channels.set(topic, channel);
      reply(joinRef, ref, topic, 'ok');
      return push(joinRef, null, topic, 'state:change', { state: channel.state, version: 0 });
    }
    const channel = channels.get(topic);
    if (!channel) return reply(joinRef, ref, topic, 'error', { reason: 'unmatched topic' });
    if (event === 'phx_leave') {
      channels.delete(topic);
      return reply(joinRef, ref, topic, 'ok');
    }
    if (event === 'lvs_refresh') {
      const { state, version } = channel;
      return push(channel.joinRef, null, topic, 'state:change', { state, version });
    }
    const handler = event.startsWith('lvs_evt:') ? handlers[event.slice(8)] : undefined;
    if (!handler) return push(channel.joinRef, null, topic, 'error', { message: `unknown event ${event}` });
    const next = handler(payload, channel.state);
    const patch = jsonpatch.compare(channel.state, next);
    channel.state = next;
    channel.version = channel.version < MAX_VERSION ? channel.version + 1 : 0;
    push(channel.joinRef, null, topic, 'state:patch', { patch, version: channel.version });
  });
});
