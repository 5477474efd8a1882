//! What the tests of the kits call, in Rust.

mod troupe;

use serde::{Deserialize, Serialize};
use troupe::{handler, Result};

handler!(init, tell, who, later, ticked, handle_message, crash, sum_all as "sumAll");

#[derive(Default, Serialize, Deserialize)]
struct State {
    text: String,
}

#[derive(Deserialize)]
struct Told {
    text: String,
}

#[derive(Deserialize)]
struct Message {
    topic: String,
    event: String,
    payload: Told,
}

#[derive(Serialize)]
struct Detail {
    text: String,
    n: u32,
}

fn init() -> Result<State> {
    Ok(State::default())
}

fn tell(told: Told, _: State) -> Result<State> {
    troupe::reply("told", Detail { text: told.text.clone(), n: 1 });
    troupe::broadcast("all", Detail { text: told.text.clone(), n: 2 });
    Ok(State { text: told.text })
}

fn who() -> Result<State> {
    let this = troupe::self_();
    Ok(State { text: format!("{} {}", this.address, this.topic.unwrap_or_default()) })
}

fn later(what: Told, state: State) -> Result<State> {
    match what.text.as_str() {
        "publish" => troupe::publish("news", "flash", Detail { text: "ü".into(), n: 3 }),
        "subscribe" => troupe::subscribe("news"),
        "send" => troupe::send(&troupe::self_().address, "ticked", Detail { text: "ü".into(), n: 3 }),
        "timer" => troupe::timer("tick", 50, "ticked", Detail { text: "ü".into(), n: 3 }),
        "cancel" => troupe::cancel("tick"),
        other => return Err(format!("there is no {other}")),
    }
    Ok(state)
}

fn ticked(what: Told, _: State) -> Result<State> {
    Ok(State { text: format!("ticked {}", what.text) })
}

fn handle_message(message: Message, _: State) -> Result<State> {
    Ok(State { text: format!("{} {} {}", message.topic, message.event, message.payload.text) })
}

fn crash(_: Told, _: State) -> Result<State> {
    let list: Vec<u32> = std::env::args().map(|_| 1).collect();
    Ok(State { text: list[3].to_string() })
}

fn sum_all(numbers: Vec<i64>) -> Result<i64> {
    Ok(numbers.iter().sum())
}
