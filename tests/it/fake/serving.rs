//! Requests and their answers: which query a request is about, what goes wrong, and the page that
//! is sent.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use serde_json::json;

use super::answer::Envelope;
use super::http::{Connection, Reply};
use super::{Fault, Place, Query, Request, Shared, is_meant, lock};

pub(super) fn serve(server: &Shared, stream: TcpStream, tls: Option<Arc<rustls::ServerConfig>>) {
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
        waiting(query, &self.uri(query, "queued", 1))
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
        waiting(query, &self.uri(query, "executing", 0))
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

/// The answer about a query that has no rows yet.
fn waiting(query: usize, next: &str) -> Reply {
    Reply::json(
        Envelope {
            next: Some(next),
            state: "QUEUED",
            ..Envelope::default()
        }
        .body(&format!("q{query}")),
    )
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
