//! Troupe's words for plugins in Rust: handlers of serde types, and what a plugin says to its server.
//!
//! A copy of this file is part of your plugin: `mod troupe;` in lib.rs. `extism_pdk` beside it has
//! Extism's own functions: http, var, config, log.

#![allow(dead_code)] // A plugin need not use all of it.

use extism_pdk::json;
use serde::de::{DeserializeOwned, Error as _, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt::{self, Display};
use std::marker::PhantomData;

/// What a handler returns: a value that serde can write, or an error whose text the caller gets.
pub type Result<T, E = String> = std::result::Result<T, E>;

/// Exports functions as handlers: `handler!(init, add, add_todo as "addTodo");`
///
/// A handler takes no value, one, or two (`payload` and `state`), of types that serde can read, and
/// returns a [`Result`]. The input of the call is JSON: an array has the arguments, any other value
/// is the only argument. What the function returns is the output, as JSON. Its error is the error of
/// the call: the client gets the text. A panic ends the call with its text.
macro_rules! handler {
    ($($function:ident $(as $name:literal)?),+ $(,)?) => {
        $($crate::troupe::export!($function $($name)?);)+
    };
}
pub(crate) use handler;

macro_rules! export {
    ($function:ident) => {
        #[cfg(target_arch = "wasm32")]
        mod $function {
            #[no_mangle]
            extern "C" fn $function() -> i32 {
                $crate::troupe::run(super::$function)
            }
        }
    };
    ($function:ident $name:literal) => {
        #[cfg(target_arch = "wasm32")]
        mod $function {
            #[export_name = $name]
            extern "C" fn export() -> i32 {
                $crate::troupe::run(super::$function)
            }
        }
    };
}
pub(crate) use export;

/// Who is called, and by whom.
#[derive(Deserialize)]
pub struct SelfInfo {
    /// The actor: `<plugin>/<key>`.
    pub address: String,
    /// The version of the plugin's code.
    pub version: String,
    /// The viewer whose event this is; none when no viewer caused the turn.
    #[serde(default)]
    pub viewer: Option<Viewer>,
    /// The topic the viewer has joined.
    #[serde(default)]
    pub topic: Option<String>,
    /// The parameters of that join.
    #[serde(default)]
    pub params: json::Value,
}

#[derive(Deserialize)]
pub struct Viewer {
    pub id: String,
}

/// Who is called, and by whom. (`self` is a word of Rust's own.)
pub fn self_() -> SelfInfo {
    json::from_slice(&host::ask_self()).expect("troupe_self gives JSON")
}

/// Sends an event to the client whose event this is, after the turn is committed. The detail is a
/// JSON object.
pub fn reply(name: &str, detail: impl Serialize) {
    tell("reply", json::json!({ "name": name, "detail": value(detail) }));
}

/// Sends an event to all viewers of this actor, after the turn is committed. The detail is a JSON
/// object.
pub fn broadcast(name: &str, detail: impl Serialize) {
    tell("broadcast", json::json!({ "name": name, "detail": value(detail) }));
}

/// Sends an event to all actors that are subscribed to the topic; they get it as `handle_message`.
pub fn publish(topic: &str, event: &str, payload: impl Serialize) {
    tell("publish", json::json!({ "topic": topic, "event": event, "payload": value(payload) }));
}

/// From now on this actor gets what is published to the topic.
pub fn subscribe(topic: &str) {
    tell("subscribe", json::json!({ "topic": topic }));
}

/// Sends an event to the actor with that address.
pub fn send(to: &str, event: &str, payload: impl Serialize) {
    tell("send", json::json!({ "to": to, "event": event, "payload": value(payload) }));
}

/// Sends an event to this actor after a time of 10 ms or more. Setting a timer of the same name
/// replaces it.
pub fn timer(name: &str, after_ms: u64, event: &str, payload: impl Serialize) {
    let payload = value(payload);
    tell("timer", json::json!({ "name": name, "after_ms": after_ms, "event": event, "payload": payload }));
}

/// Forgets the timer of that name, if there is one.
pub fn cancel(name: &str) {
    tell("cancel", json::json!({ "name": name }));
}

fn value(detail: impl Serialize) -> json::Value {
    json::to_value(detail).expect("a value that JSON can carry")
}

fn tell(function: &'static str, what: json::Value) {
    host::tell(function, what);
}

// ---- Handlers

/// A function of no value, one or two; `Arguments` tells which.
pub trait Handler<Arguments> {
    fn handle(&self, input: &[u8]) -> Result<Vec<u8>>;
}

impl<F, R, E> Handler<()> for F
where
    F: Fn() -> Result<R, E>,
    R: Serialize,
    E: Display,
{
    fn handle(&self, _: &[u8]) -> Result<Vec<u8>> {
        write(self())
    }
}

impl<F, P, R, E> Handler<(P,)> for F
where
    F: Fn(P) -> Result<R, E>,
    P: DeserializeOwned,
    R: Serialize,
    E: Display,
{
    fn handle(&self, input: &[u8]) -> Result<Vec<u8>> {
        if input.trim_ascii_start().first() != Some(&b'[') {
            return write(self(read(input)?));
        }
        let List(payload, IgnoreSecond) = read(input)?;
        write(self(payload))
    }
}

impl<F, P, S, R, E> Handler<(P, S)> for F
where
    F: Fn(P, S) -> Result<R, E>,
    P: DeserializeOwned,
    S: DeserializeOwned,
    R: Serialize,
    E: Display,
{
    fn handle(&self, input: &[u8]) -> Result<Vec<u8>> {
        let List(payload, state) = read(input)?;
        write(self(payload, state))
    }
}

fn read<T: DeserializeOwned>(input: &[u8]) -> Result<T> {
    json::from_slice(input).map_err(|error| format!("the input does not fit: {error}"))
}

fn write<R: Serialize, E: Display>(result: Result<R, E>) -> Result<Vec<u8>> {
    let output = result.map_err(|error| error.to_string())?;
    json::to_vec(&output).map_err(|error| format!("the result is no JSON: {error}"))
}

/// The first two elements of an array, whatever follows them.
struct List<P, S>(P, S);

impl<'de, P: Deserialize<'de>, S: Second<'de>> Deserialize<'de> for List<P, S> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        from.deserialize_seq(ListVisitor(PhantomData))
    }
}

struct ListVisitor<P, S>(PhantomData<(P, S)>);

impl<'de, P: Deserialize<'de>, S: Second<'de>> Visitor<'de> for ListVisitor<P, S> {
    type Value = List<P, S>;

    fn expecting(&self, to: &mut fmt::Formatter) -> fmt::Result {
        to.write_str("an array of the arguments")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Self::Value, A::Error> {
        let missing = || A::Error::custom("an argument is missing");
        let first = list.next_element()?.ok_or_else(missing)?;
        let second = S::take(&mut list)?.ok_or_else(missing)?;
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(List(first, second))
    }
}

/// The second argument, for functions that have one.
trait Second<'de>: Sized {
    fn take<A: SeqAccess<'de>>(list: &mut A) -> std::result::Result<Option<Self>, A::Error>;
}

struct IgnoreSecond;

impl<'de> Second<'de> for IgnoreSecond {
    fn take<A: SeqAccess<'de>>(_: &mut A) -> std::result::Result<Option<Self>, A::Error> {
        Ok(Some(IgnoreSecond))
    }
}

impl<'de, S: Deserialize<'de>> Second<'de> for S {
    fn take<A: SeqAccess<'de>>(list: &mut A) -> std::result::Result<Option<Self>, A::Error> {
        list.next_element()
    }
}

// ---- The host

#[cfg(target_arch = "wasm32")]
pub use host::run;

#[cfg(target_arch = "wasm32")]
mod host {
    use super::{json, Handler};
    use extism_pdk::{extism, LogLevel, Memory};

    #[link(wasm_import_module = "extism:host/user")]
    extern "C" {
        fn troupe_self() -> u64;
        fn troupe_reply(what: u64);
        fn troupe_broadcast(what: u64);
        fn troupe_publish(what: u64);
        fn troupe_subscribe(what: u64);
        fn troupe_send(what: u64);
        fn troupe_timer(what: u64);
        fn troupe_cancel(what: u64);
    }

    pub fn run<A>(handler: impl Handler<A>) -> i32 {
        std::panic::set_hook(Box::new(|info| {
            let text = match info.payload().downcast_ref::<&str>() {
                Some(text) => text.to_string(),
                None => info.payload().downcast_ref::<String>().cloned().unwrap_or_default(),
            };
            block(info.to_string().as_bytes()).log(LogLevel::Error);
            fail(&text);
        }));
        match handler.handle(&extism_pdk::input_bytes()) {
            Ok(output) => {
                block(&output).set_output();
                0
            }
            Err(text) => fail(&text),
        }
    }

    fn fail(text: &str) -> i32 {
        unsafe { extism::error_set(block(text.as_bytes()).offset()) };
        1
    }

    fn block(bytes: &[u8]) -> Memory {
        Memory::from_bytes(bytes).expect("memory of the host")
    }

    pub fn ask_self() -> Vec<u8> {
        let offset = unsafe { troupe_self() };
        Memory::find(offset).map(|block| block.to_vec()).unwrap_or_default()
    }

    pub fn tell(function: &str, what: json::Value) {
        let what = block(what.to_string().as_bytes()).offset();
        unsafe {
            match function {
                "reply" => troupe_reply(what),
                "broadcast" => troupe_broadcast(what),
                "publish" => troupe_publish(what),
                "subscribe" => troupe_subscribe(what),
                "send" => troupe_send(what),
                "timer" => troupe_timer(what),
                _ => troupe_cancel(what),
            }
        }
    }
}

/// In `cargo test` there is no server: what would be sent is kept for the test.
#[cfg(not(target_arch = "wasm32"))]
mod host {
    use super::json;
    use std::cell::RefCell;

    thread_local! {
        static SENT: RefCell<Vec<(&'static str, json::Value)>> = const { RefCell::new(Vec::new()) };
    }

    /// What this test has sent so far: the function, and its JSON.
    pub fn sent() -> Vec<(&'static str, json::Value)> {
        SENT.with_borrow(Clone::clone)
    }

    pub fn tell(function: &'static str, what: json::Value) {
        SENT.with_borrow_mut(|sent| sent.push((function, what)));
    }

    pub fn ask_self() -> Vec<u8> {
        br#"{"address":"test/test","version":"test"}"#.to_vec()
    }
}

#[cfg(not(target_arch = "wasm32"))]
pub use host::sent;
