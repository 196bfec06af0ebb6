//! Prints what the crate `postcard` writes and accepts; see ../README.md.

use serde::{de::DeserializeOwned, Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Serialize, Deserialize)]
struct Nothing;

#[derive(Serialize, Deserialize)]
struct Metres(u32);

#[derive(Serialize, Deserialize)]
struct Point {
    x: i32,
    y: i32,
}

#[derive(Serialize, Deserialize)]
struct Nested {
    name: String,
    at: Point,
    nothing: Nothing,
    path: Vec<Point>,
    note: Option<String>,
}

#[derive(Serialize, Deserialize)]
enum Colour {
    Red,
    Green,
    Blue,
}

#[derive(Serialize, Deserialize)]
enum Shape {
    Unit,
    Newtype(u32),
    Tuple(u8, String),
    Struct { x: i16, y: bool },
    Boxed(Box<Shape>),
    Many(Vec<Shape>),
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn value<T: Serialize>(name: &str, value: T) {
    println!("value\t{name}\t{}", hex(&postcard::to_stdvec(&value).unwrap()));
}

fn verdict<T: Serialize + DeserializeOwned>(type_name: &str, bytes: &[u8]) {
    print!("verdict\t{type_name}\t{}\t", hex(bytes));
    match postcard::take_from_bytes::<T>(bytes) {
        Ok((value, rest)) => {
            let again = postcard::to_stdvec(&value).unwrap();
            println!("accept\t{}\t{}", bytes.len() - rest.len(), hex(&again));
        }
        Err(_) => println!("refuse"),
    }
}

macro_rules! integers {
    ($($type:ident)*) => {$(
        let name = stringify!($type);
        value(&format!("{name} min"), $type::MIN);
        value(&format!("{name} max"), $type::MAX);
        value(&format!("{name} 0"), 0 as $type);
        value(&format!("{name} 1"), 1 as $type);
        value(&format!("{name} -1"), (0 as $type).wrapping_sub(1));
        // Both sides of every boundary between two lengths.
        for bits in (6..$type::BITS - 1).filter(|bits| bits % 7 == 0 || bits % 7 == 6) {
            let power = (1 as $type) << bits;
            value(&format!("{name} 2^{bits}"), power);
            value(&format!("{name} 2^{bits}-1"), power - 1);
            value(&format!("{name} -2^{bits}"), (0 as $type).wrapping_sub(power));
            value(&format!("{name} -2^{bits}-1"), (0 as $type).wrapping_sub(power).wrapping_sub(1));
        }
    )*}
}

fn integers() {
    integers!(u8 u16 u32 u64 u128 i8 i16 i32 i64 i128);
}

fn scalars() {
    value("bool false", false);
    value("bool true", true);
    value("unit", ());
    value("unit struct", Nothing);
    value("newtype struct", Metres(300));
    for (name, number) in [
        ("0", 0.0),
        ("-0", -0.0),
        ("1.5", 1.5),
        ("-1.5", -1.5),
        ("inf", f64::INFINITY),
        ("-inf", f64::NEG_INFINITY),
        ("nan", f64::NAN),
    ] {
        value(&format!("f32 {name}"), number as f32);
        value(&format!("f64 {name}"), number);
    }
    value("f32 max", f32::MAX);
    value("f32 least", f32::from_bits(1));
    value("f64 max", f64::MAX);
    value("f64 least", f64::from_bits(1));
    for point in [0, 0x41, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff] {
        value(&format!("char {point:x}"), char::from_u32(point).unwrap());
    }
}

fn texts_and_options() {
    value("string empty", "");
    value("string ascii", "hello");
    value("string wide", "a\u{e9}\u{20ac}\u{1f600}\0z");
    value("string 127", "x".repeat(127));
    value("string 128", "x".repeat(128));
    value("string 300", "x".repeat(300));
    value("bytes empty", Vec::<u8>::new());
    value("bytes 0 7f 80 ff", vec![0x00_u8, 0x7f, 0x80, 0xff]);
    value("bytes 300", vec![0xab_u8; 300]);
    value("option none", None::<u32>);
    value("option some", Some(300_u32));
    value("option none of option", None::<Option<u8>>);
    value("option some none", Some(None::<u8>));
    value("option some some", Some(Some(7_u8)));
    value("option some unit", Some(()));
}

fn collections() {
    value("seq empty", Vec::<u32>::new());
    value("seq u32", vec![0_u32, 127, 128, u32::MAX]);
    value("seq i8", vec![-1_i8, 0, i8::MIN]);
    value("seq bool", vec![true, false, true]);
    value("seq f32", vec![1.0_f32, -2.5]);
    value("seq string", vec!["a", "", "bc"]);
    value("seq seq", vec![vec![1_u16], vec![], vec![2, 300]]);
    value("seq unit", vec![(), (), ()]);
    value("seq 200", vec![300_u16; 200]);
    value("map empty", BTreeMap::<u8, u8>::new());
    value("map string u32", BTreeMap::from([("b", 2_u32), ("a", 300), ("", 0)]));
    value("map u16 seq", BTreeMap::from([(300_u16, vec![1_u8]), (2, vec![])]));
    value("set i32", BTreeSet::from([5, -3, 0]));
    value("array empty", [0_u32; 0]);
    value("array u16", [1_u16, 300, 65535]);
    value("array u8", [1_u8, 2, 255]);
    value("array string", ["x", "y"]);
    value("tuple 1", (300_u16,));
    value("tuple 2", (1_u8, "two"));
    value("tuple 4", (true, -1_i64, 0.5_f64, ('x', Some(2_u8))));
}

fn structs_and_enums() {
    value("struct", Point { x: -1, y: 64 });
    let path = vec![Point { x: 1, y: 2 }, Point { x: -3, y: 4 }];
    let nested = Nested { name: "n".into(), at: Point { x: 0, y: -65 }, nothing: Nothing, path, note: Some("!".into()) };
    value("struct nested", nested);
    let bare = Nested { name: "".into(), at: Point { x: 0, y: 0 }, nothing: Nothing, path: vec![], note: None };
    value("struct bare", bare);
    value("enum unit only 0", Colour::Red);
    value("enum unit only 1", Colour::Green);
    value("enum unit only 2", Colour::Blue);
    value("enum unit", Shape::Unit);
    value("enum newtype", Shape::Newtype(300));
    value("enum tuple", Shape::Tuple(9, "t".into()));
    value("enum struct", Shape::Struct { x: -2, y: true });
    value("enum boxed", Shape::Boxed(Box::new(Shape::Boxed(Box::new(Shape::Newtype(1))))));
    value("enum many", Shape::Many(vec![Shape::Unit, Shape::Many(vec![]), Shape::Tuple(0, "".into())]));
}

fn every_type(bytes: &[u8]) {
    verdict::<bool>("bool", bytes);
    verdict::<u8>("u8", bytes);
    verdict::<i8>("i8", bytes);
    verdict::<u16>("u16", bytes);
    verdict::<i16>("i16", bytes);
    verdict::<u32>("u32", bytes);
    verdict::<i32>("i32", bytes);
    verdict::<u64>("u64", bytes);
    verdict::<i64>("i64", bytes);
    verdict::<u128>("u128", bytes);
    verdict::<i128>("i128", bytes);
    verdict::<f32>("f32", bytes);
    verdict::<f64>("f64", bytes);
    verdict::<char>("char", bytes);
    verdict::<String>("string", bytes);
    verdict::<Vec<u8>>("bytes", bytes);
    verdict::<Vec<u16>>("seq u16", bytes);
    verdict::<Vec<bool>>("seq bool", bytes);
    verdict::<Vec<Option<u8>>>("seq option", bytes);
    verdict::<Vec<String>>("seq string", bytes);
    verdict::<BTreeMap<u8, u16>>("map", bytes);
    verdict::<BTreeSet<u8>>("set", bytes);
    verdict::<[u16; 3]>("array", bytes);
    verdict::<(u8, String)>("tuple", bytes);
    verdict::<Nested>("struct", bytes);
    verdict::<Shape>("enum", bytes);
}

fn chosen_verdicts() {
    let chosen: &[&[u8]] = &[
        b"",
        b"\x00",
        b"\x01",
        b"\x02",
        b"\x7f",
        b"\x80",
        b"\xff",
        b"\x80\x00",
        b"\x81\x00",
        b"\x80\x80\x00",
        b"\x80\x80\x80\x00",
        b"\xff\xff\x03",
        b"\xff\xff\x04",
        b"\x80\x80\x80\x80\x00",
        b"\xff\xff\xff\xff\x0f",
        b"\xff\xff\xff\xff\x10",
        b"\x80\x80\x80\x80\x80\x00",
        b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
        b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00",
        b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x03",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x04",
        b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00",
        b"\x00\x00\xc0\x7f\x00\x00\xf8\x7f",
        b"\x01\x00\xa0\x7f\x01\x00\xf4\xff",
        b"\x01a",
        b"\x02ab",
        b"\x05abcde",
        b"\x81\x00a",
        b"\x01\x80",
        b"\x01\xff",
        b"\x02\xc0\x80",
        b"\x02\xc1\xbf",
        b"\x02\xc2\x80",
        b"\x02\xdf\xbf",
        b"\x02\xc3a",
        b"\x03a\xc3\xa9",
        b"\x03\xe0\x80\x80",
        b"\x03\xe0\x9f\xbf",
        b"\x03\xe0\xa0\x80",
        b"\x03\xed\x9f\xbf",
        b"\x03\xed\xa0\x80",
        b"\x03\xed\xbf\xbf",
        b"\x03\xee\x80\x80",
        b"\x03\xef\xbf\xbf",
        b"\x02\xe2\x82",
        b"\x04\xf0\x80\x80\x80",
        b"\x04\xf0\x8f\xbf\xbf",
        b"\x04\xf0\x90\x80\x80",
        b"\x04\xf0\x9f\x98\x80",
        b"\x04\xf4\x8f\xbf\xbf",
        b"\x04\xf4\x90\x80\x80",
        b"\x04\xf5\x80\x80\x80",
        b"\x05\xf8\x88\x80\x80\x80",
        b"\x0912345678\xff",
        b"\x0a12345678\xc3\xa9",
        b"\x02\x05\x0a\x05\x14",
        b"\x03\x01\x01\x01\x02\x01\x03",
        b"\x02\x00\x00",
        b"\x02\x01\x02",
        b"\x02\x02\x00",
        b"\x03\x80\x01\x02",
        b"\x04\x00",
        b"\x04\x04\x04\x01\x2a",
        b"\x05\x03\x00\x01\x2a\x02\x07\x00",
        b"\x06\x00",
        b"\x80\x80\x80\x80\x10",
        b"\x84\x00\x00",
        b"\x01n\x00\x81\x01\x02\x02\x04\x05\x08\x01\x01!",
        b"\x01n\x00\x81\x01\x02\x02\x04\x05\x08\x02",
        b"\x01n\x00\x81\x01\x02\x02\x04\x05",
    ];
    for bytes in chosen {
        every_type(bytes);
    }
}

/// Short inputs from a fixed generator (Knuth's MMIX constants), of bytes that mean something somewhere.
fn random_verdicts() {
    let interesting = b"\x00\x00\x01\x01\x02\x02\x03\x04\x05\x10\x7f\x80\x80\x81\xff\xffaz\xc3\xa9\xe2\x82\xac\xed";
    let mut state = 1_u64;
    let mut below = |bound: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((state >> 33) as usize) % bound
    };
    for _ in 0..60 {
        let length = 1 + below(12);
        let bytes: Vec<u8> = (0..length).map(|_| interesting[below(interesting.len())]).collect();
        every_type(&bytes);
    }
}

fn main() {
    println!("# Written by generator/ with the crate postcard 1.1.3; see README.md. Do not edit.");
    integers();
    scalars();
    texts_and_options();
    collections();
    structs_and_enums();
    chosen_verdicts();
    random_verdicts();
}
