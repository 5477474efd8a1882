// LiveState over Phoenix channels in Node, each channel with its own instance of an Extism plugin: the
// same plugin as Troupe's, by the official JavaScript host. Usage: node server.mjs PORT PLUGIN.
import { readFile } from 'node:fs/promises';
import { createPlugin } from '@extism/extism';
import jsonpatch from 'fast-json-patch';
import { WebSocketServer } from 'ws';

const MAX_VERSION = 1000;

const [, , port, path] = process.argv;
const module = await WebAssembly.compile(await readFile(path)); // once, for all instances

class Channel {
  version = 0;
  #last = Promise.resolve(); // a plugin takes one call at a time

  static async open(joinRef) {
    const channel = new Channel();
    channel.joinRef = joinRef;
    channel.plugin = await createPlugin({ wasm: [{ module }] }, { useWasi: false });
    channel.state = (await channel.plugin.call('init', '')).json();
    return channel;
  }

  inOrder(step) {
    this.#last = this.#last.then(step);
    return this.#last;
  }

  async handle(event, payload) {
    const output = await this.plugin.call(event, JSON.stringify([payload, this.state]));
    const next = output.json();
    const patch = jsonpatch.compare(this.state, next);
    this.state = next;
    this.version = this.version < MAX_VERSION ? this.version + 1 : 0;
    return patch;
  }
}

const server = new WebSocketServer({ host: '127.0.0.1', port: Number(port), backlog: 4096 });

server.on('connection', (socket) => {
  const channels = new Map(); // topic -> Promise<Channel>
  const push = (joinRef, ref, topic, event, payload) =>
    socket.send(JSON.stringify([joinRef, ref, topic, event, payload]));
  const reply = (joinRef, ref, topic, status, response = {}) =>
    push(joinRef, ref, topic, 'phx_reply', { status, response });
  const close = (opening) => opening.then((channel) => channel.inOrder(() => channel.plugin.close()));

  socket.on('error', () => socket.terminate());
  socket.on('close', () => channels.forEach(close));
  socket.on('message', async (data) => {
    const [joinRef, ref, topic, event, payload] = JSON.parse(data);
    if (topic === 'phoenix') return reply(null, ref, topic, 'ok');
    if (event === 'phx_join') {
      const opening = Channel.open(joinRef);
      channels.set(topic, opening);
      const channel = await opening;
      reply(joinRef, ref, topic, 'ok');
      return push(joinRef, null, topic, 'state:change', { state: channel.state, version: 0 });
    }
    const opening = channels.get(topic);
    if (!opening) return reply(joinRef, ref, topic, 'error', { reason: 'unmatched topic' });
    if (event === 'phx_leave') {
      channels.delete(topic);
      await close(opening);
      return reply(joinRef, ref, topic, 'ok');
    }
    const channel = await opening;
    if (event === 'lvs_refresh') {
      return channel.inOrder(() =>
        push(joinRef, null, topic, 'state:change', { state: channel.state, version: channel.version }),
      );
    }
    return channel.inOrder(async () => {
      try {
        const patch = await channel.handle(event.replace(/^lvs_evt:/, ''), payload);
        push(joinRef, null, topic, 'state:patch', { patch, version: channel.version });
      } catch (error) {
        push(joinRef, null, topic, 'error', { message: String(error) });
      }
    });
  });
});
