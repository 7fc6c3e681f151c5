//! Downloads a query's result and looks at nothing but where to go next: the floor that every
//! client is compared with.
//!
//! `raw-download URL SQL` follows `nextUri`, one request after the other, on one connection.
//! `raw-download URL SQL ENCODING` asks for spooled rows and downloads and acknowledges their
//! segments on four connections, as the connector does, without unpacking them.
//! Prints `{"answers": N, "segments": N, "bytes": N}`. Plain http only, standard library only.

use std::collections::HashMap;
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Segments that are downloaded at once, the connector's own number.
const PARALLEL: usize = 4;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (url, sql, encoding) = match arguments.as_slice() {
        [url, sql] => (url, sql, None),
        [url, sql, encoding] => (url, sql, Some(encoding)),
        _ => return Err("usage: raw-download URL SQL [ENCODING]".into()),
    };
    let mut headers =
        "X-Trino-User: bench\r\nX-Trino-Client-Capabilities: PARAMETRIC_DATETIME\r\n".to_owned();
    if let Some(encoding) = encoding {
        headers += &format!("X-Trino-Query-Data-Encoding: {encoding}\r\n");
    }
    let segments = Segments::start();
    let mut connections = Connections::default();
    let (mut answers, mut bytes) = (0_u64, 0_u64);
    let mut body = connections.request("POST", &format!("{url}/v1/statement"), &headers, sql)?;
    loop {
        answers += 1;
        bytes += body.len() as u64;
        let next = text_after(body, b"\"nextUri\":\"").map(str::to_owned);
        if encoding.is_some() {
            segments.take(body)?;
        }
        let Some(next) = next else { break };
        body = connections.request("GET", &next, &headers, "")?;
    }
    // The last answer is small and ends in the statistics; an error would be in it.
    if find(body, b"\"state\":\"FINISHED\"").is_none() {
        return Err(String::from_utf8_lossy(&body[..body.len().min(2000)]).into());
    }
    let (count, spooled) = segments.finish()?;
    println!(
        "{{\"answers\": {answers}, \"segments\": {count}, \"bytes\": {}}}",
        bytes + spooled
    );
    Ok(())
}

/// Threads that download segments and acknowledge them.
struct Segments {
    queue: mpsc::SyncSender<(String, String)>,
    threads: Vec<JoinHandle<Outcome<(u64, u64)>>>,
}

impl Segments {
    fn start() -> Self {
        let (queue, jobs) = mpsc::sync_channel::<(String, String)>(PARALLEL);
        let jobs = Arc::new(Mutex::new(jobs));
        let work = |jobs: Arc<Mutex<mpsc::Receiver<(String, String)>>>| {
            let mut connections = Connections::default();
            let (mut count, mut bytes) = (0, 0);
            loop {
                let job = jobs.lock().map_err(|_| "another thread failed")?.recv();
                let Ok((uri, ack)) = job else {
                    return Ok((count, bytes));
                };
                bytes += connections.request("GET", &uri, "", "")?.len() as u64;
                connections.request("GET", &ack, "X-Trino-User: bench\r\n", "")?;
                count += 1;
            }
        };
        let threads = (0..PARALLEL).map(|_| {
            let jobs = jobs.clone();
            std::thread::spawn(move || work(jobs))
        });
        Self {
            threads: threads.collect(),
            queue,
        }
    }

    /// Queues the stored segments that an answer names; those inside of it are here already.
    fn take(&self, mut body: &[u8]) -> Outcome<()> {
        while let Some(at) = find(body, b"\"type\":\"spooled\"") {
            body = &body[at + 1..];
            let uri = text_after(body, b"\"uri\":\"").ok_or("a segment without uri")?;
            let ack = text_after(body, b"\"ackUri\":\"").ok_or("a segment without ackUri")?;
            self.queue.send((uri.to_owned(), ack.to_owned()))?;
        }
        Ok(())
    }

    fn finish(self) -> Outcome<(u64, u64)> {
        drop(self.queue);
        let mut total = (0, 0);
        for thread in self.threads {
            let (count, bytes) = thread.join().map_err(|_| "a download failed")??;
            total = (total.0 + count, total.1 + bytes);
        }
        Ok(total)
    }
}

/// One kept-alive connection per server, and a buffer for bodies that is used again and again.
#[derive(Default)]
struct Connections {
    open: HashMap<String, BufReader<TcpStream>>,
    body: Vec<u8>,
}

impl Connections {
    /// Sends a request and returns the whole body of its answer.
    fn request(&mut self, method: &str, url: &str, headers: &str, data: &str) -> Outcome<&[u8]> {
        let rest = url
            .strip_prefix("http://")
            .ok_or_else(|| format!("not plain http: {url}"))?;
        let (host, path) = rest
            .split_once('/')
            .ok_or_else(|| format!("no path: {url}"))?;
        if !self.open.contains_key(host) {
            let stream = TcpStream::connect(host)?;
            stream.set_nodelay(true)?;
            self.open
                .insert(host.to_owned(), BufReader::with_capacity(256 << 10, stream));
        }
        let connection = self.open.get_mut(host).ok_or("no connection")?;
        let length = if data.is_empty() {
            String::new()
        } else {
            format!("Content-Length: {}\r\n", data.len())
        };
        let text =
            format!("{method} /{path} HTTP/1.1\r\nHost: {host}\r\n{headers}{length}\r\n{data}");
        connection.get_mut().write_all(text.as_bytes())?;
        self.body.clear();
        if !read_answer(connection, &mut self.body)
            .map_err(|error| format!("{method} {url}: {error}"))?
        {
            self.open.remove(host);
        }
        Ok(&self.body)
    }
}

/// Reads one answer; says whether the connection can be used again.
fn read_answer(connection: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> Outcome<bool> {
    let mut line = String::new();
    connection.read_line(&mut line)?;
    let status = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let (mut length, mut chunked, mut keep) = (None, false, true);
    loop {
        line.clear();
        if connection.read_line(&mut line)? <= 2 {
            break;
        }
        let (name, value) = line
            .trim_end()
            .split_once(':')
            .ok_or("a header without a colon")?;
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = Some(value.trim().parse::<u64>()?),
            "transfer-encoding" => chunked = value.trim().eq_ignore_ascii_case("chunked"),
            "connection" => keep = !value.trim().eq_ignore_ascii_case("close"),
            _ => {}
        }
    }
    if chunked {
        loop {
            line.clear();
            connection.read_line(&mut line)?;
            let size = u64::from_str_radix(line.trim(), 16)?;
            append(connection, size, body)?;
            append(connection, 2, body)?;
            body.truncate(body.len() - 2);
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = length {
        append(connection, length, body)?;
    } else if status != "204" {
        connection.read_to_end(body)?;
        keep = false;
    }
    if status.starts_with('2') {
        Ok(keep)
    } else {
        Err(format!("HTTP {status} {}", String::from_utf8_lossy(body)).into())
    }
}

fn append(from: &mut impl Read, length: u64, body: &mut Vec<u8>) -> Outcome<()> {
    if from.take(length).read_to_end(body)? as u64 == length {
        Ok(())
    } else {
        Err("cut off".into())
    }
}

/// The text between `start` and the next quote, looked for from the beginning of the answer.
fn text_after<'a>(body: &'a [u8], start: &[u8]) -> Option<&'a str> {
    // In an answer with rows, nextUri comes before them; without it, the answer is the last and
    // small.
    let from = find(body, start)? + start.len();
    let length = find(&body[from..], b"\"")?;
    std::str::from_utf8(&body[from..from + length]).ok()
}

fn find(body: &[u8], what: &[u8]) -> Option<usize> {
    body.windows(what.len()).position(|window| window == what)
}
