//! The command line.

use std::net::Ipv4Addr;

pub const USAGE: &str = "\
phxload: load generator for servers that speak Phoenix Channels V2 and LiveState

  --url URL             ws://127.0.0.1:PORT/PATH/websocket?vsn=2.0.0 ({i}: number of the connection)
  --topic T             topic of a channel; {i}: number of the connection, {k}: of the channel on it
                        (default counter:{i}; with several channels on a connection -{k} is added)
  --event NAME          the event, sent as lvs_evt:NAME (default inc)
  --payload JSON        payload of the event (default {}); for raw-echo the whole message
  --params JSON         payload of the join (default {})
  --conns N             connections (default 64)
  --topics-per-conn K   channels joined on each connection (default 1)
  --connecting N        connections being opened or joined at once (default 64)
  --pipeline P          outstanding events of a channel, closed loop (default 1)
  --rate R              open loop: R events/s in all, latency from the time at which each was due
  --warmup S            load before the measured time (default 2)
  --duration S          measured time (default 10)
  --idle                join and hold for --duration; send no events
  --verify              check versions, values and, by lvs_refresh, each channel's last count
  --max-version N       version after which it rolls over to 0 (default 1000)
  --heartbeat S         a connection's heartbeat period (default 30; 0: none)
  --join-timeout S      give up when the joins take longer (default 120)
  --pid P[,P...]        processes of the server, with their children: CPU and memory
  --protocol NAME       phx, or raw-echo: plain messages to a server that echoes them
  --json                print the report as one JSON object
";

pub struct Options {
    pub host: String,
    pub address: Ipv4Addr,
    pub port: u16,
    pub path: String,
    pub topic: String,
    pub event: String,
    pub payload: Option<String>,
    pub params: String,
    pub connections: usize,
    pub topics_per_connection: usize,
    pub connecting_max: usize,
    pub pipeline: usize,
    /// Events each second of the open loop; `None` is the closed loop.
    pub rate: Option<f64>,
    pub warmup_s: f64,
    pub duration_s: f64,
    pub idle: bool,
    pub verify: bool,
    pub max_version: u64,
    pub heartbeat_s: f64,
    pub join_timeout_s: f64,
    pub pids: Vec<u32>,
    pub raw_echo: bool,
    pub json: bool,
}

impl Options {
    pub fn channels(&self) -> usize {
        self.connections * self.topics_per_connection
    }
}

/// Reads the arguments after the program's name. The error is what to print above the usage; empty
/// where the usage itself was asked for.
pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        host: String::new(),
        address: Ipv4Addr::LOCALHOST,
        port: 0,
        path: String::new(),
        topic: "counter:{i}".into(),
        event: "inc".into(),
        payload: None,
        params: "{}".into(),
        connections: 64,
        topics_per_connection: 1,
        connecting_max: 64,
        pipeline: 1,
        rate: None,
        warmup_s: 2.0,
        duration_s: 10.0,
        idle: false,
        verify: false,
        max_version: 1000,
        heartbeat_s: 30.0,
        join_timeout_s: 120.0,
        pids: vec![],
        raw_echo: false,
        json: false,
    };
    let mut arguments = arguments;
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{name} needs a value"));
        match name.as_str() {
            "--url" => set_url(&mut options, &value()?)?,
            "--topic" => options.topic = value()?,
            "--event" => options.event = value()?,
            "--payload" => options.payload = Some(value()?),
            "--params" => options.params = value()?,
            "--conns" => options.connections = number(&name, &value()?)?,
            "--topics-per-conn" => options.topics_per_connection = number(&name, &value()?)?,
            "--connecting" => options.connecting_max = number(&name, &value()?)?,
            "--pipeline" => options.pipeline = number(&name, &value()?)?,
            "--rate" => options.rate = Some(number(&name, &value()?)?),
            "--warmup" => options.warmup_s = number(&name, &value()?)?,
            "--duration" => options.duration_s = number(&name, &value()?)?,
            "--idle" => options.idle = true,
            "--verify" => options.verify = true,
            "--max-version" => options.max_version = number(&name, &value()?)?,
            "--heartbeat" => options.heartbeat_s = number(&name, &value()?)?,
            "--join-timeout" => options.join_timeout_s = number(&name, &value()?)?,
            "--pid" => {
                for pid in value()?.split(',') {
                    options.pids.push(number(&name, pid.trim())?);
                }
            }
            "--protocol" => {
                options.raw_echo = match value()?.as_str() {
                    "phx" => false,
                    "raw-echo" => true,
                    other => return Err(format!("--protocol is phx or raw-echo, not {other}")),
                }
            }
            "--json" => options.json = true,
            "-h" | "--help" => return Err(String::new()),
            _ => return Err(format!("unknown option {name}")),
        }
    }
    check(&mut options)?;
    Ok(options)
}

fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{name}: {text:?} is not a number it takes"))
}

fn set_url(options: &mut Options, url: &str) -> Result<(), String> {
    let rest = url.strip_prefix("ws://").ok_or("--url must start with ws://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "80"));
    options.address = match host {
        "localhost" => Ipv4Addr::LOCALHOST,
        _ => host.parse().map_err(|_| "--url needs an IPv4 address or localhost")?,
    };
    options.port = number("--url, port", port)?;
    options.host = authority.into();
    options.path = if path.is_empty() { "/".into() } else { path.into() };
    Ok(())
}

fn check(options: &mut Options) -> Result<(), String> {
    if options.port == 0 {
        return Err("--url with the server's address is needed".into());
    }
    let counts =
        [options.connections, options.topics_per_connection, options.connecting_max, options.pipeline];
    if counts.contains(&0) {
        return Err("--conns, --topics-per-conn, --connecting and --pipeline start at 1".into());
    }
    if options.rate.is_some_and(|rate| rate <= 0.0 || !rate.is_finite()) {
        return Err("--rate must be more than 0".into());
    }
    let times = [options.warmup_s, options.duration_s, options.heartbeat_s, options.join_timeout_s];
    if times.iter().any(|seconds| !seconds.is_finite() || *seconds < 0.0) {
        return Err("a time must be 0 or more seconds".into());
    }
    if options.raw_echo && options.topics_per_connection > 1 {
        return Err("raw-echo knows no topics: leave out --topics-per-conn".into());
    }
    if options.topics_per_connection > 1 && !options.topic.contains("{k}") {
        options.topic.push_str("-{k}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Options, String> {
        parse(line.split(' ').filter(|word| !word.is_empty()).map(String::from))
    }

    #[test]
    fn a_url_gives_address_port_and_path() {
        let options = parsed("--url ws://127.0.0.1:4000/socket/websocket?vsn=2.0.0 --conns 3").unwrap();
        assert_eq!((options.port, options.host.as_str()), (4000, "127.0.0.1:4000"));
        assert_eq!((options.path.as_str(), options.channels()), ("/socket/websocket?vsn=2.0.0", 3));
    }

    #[test]
    fn several_channels_on_a_connection_get_topics_of_their_own() {
        assert_eq!(parsed("--url ws://localhost:1/ --topics-per-conn 2").unwrap().topic, "counter:{i}-{k}");
    }

    #[test]
    fn wrong_usage_names_the_option() {
        for (line, part) in [
            ("", "--url"),
            ("--url http://x/", "ws://"),
            ("--url ws://127.0.0.1:x/", "port"),
            ("--url ws://127.0.0.1:1/ --conns many", "--conns"),
            ("--url ws://127.0.0.1:1/ --conns 0", "--conns"),
            ("--url ws://127.0.0.1:1/ --rate 0", "--rate"),
            ("--url ws://127.0.0.1:1/ --duration -1", "seconds"),
            ("--url ws://127.0.0.1:1/ --fast", "--fast"),
            ("--url ws://127.0.0.1:1/ --pid", "--pid"),
            ("--url ws://127.0.0.1:1/ --protocol raw-echo --topics-per-conn 2", "raw-echo"),
        ] {
            let error = parsed(line).err().unwrap_or_else(|| panic!("{line:?} was taken"));
            assert!(error.contains(part), "{line:?}: {error}");
        }
    }
}
