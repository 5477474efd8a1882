//! Just enough JSON to read the server's frames without building a tree: spans of the message itself.

/// One message `[join_ref, ref, topic, event, payload]` without its ref, which no answer here needs. The
/// join ref is a number, for ours are.
pub struct Message<'a> {
    pub join_ref: Option<u64>,
    pub topic: &'a [u8],
    pub event: &'a [u8],
    pub payload: &'a [u8],
}

/// The parts of a Phoenix V2 message; `None` when it is not one.
pub fn message(text: &[u8]) -> Option<Message<'_>> {
    let at = skip_space(text, 0);
    if text.get(at) != Some(&b'[') {
        return None;
    }
    let (join_ref, at) = reference(text, skip_space(text, at + 1))?;
    let (_ref, at) = reference(text, after_comma(text, at)?)?;
    let (topic, at) = string(text, after_comma(text, at)?)?;
    let (event, at) = string(text, after_comma(text, at)?)?;
    let start = after_comma(text, at)?;
    let trimmed = text.trim_ascii_end();
    let payload = trimmed.get(start..)?.strip_suffix(b"]")?.trim_ascii_end();
    (!payload.is_empty()).then_some(Message { join_ref, topic, event, payload })
}

/// The text of the value at `key` in the object; `None` without one.
pub fn member<'a>(object: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let mut at = skip_space(object, 0);
    if object.get(at) != Some(&b'{') {
        return None;
    }
    at = skip_space(object, at + 1);
    loop {
        let (name, end) = string(object, at)?;
        let colon = skip_space(object, end);
        if object.get(colon) != Some(&b':') {
            return None;
        }
        let start = skip_space(object, colon + 1);
        let end = value_end(object, start)?;
        if name == key {
            return Some(&object[start..end]);
        }
        at = after_comma(object, end)?;
    }
}

/// `version` of a `state:change` or `state:patch`; quick where it is the last key, as servers send it.
pub fn version(payload: &[u8]) -> Option<u64> {
    let digits = |byte: &u8| byte.is_ascii_digit();
    if let Some(open) = payload.strip_suffix(b"}") {
        let length = open.iter().rev().take_while(|byte| digits(byte)).count();
        let (before, number) = open.split_at(open.len() - length);
        if length > 0 && before.ends_with(b"\"version\":") {
            return integer(number);
        }
    }
    integer(member(payload, b"version")?)
}

/// The number after the first `"value":`, which in a patch of one operation is the new value.
pub fn patched_value(payload: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"\"value\":";
    let at = payload.windows(NAME.len()).position(|window| window == NAME)? + NAME.len();
    let tail = payload[at..].trim_ascii_start();
    let length = tail.iter().take_while(|byte| byte.is_ascii_digit()).count();
    integer(&tail[..length])
}

pub fn integer(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

fn skip_space(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(|byte| byte.is_ascii_whitespace()) {
        at += 1;
    }
    at
}

fn after_comma(text: &[u8], at: usize) -> Option<usize> {
    let at = skip_space(text, at);
    (text.get(at) == Some(&b',')).then(|| skip_space(text, at + 1))
}

/// The inside of the string that opens at `at`, escapes as they are, and the index after it.
fn string(text: &[u8], at: usize) -> Option<(&[u8], usize)> {
    if text.get(at) != Some(&b'"') {
        return None;
    }
    let end = string_end(text, at)?;
    Some((&text[at + 1..end - 1], end))
}

fn string_end(text: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn value_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    match text.get(start)? {
        b'"' => string_end(text, start),
        b'{' | b'[' => {
            let mut depth = 0;
            loop {
                match text.get(at)? {
                    b'"' => {
                        at = string_end(text, at)?;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' if depth == 1 => return Some(at + 1),
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
            }
        }
        _ => {
            while text.get(at).is_some_and(|byte| !b",}] \n\r\t".contains(byte)) {
                at += 1;
            }
            Some(at)
        }
    }
}

/// A ref: `null`, `"12"` or `12`.
fn reference(text: &[u8], at: usize) -> Option<(Option<u64>, usize)> {
    if let Some((inside, end)) = string(text, at) {
        return Some((integer(inside), end));
    }
    let end = value_end(text, at)?;
    Some((integer(&text[at..end]), end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_into_its_five_parts() {
        let push = message(br#"["12",null,"counter:a\"b","state:patch",{"patch":[],"version":7}]"#).unwrap();
        assert_eq!(push.join_ref, Some(12));
        assert_eq!(push.topic, br#"counter:a\"b"#);
        assert_eq!(push.event, b"state:patch");
        assert_eq!(push.payload, br#"{"patch":[],"version":7}"#);
        let reply = message(br#" [ null , "3" , "phoenix" , "phx_reply" , {"status":"ok"} ] "#).unwrap();
        assert_eq!(reply.join_ref, None);
        assert_eq!(reply.payload, br#"{"status":"ok"}"#);
    }

    #[test]
    fn what_is_no_message_gives_nothing() {
        for text in
            [&b"[1,2]"[..], b"hello", br#"["1","#, b"", br#"["1","2","t","e",]"#, br#"["1","2","t","e",{}"#]
        {
            assert!(message(text).is_none(), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn a_version_is_the_payloads_own() {
        assert_eq!(version(br#"{"patch":[{"value":1}],"version":1000}"#), Some(1000));
        assert_eq!(version(br#"{"version":3,"patch":[{"version":9}]}"#), Some(3));
        assert_eq!(version(br#"{"state":{"version":5},"version": 0 }"#), Some(0));
        assert_eq!(version(br#"{"patch":[{"op":"add","value":{"version":4}}]}"#), None);
        assert_eq!(version(br#"{"x":{"version":4}}"#), None);
        assert_eq!(version(br#"{"version":99999999999999999999}"#), None);
    }

    #[test]
    fn members_and_values_are_found_at_their_level() {
        let change = br#"{"state":{"a":[1,{"count":2}],"count":41},"version":0}"#;
        let state = member(change, b"state").unwrap();
        assert_eq!(member(state, b"count").and_then(integer), Some(41));
        assert_eq!(member(state, b"missing"), None);
        assert_eq!(patched_value(br#"{"patch":[{"op":"replace","path":"/count","value":17}]}"#), Some(17));
        assert_eq!(patched_value(br#"{"patch":[]}"#), None);
    }
}
