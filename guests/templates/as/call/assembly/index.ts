// {{NAME}}: a plugin of Troupe. Each function can be called with JSON and returns JSON.
import { handler, Json } from "./troupe";

export function greet(): i32 {
  return handler((payload: Json, state: Json): Json => {
    const name = payload.get("name").asString();
    return Json.object().set("text", "Hello, " + name + "!");
  });
}
