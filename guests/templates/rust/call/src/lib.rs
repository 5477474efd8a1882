//! {{NAME}}: a plugin of Troupe. Each function can be called with JSON and returns JSON.

mod troupe;

use serde::{Deserialize, Serialize};
use troupe::{handler, Result};

handler!(greet);

#[derive(Deserialize)]
struct Person {
    name: String,
}

#[derive(Serialize)]
struct Greeting {
    text: String,
}

fn greet(person: Person) -> Result<Greeting> {
    Ok(Greeting { text: format!("Hello, {}!", person.name) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greeting_has_the_name() {
        let greeting = greet(Person { name: "Ada".into() });
        assert_eq!(greeting.map(|greeting| greeting.text), Ok("Hello, Ada!".to_string()));
    }
}
