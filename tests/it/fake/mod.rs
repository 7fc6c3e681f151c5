//! `FakeTrino`: a scripted Trino. It has tables, answers the metadata queries about them, pages
//! results as Trino does, fails on request, and remembers everything that it was asked.
//!
//! What it does of the protocol is from `trino-facts.md` 1 and, for old servers, from what Trino
//! 352 was seen to do: the slugs differ for each token, a token is served once it was asked for,
//! older tokens are gone (410), unknown queries are not found (404), a cancelled query says so.

mod answer;
mod http;
pub(crate) mod metadata;
mod storage;

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use answer::Envelope;
pub(crate) use answer::{Answer, Step, end, failed, nothing, rows, text};
use http::{Connection, Reply, Way};
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

/// Something that goes wrong once.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// This status, with a short text.
    Status(u16),
    /// This status with `Retry-After` in seconds.
    Wait(u16, u64),
    /// 200 with a page for people.
    Html,
    /// This status with a page for people.
    Page(u16),
    /// This status, and a challenge for each of these.
    Challenges(u16, &'static [&'static str]),
    /// An id and a state of a balancer's own in place of Trino's.
    Foreign,
    /// 200 without a byte.
    Empty,
    /// The connection closes in the middle of the announced body.
    Cut,
    /// The same with a chunked body.
    CutChunked,
    /// Half of the body, as if it were all.
    Half,
    /// The connection closes before the answer.
    Closed,
    /// A pause in the middle of the body.
    Slow(Duration),
    /// A pause before the answer.
    Late(Duration),
    /// A redirect to this port of this machine.
    Redirect(u16),
    /// Headers beside the usual ones.
    Headers(&'static [(&'static str, &'static str)]),
}

impl Fault {
    /// Whether Trino itself has answered, and only the answer went wrong.
    fn is_of_the_answer(self) -> bool {
        !matches!(
            self,
            Self::Status(429 | 503 | 400..=404 | 410)
                | Self::Wait(..)
                | Self::Page(_)
                | Self::Challenges(..)
        )
    }

    fn spoil(self, reply: Reply) -> Reply {
        match self {
            Self::Status(status) => Reply::new(status, format!("scripted {status}"))
                .header("Content-Type", "text/plain"),
            Self::Wait(status, seconds) => {
                Reply::new(status, "scripted").header("Retry-After", seconds.to_string())
            }
            Self::Redirect(port) => {
                Reply::new(307, "").header("Location", format!("http://127.0.0.1:{port}/elsewhere"))
            }
            Self::Headers(headers) => headers
                .iter()
                .fold(reply, |reply, (name, value)| reply.header(name, *value)),
            Self::Html => Reply::new(200, "<html><body><h1>Please log in</h1></body></html>")
                .header("Content-Type", "text/html"),
            Self::Page(status) => {
                let page = "<html><head><title>Access denied</title></head></html>";
                Reply::new(status, page).header("Content-Type", "text/html; charset=utf-8")
            }
            Self::Challenges(status, challenges) => challenges
                .iter()
                .fold(Reply::new(status, "Unauthorized"), |reply, challenge| {
                    reply.header("WWW-Authenticate", *challenge)
                }),
            Self::Foreign => {
                let mut body: Value = serde_json::from_slice(&reply.body).unwrap();
                body["id"] = json!("balancer-0001");
                body["stats"] = json!({"state": "WAITING_FOR_CLUSTER"});
                Reply::json(body.to_string())
            }
            Self::Empty => Reply::json(""),
            Self::Cut => reply.by(Way::Cut),
            Self::CutChunked => reply.by(Way::CutChunked),
            Self::Half => {
                let half = reply.body.len() / 2;
                Reply::json(&reply.body[..half])
            }
            Self::Closed => reply.by(Way::Closed),
            Self::Slow(pause) => reply.by(Way::Slow(pause)),
            Self::Late(pause) => {
                std::thread::sleep(pause);
                reply
            }
        }
    }
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

/// Whether a test means a statement with this part of its text. A question for the columns of a table
/// is meant only by its own end, so that a table's name means the query for its rows.
fn is_meant(sql: &str, part: &str) -> bool {
    let asks_for_columns = sql.starts_with("SELECT * FROM \"") && sql.ends_with(NO_ROWS);
    sql.contains(part) && (!asks_for_columns || part.is_empty() || part == NO_ROWS)
}

/// The end of the SELECT of a table.
pub(crate) fn from(table: &str) -> String {
    format!("FROM \"{CATALOG}\".\"{SCHEMA}\".\"{table}\"")
}

fn serve(server: &Shared, stream: TcpStream, tls: Option<Arc<rustls::ServerConfig>>) {
    let _ = stream.set_nodelay(true);
    // Errors are clients that went away, which is what many tests are about.
    let _ = match tls {
        None => converse(server, Connection::new(stream)),
        Some(tls) => {
            let session = rustls::ServerConnection::new(tls).unwrap();
            converse(
                server,
                Connection::new(rustls::StreamOwned::new(session, stream)),
            )
        }
    };
}

fn converse<S: std::io::Read + std::io::Write>(
    server: &Shared,
    mut connection: Connection<S>,
) -> std::io::Result<()> {
    while let Some((method, target, headers, body)) = connection.request()? {
        let has_body = method != "HEAD";
        let request = Request {
            method,
            target,
            headers,
            sql: String::from_utf8_lossy(&body).into_owned(),
            query: None,
            place: None,
            at: Instant::now(),
        };
        let reply = server.respond(request);
        if !connection.reply(&reply, has_body)? {
            break;
        }
    }
    Ok(())
}

impl Shared {
    fn respond(&self, mut request: Request) -> Reply {
        if self.objects.has(&request.target) {
            let target = request.target.clone();
            lock(&self.log).push(request);
            return self.objects.reply(&target);
        }
        let (query, place) = match self.place_of(&request) {
            Ok(found) => found,
            Err(reply) => {
                lock(&self.log).push(request);
                return reply;
            }
        };
        if let Some(query) = query {
            request.sql.clone_from(&lock(&self.queries)[query].sql);
        }
        request.query = query;
        request.place = Some(place);
        let sql = request.sql.clone();
        lock(&self.log).push(request);
        match self.fault_at(&sql, place) {
            None => self.regular(&sql, query, place),
            Some(fault) if fault.is_of_the_answer() => {
                fault.spoil(self.regular(&sql, query, place))
            }
            Some(fault) => fault.spoil(Reply::new(500, "")),
        }
    }

    /// Which query a request is about, and what it wants; the answer where that is unknown.
    fn place_of(&self, request: &Request) -> Result<(Option<usize>, Place), Reply> {
        let not_found = || Reply::new(404, "Query not found");
        let (method, target) = (request.method.as_str(), request.target.as_str());
        match (method, target) {
            ("GET", "/v1/info") => return Ok((None, Place::Info)),
            ("HEAD", "/v1/statement") => return Ok((None, Place::Probe)),
            ("POST", "/v1/statement") => return Ok((None, Place::Post)),
            _ => {}
        }
        if let Some(body) = lock(&self.script).fixed.get(target) {
            return Err(Reply::json(body.clone()));
        }
        let parts: Vec<&str> = target.split('/').collect();
        let [_, "v1", "statement", phase, id, slug, token] = parts.as_slice() else {
            return Err(not_found());
        };
        let query = id.strip_prefix("q").and_then(|number| number.parse().ok());
        let (Some(query), Ok(token)) = (query, token.parse()) else {
            return Err(not_found());
        };
        if query >= lock(&self.queries).len() || *slug != slug_of(query, phase, token) {
            return Err(not_found());
        }
        let place = match (method, *phase) {
            ("DELETE", _) => Place::Delete,
            ("HEAD", _) => Place::Beat(token),
            (_, "queued") => Place::Queued,
            _ => Place::Page(token),
        };
        Ok((Some(query), place))
    }

    fn fault_at(&self, sql: &str, place: Place) -> Option<Fault> {
        let mut script = lock(&self.script);
        let fault = script
            .faults
            .iter_mut()
            .find(|fault| fault.times > 0 && fault.place == place && is_meant(sql, &fault.sql))?;
        fault.times -= 1;
        Some(fault.fault)
    }

    fn regular(&self, sql: &str, query: Option<usize>, place: Place) -> Reply {
        match (place, query) {
            (Place::Info, _) => Reply::json(
                json!({"nodeVersion": {"version": self.traits.version}, "environment": "test",
                    "coordinator": true, "starting": lock(&self.script).starting, "uptime": "1.00m"})
                .to_string(),
            ),
            (Place::Post, _) => self.post(sql),
            (Place::Delete, Some(query)) => {
                let mut queries = lock(&self.queries);
                queries[query].cancelled = true;
                self.over(&mut queries[query]);
                Reply::new(204, "")
            }
            (Place::Queued, Some(query)) => self.queued(query),
            (Place::Page(token), Some(query)) => self.page(query, token),
            _ if self.traits.heads => Reply::new(200, ""),
            _ => Reply::new(405, "Method Not Allowed"),
        }
    }

    fn post(&self, sql: &str) -> Reply {
        let answer = lock(&self.script).answer_to(sql);
        let mut queries = lock(&self.queries);
        let query = queries.len();
        queries.push(Query {
            sql: sql.to_owned(),
            answer,
            served: None,
            started: false,
            over: false,
            cancelled: false,
        });
        let next = self.uri(query, "queued", 1);
        Reply::json(
            Envelope {
                next: Some(&next),
                state: "QUEUED",
                ..Envelope::default()
            }
            .body(&format!("q{query}")),
        )
    }

    fn queued(&self, query: usize) -> Reply {
        let mut queries = lock(&self.queries);
        let known = &mut queries[query];
        if known.cancelled {
            return cancelled(query);
        }
        if !std::mem::replace(&mut known.started, true) {
            let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_running.fetch_max(running, Ordering::SeqCst);
        }
        let next = self.uri(query, "executing", 0);
        Reply::json(
            Envelope {
                next: Some(&next),
                state: "QUEUED",
                ..Envelope::default()
            }
            .body(&format!("q{query}")),
        )
    }

    fn page(&self, query: usize, token: usize) -> Reply {
        let pause = lock(&self.queries)[query].answer.pause(token);
        std::thread::sleep(pause);
        let mut queries = lock(&self.queries);
        let known = &mut queries[query];
        if known.cancelled {
            return cancelled(query);
        }
        let forgotten = match known.served {
            Some(served) if token < served => return Reply::new(410, "Gone"),
            Some(served) => token == served && self.traits.forgets,
            None => false,
        };
        if token > known.served.map_or(0, |served| served + 1) {
            return Reply::new(404, "no such page");
        }
        known.served = Some(token);
        if known.answer.ends_with(token) {
            self.over(known);
        }
        let answer = known.answer.clone();
        drop(queries);
        let next = (!answer.is_last(token)).then(|| self.uri(query, "executing", token + 1));
        match answer.page(token, &format!("q{query}"), next.as_deref(), forgotten) {
            Some(body) => Reply::json(body),
            None => Reply::new(404, "no such page"),
        }
    }

    fn over(&self, query: &mut Query) {
        if query.started && !std::mem::replace(&mut query.over, true) {
            self.running.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn uri(&self, query: usize, phase: &str, token: usize) -> String {
        let slug = slug_of(query, phase, token);
        format!("{}/v1/statement/{phase}/q{query}/{slug}/{token}", self.base)
    }
}

fn cancelled(query: usize) -> Reply {
    let error = json!({"message": "Query was canceled", "errorCode": 3,
        "errorName": "USER_CANCELED", "errorType": "USER_ERROR"});
    Reply::json(
        Envelope {
            state: "FAILED",
            error: Some(&error),
            ..Envelope::default()
        }
        .body(&format!("q{query}")),
    )
}

fn slug_of(query: usize, phase: &str, token: usize) -> String {
    let mix = (query + 1) * 2_654_435_761 + token * 40_503 + phase.len() * 97;
    format!("y{mix:x}")
}
