//! A command: its name and its fields, `name field=value field=value …`, and what it answers: one line of
//! JSON.

use std::collections::HashMap;
use std::path::Path;

pub struct Command<'a> {
    pub name: &'a str,
    fields: HashMap<&'a str, &'a str>,
}

impl<'a> Command<'a> {
    pub fn parse(line: &'a str) -> Self {
        let mut words = line.split_ascii_whitespace();
        let name = words.next().unwrap_or("");
        let fields = words.map(|word| word.split_once('=').expect("field=value")).collect();
        Command { name, fields }
    }

    pub fn text(&self, field: &str) -> &'a str {
        self.fields.get(field).copied().unwrap_or_else(|| panic!("{} needs {field}=", self.name))
    }

    pub fn text_or_none(&self, field: &str) -> Option<&'a str> {
        self.fields.get(field).copied()
    }

    pub fn number(&self, field: &str) -> u64 {
        self.text(field).parse().unwrap_or_else(|_| panic!("{field}= is not a number"))
    }

    pub fn number_or(&self, field: &str, absent: u64) -> u64 {
        self.text_or_none(field).map_or(absent, |_| self.number(field))
    }

    /// What a writer does, step by step: `ops=a:00ff,f,s,…`.
    pub fn ops(&self) -> impl Iterator<Item = Op> + 'a {
        self.text("ops").split(',').filter(|word| !word.is_empty()).map(Op::parse)
    }
}

pub enum Op {
    /// `a:<hex>`: append this payload.
    Append(Vec<u8>),
    /// `b:<hex>+<hex>+…`: append them as one batch.
    Batch(Vec<Vec<u8>>),
    /// `f`: flush.
    Flush,
    /// `s`: flush and sync.
    Sync,
    /// `o`: from here on every segment is too old, so each entry begins a new one.
    Old,
    /// `y`: from here on no segment is too old.
    Young,
}

impl Op {
    fn parse(word: &str) -> Op {
        match word.split_once(':') {
            Some(("a", payload)) => Op::Append(unhex(payload)),
            Some(("b", payloads)) => Op::Batch(payloads.split('+').map(unhex).collect()),
            _ => match word {
                "f" => Op::Flush,
                "s" => Op::Sync,
                "o" => Op::Old,
                "y" => Op::Young,
                _ => panic!("no such step: {word}"),
            },
        }
    }
}

pub fn unhex(text: &str) -> Vec<u8> {
    let digit = |c: u8| (c as char).to_digit(16).expect("hex digits") as u8;
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push('?'),
            c => out.push(c),
        }
    }
    out + "\""
}

pub fn refused(kind: &str, message: &str) -> String {
    format!("{{\"ok\":false,\"kind\":\"{kind}\",\"message\":{}}}", quoted(message))
}

/// The files below `wal/` of one directory, as they are at this moment, into another.
pub fn copy_wal(from: &str, to: &str) -> std::io::Result<()> {
    let (from, to) = (Path::new(from).join("wal"), Path::new(to).join("wal"));
    std::fs::create_dir_all(&to)?;
    if !from.exists() {
        return Ok(());
    }
    for file in from.read_dir()? {
        let file = file?;
        std::fs::copy(file.path(), to.join(file.file_name()))?;
    }
    Ok(())
}

/// One file of one directory, if it is there, as it is at this moment, into another.
pub fn copy_file(from: &str, to: &str, file: &str) -> std::io::Result<()> {
    let path = Path::new(from).join(file);
    if path.exists() {
        std::fs::copy(path, Path::new(to).join(file))?;
    }
    Ok(())
}
