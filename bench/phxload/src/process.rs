//! CPU and memory of the server, of this client and of the machine, from the kernel.

use crate::epoll::now_ns;
use std::collections::{HashMap, HashSet};
use std::fs;

/// One look at the meters. CPU times are in seconds since the process or machine started.
#[derive(Clone, Copy, Default)]
pub struct Usage {
    pub at_ns: u64,
    pub server_cpu_s: f64,
    pub client_cpu_s: f64,
    pub rss_kb: u64,
    pub rss_anonymous_kb: u64,
    pub rss_peak_kb: u64,
    pub machine_busy_s: f64,
    /// Time in which the hypervisor ran somebody else.
    pub machine_stolen_s: f64,
}

/// Reads all meters now; the server is the given processes with all their descendants.
pub fn usage(server: &[u32]) -> Usage {
    let mut usage = Usage {
        at_ns: now_ns(),
        client_cpu_s: clock_s(libc::CLOCK_PROCESS_CPUTIME_ID).unwrap_or(0.0),
        ..Default::default()
    };
    for pid in with_descendants(server) {
        usage.server_cpu_s += clock_s(cpu_clock(pid)).unwrap_or(0.0);
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        usage.rss_kb += field_kb(&status, "VmRSS:");
        usage.rss_anonymous_kb += field_kb(&status, "RssAnon:");
        usage.rss_peak_kb += field_kb(&status, "VmHWM:");
    }
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    (usage.machine_busy_s, usage.machine_stolen_s) = machine_cpu_s(&stat);
    usage
}

/// True when the process exists and its CPU clock can be read.
pub fn is_readable(pid: u32) -> bool {
    clock_s(cpu_clock(pid)).is_some()
}

/// The kernel's clock of a process's CPU time: nanoseconds, all threads, ended ones too. The ticks of
/// /proc/PID/stat are 10 ms, a tenth of what a thousand joins may cost.
fn cpu_clock(pid: u32) -> libc::clockid_t {
    const CPUCLOCK_SCHED: libc::clockid_t = 2;
    (!(pid as libc::clockid_t) << 3) | CPUCLOCK_SCHED
}

fn clock_s(clock: libc::clockid_t) -> Option<f64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let result = unsafe { libc::clock_gettime(clock, &mut time) };
    (result == 0).then_some(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
}

fn with_descendants(roots: &[u32]) -> HashSet<u32> {
    let mut family: HashSet<u32> = roots.iter().copied().collect();
    if family.is_empty() {
        return family;
    }
    let parents = parents();
    loop {
        let size = family.len();
        let children = parents.iter().filter(|(_, parent)| family.contains(parent)).map(|(pid, _)| *pid);
        let children: Vec<u32> = children.collect();
        family.extend(children);
        if family.len() == size {
            return family;
        }
    }
}

fn parents() -> HashMap<u32, u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some((pid, parent_of(&stat)?))
    })
    .collect()
}

/// The second field after the name; the name stands in brackets and may contain anything.
fn parent_of(stat: &str) -> Option<u32> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(1)?.parse().ok()
}

fn field_kb(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Seconds the machine was busy and seconds stolen from it, of all cores together.
fn machine_cpu_s(stat: &str) -> (f64, f64) {
    let ticks: Vec<f64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .filter_map(|field| field.parse().ok())
        .collect();
    let [user, nice, system, _idle, _iowait, irq, softirq, stolen, ..] = ticks[..] else {
        return (0.0, 0.0);
    };
    let ticks_each_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as f64;
    ((user + nice + system + irq + softirq) / ticks_each_second, stolen / ticks_each_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_a_process_counts_its_work() {
        let before = usage(&[std::process::id()]);
        let mut sum = 0u64;
        while usage(&[]).client_cpu_s < before.server_cpu_s + 0.02 {
            sum = std::hint::black_box(sum + 1);
        }
        let after = usage(&[std::process::id()]);
        assert!(after.server_cpu_s - before.server_cpu_s >= 0.02);
        assert!(after.rss_kb > 0);
    }

    #[test]
    fn a_process_that_is_not_there_is_not_readable() {
        assert!(is_readable(std::process::id()));
        assert!(!is_readable(u32::MAX >> 4));
    }

    #[test]
    fn a_name_with_brackets_does_not_hide_the_parent() {
        assert_eq!(parent_of("12 (a) b (c)) S 7 12 12 0"), Some(7));
        assert_eq!(parent_of("nonsense"), None);
    }

    #[test]
    fn memory_is_read_by_its_name() {
        assert_eq!(field_kb("VmHWM:\t  20 kB\nVmRSS:\t  12 kB\n", "VmRSS:"), 12);
        assert_eq!(field_kb("", "VmRSS:"), 0);
    }
}
