//! {{NAME}}: a plugin of Troupe. Each function can be called with JSON and returns JSON.

use extism_pdk::*;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Person {
    name: String,
}

#[derive(Serialize)]
struct Greeting {
    text: String,
}

#[plugin_fn]
pub fn greet(Json(person): Json<Person>) -> FnResult<Json<Greeting>> {
    Ok(Json(Greeting { text: format!("Hello, {}!", person.name) }))
}
