//! One answer of Trino's client protocol: the small envelope as a struct, the rows as bytes.
//!
//! The rows (`data`) are found by their brackets and are not parsed here. So a page of a megabyte
//! is read only once, and bytes that are not UTF-8 do not make the page unreadable.
//!
//! Source: `client/trino-client`, `QueryResults`; members are read in any order.

use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::trino::error::QueryError;

/// One answer to a request of the statement protocol.
#[derive(Debug)]
pub struct Page {
    /// Everything but the rows.
    pub envelope: Envelope,
    body: Bytes,
    rows: Option<Range<usize>>,
}

/// The members of an answer that this client uses. All others are ignored: `stats` grows in
/// most releases.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// The query's id.
    pub id: String,
    /// Where the next answer is; absent in the last one.
    pub next_uri: Option<String>,
    /// The result's columns, once they are known.
    pub columns: Option<Box<RawValue>>,
    /// Why the query failed. Rows may have come before.
    pub(crate) error: Option<Box<QueryError>>,
    /// How far the query is.
    #[serde(default)]
    pub stats: Stats,
}

/// The part of `stats` that this client uses.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Stats {
    /// QUEUED, …, FINISHED or FAILED.
    pub state: String,
}

/// A column of a result.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    /// Name, in lower case for a table's columns.
    pub name: String,
    /// Type as text, for example `decimal(38, 10)`.
    #[serde(rename = "type")]
    pub type_text: String,
    /// Type as a tree, which is exact even if the text is ambiguous.
    pub type_signature: Option<Box<RawValue>>,
}

/// Why an answer could not be read.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The body has no byte; proxies answer like that, and a retry may help.
    #[error("the answer is empty")]
    Empty,
    /// The body ends early or is not what Trino sends.
    #[error("the answer is not Trino's: {0}")]
    Malformed(String),
}

impl Page {
    /// Reads the body of an answer.
    ///
    /// # Errors
    ///
    /// When it is empty, cut off, or not an answer of the statement protocol.
    pub fn parse(body: Bytes) -> Result<Self, PageError> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(PageError::Empty);
        }
        let (envelope, data) = match Self::split(&body, rows_end) {
            Ok(split) => split,
            // The members are in an unusual order, or a value looks like the end of the rows.
            Err(_) => Self::split(&body, value_end)?,
        };
        let rows = data.filter(|data| &body[data.clone()] != b"null");
        Ok(Self {
            envelope,
            body,
            rows,
        })
    }

    /// Splits a body into the envelope and the rows. `end_of` finds the end of `data`.
    fn split(
        body: &[u8],
        end_of: fn(&[u8], usize) -> Option<usize>,
    ) -> Result<(Envelope, Option<Range<usize>>), PageError> {
        let data = find_data(body, end_of)?;
        let envelope = match &data {
            None => serde_json::from_slice(body),
            Some(data) => {
                let mut rest = Vec::with_capacity(body.len() - data.len() + 4);
                rest.extend_from_slice(&body[..data.start]);
                rest.extend_from_slice(b"null");
                rest.extend_from_slice(&body[data.end..]);
                serde_json::from_slice(&rest)
            }
        };
        let envelope = envelope.map_err(|error| PageError::Malformed(error.to_string()))?;
        Ok((envelope, data))
    }

    /// How many bytes the whole answer has.
    pub fn size(&self) -> usize {
        self.body.len()
    }

    /// The JSON text of `data`; `None` when the answer has no rows.
    pub fn rows(&self) -> Option<Bytes> {
        self.rows.clone().map(|rows| self.body.slice(rows))
    }

    /// The result's columns, when this answer has them.
    ///
    /// # Errors
    ///
    /// When they have not the form that Trino sends.
    pub fn columns(&self) -> Result<Option<Vec<Column>>, PageError> {
        let Some(columns) = &self.envelope.columns else {
            return Ok(None);
        };
        serde_json::from_str(columns.get())
            .map(Some)
            .map_err(|error| PageError::Malformed(format!("columns: {error}")))
    }
}

/// Where the value of the top-level member `data` is, if there is one.
fn find_data(
    body: &[u8],
    end_of: fn(&[u8], usize) -> Option<usize>,
) -> Result<Option<Range<usize>>, PageError> {
    let malformed = |what: &str| PageError::Malformed(what.to_owned());
    let mut at = skip_blanks(body, 0);
    if body.get(at) != Some(&b'{') {
        let start = String::from_utf8_lossy(&body[at..body.len().min(at + 60)]).into_owned();
        return Err(PageError::Malformed(format!("it begins with {start:?}")));
    }
    at += 1;
    loop {
        at = skip_blanks(body, at);
        match body.get(at) {
            Some(b'}') => return Ok(None),
            Some(b',') => at += 1,
            Some(b'"') => {
                let key_end = string_end(body, at).ok_or_else(|| malformed("it is cut off"))?;
                let key = &body[at + 1..key_end - 1];
                at = skip_blanks(body, key_end);
                if body.get(at) != Some(&b':') {
                    return Err(malformed("a member has no value"));
                }
                let start = skip_blanks(body, at + 1);
                let find_end = if key == b"data" { end_of } else { value_end };
                let end = find_end(body, start).ok_or_else(|| malformed("it is cut off"))?;
                if key == b"data" {
                    return Ok(Some(start..end));
                }
                at = end;
            }
            Some(_) => return Err(malformed("it is not a JSON object")),
            None => return Err(malformed("it is cut off")),
        }
    }
}

fn skip_blanks(body: &[u8], mut at: usize) -> usize {
    while body.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// The index after the closing quote of the string that begins at `at`.
fn string_end(body: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', body.get(at..)?)?;
        match body[at] {
            b'"' => return Some(at + 1),
            _ => at += 2,
        }
    }
}

/// The index after the rows that begin at `at`, found by searching from the end of the body: Trino
/// writes `stats` right after the rows, and no later member contains such a text. Quotes inside of
/// strings are escaped, so only a value of raw JSON could look like it, and then the rest cannot be
/// parsed.
fn rows_end(body: &[u8], at: usize) -> Option<usize> {
    if body.get(at) != Some(&b'[') {
        return value_end(body, at);
    }
    let end = memchr::memmem::rfind(&body[at..], b"],\"stats\":")?;
    Some(at + end + 1)
}

/// The index after the value that begins at `at`. Brackets are only counted and not matched: the
/// code that reads the value finds out whether it is well-formed.
fn value_end(body: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match body.get(at)? {
            b'"' => {
                at = string_end(body, at)?;
                if depth == 0 {
                    return Some(at);
                }
                continue;
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' => {
                if depth == 0 {
                    return Some(at);
                }
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b',' if depth == 0 => return Some(at),
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<Page, PageError> {
        Page::parse(Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn rows_are_cut_out_as_they_came() {
        let page = parse(
            r#"{"id":"q1","infoUri":"x","nextUri":"http://h/1","columns":[{"name":"a","type":"bigint"}],"data":[[1,"]}\""],[2,null]],"stats":{"state":"RUNNING","nodes":1},"warnings":[]}"#,
        )
        .unwrap();
        assert_eq!(page.rows().unwrap().as_ref(), br#"[[1,"]}\""],[2,null]]"#);
        assert_eq!(page.envelope.id, "q1");
        assert_eq!(page.envelope.next_uri.as_deref(), Some("http://h/1"));
        assert_eq!(page.envelope.stats.state, "RUNNING");
        assert_eq!(page.columns().unwrap().unwrap()[0].type_text, "bigint");
    }

    #[test]
    fn members_come_in_any_order_and_with_blanks() {
        let page = parse("{ \"data\" : [ [1] ] ,\n \"stats\" : {} , \"id\" : \"q\" }").unwrap();
        assert_eq!(page.rows().unwrap().as_ref(), b"[ [1] ]");
    }

    #[test]
    fn an_answer_without_rows_has_none() {
        for body in [
            r#"{"id":"q","stats":{"state":"QUEUED"}}"#,
            r#"{"id":"q","data":null}"#,
        ] {
            assert!(parse(body).unwrap().rows().is_none(), "{body}");
        }
    }

    #[test]
    fn rows_that_hold_what_looks_like_their_end_are_whole() {
        let rows = r#"[[{"a":[1],"stats":{"x":[]}}],["],\"stats\":"]]"#;
        for rest in [
            r#","stats":{"state":"RUNNING"},"warnings":[]}"#,
            r#","warnings":[]}"#,
        ] {
            let page = parse(&format!("{{\"id\":\"q\",\"data\":{rows}{rest}")).unwrap();
            assert_eq!(page.rows().unwrap().as_ref(), rows.as_bytes(), "{rest}");
        }
    }

    #[test]
    fn a_member_called_data_inside_others_is_not_taken() {
        let page = parse(r#"{"id":"q","stats":{"data":[[9]]},"data":[[1]]}"#).unwrap();
        assert_eq!(page.rows().unwrap().as_ref(), b"[[1]]");
    }

    #[test]
    fn rows_that_are_not_utf8_do_not_spoil_the_page() {
        let page =
            Page::parse(Bytes::from_static(b"{\"id\":\"q\",\"data\":[[\"\xff\"]]}")).unwrap();
        assert_eq!(page.rows().unwrap().as_ref(), b"[[\"\xff\"]]");
    }

    #[test]
    fn errors_are_read_with_few_members() {
        let page =
            parse(r#"{"id":"q","error":{"message":"boom"},"stats":{"state":"FAILED"}}"#).unwrap();
        assert_eq!(page.envelope.error.unwrap().message, "boom");
    }

    #[test]
    fn empty_answers_are_told_from_malformed_ones() {
        assert!(matches!(parse(""), Err(PageError::Empty)));
        assert!(matches!(parse(" \n"), Err(PageError::Empty)));
        for body in [
            "<html>",
            "[]",
            r#"{"id":"q","data":[[1]"#,
            r#"{"id":"q""#,
            r#"{"id""#,
            "{}",
        ] {
            assert!(
                matches!(parse(body), Err(PageError::Malformed(_))),
                "{body}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn no_input_panics(body: Vec<u8>) {
            let _ = Page::parse(Bytes::from(body));
        }

        #[test]
        fn every_cut_of_an_answer_is_an_error(at in 1_usize..100) {
            let body = br#"{"id":"q","nextUri":"http://h/1","data":[[1,"a\\"],[2,null]],"stats":{"state":"RUNNING"},"w":[]}"#;
            let at = at.min(body.len() - 1);
            proptest::prop_assert!(Page::parse(Bytes::copy_from_slice(&body[..at])).is_err());
        }
    }
}
