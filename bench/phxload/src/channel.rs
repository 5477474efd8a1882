//! One channel as the client sees it: what it sent, and what the server must therefore answer.

use crate::json;
use crate::options::Options;
use std::collections::VecDeque;

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Join {
    NotSent,
    Sent { at_ns: u64 },
    Done,
    Failed,
}

/// What a `state:change` or `state:patch` says; `None` where it does not say it.
pub struct Update {
    pub version: Option<u64>,
    pub count: Option<u64>,
}

impl Update {
    /// The state is the counter's: `{"count": N}`.
    pub fn of_change(payload: &[u8]) -> Update {
        let count = json::member(payload, b"state").and_then(|state| json::member(state, b"count"));
        Update { version: json::version(payload), count: count.and_then(json::integer) }
    }

    pub fn of_patch(payload: &[u8]) -> Update {
        Update { version: json::version(payload), count: json::patched_value(payload) }
    }
}

/// How an update differs from what the channel had to be told.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Verdict {
    pub version_right: bool,
    pub count_right: bool,
}

pub struct Channel {
    pub topic: String,
    pub join: Join,
    pub refreshed: bool,
    before_ref: Vec<u8>,
    after_ref: Vec<u8>,
    next_ref: u64,
    sent_at_ns: VecDeque<u64>,
    answered: u64,
    version: u64,
    count: u64,
    first_count: u64,
}

impl Channel {
    /// Channel `k` of connection `i`. Join refs are 1, 2, ... on each connection; a join's ref is its join
    /// ref, so the refs of events begin after them.
    pub fn new(options: &Options, i: usize, k: usize) -> Channel {
        let topic = expand(&options.topic, i, k);
        let payload = options.payload.as_deref().unwrap_or("{}");
        let (before_ref, after_ref) = if options.raw_echo {
            let like_an_event = format!(r#"["1","2","{topic}","lvs_evt:{}",{{}}]"#, options.event);
            (options.payload.clone().unwrap_or(like_an_event), String::new())
        } else {
            (format!(r#"["{}",""#, k + 1), format!(r#"","{topic}","lvs_evt:{}",{payload}]"#, options.event))
        };
        Channel {
            topic,
            join: Join::NotSent,
            refreshed: false,
            before_ref: before_ref.into_bytes(),
            after_ref: after_ref.into_bytes(),
            next_ref: options.topics_per_connection as u64 + 1,
            sent_at_ns: VecDeque::new(),
            answered: 0,
            version: 0,
            count: 0,
            first_count: 0,
        }
    }

    /// The parts of the next event's message; its answer is awaited from now on.
    pub fn next_event<'a>(&'a mut self, sent_at_ns: u64, digits: &'a mut [u8; 20]) -> [&'a [u8]; 3] {
        let reference = self.next_ref;
        self.next_ref += 1;
        self.sent_at_ns.push_back(sent_at_ns);
        let reference = if self.after_ref.is_empty() { &[] } else { decimal(reference, digits) };
        [&self.before_ref, reference, &self.after_ref]
    }

    /// The message that asks for the whole state.
    pub fn refresh_message(&self, k: usize) -> String {
        format!(r#"["{}","{}","{}","lvs_refresh",{{}}]"#, k + 1, self.next_ref, self.topic)
    }

    /// Takes an answer: when the event it belongs to was sent, or `None` when no event awaits one.
    pub fn answer(&mut self) -> Option<u64> {
        let sent_at_ns = self.sent_at_ns.pop_front()?;
        self.answered += 1;
        Some(sent_at_ns)
    }

    /// An echo comes back as it went out.
    pub fn is_echo(&self, message: &[u8]) -> bool {
        message == self.before_ref
    }

    /// The state that came with the join. A server that keeps state by topic may begin anywhere.
    pub fn begin(&mut self, update: Update) -> Verdict {
        self.version = update.version.unwrap_or(0);
        self.count = update.count.unwrap_or(0);
        self.first_count = self.count;
        Verdict { version_right: update.version.is_some(), count_right: update.count.is_some() }
    }

    /// The next state: one version further and one more, whatever was wrong with the one before it.
    pub fn advance(&mut self, update: Update, max_version: u64) -> Verdict {
        let version = if self.version >= max_version { 0 } else { self.version + 1 };
        let count = self.count + 1;
        self.version = update.version.unwrap_or(version);
        self.count = update.count.unwrap_or(count);
        Verdict { version_right: update.version == Some(version), count_right: update.count == Some(count) }
    }

    /// The state at the end: every event that was answered is in it, once.
    pub fn finish(&self, update: Update) -> Verdict {
        Verdict {
            version_right: update.version == Some(self.version),
            count_right: update.count == Some(self.first_count + self.answered),
        }
    }
}

/// Puts the numbers of connection and channel into a template.
pub fn expand(template: &str, i: usize, k: usize) -> String {
    template.replace("{i}", &i.to_string()).replace("{k}", &k.to_string())
}

fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[at..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::parse;

    fn channel(more: &str) -> Channel {
        let line = format!("--url ws://127.0.0.1:1/ {more}");
        let options = parse(line.split_whitespace().map(String::from)).unwrap();
        Channel::new(&options, 4, 0)
    }

    fn update(version: u64, count: u64) -> Update {
        Update { version: Some(version), count: Some(count) }
    }

    const RIGHT: Verdict = Verdict { version_right: true, count_right: true };

    #[test]
    fn events_carry_rising_refs_after_the_joins() {
        let mut channel = channel("--topics-per-conn 9");
        let mut digits = [0; 20];
        assert_eq!(
            channel.next_event(1, &mut digits).concat(),
            br#"["1","10","counter:4-0","lvs_evt:inc",{}]"#
        );
        assert_eq!(
            channel.next_event(2, &mut digits).concat(),
            br#"["1","11","counter:4-0","lvs_evt:inc",{}]"#
        );
        assert_eq!((channel.answer(), channel.answer(), channel.answer()), (Some(1), Some(2), None));
    }

    #[test]
    fn a_version_rolls_over_after_the_last_one() {
        let mut channel = channel("");
        assert_eq!(channel.begin(update(999, 7)), RIGHT);
        assert_eq!(channel.advance(update(1000, 8), 1000), RIGHT);
        assert_eq!(channel.advance(update(0, 9), 1000), RIGHT);
    }

    #[test]
    fn a_lost_or_doubled_event_is_seen_once() {
        let mut channel = channel("");
        channel.begin(update(0, 0));
        assert_eq!(channel.advance(update(1, 2), 1000), Verdict { version_right: true, count_right: false });
        assert_eq!(channel.advance(update(3, 3), 1000), Verdict { version_right: false, count_right: true });
        assert_eq!(channel.advance(update(4, 4), 1000), RIGHT);
    }

    #[test]
    fn the_last_state_holds_every_answered_event() {
        let mut channel = channel("");
        channel.begin(update(0, 5));
        channel.next_event(1, &mut [0; 20]);
        channel.answer();
        channel.advance(update(1, 6), 1000);
        assert_eq!(channel.finish(update(1, 6)), RIGHT);
        assert!(!channel.finish(update(1, 7)).count_right);
        assert!(!channel.finish(update(2, 6)).version_right);
    }

    #[test]
    fn an_echo_is_the_message_itself() {
        let mut channel = channel("--protocol raw-echo --payload hello");
        assert_eq!(channel.next_event(1, &mut [0; 20]).concat(), b"hello");
        assert!(channel.is_echo(b"hello") && !channel.is_echo(b"hell"));
    }
}
