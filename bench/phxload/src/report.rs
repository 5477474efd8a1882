//! The figures of a run, for people or as one JSON object.

use crate::histogram::Histogram;
use crate::load::Figures;
use crate::options::Options;

/// What the raw figures amount to; both forms of the report print these.
struct Derived {
    join_s: f64,
    join_server_cpu_s: f64,
    seconds: f64,
    server_cpu_s: f64,
    client_cpu_s: f64,
    others_cpu_s: f64,
    stolen_s: f64,
    rss_bytes_each: f64,
}

impl Derived {
    fn of(figures: &Figures) -> Derived {
        let (start, joins) = (&figures.at_start, &figures.after_joins);
        let (from, until) = (&figures.at_measuring, &figures.at_end);
        let server_cpu_s = until.server_cpu_s - from.server_cpu_s;
        let client_cpu_s = until.client_cpu_s - from.client_cpu_s;
        let grown_kb = until.rss_kb as f64 - start.rss_kb as f64;
        Derived {
            join_s: (joins.at_ns - start.at_ns) as f64 / 1e9,
            join_server_cpu_s: joins.server_cpu_s - start.server_cpu_s,
            seconds: (until.at_ns - from.at_ns) as f64 / 1e9,
            server_cpu_s,
            client_cpu_s,
            others_cpu_s: until.machine_busy_s - from.machine_busy_s - server_cpu_s - client_cpu_s,
            stolen_s: until.machine_stolen_s - from.machine_stolen_s,
            rss_bytes_each: per(grown_kb * 1024.0, figures.joined as f64),
        }
    }
}

pub fn json(options: &Options, figures: &Figures) -> String {
    let derived = Derived::of(figures);
    let events = figures.measured.answered as f64;
    let errors: Vec<String> = figures.first_errors.iter().map(|text| quoted(text)).collect();
    let fields = [
        ("ok", figures.ok(options).to_string()),
        ("conns", options.connections.to_string()),
        ("topics_per_conn", options.topics_per_connection.to_string()),
        ("pipeline", options.pipeline.to_string()),
        ("rate", format!("{}", options.rate.unwrap_or(0.0))),
        ("joined", figures.joined.to_string()),
        ("join_s", format!("{:.4}", derived.join_s)),
        ("join_server_cpu_s", format!("{:.6}", derived.join_server_cpu_s)),
        ("connect_us", times(&figures.connect_ns)),
        ("join_us", times(&figures.join_ns)),
        ("seconds", format!("{:.4}", derived.seconds)),
        ("events", figures.measured.answered.to_string()),
        ("latency_us", times(&figures.latency_ns)),
        ("lag_us", times(&figures.lag_ns)),
        ("bytes_in", figures.measured.bytes_in.to_string()),
        ("bytes_out", figures.measured.bytes_out.to_string()),
        ("server_cpu_s", format!("{:.6}", derived.server_cpu_s)),
        ("client_cpu_s", format!("{:.6}", derived.client_cpu_s)),
        ("events_per_server_cpu_s", format!("{:.1}", per(events, derived.server_cpu_s))),
        ("others_cpu_s", format!("{:.2}", derived.others_cpu_s)),
        ("stolen_s", format!("{:.2}", derived.stolen_s)),
        ("rss_start_kb", figures.at_start.rss_kb.to_string()),
        ("rss_joined_kb", figures.after_joins.rss_kb.to_string()),
        ("rss_end_kb", figures.at_end.rss_kb.to_string()),
        ("rss_end_anonymous_kb", figures.at_end.rss_anonymous_kb.to_string()),
        ("rss_peak_kb", figures.at_end.rss_peak_kb.to_string()),
        ("rss_bytes_per_channel", format!("{:.0}", derived.rss_bytes_each)),
        ("outstanding", figures.outstanding.to_string()),
        ("lost", figures.lost.to_string()),
        ("errors", figures.errors.to_string()),
        ("first_errors", format!("[{}]", errors.join(","))),
        ("verified", options.verify.to_string()),
        ("wrong_versions", figures.wrong.versions.to_string()),
        ("wrong_values", figures.wrong.values.to_string()),
        ("wrong_last_states", figures.wrong.last_states.to_string()),
        ("last_states_checked", figures.last_states_checked.to_string()),
    ];
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", fields.join(","))
}

pub fn text(options: &Options, figures: &Figures) -> String {
    let derived = Derived::of(figures);
    let events = figures.measured.answered as f64;
    let mut lines = vec![format!(
        "joins    {} of {} in {:.3} s; join {}; connect {}",
        figures.joined,
        options.channels(),
        derived.join_s,
        summary(&figures.join_ns),
        summary(&figures.connect_ns)
    )];
    if !options.idle {
        let bytes =
            (per(figures.measured.bytes_in as f64, events), per(figures.measured.bytes_out as f64, events));
        lines.push(format!(
            "events   {} in {:.2} s, {:.0} a second; {:.0} bytes in and {:.0} out for each",
            figures.measured.answered,
            derived.seconds,
            per(events, derived.seconds),
            bytes.0,
            bytes.1
        ));
        lines.push(format!("latency  {}", summary(&figures.latency_ns)));
    }
    if options.rate.is_some() {
        lines.push(format!("lag      of our own sends: {}", summary(&figures.lag_ns)));
    }
    lines.push(format!("client   {:.3} s of CPU", derived.client_cpu_s));
    if !options.pids.is_empty() {
        lines.push(format!(
            "server   {:.3} s of CPU, {:.0} events for each second of it; {:.4} ms of CPU for each join",
            derived.server_cpu_s,
            per(events, derived.server_cpu_s),
            per(derived.join_server_cpu_s * 1000.0, figures.joined as f64)
        ));
        lines.push(format!(
            "memory   {} kB before, {} kB joined, {} kB at the end (peak {}); {:.0} bytes for each channel",
            figures.at_start.rss_kb,
            figures.after_joins.rss_kb,
            figures.at_end.rss_kb,
            figures.at_end.rss_peak_kb,
            derived.rss_bytes_each
        ));
    }
    lines.push(format!("others   {:.2} s of CPU, {:.2} s stolen", derived.others_cpu_s, derived.stolen_s));
    if options.verify {
        lines.push(format!(
            "verify   {} wrong versions, {} wrong values, {} wrong of {} last states",
            figures.wrong.versions,
            figures.wrong.values,
            figures.wrong.last_states,
            figures.last_states_checked
        ));
    }
    lines.push(format!("errors   {} ({} events lost)", figures.errors, figures.lost));
    lines.extend(figures.first_errors.iter().map(|error| format!("         {error}")));
    lines.join("\n")
}

fn times(of: &Histogram) -> String {
    format!(
        "{{\"n\":{},\"mean\":{:.1},\"p50\":{:.1},\"p90\":{:.1},\"p99\":{:.1},\"p999\":{:.1},\"max\":{:.1}}}",
        of.count(),
        of.mean_us(),
        of.quantile_us(0.5),
        of.quantile_us(0.9),
        of.quantile_us(0.99),
        of.quantile_us(0.999),
        of.max_us()
    )
}

fn summary(of: &Histogram) -> String {
    format!("p50 {:.0} p99 {:.0} max {:.0} us", of.quantile_us(0.5), of.quantile_us(0.99), of.max_us())
}

fn per(amount: f64, unit: f64) -> f64 {
    if unit > 0.0 {
        amount / unit
    } else {
        0.0
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", control as u32)),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_the_server_stays_inside_its_quotes() {
        assert_eq!(quoted("a\"b\\c\nd"), r#""a\"b\\c\u000ad""#);
    }

    #[test]
    fn nothing_measured_is_zero_and_not_a_division() {
        assert_eq!(per(3.0, 0.0), 0.0);
    }
}
