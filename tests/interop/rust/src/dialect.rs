//! What one version of the crate does with a command. The versions share names, not types: one macro, a
//! module for each.

macro_rules! dialect {
    ($module:ident, $krate:ident, lock_is_a_name = $lock_is_a_name:expr) => {
        mod $module {
            use crate::digest::Digest;
            use crate::raw::Raw;
            use crate::script::{refused, Command, Op};
            use std::path::Path;
            use std::sync::Arc;
            use std::time::Duration;
            use $krate::checkpoint::CheckpointFile;
            use $krate::recordlog::{RecordLogReadMode, RecordLogReader, RecordLogWriter};
            use $krate::storage::FlushPolicy;
            use $krate::walog::{WalMaintenance, WalReader, WalReplayMode, WalWriter};
            use $krate::{Directory, FsDirectory, PersistenceError, PersistenceResult};

            type Dir = Arc<dyn Directory>;

            pub fn run(command: &Command) -> String {
                let done = match command.name {
                    "wal-write" => wal_write(command),
                    "wal-read" => wal_read(command),
                    "wal-resume" => wal_resume(command),
                    "wal-truncate" => wal_truncate(command),
                    "checkpoint-write" => checkpoint_write(command),
                    "checkpoint-read" => checkpoint_read(command),
                    "records-write" => records_write(command),
                    "records-read" => records_read(command),
                    "records-resume" => records_resume(command),
                    other => panic!("no such command: {other}"),
                };
                done.unwrap_or_else(|error| refused(kind(&error), &error.to_string()))
            }

            pub fn kind(error: &PersistenceError) -> &'static str {
                use std::io::ErrorKind::UnexpectedEof;
                match error {
                    PersistenceError::Io(io) if io.kind() == UnexpectedEof => "truncated",
                    PersistenceError::Io(_) => "io",
                    PersistenceError::Format(_) => "format",
                    PersistenceError::CrcMismatch { .. } => "crc_mismatch",
                    PersistenceError::Encode(_) => "encode",
                    PersistenceError::Decode(_) => "decode",
                    PersistenceError::InvalidState(_) => "invalid_state",
                    PersistenceError::InvalidConfig(_) => "invalid_config",
                    PersistenceError::NotSupported(_) => "not_supported",
                    PersistenceError::LockFailed { .. } => "lock_failed",
                    PersistenceError::NotFound(_) => "not_found",
                    _ => "unknown",
                }
            }

            pub fn directory(command: &Command) -> PersistenceResult<Dir> {
                Ok(Arc::new(FsDirectory::new(command.text("dir"))?))
            }

            fn policy(command: &Command) -> FlushPolicy {
                match command.text("flush") {
                    "append" => FlushPolicy::PerAppend,
                    "manual" => FlushPolicy::Manual,
                    "always" => FlushPolicy::Interval(Duration::ZERO),
                    "never" => FlushPolicy::Interval(Duration::MAX),
                    every => FlushPolicy::EveryN(every.parse().expect("flush=<n>")),
                }
            }

            fn open(command: &Command, dir: &Dir) -> PersistenceResult<WalWriter<Raw>> {
                let path = Path::new(command.text("dir")).join("wal");
                if $lock_is_a_name {
                    let _ = std::fs::remove_file(path.join(".lock"));
                }
                let exists = path.read_dir().is_ok_and(|mut files| {
                    files.any(|file| file.is_ok_and(|f| f.path().extension().is_some_and(|e| e == "log")))
                });
                if exists {
                    return WalWriter::open(dir.clone());
                }
                let buffer = command.number_or("buffer", 0) as usize;
                Ok(WalWriter::with_options(dir.clone(), policy(command), buffer))
            }

            /// Runs a script of steps. `killed=DIR` is where a copy goes of what the writer's death at its
            /// end would leave.
            fn wal_write(command: &Command) -> PersistenceResult<String> {
                let dir = directory(command)?;
                let mut wal = open(command, &dir)?;
                wal.set_segment_size_limit_bytes(command.number("segment"));
                wal.set_preallocate_bytes(command.number_or("preallocate", 0));
                let (first, next) = (wal.current_segment_id(), wal.next_entry_id());
                let mut old = false;
                let mut by_age = 0;
                for op in command.ops() {
                    let before = wal.current_segment_id();
                    match op {
                        Op::Append(payload) => drop(wal.append(&Raw(payload))?),
                        Op::Batch(payloads) => {
                            let entries: Vec<Raw> = payloads.into_iter().map(Raw).collect();
                            wal.append_batch(&entries)?;
                        }
                        Op::Flush => wal.flush()?,
                        Op::Sync => wal.flush_and_sync()?,
                        Op::Old | Op::Young => {
                            old = matches!(op, Op::Old);
                            wal.set_segment_max_age(if old { Duration::ZERO } else { Duration::MAX });
                        }
                    }
                    by_age += if old { wal.current_segment_id() - before } else { 0 };
                }
                if let Some(copy) = command.text_or_none("killed") {
                    crate::script::copy_wal(command.text("dir"), copy)?;
                }
                let rotations = wal.current_segment_id() - first;
                let last = wal.next_entry_id();
                Ok(format!(
                    "{{\"ok\":true,\"first\":{next},\"next\":{last},\"rotations\":{rotations},\"by_age\":{by_age}}}"
                ))
            }

            fn reading(dir: &Dir, mode: WalReplayMode) -> String {
                let mut digest = Digest::default();
                let done = WalReader::<Raw>::new(dir.clone()).replay_each_with_mode(mode, |record| {
                    digest.entry(record.entry_id, &record.payload.0);
                    Ok(())
                });
                match done {
                    Ok(_) => digest.entries_read(),
                    Err(error) => digest.entries_until(kind(&error), &error.to_string()),
                }
            }

            fn wal_read(command: &Command) -> PersistenceResult<String> {
                let dir = directory(command)?;
                let strict = reading(&dir, WalReplayMode::Strict);
                let best_effort = reading(&dir, WalReplayMode::BestEffortTail);
                Ok(format!("{{\"strict\":{strict},\"best_effort\":{best_effort}}}"))
            }

            /// Resumes, appends 12 bytes durably, and reads it all again, strictly.
            fn wal_resume(command: &Command) -> PersistenceResult<String> {
                let dir = directory(command)?;
                let mut wal = open(command, &dir)?;
                let next = wal.next_entry_id();
                let append = wal.append(&Raw(b"after-resume".to_vec()));
                let append_ok = append.and_then(|_| wal.flush_and_sync()).is_ok();
                drop(wal);
                let after = reading(&dir, WalReplayMode::Strict);
                Ok(format!("{{\"ok\":true,\"next\":{next},\"append_ok\":{append_ok},\"after\":{after}}}"))
            }

            fn wal_truncate(command: &Command) -> PersistenceResult<String> {
                let deleted = WalMaintenance::new(directory(command)?).truncate_prefix(command.number("through"))?;
                Ok(format!("{{\"ok\":true,\"deleted\":{deleted}}}"))
            }

            fn checkpoint_write(command: &Command) -> PersistenceResult<String> {
                let payload = Raw(crate::script::unhex(command.text("payload")));
                CheckpointFile::new(directory(command)?).write_postcard_durable(
                    command.text("file"),
                    command.number("id"),
                    &payload,
                )?;
                Ok("{\"ok\":true}".to_string())
            }

            fn checkpoint_read(command: &Command) -> PersistenceResult<String> {
                let files = CheckpointFile::new(directory(command)?);
                let (id, payload): (u64, Raw) = files.read_postcard(command.text("file"))?;
                let (len, crc) = (payload.0.len(), crc32fast::hash(&payload.0));
                Ok(format!(
                    "{{\"ok\":true,\"last_applied_id\":{id},\"payload_len\":{len},\"payload_crc\":\"{crc:08x}\"}}"
                ))
            }

            /// `killed=DIR` as for `wal-write`.
            fn records_write(command: &Command) -> PersistenceResult<String> {
                let buffer = command.number_or("buffer", 0) as usize;
                let path = command.text("file");
                let mut log = RecordLogWriter::with_options(directory(command)?, path, policy(command), buffer);
                for op in command.ops() {
                    match op {
                        Op::Append(payload) => log.append_bytes(&payload)?,
                        Op::Flush => log.flush()?,
                        Op::Sync => log.flush_and_sync()?,
                        _ => panic!("a record log does not do that"),
                    }
                }
                if let Some(copy) = command.text_or_none("killed") {
                    crate::script::copy_file(command.text("dir"), copy, path)?;
                }
                Ok("{\"ok\":true}".to_string())
            }

            fn records(command: &Command, mode: RecordLogReadMode) -> PersistenceResult<String> {
                let mut digest = Digest::default();
                for record in RecordLogReader::new(directory(command)?, command.text("file")).read_all(mode)? {
                    digest.record(&record.payload);
                }
                Ok(digest.records_read())
            }

            fn records_read(command: &Command) -> PersistenceResult<String> {
                let verdict = |mode| {
                    records(command, mode).unwrap_or_else(|error| refused(kind(&error), &error.to_string()))
                };
                let strict = verdict(RecordLogReadMode::Strict);
                let best_effort = verdict(RecordLogReadMode::BestEffort);
                Ok(format!("{{\"strict\":{strict},\"best_effort\":{best_effort}}}"))
            }

            /// Appends 12 bytes durably, and reads it all again, strictly.
            fn records_resume(command: &Command) -> PersistenceResult<String> {
                let mut log = RecordLogWriter::new(directory(command)?, command.text("file"));
                log.append_bytes(b"after-resume")?;
                log.flush_and_sync()?;
                let after = records(command, RecordLogReadMode::Strict)
                    .unwrap_or_else(|error| refused(kind(&error), &error.to_string()));
                Ok(format!("{{\"ok\":true,\"after\":{after}}}"))
            }
        }
    };
}
