//! A destination of the speed mode: it looks for the sockets, connects to them in their order and
//! once only, and reads each to its end.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::connector::Connector;

/// The sockets' directory, and what the platform says about them.
pub(crate) struct Destination {
    directory: tempfile::TempDir,
    pub(crate) paths: Vec<PathBuf>,
}

/// What came over one socket.
pub(crate) type Received = JoinHandle<Vec<u8>>;

impl Destination {
    pub(crate) fn new(sockets: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |number| {
            directory
                .path()
                .join(format!("airbyte_socket_{number}.sock"))
        };
        Self {
            paths: (1..=sockets).map(path).collect(),
            directory,
        }
    }

    /// The run, told to use the sockets.
    pub(crate) fn equip(&self, connector: Connector, format: &str) -> Connector {
        let paths: Vec<&str> = self
            .paths
            .iter()
            .map(|path| path.to_str().unwrap())
            .collect();
        connector
            .env("DATA_CHANNEL_MEDIUM", "SOCKET")
            .env("DATA_CHANNEL_FORMAT", format)
            .env("DATA_CHANNEL_SOCKET_PATHS", &paths.join(","))
    }

    /// Connects to a socket once its file is there. A refused connection fails the test, as it ends
    /// a destination.
    #[track_caller]
    pub(crate) fn connect(&self, socket: usize) -> UnixStream {
        let path = &self.paths[socket];
        let limit = Instant::now() + Duration::from_secs(20);
        while !path.exists() {
            assert!(Instant::now() < limit, "{} does not come", path.display());
            std::thread::sleep(Duration::from_millis(1));
        }
        UnixStream::connect(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Connects to the first sockets and reads each to its end.
    #[track_caller]
    pub(crate) fn read(&self, sockets: usize) -> Vec<Received> {
        let streams: Vec<UnixStream> = (0..sockets).map(|socket| self.connect(socket)).collect();
        streams.into_iter().map(read_to_end).collect()
    }

    /// The files that are in the sockets' directory.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.path()).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

pub(crate) fn read_to_end(mut stream: UnixStream) -> Received {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        match stream.read_to_end(&mut bytes) {
            // The connection was never taken: the read had ended already.
            Err(error) if error.kind() == ErrorKind::ConnectionReset && bytes.is_empty() => {}
            ended => drop(ended.unwrap()),
        }
        bytes
    })
}

/// The JSON messages of each socket.
#[track_caller]
pub(crate) fn messages(received: Vec<Received>) -> Vec<Vec<Value>> {
    let parse = |received: Received| {
        let bytes = received.join().unwrap();
        assert!(bytes.is_empty() || bytes.ends_with(b"\n"), "a line is cut");
        let lines = BufReader::new(&bytes[..]).lines();
        lines
            .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
            .collect()
    };
    received.into_iter().map(parse).collect()
}

/// The messages of each socket, those of Protobuf in the form of JSON: `data` is the list of the
/// values' bytes.
#[track_caller]
pub(crate) fn protobuf_messages(received: Vec<Received>) -> Vec<Vec<Value>> {
    let parse = |received: Received| {
        let bytes = received.join().unwrap();
        let mut rest = &bytes[..];
        let mut messages = Vec::new();
        while !rest.is_empty() {
            let length = varint(&mut rest);
            let (message, after) = rest.split_at(usize::try_from(length).unwrap());
            rest = after;
            messages.push(protobuf_message(message));
        }
        messages
    };
    received.into_iter().map(parse).collect()
}

fn protobuf_message(message: &[u8]) -> Value {
    let [(number, content)] = &fields(message)[..] else {
        panic!("one message in each: {message:?}");
    };
    if *number == 2 {
        return serde_json::from_slice(content).unwrap();
    }
    assert_eq!(*number, 1);
    let (mut record, mut data) = (json!({}), Vec::new());
    for (number, content) in fields(content) {
        let text = || String::from_utf8(content.clone()).unwrap();
        match number {
            1 => record["namespace"] = text().into(),
            2 => record["stream"] = text().into(),
            4 => record["partition_id"] = text().into(),
            5 => data.push(content),
            3 | 6 => {}
            other => panic!("field {other}"),
        }
    }
    record["data"] = json!(data);
    json!({"type": "RECORD", "record": record})
}

/// Numbers and contents of the fields; of a number the content is left out.
fn fields(mut rest: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let tag = varint(&mut rest);
        let length = match (tag & 7, varint(&mut rest)) {
            (0, _) => 0,
            (2, length) => usize::try_from(length).unwrap(),
            (other, _) => panic!("wire type {other}"),
        };
        let (content, after) = rest.split_at(length);
        rest = after;
        fields.push((tag >> 3, content.to_vec()));
    }
    fields
}

fn varint(rest: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, after) = rest.split_first().expect("a varint is cut");
        *rest = after;
        value |= u64::from(first & 0x7f) << shift;
        if *first < 0x80 {
            break;
        }
    }
    value
}
