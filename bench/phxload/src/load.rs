//! One run: join everything, load for a while, measure, and check what the server says at the end.

use crate::channel::{Channel, Join, Update, Verdict};
use crate::connection::{Connection, Input, State};
use crate::epoll::{self, now_ns, Epoll, Socket};
use crate::histogram::Histogram;
use crate::json::{self, Message};
use crate::options::Options;
use crate::process::{usage, Usage};
use crate::websocket;
use std::borrow::Cow;

const SECOND_NS: f64 = 1e9;

/// How long the answers still out at the end of the measured time may take.
const DRAIN_S: f64 = 10.0;
const REFRESH_S: f64 = 30.0;

/// Sends of an open loop that fall closer together than this share one wake-up.
const RATE_STEP_NS: u64 = 20_000;

/// Errors kept with their text; the others are only counted.
const ERRORS_KEPT_MAX: usize = 5;

/// The ref of heartbeats, far from those of joins and events.
const HEARTBEAT: &[u8] = br#"[null,"4000000000","phoenix","heartbeat",{}]"#;

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Joining,
    WarmingUp,
    Measuring,
    /// The answers still out are waited for.
    Draining,
    /// Each channel is asked for its last state.
    Refreshing,
    Done,
}

#[derive(Clone, Copy, Default)]
pub struct Traffic {
    pub sent: u64,
    pub answered: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
}

#[derive(Default)]
pub struct Wrong {
    pub versions: u64,
    pub values: u64,
    pub last_states: u64,
}

/// What the run found out; `report` prints it.
pub struct Figures {
    pub joined: usize,
    pub connect_ns: Histogram,
    pub join_ns: Histogram,
    pub latency_ns: Histogram,
    pub lag_ns: Histogram,
    /// Of the measured time alone.
    pub measured: Traffic,
    pub outstanding: u64,
    pub lost: u64,
    pub errors: u64,
    pub first_errors: Vec<String>,
    pub wrong: Wrong,
    pub last_states_checked: u64,
    pub at_start: Usage,
    pub after_joins: Usage,
    pub at_measuring: Usage,
    pub at_end: Usage,
}

impl Figures {
    fn new(at_start: Usage) -> Figures {
        Figures {
            joined: 0,
            connect_ns: Histogram::new(),
            join_ns: Histogram::new(),
            latency_ns: Histogram::new(),
            lag_ns: Histogram::new(),
            measured: Traffic::default(),
            outstanding: 0,
            lost: 0,
            errors: 0,
            first_errors: vec![],
            wrong: Wrong::default(),
            last_states_checked: 0,
            at_start,
            after_joins: at_start,
            at_measuring: at_start,
            at_end: at_start,
        }
    }

    /// Every channel joined, every event was answered, and every answer that was checked was right.
    pub fn ok(&self, options: &Options) -> bool {
        let wrong = self.wrong.versions + self.wrong.values + self.wrong.last_states;
        self.errors == 0 && wrong == 0 && self.lost == 0 && self.joined == options.channels()
    }

    fn error(&mut self, text: String) {
        self.errors += 1;
        if self.first_errors.len() < ERRORS_KEPT_MAX {
            self.first_errors.push(text);
        }
    }
}

pub struct Load<'a> {
    options: &'a Options,
    epoll: Epoll,
    connections: Vec<Connection>,
    /// Channel k of connection i is at i * topics_per_connection + k.
    channels: Vec<Channel>,
    buffer: Vec<u8>,
    mask: u32,
    phase: Phase,
    phase_end_ns: u64,
    connecting: usize,
    joins_failed: usize,
    total: Traffic,
    measuring_from_ns: u64,
    measuring_until_ns: u64,
    rate_from_ns: u64,
    rate_sent: u64,
    next_heartbeat_ns: u64,
    heartbeats: usize,
    refreshes_left: usize,
    figures: Figures,
}

impl<'a> Load<'a> {
    pub fn new(options: &'a Options) -> Result<Load<'a>, String> {
        epoll::allow_files(options.connections as u64 + 64)?;
        epoll::want_exact_timers();
        let at_start = usage(&options.pids);
        Ok(Load {
            options,
            epoll: Epoll::new().map_err(|error| format!("epoll: {error}"))?,
            connections: Vec::with_capacity(options.connections),
            channels: Vec::with_capacity(options.channels()),
            buffer: vec![],
            mask: 0x9e37_79b9,
            phase: Phase::Joining,
            phase_end_ns: at_start.at_ns + ns(options.join_timeout_s),
            connecting: 0,
            joins_failed: 0,
            total: Traffic::default(),
            measuring_from_ns: u64::MAX,
            measuring_until_ns: u64::MAX,
            rate_from_ns: 0,
            rate_sent: 0,
            next_heartbeat_ns: u64::MAX,
            heartbeats: 0,
            refreshes_left: 0,
            figures: Figures::new(at_start),
        })
    }

    pub fn run(mut self) -> Figures {
        while self.phase != Phase::Done {
            let now = now_ns();
            if self.phase == Phase::Joining {
                self.connect_more(now);
            }
            self.advance(now);
            self.send_due(now);
            self.send_heartbeats(now);
            self.poll();
        }
        self.figures
    }

    /// Takes all that is ready before anything more is sent.
    fn poll(&mut self) {
        let mut wait_ns = self.wait_ns(now_ns());
        loop {
            let count = self.epoll.wait(wait_ns);
            for index in 0..count {
                self.on_ready(index);
            }
            if !self.epoll.was_full(count) || self.phase == Phase::Joining || now_ns() >= self.phase_end_ns {
                return;
            }
            wait_ns = 0;
        }
    }

    fn wait_ns(&self, now: u64) -> u64 {
        let mut until = self.phase_end_ns.min(self.next_heartbeat_ns);
        if self.may_connect() {
            until = now;
        }
        if let Some(due) = self.next_due_ns() {
            until = until.min(due.max(now + RATE_STEP_NS));
        }
        until.saturating_sub(now)
    }

    // The phases.

    fn advance(&mut self, now: u64) {
        let over = now >= self.phase_end_ns;
        match self.phase {
            Phase::Joining => {
                let left = self.options.channels() - self.figures.joined - self.joins_failed;
                if left == 0 || over {
                    if left > 0 {
                        self.figures.error(format!("{left} joins without an answer in time"));
                    }
                    self.begin_load();
                }
            }
            Phase::WarmingUp if over => {
                self.figures.at_measuring = usage(&self.options.pids);
                self.figures.measured = self.total;
                self.enter(Phase::Measuring, self.options.duration_s);
                self.measuring_from_ns = now_ns();
                self.measuring_until_ns = self.phase_end_ns;
            }
            Phase::Measuring if over => {
                self.figures.at_end = usage(&self.options.pids);
                let before = self.figures.measured;
                self.figures.measured = Traffic {
                    sent: self.total.sent - before.sent,
                    answered: self.total.answered - before.answered,
                    bytes_in: self.total.bytes_in - before.bytes_in,
                    bytes_out: self.total.bytes_out - before.bytes_out,
                };
                self.figures.outstanding = self.total.sent - self.total.answered;
                self.enter(Phase::Draining, DRAIN_S);
            }
            Phase::Draining => {
                let left = self.total.sent - self.total.answered;
                if left > 0 && !over {
                    return;
                }
                self.figures.lost = left;
                // Behind events that are still queued, a last state would say nothing.
                let checkable = left == 0 && !self.options.raw_echo && !self.options.idle;
                if self.options.verify && checkable {
                    self.begin_refresh();
                } else {
                    self.enter(Phase::Done, 0.0);
                }
            }
            Phase::Refreshing if self.refreshes_left == 0 || over => {
                let left = self.refreshes_left;
                if left > 0 {
                    self.figures.wrong.last_states += left as u64;
                    self.figures.error(format!("{left} channels sent no state:change after lvs_refresh"));
                }
                self.enter(Phase::Done, 0.0);
            }
            _ => {}
        }
    }

    fn enter(&mut self, phase: Phase, seconds: f64) {
        self.phase = phase;
        self.phase_end_ns = now_ns() + ns(seconds);
    }

    fn begin_load(&mut self) {
        self.figures.after_joins = usage(&self.options.pids);
        if self.figures.joined == 0 {
            return self.enter(Phase::Done, 0.0);
        }
        if self.options.heartbeat_s > 0.0 && !self.options.raw_echo {
            self.next_heartbeat_ns = now_ns() + self.heartbeat_step_ns();
        }
        self.enter(Phase::WarmingUp, self.options.warmup_s);
        if self.options.idle {
            return;
        }
        if self.options.rate.is_some() {
            self.rate_from_ns = now_ns();
            return;
        }
        for i in 0..self.connections.len() {
            for k in 0..self.options.topics_per_connection {
                for _ in 0..self.options.pipeline {
                    self.send_event(i, k, now_ns());
                }
            }
            self.flush(i);
        }
    }

    fn begin_refresh(&mut self) {
        self.enter(Phase::Refreshing, REFRESH_S);
        for i in 0..self.connections.len() {
            for k in 0..self.options.topics_per_connection {
                let channel = &self.channels[i * self.options.topics_per_connection + k];
                if self.connections[i].state == State::Open && channel.join == Join::Done {
                    let message = channel.refresh_message(k);
                    self.put(i, websocket::TEXT, message.as_bytes());
                    self.refreshes_left += 1;
                }
            }
            self.flush(i);
        }
    }

    // Connecting and joining.

    fn may_connect(&self) -> bool {
        self.phase == Phase::Joining
            && self.connections.len() < self.options.connections
            && self.connecting < self.options.connecting_max
    }

    fn connect_more(&mut self, now: u64) {
        while self.may_connect() {
            let i = self.connections.len();
            for k in 0..self.options.topics_per_connection {
                self.channels.push(Channel::new(self.options, i, k));
            }
            let joins = self.options.topics_per_connection;
            let socket = Socket::connect(self.options.address, self.options.port);
            match socket.and_then(|socket| self.epoll.add(&socket, i as u64).map(|()| socket)) {
                Ok(socket) => {
                    self.connections.push(Connection::new(socket, now, joins));
                    self.connecting += 1;
                }
                Err(error) => {
                    // Without a socket there is no connection i; those after it could not be told apart.
                    self.figures.error(format!("connection {i}: {error}"));
                    return self.enter(Phase::Done, 0.0);
                }
            }
        }
    }

    fn on_upgraded(&mut self, i: usize, now: u64) {
        self.figures.connect_ns.add(now - self.connections[i].started_ns);
        if self.options.raw_echo {
            self.channels[i].join = Join::Sent { at_ns: self.connections[i].started_ns };
            return self.on_joined(i, i, now);
        }
        for k in 0..self.options.topics_per_connection {
            let channel = &mut self.channels[i * self.options.topics_per_connection + k];
            channel.join = Join::Sent { at_ns: now };
            let join = k + 1;
            let message =
                format!(r#"["{join}","{join}","{}","phx_join",{}]"#, channel.topic, self.options.params);
            self.put(i, websocket::TEXT, message.as_bytes());
        }
    }

    fn on_joined(&mut self, i: usize, channel: usize, now: u64) {
        if let Join::Sent { at_ns } = self.channels[channel].join {
            self.channels[channel].join = Join::Done;
            self.figures.join_ns.add(now - at_ns);
            self.figures.joined += 1;
            self.on_join_settled(i);
        }
    }

    fn on_join_settled(&mut self, i: usize) {
        self.connections[i].joins_left -= 1;
        if self.connections[i].joins_left == 0 {
            self.connecting -= 1;
        }
    }

    fn on_broken(&mut self, i: usize, why: String) {
        if self.connections[i].state == State::Closed {
            return;
        }
        self.connections[i].close();
        let joins_left = self.connections[i].joins_left;
        if joins_left > 0 {
            self.connecting -= 1;
            self.joins_failed += joins_left;
        }
        self.figures.error(format!("connection {i}: {why}"));
    }

    // Bytes.

    fn on_ready(&mut self, index: usize) {
        let ready = self.epoll.ready(index);
        let i = ready.token as usize;
        if self.connections[i].state == State::Connecting {
            if !ready.writable && !ready.broken {
                return;
            }
            if let Err(error) = self.connections[i].upgrade(self.options, i) {
                return self.on_broken(i, format!("connect: {error}"));
            }
        }
        if ready.readable || ready.broken {
            self.read(i);
        }
        self.flush(i);
    }

    fn read(&mut self, i: usize) {
        let mut buffer = std::mem::take(&mut self.buffer);
        while self.connections[i].state != State::Closed {
            match self.connections[i].read(&mut buffer) {
                Ok(Some(read)) => {
                    self.total.bytes_in += read.new as u64;
                    self.take(i, &buffer[..read.filled], now_ns());
                    if read.drained {
                        break;
                    }
                }
                Ok(None) => break,
                Err(why) => self.on_broken(i, why),
            }
        }
        self.buffer = buffer;
    }

    fn take(&mut self, i: usize, bytes: &[u8], now: u64) {
        let mut rest = bytes;
        let mut body = Cow::default();
        while self.connections[i].state != State::Closed {
            let mask = self.next_mask();
            match self.connections[i].next(&mut rest, mask, &mut body) {
                Ok(Input::Upgraded) => self.on_upgraded(i, now),
                Ok(Input::Message) => self.on_message(i, &body, now),
                Ok(Input::Nothing) => return self.connections[i].keep(rest),
                Err(why) => self.on_broken(i, why),
            }
        }
    }

    fn put(&mut self, i: usize, opcode: u8, body: &[u8]) {
        let mask = self.next_mask();
        self.connections[i].put(opcode, mask, &[body]);
    }

    fn flush(&mut self, i: usize) {
        match self.connections[i].flush() {
            Ok(count) => self.total.bytes_out += count as u64,
            Err(error) => self.on_broken(i, format!("write: {error}")),
        }
    }

    /// Xorshift: RFC 6455 wants masks that change, not secrets.
    fn next_mask(&mut self) -> u32 {
        self.mask ^= self.mask << 13;
        self.mask ^= self.mask >> 17;
        self.mask ^= self.mask << 5;
        self.mask
    }

    // Messages.

    fn on_message(&mut self, i: usize, text: &[u8], now: u64) {
        if self.options.raw_echo {
            if self.options.verify && !self.channels[i].is_echo(text) {
                self.figures.wrong.values += 1;
            }
            return self.on_answer(i, 0, now);
        }
        let Some(message) = json::message(text) else {
            let start = String::from_utf8_lossy(&text[..text.len().min(120)]).into_owned();
            return self.figures.error(format!("connection {i}: not a V2 message: {start}"));
        };
        if message.topic == b"phoenix" {
            return;
        }
        let Some(k) = self.channel_of(i, &message) else {
            let topic = String::from_utf8_lossy(message.topic).into_owned();
            return self
                .figures
                .error(format!("connection {i}: a message for {topic}, which it did not join"));
        };
        match message.event {
            b"state:patch" => self.on_patch(i, k, message.payload, now),
            b"state:change" => self.on_change(i, k, message.payload, now),
            b"phx_reply" => self.on_reply(i, k, message.payload),
            b"phx_error" | b"phx_close" | b"error" => {
                let text = String::from_utf8_lossy(text).into_owned();
                self.figures.error(format!("connection {i}: {text}"));
            }
            _ => {}
        }
    }

    /// By join ref, as the protocol says; replies of some servers carry the topic alone.
    fn channel_of(&self, i: usize, message: &Message) -> Option<usize> {
        let channels = self.options.topics_per_connection;
        if let Some(join_ref) = message.join_ref {
            return (1..=channels as u64).contains(&join_ref).then(|| join_ref as usize - 1);
        }
        let mine = &self.channels[i * channels..(i + 1) * channels];
        mine.iter().position(|channel| channel.topic.as_bytes() == message.topic)
    }

    fn on_reply(&mut self, i: usize, k: usize, payload: &[u8]) {
        if json::member(payload, b"status") == Some(b"\"ok\"") {
            return;
        }
        let text = String::from_utf8_lossy(payload).into_owned();
        self.figures.error(format!("connection {i}, channel {k}: {text}"));
        let channel = &mut self.channels[i * self.options.topics_per_connection + k];
        if let Join::Sent { .. } = channel.join {
            channel.join = Join::Failed;
            self.joins_failed += 1;
            self.on_join_settled(i);
        }
    }

    fn on_patch(&mut self, i: usize, k: usize, payload: &[u8], now: u64) {
        let channel = &mut self.channels[i * self.options.topics_per_connection + k];
        if self.options.verify {
            let verdict = channel.advance(Update::of_patch(payload), self.options.max_version);
            self.count_wrong(verdict);
        }
        self.on_answer(i, k, now);
    }

    fn on_change(&mut self, i: usize, k: usize, payload: &[u8], now: u64) {
        let at = i * self.options.topics_per_connection + k;
        let update = Update::of_change(payload);
        if let Join::Sent { .. } = self.channels[at].join {
            let verdict = self.channels[at].begin(update);
            if self.options.verify {
                self.count_wrong(verdict);
            }
            return self.on_joined(i, at, now);
        }
        if self.phase == Phase::Refreshing {
            return self.on_last_state(i, k, update);
        }
        if self.options.verify {
            let verdict = self.channels[at].advance(update, self.options.max_version);
            self.count_wrong(verdict);
        }
        self.on_answer(i, k, now);
    }

    fn on_last_state(&mut self, i: usize, k: usize, update: Update) {
        let channel = &mut self.channels[i * self.options.topics_per_connection + k];
        if std::mem::replace(&mut channel.refreshed, true) {
            return self
                .figures
                .error(format!("connection {i}, channel {k}: a second state after lvs_refresh"));
        }
        self.refreshes_left -= 1;
        self.figures.last_states_checked += 1;
        let text = |number: Option<u64>| number.map_or("none".into(), |number| number.to_string());
        let (version, count) = (text(update.version), text(update.count));
        let verdict = channel.finish(update);
        if !verdict.version_right || !verdict.count_right {
            self.figures.wrong.last_states += 1;
            self.figures.error(format!(
                "connection {i}, channel {k}: ends at version {version} and count {count}, which its events do not give"
            ));
        }
    }

    fn count_wrong(&mut self, verdict: Verdict) {
        self.figures.wrong.versions += u64::from(!verdict.version_right);
        self.figures.wrong.values += u64::from(!verdict.count_right);
    }

    fn on_answer(&mut self, i: usize, k: usize, now: u64) {
        let at = i * self.options.topics_per_connection + k;
        let Some(sent_at_ns) = self.channels[at].answer() else {
            return self
                .figures
                .error(format!("connection {i}, channel {k}: an answer that no event asked for"));
        };
        self.total.answered += 1;
        if (self.measuring_from_ns..self.measuring_until_ns).contains(&sent_at_ns) {
            self.figures.latency_ns.add(now.saturating_sub(sent_at_ns));
        }
        let loaded = matches!(self.phase, Phase::WarmingUp | Phase::Measuring);
        if loaded && self.options.rate.is_none() {
            self.send_event(i, k, now);
        }
    }

    // Events and heartbeats.

    fn send_event(&mut self, i: usize, k: usize, at_ns: u64) {
        let at = i * self.options.topics_per_connection + k;
        if self.connections[i].state != State::Open || self.channels[at].join != Join::Done {
            return;
        }
        let mask = self.next_mask();
        let mut digits = [0; 20];
        let parts = self.channels[at].next_event(at_ns, &mut digits);
        self.connections[i].put(websocket::TEXT, mask, &parts);
        self.total.sent += 1;
    }

    /// When the open loop's next event is due; `None` while there is no open loop.
    fn next_due_ns(&self) -> Option<u64> {
        let rate = self.options.rate?;
        let loaded = matches!(self.phase, Phase::WarmingUp | Phase::Measuring) && !self.options.idle;
        loaded.then(|| self.rate_from_ns + ns(self.rate_sent as f64 / rate))
    }

    /// Sends every event that is due, each channel in its turn.
    fn send_due(&mut self, now: u64) {
        while let Some(due) = self.next_due_ns().filter(|due| *due <= now) {
            let channel = (self.rate_sent % self.channels.len() as u64) as usize;
            let (i, k) =
                (channel / self.options.topics_per_connection, channel % self.options.topics_per_connection);
            self.rate_sent += 1;
            if due >= self.measuring_from_ns {
                self.figures.lag_ns.add(now_ns().saturating_sub(due));
            }
            self.send_event(i, k, due);
            self.flush(i);
        }
    }

    /// Heartbeats are spread evenly over the period.
    fn send_heartbeats(&mut self, now: u64) {
        while self.next_heartbeat_ns <= now {
            let i = self.heartbeats % self.connections.len();
            self.heartbeats += 1;
            self.next_heartbeat_ns += self.heartbeat_step_ns();
            if self.connections[i].state == State::Open {
                self.put(i, websocket::TEXT, HEARTBEAT);
                self.flush(i);
            }
        }
    }

    fn heartbeat_step_ns(&self) -> u64 {
        (ns(self.options.heartbeat_s) / self.connections.len() as u64).max(1)
    }
}

fn ns(seconds: f64) -> u64 {
    (seconds * SECOND_NS) as u64
}
