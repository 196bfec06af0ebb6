//! Writes the vectors of ../README.md: `cargo run -- <directory>` makes <directory>/vectors.txt and logs/.

use durability::publish::CheckpointPublisher;
use durability::recover::{CheckpointSegment, CheckpointState, RecoveryManager};
use durability::storage::{Directory, FsDirectory};
use durability::walog::{WalEntry, WalWriter};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn add(segment_id: u64, doc_count: u32) -> WalEntry {
    WalEntry::AddSegment { segment_id, doc_count }
}

fn delete(deletes: &[(u64, u32)]) -> WalEntry {
    WalEntry::DeleteDocuments { deletes: deletes.to_vec() }
}

fn merge(new_segment_id: u64, old: &[u64], remapped: &[(u64, u32)]) -> WalEntry {
    WalEntry::EndMerge {
        transaction_id: 7,
        new_segment_id,
        old_segment_ids: old.to_vec(),
        remapped_deletes: remapped.to_vec(),
    }
}

fn entries() -> Vec<(&'static str, WalEntry)> {
    vec![
        ("add", add(1, 5)),
        ("add most", add(u64::MAX, u32::MAX)),
        ("start", WalEntry::StartMerge { transaction_id: 300, segment_ids: vec![1, 2, 1 << 40] }),
        ("start nothing", WalEntry::StartMerge { transaction_id: 0, segment_ids: vec![] }),
        ("cancel", WalEntry::CancelMerge { transaction_id: 300, segment_ids: vec![1, 2] }),
        ("end", merge(3, &[1, 2], &[(3, 4), (2, 99), (3, 128)])),
        ("end nothing", merge(0, &[], &[])),
        ("delete", delete(&[(1, 4), (u64::MAX, u32::MAX), (1, 4)])),
        ("delete nothing", delete(&[])),
        (
            "checkpoint",
            WalEntry::Checkpoint { checkpoint_path: "checkpoints/größe.ckpt".into(), last_entry_id: 1000 },
        ),
        ("checkpoint nowhere", WalEntry::Checkpoint { checkpoint_path: String::new(), last_entry_id: u64::MAX }),
    ]
}

fn states() -> Vec<(&'static str, CheckpointState)> {
    let segment = |segment_id, doc_count, deleted_docs: &[u32]| CheckpointSegment {
        segment_id,
        doc_count,
        deleted_docs: deleted_docs.to_vec(),
    };
    vec![
        ("nothing", CheckpointState { segments: vec![] }),
        ("one", CheckpointState { segments: vec![segment(7, 3, &[0, 2])] }),
        (
            "three",
            CheckpointState {
                segments: vec![segment(1, 0, &[]), segment(300, 70000, &[1, 127, 128, u32::MAX]), segment(u64::MAX, 1, &[0])],
            },
        ),
    ]
}

/// Logs that live through everything there is. `Publish` writes a checkpoint of what is recovered so far.
enum Step {
    Append(WalEntry),
    Publish(&'static str),
}

fn logs() -> Vec<(&'static str, Vec<Step>)> {
    use Step::{Append, Publish};
    let merged = || {
        vec![
            Append(add(1, 10)),
            Append(add(2, 20)),
            Append(delete(&[(1, 3), (2, 19), (9, 1), (1, 3)])),
            Append(WalEntry::StartMerge { transaction_id: 7, segment_ids: vec![1, 2] }),
            Append(delete(&[(2, 7)])),
            Append(merge(3, &[1, 2], &[(3, 5), (2, 99), (3, 17)])),
            Append(delete(&[(2, 8), (3, 1)])),
        ]
    };
    let mut published = merged();
    published.push(Publish("checkpoints/1.ckpt"));
    published.push(Append(add(4, 40)));
    published.push(Append(add(3, 30)));
    published.push(Append(delete(&[(3, 2), (4, 1)])));
    published.push(Publish("checkpoints/2.ckpt"));
    published.push(Append(WalEntry::CancelMerge { transaction_id: 8, segment_ids: vec![3, 4] }));
    published.push(Append(merge(4, &[4, 77], &[(4, 6)])));
    vec![("merged", merged()), ("published", published), ("empty", vec![])]
}

fn write_log(root: &Path, steps: Vec<Step>) -> CheckpointState {
    let directory: Arc<dyn Directory> = FsDirectory::arc(root).unwrap();
    let manager = RecoveryManager::new(directory.clone());
    let mut wal = WalWriter::<WalEntry>::new(directory.clone());
    wal.set_segment_size_limit_bytes(120);
    for step in steps {
        match step {
            Step::Append(entry) => {
                wal.append(&entry).unwrap();
            }
            Step::Publish(path) => {
                wal.flush_and_sync().unwrap();
                let state = manager.recover_latest().unwrap();
                CheckpointPublisher::new(directory.clone())
                    .publish_checkpoint(
                        &mut wal,
                        &RecoveryManager::to_checkpoint_state(&state),
                        state.last_entry_id,
                        path,
                    )
                    .unwrap();
            }
        }
    }
    wal.flush().unwrap();
    drop(wal);
    let _ = std::fs::remove_file(root.join("wal/.lock"));
    RecoveryManager::to_checkpoint_state(&manager.recover_latest().unwrap())
}

fn main() {
    let out = std::env::args().nth(1).expect("the directory to write to");
    let out = Path::new(&out);
    let mut text = String::from("# Written by generator/ with the crate durability 0.10.0; see README.md. Do not edit.\n");
    for (name, entry) in entries() {
        writeln!(text, "entry\t{name}\t{}", hex(&postcard::to_allocvec(&entry).unwrap())).unwrap();
    }
    for (name, state) in states() {
        writeln!(text, "state\t{name}\t{}", hex(&postcard::to_allocvec(&state).unwrap())).unwrap();
    }
    for (name, steps) in logs() {
        let root = out.join("logs").join(name);
        let _ = std::fs::remove_dir_all(&root);
        let recovered = write_log(&root, steps);
        writeln!(text, "log\t{name}\t{}", hex(&postcard::to_allocvec(&recovered).unwrap())).unwrap();
    }
    std::fs::write(out.join("vectors.txt"), text).unwrap();
}
