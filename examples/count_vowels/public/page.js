// A page that calls a function of an actor, and one that shows another actor's state.
import { LitElement, Socket, html, liveState } from "/troupe.js";

const socket = new Socket();
socket.connect();
const channel = socket.channel("count_vowels:page");
channel.join();

document.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const output = document.querySelector("output");
  channel
    .push("call:count_vowels", event.target.text.value)
    .receive("ok", ({ count, total, vowels }) => (output.value = `${count} of ${vowels}, ${total} in all`))
    .receive("error", ({ message }) => (output.value = message));
});

class VowelBoard extends LitElement {
  static properties = { texts: { type: Number }, vowels: { type: Number } };
  render() {
    return html`<p>${this.vowels ?? 0} vowels in ${this.texts ?? 0} texts</p>`;
  }
}
liveState({ topic: "board:all", properties: ["texts", "vowels"] })(VowelBoard);
customElements.define("vowel-board", VowelBoard);
