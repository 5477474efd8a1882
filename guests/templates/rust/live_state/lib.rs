//! {{NAME}}: a plugin of Troupe. The server keeps the state and calls these functions one at a time.

use extism_pdk::*;
use serde::{Deserialize, Serialize};

#[derive(Default, Serialize, Deserialize)]
struct State {
    count: i64,
}

#[derive(Deserialize)]
struct Add {
    by: i64,
}

#[derive(Deserialize)]
struct Nothing {}

/// Called once, before the first viewer sees the state.
#[plugin_fn]
pub fn init(_: ()) -> FnResult<Json<State>> {
    Ok(Json(State::default()))
}

/// An event is the function of its name: it gets what the page sent and the state, and returns the new state. An error
/// is shown to the sender alone, and the state stays as it was.
#[plugin_fn]
pub fn add(Json((add, mut state)): Json<(Add, State)>) -> FnResult<Json<State>> {
    let Some(count) = state.count.checked_add(add.by) else {
        return Err(WithReturnCode::new(Error::msg("too large"), 1));
    };
    state.count = count;
    Ok(Json(state))
}

#[plugin_fn]
pub fn reset(_: Json<(Nothing, State)>) -> FnResult<Json<State>> {
    Ok(Json(State::default()))
}
