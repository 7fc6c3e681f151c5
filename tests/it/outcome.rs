//! What a run of the executable said, taken apart.

use std::time::Duration;

use serde_json::Value;

use crate::fake::FakeTrino;

/// How a run ended.
pub(crate) struct Outcome {
    /// As a shell shows it: 128 and the number of the signal that the process died by.
    pub(crate) code: Option<i32>,
    /// The signal that the process died by.
    pub(crate) signal: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

impl Outcome {
    /// All lines; each must be a message.
    #[track_caller]
    pub(crate) fn messages(&self) -> Vec<Value> {
        let lines = self.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line:.300}")))
            .collect()
    }

    /// The warnings of the log.
    #[track_caller]
    pub(crate) fn warnings(&self) -> Vec<String> {
        let messages = self.messages().into_iter();
        messages
            .filter(|m| m["log"]["level"] == "WARN")
            .map(|m| m["log"]["message"].as_str().unwrap().to_owned())
            .collect()
    }

    /// `data` of the records of a stream.
    #[track_caller]
    pub(crate) fn records(&self, stream: &str) -> Vec<Value> {
        let messages = self.messages().into_iter();
        messages
            .filter(|m| m["type"] == "RECORD" && m["record"]["stream"] == stream)
            .map(|mut m| m["record"]["data"].take())
            .collect()
    }

    /// The numbers in column `n` of a stream.
    #[track_caller]
    pub(crate) fn numbers(&self, stream: &str) -> Vec<u64> {
        let records = self.records(stream);
        records.iter().map(|r| r["n"].as_u64().unwrap()).collect()
    }

    fn traces(&self, kind: &str) -> Vec<Value> {
        let messages = self.messages().into_iter();
        messages
            .filter(|m| m["type"] == "TRACE" && m["trace"]["type"] == kind)
            .map(|mut m| m["trace"].take())
            .collect()
    }

    /// The statuses of a stream, in order.
    #[track_caller]
    pub(crate) fn statuses(&self, stream: &str) -> Vec<String> {
        let traces = self.traces("STREAM_STATUS").into_iter();
        traces
            .map(|mut trace| trace["stream_status"].take())
            .filter(|status| status["stream_descriptor"]["name"] == stream)
            .map(|status| status["status"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The ERROR traces.
    #[track_caller]
    pub(crate) fn errors(&self) -> Vec<Value> {
        let traces = self.traces("ERROR").into_iter();
        traces.map(|mut trace| trace["error"].take()).collect()
    }

    /// The ESTIMATE traces.
    #[track_caller]
    pub(crate) fn estimates(&self) -> Vec<Value> {
        let traces = self.traces("ESTIMATE").into_iter();
        traces.map(|mut trace| trace["estimate"].take()).collect()
    }

    /// Record counts of the states of a stream.
    #[track_caller]
    pub(crate) fn state_counts(&self, stream: &str) -> Vec<f64> {
        let messages = self.messages().into_iter();
        messages
            .filter(|m| m["type"] == "STATE")
            .map(|mut m| m["state"].take())
            .filter(|s| s["stream"]["stream_descriptor"]["name"] == stream)
            .map(|s| s["sourceStats"]["recordCount"].as_f64().unwrap())
            .collect()
    }

    /// The outcome of `check`: status and message.
    #[track_caller]
    pub(crate) fn status(&self) -> (String, String) {
        let messages = self.messages();
        let last = messages.last().unwrap_or_else(|| panic!("{}", self.stderr));
        let status = &last["connectionStatus"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&status["status"]), text(&status["message"]))
    }

    /// Asserts that a stream was read whole and only once.
    #[track_caller]
    pub(crate) fn assert_complete(&self, stream: &str, numbers: &[u64]) {
        assert_eq!(self.numbers(stream), numbers, "{}", self.stdout);
        assert_eq!(self.statuses(stream), ["STARTED", "RUNNING", "COMPLETE"]);
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let count = numbers.len() as f64;
        assert_eq!(self.state_counts(stream), [count]);
    }

    /// Asserts that a stream failed and says so: INCOMPLETE, an error of its own, no state. The
    /// result is the error.
    #[track_caller]
    pub(crate) fn assert_failed(&self, stream: &str) -> Value {
        let statuses = self.statuses(stream);
        assert_eq!(statuses.last().unwrap(), "INCOMPLETE", "{}", self.stdout);
        assert!(!statuses.contains(&"COMPLETE".to_owned()), "{statuses:?}");
        assert!(self.state_counts(stream).is_empty(), "{}", self.stdout);
        assert_eq!(self.code, Some(1));
        let mut errors = self.errors();
        errors.retain(|error| error["stream_descriptor"]["name"] == stream);
        assert_eq!(errors.len(), 1, "{errors:?}");
        errors.remove(0)
    }

    /// Stdout in lines, LOG messages last, without what differs from run to run.
    pub(crate) fn text(&self, trino: &FakeTrino) -> String {
        let (logs, others): (Vec<&str>, Vec<&str>) = self
            .stdout
            .lines()
            .partition(|line| line.starts_with("{\"type\":\"LOG\""));
        let mut text = others
            .into_iter()
            .chain(logs)
            .fold(String::new(), |text, line| text + line + "\n");
        // Statements that run side by side have no order.
        for member in ["\"emitted_at\":", "\"finished_at_ms\":", ", query q"] {
            text = without_number(&text, member);
        }
        text.replace(trino.base(), "http://trino")
            .replace(&format!("127.0.0.1:{}", trino.port()), "trino")
    }
}

/// `text` with 0 after each `member`.
fn without_number(text: &str, member: &str) -> String {
    let mut parts = text.split(member);
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        result.push_str(member);
        result.push('0');
        result.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    result
}
