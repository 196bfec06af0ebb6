//! Write-ahead logs in Rust as contenders: `bench_rust <peer> <work> <directory> [--name value]...`, with the
//! works, options and output of bench/contender.hpp.

mod job;
mod peers;

use job::{Job, Latencies, Measurement};
use std::sync::Barrier;
use std::time::Instant;

/// What a peer has to do. `append_all` says itself how long it took, because what belongs to the time (not
/// opening, not a sync at the end) is different for each.
pub trait Peer: Sync + Sized {
    fn open(job: &Job) -> Self;
    fn append_all(&self, payload: &[u8], entries: u64) -> std::time::Duration;
    fn append_durable(&self, payload: &[u8]);
    fn replay(job: &Job) -> u64;
    const SYNCS: bool = true;
}

fn durable<P: Peer>(job: &Job, payload: &[u8]) -> Measurement {
    let log = P::open(job);
    let ready = Barrier::new(job.threads + 1);
    let mut latencies = Latencies::default();
    let mut elapsed = std::time::Duration::ZERO;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..job.threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut mine = Latencies::with_capacity(1 << 16);
                    ready.wait();
                    let begin = Instant::now();
                    let mut now = begin;
                    loop {
                        log.append_durable(payload);
                        let then = std::mem::replace(&mut now, Instant::now());
                        mine.push((now - then).as_nanos().min(u32::MAX.into()) as u32);
                        if now - begin >= job.seconds {
                            return mine;
                        }
                    }
                })
            })
            .collect();
        ready.wait();
        let begin = Instant::now();
        for thread in threads {
            latencies.extend(thread.join().unwrap());
        }
        elapsed = begin.elapsed();
    });
    Measurement { entries: latencies.len() as u64, elapsed, latencies }
}

/// `None`: the peer has no such work.
fn measure<P: Peer>(job: &Job) -> Option<Measurement> {
    let payload = vec![b'x'; job.bytes];
    match job.work.as_str() {
        "append" => {
            let elapsed = P::open(job).append_all(&payload, job.entries);
            Some(Measurement { entries: job.entries, elapsed, latencies: Latencies::new() })
        }
        "durable" if P::SYNCS => Some(durable::<P>(job, &payload)),
        "replay" => {
            let begin = Instant::now();
            let entries = P::replay(job);
            Some(Measurement { entries, elapsed: begin.elapsed(), latencies: Latencies::new() })
        }
        _ => None,
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let peer = arguments.next().expect("the name of a peer");
    let job = Job::parse(arguments);
    let measurement = match peer.as_str() {
        "durability" => measure::<peers::durability::Log>(&job),
        "okaywal" => measure::<peers::okaywal::Log>(&job),
        "wal-db" => measure::<peers::wal_db::Log>(&job),
        "commitlog" => measure::<peers::commitlog::Log>(&job),
        _ => panic!("no peer {peer}"),
    };
    match measurement {
        Some(measurement) => measurement.print(),
        None => std::process::exit(job::NOT_MEASURED),
    }
}
