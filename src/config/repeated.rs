//! Members that the configuration has more than once in one object. Of those, JSON parsers keep the
//! last one in silence.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::form::{join, shown};

/// The paths of the members that an object has more than once, in the order of the text. Empty for
/// a text that is no JSON.
pub(crate) fn repeated_members(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let within = Within {
        path: String::new(),
        found: &mut found,
    };
    // Who parses the text tells what is wrong with it.
    let _ = within.deserialize(&mut serde_json::Deserializer::from_str(text));
    found
}

/// The value at a path.
struct Within<'a> {
    path: String,
    found: &'a mut Vec<String>,
}

impl Within<'_> {
    fn value(&mut self, path: String) -> Within<'_> {
        Within {
            path,
            found: self.found,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Within<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Within<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let path = join(&self.path, &shown(&name));
            if !names.insert(name) && !self.found.contains(&path) {
                self.found.push(path.clone());
            }
            map.next_value_seed(self.value(path))?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let path = self.path.clone();
        while list.next_element_seed(self.value(path.clone()))?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_an_object_has_twice_is_found_at_any_level() {
        for (text, expected) in [
            (
                r#"{"a": 1, "b": [true, null, 1.5, -1, "x"], "c": {"a": 1}}"#,
                &[][..],
            ),
            (r#"{"a": 1, "a": 2, "a": 3}"#, &["a"]),
            (
                r#"{"authentication": {"password": "x", "method": "password", "password": "y"}}"#,
                &["authentication.password"],
            ),
            (
                r#"{"queries": [{"sql": "x"}, {"sql": "x", "sql": "y"}], "queries": {}}"#,
                &["queries.sql", "queries"],
            ),
            (r#"{"a": 1, "\u0061": 2"#, &["a"]),
            ("{\"a\": 1,", &[]),
            ("5", &[]),
        ] {
            assert_eq!(repeated_members(text), expected, "{text}");
        }
    }
}
