//! One module a peer; each with its default options, but for what its comment says.

pub mod durability {
    use crate::{job::Job, Peer};
    use durability::storage::{Directory, FlushPolicy, FsDirectory};
    use durability::walog::{SyncWalWriter, WalReader, WalWriter};
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    /// Without syncs: a buffer of 64 KiB that is flushed when it is full, as the others do it.
    pub enum Log {
        One(Mutex<WalWriter<()>>),
        Many(SyncWalWriter<()>),
    }

    fn directory(job: &Job) -> Arc<dyn Directory> {
        FsDirectory::arc(&job.directory).unwrap()
    }

    impl Peer for Log {
        fn open(job: &Job) -> Log {
            if job.work == "append" {
                let policy = FlushPolicy::Manual;
                return Log::One(Mutex::new(WalWriter::with_options(directory(job), policy, 64 * 1024)));
            }
            Log::Many(SyncWalWriter::open(directory(job)).unwrap())
        }
        fn append_all(&self, payload: &[u8], entries: u64) -> Duration {
            let Log::One(writer) = self else { unreachable!() };
            let mut writer = writer.lock().unwrap();
            let begin = Instant::now();
            for _ in 0..entries {
                writer.append_bytes(payload).unwrap();
            }
            writer.flush().unwrap();
            begin.elapsed()
        }
        fn append_durable(&self, payload: &[u8]) {
            let Log::Many(writer) = self else { unreachable!() };
            writer.append_bytes_durable(payload).unwrap();
        }
        fn replay(job: &Job) -> u64 {
            WalReader::<()>::new(directory(job)).entry_count().unwrap()
        }
    }
}

/// An entry cannot be written without a sync at its end. Where nothing is synced, all are chunks of one
/// entry, and the sync at the end does not count; such a log is kept whole, not checkpointed away.
pub mod okaywal {
    use crate::{job::Job, Peer};
    use okaywal::{Configuration, Entry, EntryId, LogManager, ReadChunkResult, SegmentReader, WriteAheadLog};
    use std::io;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    #[derive(Debug, Default)]
    struct Counting(Arc<AtomicU64>);

    impl LogManager for Counting {
        fn recover(&mut self, entry: &mut Entry<'_>) -> io::Result<()> {
            while let ReadChunkResult::Chunk(mut chunk) = entry.read_chunk()? {
                chunk.read_all()?;
                assert!(chunk.check_crc()?);
                self.0.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        }
        fn checkpoint_to(&mut self, _: EntryId, _: &mut SegmentReader, _: &WriteAheadLog) -> io::Result<()> {
            Ok(())
        }
    }

    pub struct Log(WriteAheadLog);

    fn open(job: &Job, manager: Counting) -> WriteAheadLog {
        let mut configuration = Configuration::default_for(&job.directory);
        if job.work != "durable" {
            configuration = configuration.checkpoint_after_bytes(u64::MAX);
        }
        configuration.open(manager).unwrap()
    }

    impl Peer for Log {
        fn open(job: &Job) -> Log {
            Log(open(job, Counting::default()))
        }
        fn append_all(&self, payload: &[u8], entries: u64) -> Duration {
            let begin = Instant::now();
            let mut entry = self.0.begin_entry().unwrap();
            for _ in 0..entries {
                entry.write_chunk(payload).unwrap();
            }
            let elapsed = begin.elapsed();
            entry.commit().unwrap();
            elapsed
        }
        fn append_durable(&self, payload: &[u8]) {
            let mut entry = self.0.begin_entry().unwrap();
            entry.write_chunk(payload).unwrap();
            entry.commit().unwrap();
        }
        fn replay(job: &Job) -> u64 {
            let count = Arc::new(AtomicU64::new(0));
            let _log = open(job, Counting(count.clone()));
            count.load(Ordering::Relaxed)
        }
    }
}

pub mod wal_db {
    use crate::{job::Job, Peer};
    use std::time::{Duration, Instant};
    use wal_db::Wal;

    pub struct Log(Wal);

    fn open(job: &Job) -> Wal {
        Wal::open(format!("{}/log.wal", job.directory)).unwrap()
    }

    impl Peer for Log {
        fn open(job: &Job) -> Log {
            Log(open(job))
        }
        fn append_all(&self, payload: &[u8], entries: u64) -> Duration {
            let begin = Instant::now();
            for _ in 0..entries {
                let _ = self.0.append(payload).unwrap();
            }
            begin.elapsed()
        }
        fn append_durable(&self, payload: &[u8]) {
            let _ = self.0.append_and_sync(payload).unwrap();
        }
        fn replay(job: &Job) -> u64 {
            let log = open(job);
            log.iter().unwrap().map(|entry| u64::from(!entry.unwrap().data().is_empty())).sum()
        }
    }
}

/// Has no durable append.
pub mod commitlog {
    use crate::{job::Job, Peer};
    use commitlog::message::MessageSet;
    use commitlog::{CommitLog, LogOptions, ReadLimit};
    use std::sync::Mutex;
    use std::time::{Duration, Instant};

    pub struct Log(Mutex<CommitLog>);

    fn open(job: &Job) -> CommitLog {
        CommitLog::new(LogOptions::new(format!("{}/log", job.directory))).unwrap()
    }

    impl Peer for Log {
        const SYNCS: bool = false;

        fn open(job: &Job) -> Log {
            Log(Mutex::new(open(job)))
        }
        fn append_all(&self, payload: &[u8], entries: u64) -> Duration {
            let mut log = self.0.lock().unwrap();
            let begin = Instant::now();
            for _ in 0..entries {
                log.append_msg(payload).unwrap();
            }
            begin.elapsed()
        }
        fn append_durable(&self, _: &[u8]) {
            unreachable!()
        }
        fn replay(job: &Job) -> u64 {
            let log = open(job);
            let end = log.next_offset();
            let mut next = 0;
            while next < end {
                let messages = log.read(next, ReadLimit::max_bytes(256 << 10)).unwrap();
                for message in messages.iter() {
                    assert!(message.verify_hash());
                    next = message.offset() + 1;
                }
            }
            end
        }
    }
}
