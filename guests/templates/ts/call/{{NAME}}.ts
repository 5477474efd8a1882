// {{NAME}}: a plugin of Troupe. Each export can be called with JSON and returns JSON.
import { handler } from "troupe";

interface Greeting {
  text: string;
}

export const greet = handler(({ name = "world" }: { name?: string } = {}): Greeting => ({ text: `Hello, ${name}!` }));
