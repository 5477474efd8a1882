// The two elements of the essay, as small as they can be: a list that provides its LiveState under
// a name, and a form that finds it by that name.
import { LitElement, css, html, liveState } from "/troupe.js";

import { TodoForm } from "./todo-form.js";

class TodoList extends LitElement {
  static properties = { todos: { type: Array } };

  static styles = css`
    ul {
      margin: 0;
      padding-left: 1.2em;
    }
  `;

  render() {
    return html`<ul>${this.todos?.map((todo) => html`<li>${todo}</li>`)}</ul>`;
  }
}
liveState({
  topic: "essay:all",
  properties: ["todos"],
  provide: { scope: window, name: "todoLiveState" },
})(TodoList);
customElements.define("todo-list", TodoList);

liveState({ context: "todoLiveState", events: { send: ["addTodo"] } })(TodoForm);
customElements.define("todo-form", TodoForm);
