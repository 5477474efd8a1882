//! One WebSocket: bytes in and out, and whole messages from what was read.

use crate::channel::expand;
use crate::epoll::Socket;
use crate::options::Options;
use crate::websocket;
use std::io;

/// A server that sends more than this before the end of its upgrade response is not one.
const RESPONSE_BYTES_MAX: usize = 16 * 1024;

/// Room asked for before each read; a read that fills less has drained the socket.
const READ_BYTES_MIN: usize = 64 * 1024;

/// An unsent buffer that grew beyond this is given back, so that many idle connections cost little.
const KEPT_BYTES_MAX: usize = 4096;

#[derive(Clone, Copy, PartialEq)]
pub enum State {
    Connecting,
    Upgrading,
    Open,
    Closed,
}

/// What the next bytes of a connection hold.
pub enum Input {
    /// `101 Switching Protocols`, as RFC 6455 wants it.
    Upgraded,
    /// A whole text or binary message: `message` of the connection has it.
    Message,
    /// Not enough bytes for anything.
    Nothing,
}

pub struct Connection {
    pub state: State,
    pub started_ns: u64,
    /// Channels whose join has no answer yet.
    pub joins_left: usize,
    socket: Option<Socket>,
    unread: Vec<u8>,
    unsent: Vec<u8>,
    sent: usize,
    fragments: Vec<u8>,
}

impl Connection {
    pub fn new(socket: Socket, started_ns: u64, joins_left: usize) -> Connection {
        Connection {
            state: State::Connecting,
            started_ns,
            joins_left,
            socket: Some(socket),
            unread: vec![],
            unsent: vec![],
            sent: 0,
            fragments: vec![],
        }
    }

    pub fn close(&mut self) {
        self.state = State::Closed;
        self.socket = None;
    }

    /// Asks for the WebSocket once the socket is connected.
    pub fn upgrade(&mut self, options: &Options, i: usize) -> io::Result<()> {
        self.socket().connected()?;
        self.state = State::Upgrading;
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {}\r\nSec-WebSocket-Version: 13\r\n\r\n",
            expand(&options.path, i, 0),
            options.host,
            websocket::KEY
        );
        self.unsent.extend_from_slice(request.as_bytes());
        Ok(())
    }

    /// Puts one frame behind what waits to be sent; `flush` sends it.
    pub fn put(&mut self, opcode: u8, mask: u32, parts: &[&[u8]]) {
        websocket::put(&mut self.unsent, opcode, mask, parts);
    }

    /// Sends what waits, as far as the kernel takes it; the bytes it took.
    pub fn flush(&mut self) -> io::Result<usize> {
        if matches!(self.state, State::Closed | State::Connecting) {
            return Ok(0);
        }
        let before = self.sent;
        while self.sent < self.unsent.len() {
            match self.socket().write(&self.unsent[self.sent..])? {
                Some(count) => self.sent += count,
                None => return Ok(self.sent - before),
            }
        }
        let flushed = self.sent - before;
        self.sent = 0;
        self.unsent.clear();
        if self.unsent.capacity() > KEPT_BYTES_MAX {
            self.unsent = vec![];
        }
        Ok(flushed)
    }

    /// Reads into the shared buffer, behind what an earlier read left over. Returns how many bytes of
    /// the buffer are filled and how many of those are new; `None` when there is nothing to read.
    pub fn read(&mut self, buffer: &mut Vec<u8>) -> Result<Option<Read>, String> {
        let kept = self.unread.len();
        if kept + READ_BYTES_MIN > buffer.len() {
            buffer.resize(kept * 2 + READ_BYTES_MIN, 0);
        }
        let Some(new) = self.socket().read(&mut buffer[kept..]).map_err(|error| format!("read: {error}"))?
        else {
            return Ok(None);
        };
        if new == 0 {
            return Err("closed by the server without a close frame".into());
        }
        buffer[..kept].copy_from_slice(&self.unread);
        self.unread.clear();
        Ok(Some(Read { filled: kept + new, new, drained: kept + new < buffer.len() }))
    }

    /// Keeps what could not be used yet for the next read.
    pub fn keep(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
    }

    /// Takes the next thing out of `bytes` and moves them on. A message's body lies in `body`. Pings are
    /// answered here; the error is why the connection is over.
    pub fn next<'a>(
        &mut self,
        bytes: &mut &'a [u8],
        mask: u32,
        body: &mut std::borrow::Cow<'a, [u8]>,
    ) -> Result<Input, String> {
        if self.state == State::Upgrading {
            return self.response(bytes);
        }
        while let Some(frame) = websocket::next(bytes)? {
            let all: &'a [u8] = bytes;
            let payload = &all[frame.start..frame.end];
            *bytes = &all[frame.end..];
            match frame.opcode {
                websocket::CONTINUATION | websocket::TEXT | websocket::BINARY => {
                    if frame.last && self.fragments.is_empty() {
                        *body = payload.into();
                        return Ok(Input::Message);
                    }
                    self.fragments.extend_from_slice(payload);
                    if frame.last {
                        *body = std::mem::take(&mut self.fragments).into();
                        return Ok(Input::Message);
                    }
                }
                websocket::PING => self.put(websocket::PONG, mask, &[payload]),
                websocket::PONG => {}
                websocket::CLOSE => {
                    let Some((code, reason)) = payload.split_first_chunk() else {
                        return Err("closed by the server without a code".into());
                    };
                    let (code, reason) = (u16::from_be_bytes(*code), String::from_utf8_lossy(reason));
                    return Err(format!("closed by the server with code {code} {reason}"));
                }
                other => return Err(format!("a frame of unknown opcode {other}")),
            }
        }
        Ok(Input::Nothing)
    }

    fn response(&mut self, bytes: &mut &[u8]) -> Result<Input, String> {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            if bytes.len() > RESPONSE_BYTES_MAX {
                return Err("an upgrade response without an end".into());
            }
            return Ok(Input::Nothing);
        };
        let head = String::from_utf8_lossy(&bytes[..end]);
        if !head.starts_with("HTTP/1.1 101") || !head.contains(websocket::ACCEPT) {
            return Err(format!("upgrade refused: {}", head.lines().next().unwrap_or_default()));
        }
        *bytes = &bytes[end + 4..];
        self.state = State::Open;
        Ok(Input::Upgraded)
    }

    fn socket(&self) -> &Socket {
        self.socket.as_ref().expect("a connection that is not closed has a socket")
    }
}

pub struct Read {
    pub filled: usize,
    pub new: usize,
    pub drained: bool,
}
