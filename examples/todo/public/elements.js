// The elements of the page: each pair shares one LiveState, which the list provides under a name
// on the window, and the form finds by that name.
import { liveState } from "/troupe.js";

import { TodoForm } from "./todo-form.js";
import { TodoList } from "./todo-list.js";

function define_pair(prefix, topic, name) {
  class List extends TodoList {}
  liveState({
    topic,
    properties: ["todos"],
    events: { send: ["toggle", "remove", "clearDone"] },
    provide: { scope: window, name },
  })(List);

  class Form extends TodoForm {}
  liveState({ context: name, events: { send: ["addTodo"] } })(Form);

  // Only now: a browser looks at a class once, when it is defined.
  customElements.define(`${prefix}todo-list`, List);
  customElements.define(`${prefix}todo-form`, Form);
}

define_pair("", "todo:all", "todoLiveState");
define_pair("rust-", "rust:all", "rustLiveState");
define_pair("component-", "component:all", "componentLiveState");
