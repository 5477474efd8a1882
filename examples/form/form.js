// Forms of other people's pages, sent on to where their owner wants them. Every form on every page has an actor of its own, which
// ends with the page: what one visitor writes, no other one sees.
import { handler, self } from "troupe";

const fields_max = 50;
const text_max = 10_000;

export const init = handler(() => ({ complete: false }));

// `launch_form:contact` is the form "contact".
const form_of = (topic) => topic.slice(topic.indexOf(":") + 1);

function check(name, value) {
  if (typeof value !== "string" || value.length > text_max) {
    throw new Error(`"${name}" must be a text of at most ${text_max} characters.`);
  }
  // Where the host looks for secrets, a visitor must not ask for one.
  if (`${name}${value}`.includes("{{")) throw new Error(`"${name}" must not have "{{" in it.`);
}

// While the other server takes its time, this visitor waits, and nobody else.
const submit = handler((fields) => {
  const entries = Object.entries(fields ?? {});
  if (entries.length === 0) throw new Error("Fill in the form first.");
  if (entries.length > fields_max) throw new Error(`A form has at most ${fields_max} fields.`);
  for (const [name, value] of entries) for (const text of [value].flat()) check(name, text);

  const answer = Http.request(
    {
      url: Config.get("target"),
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: "Bearer {{secret.FORM_TOKEN}}" },
    },
    JSON.stringify({ form: form_of(self().topic), fields }),
  );
  if (answer.status < 200 || answer.status > 299) {
    throw new Error("The form could not be delivered. Try again later.");
  }
  return { complete: true };
});

// The name that the element sends is none that a function of JavaScript can have.
export { submit as "launch-form-submit" };
