//! The plugin behind every measured channel: a state of one number, so that what is measured is the
//! way to a handler and back and not the handler.
use extism_pdk::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Default)]
struct State {
    count: u64,
}

/// The state of a new channel: `{"count":0}`.
#[plugin_fn]
pub fn init(_params: String) -> FnResult<Json<State>> {
    Ok(Json(State::default()))
}

/// Takes `[payload, state]` and gives the next state.
#[plugin_fn]
pub fn inc(Json((_payload, state)): Json<(serde_json::Value, State)>) -> FnResult<Json<State>> {
    Ok(Json(State { count: state.count + 1 }))
}
