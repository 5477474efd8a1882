//! The todo list of ../todo.js, in Rust: the same events, the same state, the same answers.

// The events are named as in JavaScript: the name of the function is the name of the event.
#![allow(non_snake_case)]

use extism_pdk::*;
use serde::{Deserialize, Serialize};

const TEXT_MAX: usize = 200;
const TODOS_MAX: usize = 100;

#[derive(Default, Serialize, Deserialize)]
struct State {
    todos: Vec<Todo>,
    last_id: u64,
}

#[derive(Serialize, Deserialize)]
struct Todo {
    id: u64,
    text: String,
    done: bool,
}

#[derive(Deserialize)]
struct Added {
    todo: String,
}

#[derive(Deserialize)]
struct Chosen {
    id: u64,
}

#[derive(Deserialize)]
struct Nothing {}

/// Called once, before the first viewer sees the list.
#[plugin_fn]
pub fn init(_: ()) -> FnResult<Json<State>> {
    Ok(Json(State::default()))
}

/// An event takes what the page sent and the state, and returns the new state. An error is shown
/// to the sender alone, and the state stays as it was.
#[plugin_fn]
pub fn addTodo(Json((added, mut state)): Json<(Added, State)>) -> FnResult<Json<State>> {
    let text = added.todo.trim();
    if text.is_empty() {
        return refuse("A todo needs a few words.");
    }
    if text.chars().count() > TEXT_MAX {
        return refuse(format!("A todo has at most {TEXT_MAX} characters."));
    }
    if state.todos.len() == TODOS_MAX {
        return refuse("The list is full. Finish something first.");
    }
    state.last_id += 1;
    state.todos.push(Todo { id: state.last_id, text: text.to_owned(), done: false });
    Ok(Json(state))
}

#[plugin_fn]
pub fn toggle(Json((chosen, mut state)): Json<(Chosen, State)>) -> FnResult<Json<State>> {
    for todo in state.todos.iter_mut().filter(|todo| todo.id == chosen.id) {
        todo.done = !todo.done;
    }
    Ok(Json(state))
}

#[plugin_fn]
pub fn remove(Json((chosen, mut state)): Json<(Chosen, State)>) -> FnResult<Json<State>> {
    state.todos.retain(|todo| todo.id != chosen.id);
    Ok(Json(state))
}

#[plugin_fn]
pub fn clearDone(Json((_, mut state)): Json<(Nothing, State)>) -> FnResult<Json<State>> {
    state.todos.retain(|todo| !todo.done);
    Ok(Json(state))
}

fn refuse<T>(text: impl Into<String>) -> FnResult<T> {
    Err(WithReturnCode::new(Error::msg(text.into()), 1))
}
