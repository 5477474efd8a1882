//! {{NAME}}: a plugin of Troupe. The server keeps the state and calls these functions one at a time.

mod troupe;

use serde::{Deserialize, Serialize};
use troupe::{handler, Result};

handler!(init, add, reset);

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct State {
    count: i64,
}

#[derive(Deserialize)]
struct Add {
    by: i64,
}

/// Called once, before the first viewer sees the state.
fn init() -> Result<State> {
    Ok(State::default())
}

/// An event is the function of its name: it gets what the page sent and the state, and returns the new state. An error
/// is shown to the sender alone, and the state stays as it was.
fn add(add: Add, mut state: State) -> Result<State> {
    state.count = state.count.checked_add(add.by).ok_or("too large")?;
    Ok(state)
}

fn reset() -> Result<State> {
    Ok(State::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adding_counts() {
        assert_eq!(add(Add { by: 2 }, State { count: 40 }), Ok(State { count: 42 }));
    }

    #[test]
    fn too_much_is_refused() {
        assert_eq!(add(Add { by: 1 }, State { count: i64::MAX }), Err("too large".to_string()));
    }
}
