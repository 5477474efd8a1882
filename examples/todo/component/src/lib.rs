//! The todo list as a component: functions of strings and lists, by the types in ../world.wit.
//! Nothing in here knows of JSON, of Troupe, or of the web.

wit_bindgen::generate!({ path: "world.wit" });

struct TodoList;

impl Guest for TodoList {
    /// Called once, before the first viewer sees the list.
    fn init() -> Vec<String> {
        vec!["Hello".to_owned(), "WASM Components".to_owned()]
    }

    /// The event `addTodo`: what the page sent and the list, for the new list.
    fn add_todo(todo: String, mut todos: Vec<String>) -> Vec<String> {
        todos.insert(0, todo);
        todos
    }
}

export!(TodoList);
