//! What was read, in a few numbers: crc32 over, for each entry, id u64, payload length u64, payload (records
//! have no id).

use crate::script::quoted;

#[derive(Default)]
pub struct Digest {
    crc: crc32fast::Hasher,
    count: u64,
    first: Option<u64>,
    last: Option<u64>,
}

impl Digest {
    pub fn entry(&mut self, id: u64, payload: &[u8]) {
        self.crc.update(&id.to_le_bytes());
        self.first.get_or_insert(id);
        self.last = Some(id);
        self.record(payload);
    }

    pub fn record(&mut self, payload: &[u8]) {
        self.crc.update(&(payload.len() as u64).to_le_bytes());
        self.crc.update(payload);
        self.count += 1;
    }

    pub fn entries_read(self) -> String {
        let id = |id: Option<u64>| id.map_or("null".to_string(), |id| id.to_string());
        let (first, last) = (id(self.first), id(self.last));
        let (entries, digest) = (self.count, self.crc.finalize());
        format!(
            "{{\"ok\":true,\"entries\":{entries},\"first\":{first},\"last\":{last},\"digest\":\"{digest:08x}\"}}"
        )
    }

    pub fn entries_until(self, kind: &str, message: &str) -> String {
        let (entries, digest, message) = (self.count, self.crc.finalize(), quoted(message));
        format!(
            "{{\"ok\":false,\"entries\":{entries},\"digest\":\"{digest:08x}\",\"kind\":\"{kind}\",\"message\":{message}}}"
        )
    }

    pub fn records_read(self) -> String {
        let (records, digest) = (self.count, self.crc.finalize());
        format!("{{\"ok\":true,\"records\":{records},\"digest\":\"{digest:08x}\"}}")
    }
}
