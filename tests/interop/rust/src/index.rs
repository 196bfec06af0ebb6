//! Logs of the crate's own entry type, `WalEntry`, their checkpoints and their recovery: with 0.10.0.
//!
//! An entry is a word: `add.SEGMENT.DOCS`, `start.TRANSACTION.IDS`, `cancel.TRANSACTION.IDS`,
//! `end.TRANSACTION.NEW.IDS.DELETES`, `del.DELETES`, `mark.ID.PATH`; IDS are `1+2+3`, DELETES are
//! `SEGMENT:DOC+SEGMENT:DOC`, and either may be nothing.

use crate::script::{quoted, refused, Command};
use crate::v0_10::{directory, kind};
use crate_0_10::publish::CheckpointPublisher;
use crate_0_10::recover::{RecoveredState, RecoveryManager};
use crate_0_10::storage::FlushPolicy;
use crate_0_10::walog::{WalEntry, WalReader, WalWriter};
use crate_0_10::PersistenceResult;
use std::path::Path;

pub fn run(command: &Command) -> String {
    let done = match command.name {
        "index-write" => write(command),
        "index-read" => read(command),
        "index-recover" => recover(command),
        other => panic!("no such command: {other}"),
    };
    done.unwrap_or_else(|error| refused(kind(&error), &error.to_string()))
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{text} is not a number"))
}

fn list<T>(text: &str, item: impl Fn(&str) -> T) -> Vec<T> {
    text.split('+').filter(|word| !word.is_empty()).map(item).collect()
}

fn ids(text: &str) -> Vec<u64> {
    list(text, number)
}

fn deletes(text: &str) -> Vec<(u64, u32)> {
    list(text, |word| {
        let (segment, doc) = word.split_once(':').expect("SEGMENT:DOC");
        (number(segment), number(doc))
    })
}

fn parse(word: &str) -> WalEntry {
    let fields: Vec<&str> = word.splitn(if word.starts_with("mark.") { 3 } else { 5 }, '.').collect();
    match fields[..] {
        ["add", id, docs] => WalEntry::AddSegment { segment_id: number(id), doc_count: number(docs) },
        ["start", id, segments] => {
            WalEntry::StartMerge { transaction_id: number(id), segment_ids: ids(segments) }
        }
        ["cancel", id, segments] => {
            WalEntry::CancelMerge { transaction_id: number(id), segment_ids: ids(segments) }
        }
        ["end", id, new, old, remapped] => WalEntry::EndMerge {
            transaction_id: number(id),
            new_segment_id: number(new),
            old_segment_ids: ids(old),
            remapped_deletes: deletes(remapped),
        },
        ["del", pairs] => WalEntry::DeleteDocuments { deletes: deletes(pairs) },
        ["mark", id, path] => {
            WalEntry::Checkpoint { checkpoint_path: path.to_string(), last_entry_id: number(id) }
        }
        _ => panic!("no such entry: {word}"),
    }
}

fn joined<T>(items: &[T], item: impl Fn(&T) -> String) -> String {
    items.iter().map(item).collect::<Vec<_>>().join("+")
}

fn spelled(entry: &WalEntry) -> String {
    let ids = |ids: &[u64]| joined(ids, u64::to_string);
    let pairs = |pairs: &[(u64, u32)]| joined(pairs, |(segment, doc)| format!("{segment}:{doc}"));
    match entry {
        WalEntry::AddSegment { segment_id, doc_count } => format!("add.{segment_id}.{doc_count}"),
        WalEntry::StartMerge { transaction_id, segment_ids } => {
            format!("start.{transaction_id}.{}", ids(segment_ids))
        }
        WalEntry::CancelMerge { transaction_id, segment_ids } => {
            format!("cancel.{transaction_id}.{}", ids(segment_ids))
        }
        WalEntry::EndMerge { transaction_id, new_segment_id, old_segment_ids, remapped_deletes } => format!(
            "end.{transaction_id}.{new_segment_id}.{}.{}",
            ids(old_segment_ids),
            pairs(remapped_deletes)
        ),
        WalEntry::DeleteDocuments { deletes } => format!("del.{}", pairs(deletes)),
        WalEntry::Checkpoint { checkpoint_path, last_entry_id } => {
            format!("mark.{last_entry_id}.{checkpoint_path}")
        }
        other => panic!("no such entry is known: {other:?}"),
    }
}

/// `ops=` are entries; `publish.PATH` publishes what the log makes up to there. Ends flushed.
fn write(command: &Command) -> PersistenceResult<String> {
    let dir = directory(command)?;
    let exists = Path::new(command.text("dir")).join("wal").exists();
    let mut wal = if exists {
        WalWriter::<WalEntry>::open(dir.clone())?
    } else {
        WalWriter::<WalEntry>::with_options(dir.clone(), FlushPolicy::PerAppend, 0)
    };
    wal.set_segment_size_limit_bytes(command.number("segment"));
    let first = wal.next_entry_id();
    for word in command.text("ops").split(',').filter(|word| !word.is_empty()) {
        if let Some(path) = word.strip_prefix("publish.") {
            wal.flush()?;
            let state = RecoveryManager::new(dir.clone()).recover_latest()?;
            let last = state.last_entry_id;
            let state = RecoveryManager::to_checkpoint_state(&state);
            CheckpointPublisher::new(dir.clone()).publish_checkpoint(&mut wal, &state, last, path)?;
        } else {
            wal.append(&parse(word))?;
        }
    }
    wal.flush()?;
    Ok(format!("{{\"ok\":true,\"first\":{first},\"next\":{}}}", wal.next_entry_id()))
}

fn read(command: &Command) -> PersistenceResult<String> {
    let records = WalReader::<WalEntry>::new(directory(command)?).replay()?;
    let entries: Vec<String> =
        records.iter().map(|record| format!("[{},{}]", record.entry_id, quoted(&spelled(&record.payload)))).collect();
    Ok(format!("{{\"ok\":true,\"entries\":[{}]}}", entries.join(",")))
}

/// What was recovered, as `to_checkpoint_state` orders it.
fn state(state: PersistenceResult<RecoveredState>) -> String {
    let state = match state {
        Ok(state) => state,
        Err(error) => return refused(kind(&error), &error.to_string()),
    };
    let segments: Vec<String> = RecoveryManager::to_checkpoint_state(&state)
        .segments
        .iter()
        .map(|segment| format!("[{},{},{:?}]", segment.segment_id, segment.doc_count, segment.deleted_docs))
        .collect();
    format!("{{\"ok\":true,\"last\":{},\"segments\":[{}]}}", state.last_entry_id, segments.join(","))
}

/// In every way there is; `checkpoint=PATH` is for the ways that are given one.
fn recover(command: &Command) -> PersistenceResult<String> {
    let manager = RecoveryManager::new(directory(command)?);
    let path = command.text_or_none("checkpoint");
    Ok(format!(
        "{{\"recover\":{},\"best_effort\":{},\"latest\":{},\"latest_best_effort\":{}}}",
        state(manager.recover(path)),
        state(manager.recover_best_effort(path)),
        state(manager.recover_latest()),
        state(manager.recover_latest_best_effort())
    ))
}
