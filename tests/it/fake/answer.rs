//! What a statement is answered with: columns and a page after the other.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

/// The answer to one statement.
#[derive(Clone)]
pub(crate) struct Answer {
    /// Name and type.
    columns: Vec<(String, String)>,
    steps: Vec<Step>,
    endless: bool,
}

/// One page of an answer.
#[derive(Clone)]
pub(crate) struct Step {
    data: Option<Data>,
    columns: bool,
    state: &'static str,
    error: Option<Value>,
    next: Option<String>,
    spaced: bool,
    pause: Duration,
}

#[derive(Clone)]
enum Data {
    Rows(Arc<Vec<Value>>),
    Text(Arc<Vec<u8>>),
}

/// A page with rows.
#[track_caller]
pub(crate) fn rows(rows: Value) -> Step {
    let Value::Array(rows) = rows else {
        panic!("rows must be an array")
    };
    Step {
        data: Some(Data::Rows(Arc::new(rows))),
        ..nothing()
    }
}

/// A page with exactly these bytes as `data`.
pub(crate) fn text(data: impl Into<Vec<u8>>) -> Step {
    Step {
        data: Some(Data::Text(Arc::new(data.into()))),
        ..nothing()
    }
}

/// A page without rows.
pub(crate) fn nothing() -> Step {
    Step {
        data: None,
        columns: true,
        state: "RUNNING",
        error: None,
        next: None,
        spaced: false,
        pause: Duration::ZERO,
    }
}

/// The last page of a query that went well.
pub(crate) fn end() -> Step {
    nothing().state("FINISHED")
}

/// The last page of a query that failed.
pub(crate) fn failed(name: &str, kind: &str, message: &str) -> Step {
    let error = json!({
        "message": message,
        "errorCode": 1,
        "errorName": name,
        "errorType": kind,
        "failureInfo": {"type": "io.trino.spi.TrinoException", "stack": ["at io.trino.Never.shown(Never.java:1)"]},
    });
    Step {
        error: Some(error),
        ..nothing().state("FAILED")
    }
}

impl Step {
    pub(crate) fn state(mut self, state: &'static str) -> Self {
        self.state = state;
        self
    }

    /// Without the member `columns`.
    pub(crate) fn without_columns(mut self) -> Self {
        self.columns = false;
        self
    }

    /// With this in place of the page's own `nextUri`.
    pub(crate) fn next(mut self, uri: impl Into<String>) -> Self {
        self.next = Some(uri.into());
        self
    }

    /// With blanks and line ends between all members.
    pub(crate) fn spaced(mut self) -> Self {
        self.spaced = true;
        self
    }

    /// Answered only after a pause.
    pub(crate) fn after(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Rows that do not have `all` values are as scripted.
    fn projected(&self, wanted: &[usize], all: usize) -> Self {
        let mut step = self.clone();
        if let Some(Data::Rows(rows)) = &self.data {
            let project = |row: &Value| match row {
                Value::Array(row) if row.len() == all => {
                    wanted.iter().map(|at| row[*at].clone()).collect()
                }
                other => other.clone(),
            };
            step.data = Some(Data::Rows(Arc::new(rows.iter().map(project).collect())));
        }
        step
    }
}

impl Answer {
    pub(crate) fn new(columns: &[(&str, &str)], steps: impl IntoIterator<Item = Step>) -> Self {
        let columns = columns
            .iter()
            .map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned()))
            .collect();
        Self {
            columns,
            steps: steps.into_iter().collect(),
            endless: false,
        }
    }

    /// All rows in one page, then the end.
    pub(crate) fn small(columns: &[(&str, &str)], all: Value) -> Self {
        Self::new(columns, [rows(all), end()])
    }

    /// The last page comes again and again.
    pub(crate) fn endless(mut self) -> Self {
        self.endless = true;
        self
    }

    pub(crate) fn columns(&self) -> impl Iterator<Item = (&str, &str)> {
        self.columns.iter().map(|(name, kind)| (&**name, &**kind))
    }

    /// Only the columns, at once.
    pub(super) fn without_rows(&self) -> Self {
        Self {
            columns: self.columns.clone(),
            steps: vec![end()],
            endless: false,
        }
    }

    /// Only the columns that `wanted` says, as SELECT does.
    pub(super) fn projected(&self, wanted: impl Fn(&str) -> bool) -> Self {
        let kept: Vec<usize> = (0..self.columns.len())
            .filter(|at| wanted(&self.columns[*at].0))
            .collect();
        Self {
            columns: kept.iter().map(|at| self.columns[*at].clone()).collect(),
            steps: self
                .steps
                .iter()
                .map(|step| step.projected(&kept, self.columns.len()))
                .collect(),
            endless: self.endless,
        }
    }

    /// Whether the page `token` is the last one.
    pub(super) fn is_last(&self, token: usize) -> bool {
        !self.endless && token + 1 >= self.steps.len()
    }

    /// How long the page is thought about.
    pub(super) fn pause(&self, token: usize) -> Duration {
        self.step(token).map_or(Duration::ZERO, |step| step.pause)
    }

    /// Whether the query is over once the page was answered.
    pub(super) fn ends_with(&self, token: usize) -> bool {
        self.is_last(token) || self.step(token).is_some_and(|step| step.error.is_some())
    }

    fn step(&self, token: usize) -> Option<&Step> {
        match self.steps.get(token) {
            None if self.endless => self.steps.last(),
            step => step,
        }
    }

    /// The body of the page `token`; `None` if there is no such page.
    pub(super) fn page(
        &self,
        token: usize,
        id: &str,
        next: Option<&str>,
        forgotten: bool,
    ) -> Option<Vec<u8>> {
        let step = self.step(token)?;
        let data = match &step.data {
            Some(_) if forgotten => Some(b"[]".to_vec()),
            Some(Data::Rows(rows)) => Some(serde_json::to_vec(&**rows).unwrap()),
            Some(Data::Text(text)) => Some(text.to_vec()),
            None => None,
        };
        let columns = step.columns.then(|| self.described());
        let envelope = Envelope {
            next: step.next.as_deref().or(next),
            columns: columns.as_ref(),
            data,
            state: step.state,
            error: step.error.as_ref(),
            spaced: step.spaced,
        };
        Some(envelope.body(id))
    }

    fn described(&self) -> Value {
        let describe = |(name, kind): &(String, String)| {
            let mut column = json!({"name": name, "type": kind});
            if let Some(signature) = signature(kind) {
                column["typeSignature"] = signature;
            }
            column
        };
        self.columns.iter().map(describe).collect()
    }
}

/// An answer of the statement protocol, its members in Trino's order.
#[derive(Default)]
pub(super) struct Envelope<'a> {
    pub(super) next: Option<&'a str>,
    pub(super) columns: Option<&'a Value>,
    pub(super) data: Option<Vec<u8>>,
    pub(super) state: &'a str,
    pub(super) error: Option<&'a Value>,
    pub(super) spaced: bool,
}

impl Envelope<'_> {
    pub(super) fn body(self, id: &str) -> Vec<u8> {
        let mut members = vec![
            ("id", json!(id).to_string().into_bytes()),
            ("infoUri", br#""http://nowhere/ui/query.html""#.to_vec()),
        ];
        if let Some(next) = self.next {
            members.push(("nextUri", json!(next).to_string().into_bytes()));
        }
        if let Some(columns) = self.columns {
            members.push(("columns", columns.to_string().into_bytes()));
        }
        members.extend(self.data.map(|data| ("data", data)));
        let stats = json!({"state": self.state, "queued": self.state == "QUEUED", "nodes": 1,
            "a_member_of_a_later_release": {"data": [["]}"]]}});
        members.push(("stats", stats.to_string().into_bytes()));
        if let Some(error) = self.error {
            members.push(("error", error.to_string().into_bytes()));
        }
        members.push(("warnings", b"[]".to_vec()));
        let (before, colon) = if self.spaced {
            ("\r\n\t ", " \n: ")
        } else {
            ("", ":")
        };
        let mut body = before.as_bytes().to_vec();
        for (index, (name, value)) in members.into_iter().enumerate() {
            body.push(if index == 0 { b'{' } else { b',' });
            body.extend_from_slice(format!("{before}\"{name}\"{colon}").as_bytes());
            body.extend_from_slice(&value);
            body.extend_from_slice(before.as_bytes());
        }
        body.push(b'}');
        body
    }
}

/// The signature of a simple type; nested ones go without, their text says it all.
fn signature(kind: &str) -> Option<Value> {
    if ["array", "map", "row"]
        .iter()
        .any(|outer| kind.starts_with(outer))
    {
        return None;
    }
    let (raw, arguments) = match kind.split_once('(') {
        Some((raw, rest)) => {
            let (numbers, tail) = rest.split_once(')')?;
            let numbers: Vec<u64> = numbers
                .split(',')
                .map(|number| number.trim().parse().unwrap())
                .collect();
            (format!("{raw}{tail}"), numbers)
        }
        None if kind == "varchar" => (kind.to_owned(), vec![2_147_483_647]),
        None => (kind.to_owned(), Vec::new()),
    };
    let arguments: Vec<Value> = arguments
        .into_iter()
        .map(|number| json!({"kind": "LONG", "value": number}))
        .collect();
    Some(json!({"rawType": raw, "arguments": arguments}))
}
