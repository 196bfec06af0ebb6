//! Bytes as an entry type. postcard writes a tuple of `u8` as those bytes and nothing else, so that the
//! typed interface, the only one that every version of the crate has, carries any payload as it is.

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeTuple, Serializer};

pub struct Raw(pub Vec<u8>);

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for byte in &self.0 {
            tuple.serialize_element(byte)?;
        }
        tuple.end()
    }
}

struct Rest;

impl<'de> Visitor<'de> for Rest {
    type Value = Raw;

    fn expecting(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        out.write_str("bytes up to the end")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut bytes = Vec::new();
        // The end of the input is an error to postcard; to this type it is where the payload ends.
        while let Ok(Some(byte)) = seq.next_element::<u8>() {
            bytes.push(byte);
        }
        Ok(Raw(bytes))
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_tuple(usize::MAX, Rest)
    }
}
