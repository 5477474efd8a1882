//! The todo list of ../todo.js, in Rust: the same events, the same state, the same answers.

#[path = "../../../../guests/rust/troupe.rs"]
mod troupe;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use troupe::{handler, Result};

handler!(init, add_todo as "addTodo", toggle, remove, clear_done as "clearDone");

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

/// Called once, before the first viewer sees the list.
fn init() -> Result<State> {
    Ok(State::default())
}

/// An event takes what the page sent and the state, and returns the new state. An error is shown
/// to the sender alone, and the state stays as it was.
fn add_todo(added: Added, mut state: State) -> Result<State> {
    let text = added.todo.trim();
    if text.is_empty() {
        return Err("A todo needs a few words.".into());
    }
    if text.chars().count() > TEXT_MAX {
        return Err(format!("A todo has at most {TEXT_MAX} characters."));
    }
    if state.todos.len() == TODOS_MAX {
        return Err("The list is full. Finish something first.".into());
    }
    state.last_id += 1;
    state.todos.push(Todo { id: state.last_id, text: text.to_owned(), done: false });
    Ok(state)
}

fn toggle(chosen: Chosen, mut state: State) -> Result<State> {
    for todo in state.todos.iter_mut().filter(|todo| todo.id == chosen.id) {
        todo.done = !todo.done;
    }
    Ok(state)
}

fn remove(chosen: Chosen, mut state: State) -> Result<State> {
    state.todos.retain(|todo| todo.id != chosen.id);
    Ok(state)
}

fn clear_done(_: IgnoredAny, mut state: State) -> Result<State> {
    state.todos.retain(|todo| !todo.done);
    Ok(state)
}
