// {{NAME}}: a plugin of Troupe. Each export can be called with JSON and returns JSON.
import { handler } from "troupe";

export const greet = handler(({ name = "world" } = {}) => ({ text: `Hello, ${name}!` }));
