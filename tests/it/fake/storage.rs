//! Objects behind plain URLs: segments as the coordinator hands them out itself, and a second
//! server that plays object storage, or a worker.

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::http::{Connection, Reply};
use super::{Fault, Request, lock};

/// What an object's URL is answered with.
#[derive(Clone)]
pub(crate) struct Object {
    body: Vec<u8>,
    location: Option<String>,
    status: u16,
    fault: Option<Fault>,
}

impl Object {
    pub(crate) fn new(body: impl Into<Vec<u8>>) -> Self {
        Self {
            body: body.into(),
            location: None,
            status: 200,
            fault: None,
        }
    }

    /// A redirect to the object's real place.
    pub(crate) fn moved(uri: &str) -> Self {
        Self {
            location: Some(uri.to_owned()),
            ..Self::new("")
        }
    }

    /// With another status than 200.
    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// With something that goes wrong.
    pub(crate) fn but(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    fn reply(self) -> Reply {
        let reply = match self.location {
            None => Reply::new(self.status, self.body)
                .header("Content-Type", "application/octet-stream"),
            Some(uri) => Reply::new(303, "").header("Location", uri),
        };
        match self.fault {
            None => reply,
            Some(fault) => fault.spoil(reply),
        }
    }
}

/// Objects by their targets.
#[derive(Default)]
pub(super) struct Objects {
    answers: Mutex<HashMap<String, Vec<Object>>>,
    running: AtomicUsize,
    most_running: AtomicUsize,
}

impl Objects {
    pub(super) fn put(&self, target: &str, answers: impl IntoIterator<Item = Object>) {
        let mut answers: Vec<Object> = answers.into_iter().collect();
        answers.reverse();
        lock(&self.answers).insert(target.to_owned(), answers);
    }

    pub(super) fn has(&self, target: &str) -> bool {
        lock(&self.answers).contains_key(target)
    }

    /// The next answer of a target; the last one stays.
    pub(super) fn reply(&self, target: &str) -> Reply {
        let object = lock(&self.answers)
            .get_mut(target)
            .and_then(|answers| match answers.len() {
                0 | 1 => answers.last().cloned(),
                _ => answers.pop(),
            });
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_running.fetch_max(running, Ordering::SeqCst);
        let reply = object.map_or_else(|| Reply::new(404, "NoSuchKey"), Object::reply);
        self.running.fetch_sub(1, Ordering::SeqCst);
        reply
    }
}

/// A server that knows nothing but objects.
pub(crate) struct Storage {
    base: String,
    shared: Arc<(Objects, Mutex<Vec<Request>>)>,
}

impl Storage {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::<(Objects, Mutex<Vec<Request>>)>::default();
        let served = Arc::clone(&shared);
        // Ends with the process, as the scripted Trino does.
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let served = Arc::clone(&served);
                std::thread::spawn(move || {
                    let mut connection = Connection::new(stream);
                    while let Ok(Some((method, target, headers, _))) = connection.request() {
                        let path = target.split('?').next().unwrap_or_default().to_owned();
                        lock(&served.1).push(Request {
                            method,
                            target,
                            headers,
                            sql: String::new(),
                            query: None,
                            place: None,
                            at: Instant::now(),
                        });
                        if !matches!(connection.reply(&served.0.reply(&path), true), Ok(true)) {
                            break;
                        }
                    }
                });
            }
        });
        Self { base, shared }
    }

    /// The URL of a target.
    pub(crate) fn uri(&self, target: &str) -> String {
        format!("{}{target}", self.base)
    }

    /// Answers for a path, one after the other; the last one stays.
    pub(crate) fn put(&self, path: &str, answers: impl IntoIterator<Item = Object>) {
        self.shared.0.put(path, answers);
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        lock(&self.shared.1).clone()
    }

    /// The most requests that were worked on at once.
    pub(crate) fn most_running(&self) -> usize {
        self.shared.0.most_running.load(Ordering::SeqCst)
    }
}
