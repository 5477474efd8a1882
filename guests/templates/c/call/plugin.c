// {{NAME}}: a plugin of Troupe. Each function can be called with JSON and writes JSON.
#include "troupe.h"

HANDLER(greet) {
  const char *name;
  if (!json_string(json_get(payload, "name"), &name, NULL)) return troupe_fail("name must be a string");
  const size_t size = strlen(name) + sizeof "Hello, !";
  char *text = troupe_alloc(size);
  snprintf(text, size, "Hello, %s!", name);
  json_begin(out);
  json_name(out, "text");
  json_put_string(out, text);
  json_end(out);
  return true;
}
