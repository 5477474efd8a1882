// phx-live-state's class decorator, for elements of every kind.
//
// phx-live-state 0.12.3 wires an element that names neither `provide` nor `context` to a LiveState of its own, and then
// never connects it: no socket opens, no error is shown. Such an element is connected here, right after it is wired.
// Each instance keeps a LiveState of its own, so two of them may follow two topics.
import {
  liveState as stock_live_state,
  type LiveState,
  type LiveStateDecoratorOptions,
} from "phx-live-state";

interface LiveElement extends HTMLElement {
  connectedCallback?(): void;
  liveState: LiveState;
}

// As a decorator, or called with the class in plain JavaScript: liveState({ topic: "todo:all" })(TodoList).
// Either way it must come before customElements.define, which is when a browser looks up the callbacks set here.
export function liveState(options: LiveStateDecoratorOptions) {
  return (element_class: { prototype: HTMLElement }): void => {
    stock_live_state(options)(element_class as unknown as Function);
    if (options.provide || options.context) return;

    const element = element_class.prototype as LiveElement;
    const wire = element.connectedCallback;
    element.connectedCallback = function (this: LiveElement) {
      wire?.call(this);
      this.liveState.connect();
    };
  };
}
