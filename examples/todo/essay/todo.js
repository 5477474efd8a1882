import { wrap } from "./wrap";

export const init = wrap(() => {
  return { todos: ["Hello", "WASM"] };
});

export const addTodo = wrap(({ todo }, { todos }) => {
  return { todos: [`${todo} from WASM!`, ...todos] };
});
