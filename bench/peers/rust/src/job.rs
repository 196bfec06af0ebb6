//! The command line and the output, as in bench/contender.hpp.

use std::time::Duration;

pub const NOT_MEASURED: i32 = 3;

pub type Latencies = Vec<u32>; // nanoseconds

pub struct Job {
    pub work: String,
    pub directory: String,
    pub entries: u64,
    pub bytes: usize,
    pub threads: usize,
    pub seconds: Duration,
}

impl Job {
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Job {
        let mut job = Job {
            work: arguments.next().expect("a work"),
            directory: arguments.next().expect("a directory"),
            entries: 1_000_000,
            bytes: 128,
            threads: 1,
            seconds: Duration::from_secs(1),
        };
        while let Some(name) = arguments.next() {
            let value: f64 = arguments.next().expect("a value").parse().expect("a number");
            match name.as_str() {
                "--entries" => job.entries = value as u64,
                "--bytes" => job.bytes = value as usize,
                "--threads" => job.threads = value as usize,
                "--seconds" => job.seconds = Duration::from_secs_f64(value),
                "--in-flight" => {}
                _ => panic!("no option {name}"),
            }
        }
        job
    }
}

pub struct Measurement {
    pub entries: u64,
    pub elapsed: Duration,
    pub latencies: Latencies,
}

impl Measurement {
    pub fn print(mut self) {
        let peak = peak_kib();
        print!(
            r#"{{"entries": {}, "seconds": {:.9}, "peak_kib": {peak}"#,
            self.entries,
            self.elapsed.as_secs_f64()
        );
        if !self.latencies.is_empty() {
            self.latencies.sort_unstable();
            let last = (self.latencies.len() - 1) as f64;
            let at = |part: f64| f64::from(self.latencies[(part * last) as usize]) / 1e3;
            print!(r#", "p50_us": {:.1}, "p99_us": {:.1}, "max_us": {:.1}"#, at(0.5), at(0.99), at(1.0));
        }
        println!("}}");
    }
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
