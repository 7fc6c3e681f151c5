//! `queries`: SQL statements that are streams.

use std::collections::HashSet;

use super::fields::Fields;

/// A SQL statement that is a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueryStream {
    /// The stream's name.
    pub(crate) name: String,
    /// A query of Trino, without a semicolon at its end.
    pub(crate) sql: String,
    /// Key columns; none if the rows have no key.
    pub(crate) primary_key: Vec<String>,
    /// The column whose values tell which rows are new, if there is one.
    pub(crate) cursor: Option<String>,
}

impl QueryStream {
    /// Whether the query begins with `WITH FUNCTION`. Trino accepts that only at the beginning of a
    /// statement, so the query cannot be used as a subquery.
    pub(crate) fn defines_functions(&self) -> bool {
        let words: Vec<&str> = tokens(&self.sql)
            .filter(|token| !token.is_space())
            .map(|token| token.text)
            .take(2)
            .collect();
        matches!(words.as_slice(), [with, function]
            if with.eq_ignore_ascii_case("WITH") && function.eq_ignore_ascii_case("FUNCTION"))
    }
}

pub(super) fn read_queries(fields: &mut Fields<'_>) -> Vec<QueryStream> {
    let queries = fields.objects("queries", "name", |fields| {
        let name = fields.required_text(
            "name",
            "the name of the stream, for example \"orders_by_day\"",
        );
        let expected = "a query, for example \"SELECT id, name FROM a JOIN b ON …\"";
        let given = fields.required_text("sql", expected);
        let sql = without_semicolon(&given);
        if sql.is_empty() && !given.is_empty() {
            fields.problem("sql", &format!("has no query; set it to {expected}"));
        }
        QueryStream {
            name,
            sql: sql.to_owned(),
            primary_key: fields.texts("primary_key"),
            cursor: fields.text("cursor"),
        }
    });
    let mut names = HashSet::new();
    for query in &queries {
        if !query.name.is_empty() && !names.insert(query.name.clone()) {
            let text = format!("two queries have the name \"{}\"", query.name);
            fields.problem("queries", &text);
        }
    }
    queries
}

/// A statement without the semicolons at its end, because a subquery must not have them. Comments
/// after them are removed as well; all other comments stay.
fn without_semicolon(sql: &str) -> &str {
    let mut end = sql.len();
    let mut is_ended = false;
    let tokens: Vec<Token<'_>> = tokens(sql).collect();
    for token in tokens.iter().rev() {
        if token.text == ";" {
            is_ended = true;
            end = token.at;
        } else if !token.is_space() {
            break;
        }
    }
    let is_query = tokens
        .iter()
        .any(|token| token.at < end && !token.is_space());
    match (is_query, is_ended) {
        (false, _) => "",
        (true, true) => sql[..end].trim_end(),
        (true, false) => sql,
    }
}

/// A piece of SQL. Only the kinds of pieces are told apart that matter for finding the begin and
/// the end of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Token<'a> {
    kind: Kind,
    /// Where it begins.
    at: usize,
    text: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Blank,
    Comment,
    /// A literal or a name in quotes.
    Quoted,
    Word,
    /// Any single other character.
    Other,
}

impl Token<'_> {
    /// Whether it is white space or a comment.
    fn is_space(&self) -> bool {
        matches!(self.kind, Kind::Blank | Kind::Comment)
    }
}

/// The tokens of a statement by Trino's grammar. A comment or literal that is not closed goes up to
/// the end of the text; Trino reports that mistake.
fn tokens(sql: &str) -> impl Iterator<Item = Token<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &sql[at..];
        let first = rest.chars().next()?;
        let (kind, length) = match first {
            _ if rest.starts_with("--") => {
                let end = rest.find(['\n', '\r']);
                (Kind::Comment, end.unwrap_or(rest.len()))
            }
            _ if rest.starts_with("/*") => {
                let end = rest[2..].find("*/").map(|at| at + 4);
                (Kind::Comment, end.unwrap_or(rest.len()))
            }
            // A doubled quote inside a literal is read as two literals side by side, which makes no
            // difference here.
            '\'' | '"' | '`' => {
                let end = rest[1..].find(first).map(|at| at + 2);
                (Kind::Quoted, end.unwrap_or(rest.len()))
            }
            _ if first.is_whitespace() => {
                let end = rest.find(|c: char| !c.is_whitespace());
                (Kind::Blank, end.unwrap_or(rest.len()))
            }
            _ if first.is_alphanumeric() || first == '_' => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
                (Kind::Word, end.unwrap_or(rest.len()))
            }
            _ => (Kind::Other, first.len_utf8()),
        };
        let token = Token {
            kind,
            at,
            text: &rest[..length],
        };
        at += length;
        Some(token)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semicolons_at_the_end_go_with_the_comments_behind_them() {
        for (given, expected) in [
            ("SELECT 1 AS x", "SELECT 1 AS x"),
            ("SELECT 1 AS x;", "SELECT 1 AS x"),
            ("SELECT 1 AS x ;;\n ; ", "SELECT 1 AS x"),
            ("SELECT 1 AS x; -- done", "SELECT 1 AS x"),
            (
                "SELECT 1 AS x;-- done\r\n/* really; */ ; -- yes",
                "SELECT 1 AS x",
            ),
            ("SELECT 1 AS x -- a;\n;", "SELECT 1 AS x -- a;"),
            ("SELECT 1 AS x -- done;", "SELECT 1 AS x -- done;"),
            ("SELECT 1 AS x /* ; */", "SELECT 1 AS x /* ; */"),
            ("SELECT ';' AS x", "SELECT ';' AS x"),
            ("SELECT 'a;--' AS x;", "SELECT 'a;--' AS x"),
            (
                "SELECT 'it''s; -- no' AS \"x;\";",
                "SELECT 'it''s; -- no' AS \"x;\"",
            ),
            (
                "SELECT 1 AS \"a\"\"; --\"; -- b",
                "SELECT 1 AS \"a\"\"; --\"",
            ),
            ("SELECT U&'d\\0061;' AS x;", "SELECT U&'d\\0061;' AS x"),
            ("SELECT 3 - -1 AS x; --", "SELECT 3 - -1 AS x"),
            ("SELECT 4 / 2 * 1 AS x;", "SELECT 4 / 2 * 1 AS x"),
            // What Trino is to say itself.
            ("SELECT 1; SELECT 2", "SELECT 1; SELECT 2"),
            ("SELECT 1; SELECT 2;", "SELECT 1; SELECT 2"),
            ("SELECT 'open; ", "SELECT 'open; "),
            ("SELECT 1 /* open; ", "SELECT 1 /* open; "),
            ("", ""),
            (" ; ", ""),
            ("-- nothing\n;", ""),
            ("/* nothing */", ""),
        ] {
            assert_eq!(without_semicolon(given), expected, "{given}");
        }
    }

    #[test]
    fn functions_in_front_of_a_query_are_seen() {
        let defines = |sql: &str| {
            let query = QueryStream {
                name: "q".into(),
                sql: sql.into(),
                primary_key: Vec::new(),
                cursor: None,
            };
            query.defines_functions()
        };
        for sql in [
            "WITH FUNCTION f(x bigint) RETURNS bigint RETURN x SELECT f(1) AS a",
            "-- mine\nwith/* a */function f() RETURNS int RETURN 1 SELECT f() AS a",
        ] {
            assert!(defines(sql), "{sql}");
        }
        for sql in [
            "WITH function_list AS (SELECT 1 AS a) SELECT a FROM function_list",
            "WITH \"FUNCTION\" AS (SELECT 1 AS a) SELECT a FROM \"FUNCTION\"",
            "SELECT 'WITH FUNCTION' AS a",
            "WITH",
            "",
        ] {
            assert!(!defines(sql), "{sql}");
        }
    }

    #[test]
    fn tokens_are_all_of_the_text() {
        let sql = "SELECT 'é''-' -- x\n FROM \"a\" /* ; */ WHERE x<>1 `b";
        let texts: String = tokens(sql).map(|token| token.text).collect();
        assert_eq!(texts, sql);
    }
}
