// {{NAME}}: a plugin of Troupe. Each function can be called with JSON and returns JSON.
#include "troupe.hpp"

struct Person {
  std::string name;
  TROUPE_FIELDS(name)
};

struct Greeting {
  std::string text;
  TROUPE_FIELDS(text)
};

static troupe::Result<Greeting> greet(Person person) {
  return Greeting{"Hello, " + person.name + "!"};
}
HANDLER_OF(greet)
