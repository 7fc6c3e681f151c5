//! HTTP/1.1 by hand, as far as a scripted server needs it: tests cut, stall and garble answers,
//! which a proper server library takes care not to do.

use std::io::{self, Read, Write};
use std::time::Duration;

/// What arrived: method, target, headers with names in lower case, body.
pub(crate) type RawRequest = (String, String, Vec<(String, String)>, Vec<u8>);

/// An answer and how much of it leaves.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) way: Way,
}

/// How an answer leaves.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    /// As it should.
    Whole,
    /// Announced whole, but the connection closes in the middle of the body.
    Cut,
    /// The same without an announced length.
    CutChunked,
    /// The connection closes without a byte.
    Closed,
    /// A pause in the middle of the body.
    Slow(Duration),
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            way: Way::Whole,
        }
    }

    pub(crate) fn json(body: impl Into<Vec<u8>>) -> Self {
        Self::new(200, body).header("Content-Type", "application/json")
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn by(mut self, way: Way) -> Self {
        self.way = way;
        self
    }
}

/// One connection of a client.
pub(super) struct Connection<S> {
    stream: S,
    unread: Vec<u8>,
}

impl<S: Read + Write> Connection<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    /// The next request; `None` when the client went away or does not speak HTTP.
    pub(super) fn request(&mut self) -> io::Result<Option<RawRequest>> {
        let Some(end) = self.read_until(|bytes| bytes.windows(4).position(|w| w == b"\r\n\r\n"))?
        else {
            return Ok(None);
        };
        let head = String::from_utf8_lossy(&self.unread[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let mut first = lines.next().unwrap_or_default().split(' ');
        let (method, target) = (first.next().unwrap_or(""), first.next().unwrap_or(""));
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let length = headers
            .iter()
            .find(|(name, _)| name == "content-length")
            .map_or(0, |(_, value)| value.parse().unwrap());
        let all = end + 4 + length;
        if self
            .read_until(|bytes| (bytes.len() >= all).then_some(all))?
            .is_none()
        {
            return Ok(None);
        }
        let rest = self.unread.split_off(all);
        let body = std::mem::replace(&mut self.unread, rest).split_off(end + 4);
        Ok(Some((method.to_owned(), target.to_owned(), headers, body)))
    }

    fn read_until(&mut self, found: impl Fn(&[u8]) -> Option<usize>) -> io::Result<Option<usize>> {
        let mut bytes = [0; 16 << 10];
        loop {
            // A TLS handshake on a plain port; Jetty answers it like this.
            if self.unread.first() == Some(&0x16) {
                self.stream.write_all(
                    b"HTTP/1.1 400 Illegal character CNTL=0x16\r\nConnection: close\r\n\r\n",
                )?;
                return Ok(None);
            }
            if let Some(at) = found(&self.unread) {
                return Ok(Some(at));
            }
            match self.stream.read(&mut bytes)? {
                0 => return Ok(None),
                length => self.unread.extend_from_slice(&bytes[..length]),
            }
        }
    }

    /// Sends an answer; the result is whether the connection goes on.
    pub(super) fn reply(&mut self, reply: &Reply, has_body: bool) -> io::Result<bool> {
        let mut head = format!("HTTP/1.1 {} Scripted\r\n", reply.status).into_bytes();
        for (name, value) in &reply.headers {
            write!(head, "{name}: {value}\r\n")?;
        }
        let body = if has_body { &reply.body[..] } else { &[] };
        let (first, second) = body.split_at(body.len() / 2);
        match reply.way {
            Way::Closed => return Ok(false),
            Way::CutChunked => {
                write!(head, "Transfer-Encoding: chunked\r\n\r\n")?;
                self.stream.write_all(&head)?;
                write!(self.stream, "{:x}\r\n", first.len())?;
                self.stream.write_all(first)?;
                self.stream.write_all(b"\r\n")?;
                self.stream.flush()?;
                return Ok(false);
            }
            Way::Whole | Way::Cut | Way::Slow(_) => {}
        }
        if reply.status != 204 {
            write!(head, "Content-Length: {}\r\n", body.len())?;
        }
        head.extend_from_slice(b"\r\n");
        self.stream.write_all(&head)?;
        self.stream.write_all(first)?;
        self.stream.flush()?;
        match reply.way {
            Way::Cut => return Ok(false),
            Way::Slow(pause) => std::thread::sleep(pause),
            _ => {}
        }
        self.stream.write_all(second)?;
        self.stream.flush()?;
        Ok(true)
    }
}
