//! Non-blocking TCP and epoll, the only places where the kernel is called for I/O.

use std::io::{Error, ErrorKind, Result};
use std::mem;
use std::net::Ipv4Addr;

/// Readiness taken from the kernel at once.
const BATCH: usize = 1024;

/// A monotonic clock in nanoseconds.
pub fn now_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Raises this process's limit of open files where it is below `wanted`.
pub fn allow_files(wanted: u64) -> std::result::Result<(), String> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) };
    if limit.rlim_cur >= wanted {
        return Ok(());
    }
    if limit.rlim_max < wanted {
        return Err(format!(
            "{wanted} open files are needed and the hard limit is {}: raise it with ulimit -Hn, or ask for fewer --conns",
            limit.rlim_max
        ));
    }
    limit.rlim_cur = wanted;
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) })
        .map(|_| ())
        .map_err(|error| format!("{wanted} open files are needed: {error}"))
}

/// Asks for timers without slack, so that an open loop keeps its times.
pub fn want_exact_timers() {
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1 as libc::c_ulong) };
}

/// One non-blocking TCP socket, closed when it is dropped.
pub struct Socket {
    fd: i32,
}

impl Socket {
    /// Starts to connect; the socket becomes writable when that is done or has failed.
    pub fn connect(address: Ipv4Addr, port: u16) -> Result<Socket> {
        let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        let socket = Socket { fd: check(unsafe { libc::socket(libc::AF_INET, kind, 0) })? };
        let on: libc::c_int = 1;
        let size = mem::size_of::<libc::c_int>() as libc::socklen_t;
        check(unsafe {
            libc::setsockopt(
                socket.fd,
                libc::IPPROTO_TCP,
                libc::TCP_NODELAY,
                (&on as *const libc::c_int).cast(),
                size,
            )
        })?;
        let mut peer: libc::sockaddr_in = unsafe { mem::zeroed() };
        peer.sin_family = libc::AF_INET as _;
        peer.sin_port = port.to_be();
        peer.sin_addr.s_addr = u32::from_ne_bytes(address.octets());
        let size = mem::size_of::<libc::sockaddr_in>() as libc::socklen_t;
        match check(unsafe { libc::connect(socket.fd, (&peer as *const libc::sockaddr_in).cast(), size) }) {
            Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
            _ => Ok(socket),
        }
    }

    /// Why a connect that has ended failed; `Ok` when it did not.
    pub fn connected(&self) -> Result<()> {
        let mut error: libc::c_int = 0;
        let mut size = mem::size_of::<libc::c_int>() as libc::socklen_t;
        check(unsafe {
            libc::getsockopt(
                self.fd,
                libc::SOL_SOCKET,
                libc::SO_ERROR,
                (&mut error as *mut libc::c_int).cast(),
                &mut size,
            )
        })?;
        if error == 0 {
            Ok(())
        } else {
            Err(Error::from_raw_os_error(error))
        }
    }

    /// Bytes read, 0 at the end of the stream; `None` when nothing is there yet.
    pub fn read(&self, into: &mut [u8]) -> Result<Option<usize>> {
        again(|| unsafe { libc::recv(self.fd, into.as_mut_ptr().cast(), into.len(), 0) })
    }

    /// Bytes taken; `None` when the kernel's buffer is full.
    pub fn write(&self, bytes: &[u8]) -> Result<Option<usize>> {
        again(|| unsafe { libc::send(self.fd, bytes.as_ptr().cast(), bytes.len(), libc::MSG_NOSIGNAL) })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        unsafe { libc::close(self.fd) };
    }
}

/// What one socket is ready for.
pub struct Ready {
    pub token: u64,
    pub readable: bool,
    pub writable: bool,
    /// Something is wrong with the socket; reading it says what.
    pub broken: bool,
}

pub struct Epoll {
    fd: i32,
    events: Vec<libc::epoll_event>,
}

impl Epoll {
    pub fn new() -> Result<Epoll> {
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        Ok(Epoll { fd, events: vec![libc::epoll_event { events: 0, u64: 0 }; BATCH] })
    }

    /// Watches both directions, edge-triggered, until the socket is dropped.
    pub fn add(&self, socket: &Socket, token: u64) -> Result<()> {
        let wanted = libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDHUP | libc::EPOLLET;
        let mut event = libc::epoll_event { events: wanted as u32, u64: token };
        check(unsafe { libc::epoll_ctl(self.fd, libc::EPOLL_CTL_ADD, socket.fd, &mut event) }).map(|_| ())
    }

    /// Waits up to `ns` nanoseconds; the number of sockets for `ready` to tell about.
    pub fn wait(&mut self, ns: u64) -> usize {
        let timeout = libc::timespec {
            tv_sec: (ns / 1_000_000_000) as libc::time_t,
            tv_nsec: (ns % 1_000_000_000) as libc::c_long,
        };
        // epoll_wait counts in milliseconds, too coarse for an open loop.
        let count = unsafe {
            libc::syscall(
                libc::SYS_epoll_pwait2,
                self.fd,
                self.events.as_mut_ptr(),
                self.events.len() as libc::c_int,
                &timeout as *const libc::timespec,
                std::ptr::null::<libc::sigset_t>(),
                0usize,
            )
        };
        if count < 0 {
            let error = Error::last_os_error();
            assert!(error.kind() == ErrorKind::Interrupted, "epoll_pwait2 (Linux 5.11 or newer): {error}");
        }
        count.max(0) as usize
    }

    /// True when the kernel may have more than the last `wait` returned.
    pub fn was_full(&self, count: usize) -> bool {
        count == self.events.len()
    }

    pub fn ready(&self, index: usize) -> Ready {
        let event = self.events[index];
        let any = |bits: libc::c_int| event.events & bits as u32 != 0;
        Ready {
            token: event.u64,
            readable: any(libc::EPOLLIN),
            writable: any(libc::EPOLLOUT),
            broken: any(libc::EPOLLERR | libc::EPOLLHUP),
        }
    }
}

impl Drop for Epoll {
    fn drop(&mut self) {
        unsafe { libc::close(self.fd) };
    }
}

fn check(result: libc::c_int) -> Result<libc::c_int> {
    if result < 0 {
        Err(Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// Repeats an interrupted call and turns "would block" into `None`.
fn again(mut call: impl FnMut() -> isize) -> Result<Option<usize>> {
    loop {
        let count = call();
        if count >= 0 {
            return Ok(Some(count as usize));
        }
        let error = Error::last_os_error();
        match error.kind() {
            ErrorKind::Interrupted => continue,
            ErrorKind::WouldBlock => return Ok(None),
            _ => return Err(error),
        }
    }
}
