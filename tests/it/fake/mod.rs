//! `FakeTrino`: a scripted Trino. It has tables, answers the metadata queries about them, pages
//! results as Trino does, fails on request, and remembers everything that it was asked.
//!
//! What it does of the protocol is what Trino 476 was seen to do and, for old servers, Trino 352:
//! the slugs differ for each token, a token is served once it was asked for, older tokens are gone
//! (410), unknown queries are not found (404), a cancelled query says so.

mod answer;
mod fault;
mod http;
pub(crate) mod metadata;
mod serving;
mod storage;

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub(crate) use answer::{Answer, Step, end, failed, nothing, rows, text};
pub(crate) use fault::Fault;
use serving::serve;
use storage::Objects;
pub(crate) use storage::{Object, Storage};

/// The catalog and the schema that the server has.
pub(crate) const CATALOG: &str = "c";
pub(crate) const SCHEMA: &str = "s";

/// A running scripted Trino.
pub(crate) struct FakeTrino {
    shared: Arc<Shared>,
    address: SocketAddr,
    https: bool,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The statement that the request is about.
    pub(crate) sql: String,
    pub(crate) query: Option<usize>,
    pub(crate) place: Option<Place>,
    pub(crate) at: Instant,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name);
        values.next().map(|(_, value)| value.as_str())
    }
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// GET /v1/info.
    Info,
    /// HEAD /v1/statement.
    Probe,
    /// POST /v1/statement.
    Post,
    /// The page of a queued query.
    Queued,
    /// A page of the result, from 0.
    Page(usize),
    /// A heartbeat on a page.
    Beat(usize),
    /// A cancellation.
    Delete,
}

struct Shared {
    base: String,
    traits: Traits,
    script: Mutex<Script>,
    objects: Objects,
    queries: Mutex<Vec<Query>>,
    log: Mutex<Vec<Request>>,
    running: AtomicUsize,
    most_running: AtomicUsize,
}

struct Traits {
    version: String,
    /// A page that is asked for twice comes without its rows (before 363).
    forgets: bool,
    /// HEAD is answered (475 for pages, about 470 for the statement).
    heads: bool,
}

#[derive(Default)]
struct Script {
    starting: bool,
    tables: Vec<(String, Answer)>,
    denied: Vec<String>,
    answers: Vec<Scripted>,
    faults: Vec<PlannedFault>,
    fixed: HashMap<String, String>,
}

/// Answers to statements that contain a text, the next one last.
struct Scripted {
    part: String,
    answers: Vec<Answer>,
    /// Whether the last answer is given again and again.
    stays: bool,
}

struct PlannedFault {
    sql: String,
    place: Place,
    fault: Fault,
    times: usize,
}

struct Query {
    sql: String,
    answer: Answer,
    served: Option<usize>,
    started: bool,
    over: bool,
    cancelled: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FakeTrino {
    /// A server of version 476.
    pub(crate) fn start() -> Self {
        Self::version("476")
    }

    /// A server of this version, with the ways of that version; what is no number is new.
    pub(crate) fn version(version: &str) -> Self {
        Self::launch(version, None, version != "old testversion")
    }

    /// A server of version 476 that speaks https.
    pub(crate) fn with_tls(tls: rustls::ServerConfig) -> Self {
        Self::launch("476", Some(Arc::new(tls)), true)
    }

    fn launch(version: &str, tls: Option<Arc<rustls::ServerConfig>>, new: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let https = tls.is_some();
        let digits = version.split(|c: char| !c.is_ascii_digit()).next();
        let number: Option<u32> = digits.and_then(|digits| digits.parse().ok());
        // Releases of Trino; PrestoDB's begin with 0.
        let number = number.filter(|number| *number == 0 || (300..1000).contains(number));
        let shared = Arc::new(Shared {
            base: format!("{}://{address}", if https { "https" } else { "http" }),
            traits: Traits {
                version: version.trim_start_matches("old ").to_owned(),
                forgets: number.map_or(!new, |number| number < 363),
                heads: number.map_or(new, |number| number >= 475),
            },
            script: Mutex::default(),
            objects: Objects::default(),
            queries: Mutex::default(),
            log: Mutex::default(),
            running: AtomicUsize::new(0),
            most_running: AtomicUsize::new(0),
        });
        let server = Arc::clone(&shared);
        // Ends with the process: a test has a handful of them.
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let (server, tls) = (Arc::clone(&server), tls.clone());
                std::thread::spawn(move || serve(&server, stream, tls));
            }
        });
        Self {
            shared,
            address,
            https,
        }
    }

    /// Where the server is, as a URL.
    pub(crate) fn base(&self) -> &str {
        &self.shared.base
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The smallest configuration for this server.
    pub(crate) fn config(&self) -> Value {
        let mut config = json!({"hostname": "127.0.0.1", "port": self.port(), "username": "test",
            "catalog": CATALOG, "schema": SCHEMA});
        if self.https {
            config["ssl_mode"] = json!({"mode": "require"});
        }
        config
    }

    /// Adds a table.
    pub(crate) fn table(
        &self,
        name: &str,
        columns: &[(&str, &str)],
        steps: impl IntoIterator<Item = Step>,
    ) {
        self.add_table(name, Answer::new(columns, steps));
    }

    pub(crate) fn add_table(&self, name: &str, answer: Answer) {
        lock(&self.shared.script)
            .tables
            .push((name.to_owned(), answer));
    }

    /// Adds a table of numbers, a page for each slice.
    pub(crate) fn numbers(&self, name: &str, pages: &[&[u64]]) {
        let page = |page: &&[u64]| rows(page.iter().map(|number| json!([number])).collect());
        let steps = pages.iter().map(page).chain([end()]);
        self.table(name, &[("n", "bigint")], steps);
    }

    /// Lets nobody read a table.
    pub(crate) fn deny(&self, name: &str) {
        lock(&self.shared.script).denied.push(name.to_owned());
    }

    /// Answers statements that contain `part` with these, one after the other; the last one
    /// stays.
    pub(crate) fn answer(&self, part: &str, answers: impl IntoIterator<Item = Answer>) {
        self.script_answers(part, answers.into_iter().collect(), true);
    }

    /// Answers the next statement that contains `part` with this.
    pub(crate) fn answer_once(&self, part: &str, answer: Answer) {
        self.script_answers(part, vec![answer], false);
    }

    fn script_answers(&self, part: &str, mut answers: Vec<Answer>, stays: bool) {
        answers.reverse();
        lock(&self.shared.script).answers.push(Scripted {
            part: part.to_owned(),
            answers,
            stays,
        });
    }

    /// Answers a GET of this target, which no statement has, with this body.
    pub(crate) fn fixed(&self, target: &str, body: &str) {
        lock(&self.shared.script)
            .fixed
            .insert(target.to_owned(), body.to_owned());
    }

    /// Answers requests of this target, which no statement has, with these objects, one after the
    /// other; the last one stays. The result is its URL.
    pub(crate) fn put(&self, target: &str, answers: impl IntoIterator<Item = Object>) -> String {
        self.shared.objects.put(target, answers);
        format!("{}{target}", self.base())
    }

    pub(crate) fn starting(&self, starting: bool) {
        lock(&self.shared.script).starting = starting;
    }

    /// Spoils the answer at `place` of statements that contain `sql`, so many times.
    pub(crate) fn fault(&self, sql: &str, place: Place, fault: Fault, times: usize) {
        lock(&self.shared.script).faults.push(PlannedFault {
            sql: sql.to_owned(),
            place,
            fault,
            times,
        });
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        lock(&self.shared.log).clone()
    }

    /// The requests at `place` for statements that contain `sql`.
    pub(crate) fn asked(&self, sql: &str, place: Place) -> Vec<Request> {
        let mut requests = self.requests();
        requests.retain(|request| request.place == Some(place) && is_meant(&request.sql, sql));
        requests
    }

    /// How many pages with results of statements that contain `sql` were asked for.
    pub(crate) fn pages_asked(&self, sql: &str) -> usize {
        let requests = self.requests();
        let page = |r: &&Request| matches!(r.place, Some(Place::Page(_))) && is_meant(&r.sql, sql);
        requests.iter().filter(page).count()
    }

    /// The most queries that ran at once.
    pub(crate) fn most_running(&self) -> usize {
        self.shared.most_running.load(Ordering::SeqCst)
    }

    /// Waits until `done`, at most ten seconds.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let limit = Instant::now() + Duration::from_secs(10);
        while !done(self) {
            assert!(Instant::now() < limit, "{what}: {:#?}", self.requests());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// What a question for the columns of a table ends with, and no query for its rows.
pub(crate) const NO_ROWS: &str = " WHERE false";

/// Whether a test means a statement with this part of its text. A question for the columns of a
/// table is meant only by its own end, so that a table's name means the query for its rows.
fn is_meant(sql: &str, part: &str) -> bool {
    let asks_for_columns = sql.starts_with("SELECT * FROM \"") && sql.ends_with(NO_ROWS);
    sql.contains(part) && (!asks_for_columns || part.is_empty() || part == NO_ROWS)
}

/// The end of the SELECT of a table.
pub(crate) fn from(table: &str) -> String {
    format!("FROM \"{CATALOG}\".\"{SCHEMA}\".\"{table}\"")
}
