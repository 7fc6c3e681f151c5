//! Arrays, maps and rows: serde walks over one level, each value goes to the writer of its kind.

use std::collections::HashSet;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::changes::{Change, Changes};
use super::plan::{CellKind, MapPlan, RowPlan};
use super::slow::{Mismatch, write_cell};
use crate::amounts::amount;

/// Why a walk ended early.
#[derive(Debug)]
pub(super) enum Stop {
    /// No JSON at this byte.
    Syntax(usize),
    /// A value does not fit.
    Mismatch(Mismatch),
}

/// Calls `each` with the JSON text of every element of the array that `text` begins with; returns
/// the array's length in bytes.
pub(super) fn elements<'t>(
    text: &'t str,
    each: &mut dyn FnMut(&'t str) -> Result<(), Mismatch>,
) -> Result<usize, Stop> {
    walk(text, &mut |_, value| each(value), |json, walker| {
        json.deserialize_seq(walker)
    })
}

/// Calls `each` with the JSON texts of every key and value of the object that `text` begins with.
fn members<'t>(
    text: &'t str,
    each: &mut dyn FnMut(&'t str, &'t str) -> Result<(), Mismatch>,
) -> Result<usize, Stop> {
    walk(text, each, |json, walker| json.deserialize_map(walker))
}

type Json<'t> = serde_json::Deserializer<serde_json::de::StrRead<'t>>;

fn walk<'t>(
    text: &'t str,
    each: &mut dyn FnMut(&'t str, &'t str) -> Result<(), Mismatch>,
    start: impl FnOnce(&mut Json<'t>, Walker<'_, 't>) -> serde_json::Result<()>,
) -> Result<usize, Stop> {
    let mut json = serde_json::Deserializer::from_str(text);
    let mut mismatch = None;
    match start(
        &mut json,
        Walker {
            each,
            mismatch: &mut mismatch,
        },
    ) {
        Ok(()) => Ok(json.into_iter::<&RawValue>().byte_offset()),
        Err(error) => {
            Err(mismatch.map_or_else(|| Stop::Syntax(place(text, &error)), Stop::Mismatch))
        }
    }
}

/// The byte at which serde stopped, from the line and column that it tells.
fn place(text: &str, error: &serde_json::Error) -> usize {
    let line_start = match error.line() {
        0 | 1 => 0,
        line => text
            .match_indices('\n')
            .nth(line - 2)
            .map_or(0, |(newline, _)| newline + 1),
    };
    (line_start + error.column())
        .saturating_sub(1)
        .min(text.len())
}

/// Passes raw values on. serde's errors can hold only text, so a mismatch is kept here and not in
/// the error.
struct Walker<'w, 't> {
    each: &'w mut dyn FnMut(&'t str, &'t str) -> Result<(), Mismatch>,
    mismatch: &'w mut Option<Mismatch>,
}

impl<'t> Walker<'_, 't> {
    fn hand_on<E: serde::de::Error>(&mut self, key: &'t str, value: &'t str) -> Result<(), E> {
        (self.each)(key, value).map_err(|mismatch| {
            *self.mismatch = Some(mismatch);
            E::custom("mismatch")
        })
    }
}

impl<'t> Visitor<'t> for Walker<'_, 't> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array or an object")
    }

    fn visit_seq<A: SeqAccess<'t>>(mut self, mut array: A) -> Result<(), A::Error> {
        while let Some(value) = array.next_element::<&RawValue>()? {
            self.hand_on("", value.get())?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'t>>(mut self, mut object: A) -> Result<(), A::Error> {
        while let Some((key, value)) = object.next_entry::<&RawValue, &RawValue>()? {
            self.hand_on(key.get(), value.get())?;
        }
        Ok(())
    }
}

/// The text of a cell is known to be JSON, so only a mismatch can stop a walk inside of it.
fn as_mismatch(stop: Stop, expected: &'static str, raw: &str) -> Mismatch {
    match stop {
        Stop::Mismatch(mismatch) => mismatch,
        Stop::Syntax(_) => Mismatch::new(expected, raw),
    }
}

/// Writes an array, element by element.
pub(super) fn write_array(
    element: &CellKind,
    raw: &str,
    changes: &mut Changes,
    out: &mut Vec<u8>,
) -> Result<(), Mismatch> {
    let mut separator = b'[';
    elements(raw, &mut |value| {
        out.push(separator);
        separator = b',';
        write_cell(element, value, changes, out)
    })
    .map_err(|stop| as_mismatch(stop, "an array", raw))?;
    out.extend_from_slice(if separator == b'[' { b"[]" } else { b"]" });
    Ok(())
}

/// Writes a map as an object. Keys stay the strings that Trino made of them.
///
/// Of keys with the same text the first one wins.
pub(super) fn write_map(
    map: &MapPlan,
    raw: &str,
    changes: &mut Changes,
    out: &mut Vec<u8>,
) -> Result<(), Mismatch> {
    let mut separator = b'{';
    let mut seen = HashSet::new();
    members(raw, &mut |key, value| {
        if map.keys_may_repeat && !seen.insert(key) {
            changes.note(Change::Truncated);
            return Ok(());
        }
        out.push(separator);
        separator = b',';
        out.extend_from_slice(key.as_bytes());
        out.push(b':');
        write_cell(&map.value, value, changes, out)
    })
    .map_err(|stop| as_mismatch(stop, "a map", raw))?;
    out.extend_from_slice(if separator == b'{' { b"{}" } else { b"}" });
    Ok(())
}

/// Writes a row, which comes as a positional array, as an object with the fields' names.
pub(super) fn write_object(
    row: &RowPlan,
    raw: &str,
    changes: &mut Changes,
    out: &mut Vec<u8>,
) -> Result<(), Mismatch> {
    let mut count = 0;
    elements(raw, &mut |value| {
        if let Some(field) = row.fields.get(count) {
            field.key.append_to(out);
            write_cell(&field.kind, value, changes, out)?;
        }
        count += 1;
        Ok(())
    })
    .map_err(|stop| as_mismatch(stop, "a row", raw))?;
    if count != row.fields.len() {
        return Err(Mismatch::new(
            format!("a row of {}", amount(row.fields.len(), "value")),
            raw,
        ));
    }
    out.extend_from_slice(if count == 0 { b"{}" } else { b"}" });
    Ok(())
}
