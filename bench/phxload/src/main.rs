//! Load generator for servers that speak Phoenix Channels V2 and LiveState: one thread over epoll.

mod channel;
mod connection;
mod epoll;
mod histogram;
mod json;
mod load;
mod options;
mod process;
mod report;
mod websocket;

use std::process::ExitCode;

const FAILED: u8 = 1;
const WRONG_USAGE: u8 = 2;

fn main() -> ExitCode {
    let options = match options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(help) if help.is_empty() => {
            print!("{}", options::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprint!("phxload: {error}\n\n{}", options::USAGE);
            return ExitCode::from(WRONG_USAGE);
        }
    };
    if let Some(pid) = options.pids.iter().find(|pid| !process::is_readable(**pid)) {
        eprintln!("phxload: --pid {pid}: there is no such process");
        return ExitCode::from(WRONG_USAGE);
    }
    let load = match load::Load::new(&options) {
        Ok(load) => load,
        Err(error) => {
            eprintln!("phxload: {error}");
            return ExitCode::from(FAILED);
        }
    };
    let figures = load.run();
    let report =
        if options.json { report::json(&options, &figures) } else { report::text(&options, &figures) };
    println!("{report}");
    if figures.ok(&options) {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    }
}
