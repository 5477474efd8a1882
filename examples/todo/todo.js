// A todo list. `troupe` keeps the state, calls these functions one at a time, and shows every
// viewer what changed.
import { handler } from "troupe";

const text_max = 200;
const todos_max = 100;

// Called once, before the first viewer sees the list.
export const init = handler(() => ({ todos: [], last_id: 0 }));

// An event is the function of its name: it takes what the page sent and the state, and returns
// the new state. What it throws is shown to the sender alone, and the state stays as it was.
export const addTodo = handler(({ todo }, state) => {
  const text = String(todo ?? "").trim();
  if (text === "") throw new Error("A todo needs a few words.");
  if (text.length > text_max) throw new Error(`A todo has at most ${text_max} characters.`);
  if (state.todos.length === todos_max) throw new Error("The list is full. Finish something first.");
  const id = state.last_id + 1;
  return { todos: [...state.todos, { id, text, done: false }], last_id: id };
});

export const toggle = handler(({ id }, state) => ({
  ...state,
  todos: state.todos.map((todo) => (todo.id === id ? { ...todo, done: !todo.done } : todo)),
}));

export const remove = handler(({ id }, state) => ({
  ...state,
  todos: state.todos.filter((todo) => todo.id !== id),
}));

export const clearDone = handler((_payload, state) => ({
  ...state,
  todos: state.todos.filter((todo) => !todo.done),
}));
