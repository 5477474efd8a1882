// What the tests of the kits call, in AssemblyScript.
import { broadcast, cancel, handler, Json, publish, reply, self, send, subscribe, timer } from "./troupe";

function detail(text: string, n: i32): Json {
  return Json.object().set("text", text).set("n", n);
}

export function init(): i32 {
  return handler((payload: Json, state: Json): Json => Json.object().set("text", ""));
}

export function tell(): i32 {
  return handler((payload: Json, state: Json): Json => {
    const text = payload.get("text").asString();
    reply("told", detail(text, 1));
    broadcast("all", detail(text, 2));
    return Json.object().set("text", text);
  });
}

export function who(): i32 {
  return handler((payload: Json, state: Json): Json => {
    const me = self();
    const topic = me.get("topic").exists() ? me.get("topic").asString() : "";
    return Json.object().set("text", me.get("address").asString() + " " + topic);
  });
}

export function later(): i32 {
  return handler((payload: Json, state: Json): Json => {
    const what = payload.get("text").asString();
    if (what == "publish") publish("news", "flash", detail("ü", 3));
    else if (what == "subscribe") subscribe("news");
    else if (what == "send") send(self().get("address").asString(), "ticked", detail("ü", 3));
    else if (what == "timer") timer("tick", 50, "ticked", detail("ü", 3));
    else if (what == "cancel") cancel("tick");
    else throw new Error("there is no " + what);
    return state;
  });
}

export function ticked(): i32 {
  return handler((payload: Json, state: Json): Json => {
    return Json.object().set("text", "ticked " + payload.get("text").asString());
  });
}

export function handle_message(): i32 {
  return handler((message: Json, state: Json): Json => {
    const topic = message.get("topic").asString();
    const text = message.get("payload").get("text").asString();
    return Json.object().set("text", topic + " " + message.get("event").asString() + " " + text);
  });
}

export function crash(): i32 {
  return handler((payload: Json, state: Json): Json => {
    const list = new Array<i32>();
    return Json.of<i32>(list[payload.length + 2]);
  });
}

export function sumAll(): i32 {
  return handler((numbers: Json, state: Json): Json => {
    let sum: i64 = 0;
    const list = numbers.asArray();
    for (let i = 0; i < list.length; i++) sum += list[i].asInt();
    return Json.of<i64>(sum);
  });
}
