//! Does with the crate what each line of standard input says, and answers with one line of JSON each. A
//! command names the version of the crate: `crate=0.6.4`, `0.7.2`, `0.10.0`. Times, paths and payloads come
//! with the commands; nothing here is random. A wrong command ends the program with a panic.

mod digest;
mod index;
mod raw;
mod script;
#[macro_use]
mod dialect;

use script::Command;
use std::io::{BufRead, Write};

// Before 0.7.3 the lock was a file's existence, and one that somebody left behind stops a writer.
dialect!(v0_6, crate_0_6, lock_is_a_name = true);
dialect!(v0_7, crate_0_7, lock_is_a_name = true);
dialect!(v0_10, crate_0_10, lock_is_a_name = false);

fn main() {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("standard input");
        let command = Command::parse(&line);
        let answer = match command.text("crate") {
            "0.10.0" if command.name.starts_with("index-") => index::run(&command),
            "0.6.4" => v0_6::run(&command),
            "0.7.2" => v0_7::run(&command),
            "0.10.0" => v0_10::run(&command),
            other => panic!("no such crate: {other}"),
        };
        writeln!(out, "{answer}").and_then(|()| out.flush()).expect("standard output");
    }
}
