use std::io;
use std::sync::mpsc as std_mpsc;

use super::*;
use crate::protocol::message::{StreamDescriptor, StreamState};

struct Sink(std_mpsc::Sender<Vec<u8>>);

/// Takes a line only when it may.
struct SlowSink(std_mpsc::Receiver<()>, Sink);

impl io::Write for SlowSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
        self.1.write_all(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .send(bytes.to_vec())
            .map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn started() -> (
    Output,
    JoinHandle<io::Result<()>>,
    std_mpsc::Receiver<Vec<u8>>,
) {
    let (sender, written) = std_mpsc::channel();
    let (output, thread) = Output::start(Sink(sender), None).unwrap();
    (output, thread, written)
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

/// What was written, now that the output ends.
fn ended(
    output: &Output,
    thread: JoinHandle<io::Result<()>>,
    written: &std_mpsc::Receiver<Vec<u8>>,
) -> String {
    wait(output.finish());
    thread.join().unwrap().unwrap();
    String::from_utf8(written.iter().flatten().collect()).unwrap()
}

fn send(output: &Output, line: &str) -> Result<(), Closed> {
    output.send_records_blocking(&mut Lines::from_lines(&[line]), &RecordCount::default())
}

#[test]
fn a_state_counts_the_records_since_the_one_before() {
    let (output, thread, written) = started();
    let (ours, others) = (RecordCount::default(), RecordCount::default());
    let state = |count: &RecordCount| {
        let stream_descriptor = StreamDescriptor {
            name: "t".into(),
            namespace: None,
        };
        let stream_state = serde_json::json!({});
        let state = StateMessage::new(StreamState {
            stream_descriptor,
            stream_state,
        });
        wait(output.send_state(state, count)).unwrap();
    };
    output
        .send_records_blocking(&mut Lines::from_lines(&["1\n", "2\n"]), &ours)
        .unwrap();
    output
        .send_records_blocking(&mut Lines::from_lines(&["1\n"]), &others)
        .unwrap();
    state(&ours);
    output
        .send_records_blocking(&mut Lines::from_lines(&["3\n"]), &ours)
        .unwrap();
    state(&ours);
    state(&ours);
    let all = ended(&output, thread, &written);
    let states = all.lines().filter(|line| line.starts_with('{'));
    let counts: Vec<f64> = states
        .map(|line| serde_json::from_str(line).unwrap())
        .map(|state: serde_json::Value| {
            state["state"]["sourceStats"]["recordCount"]
                .as_f64()
                .unwrap()
        })
        .collect();
    assert_eq!(counts, [2.0, 1.0, 0.0]);
}

#[test]
fn lines_leave_in_the_order_they_were_sent() {
    let (output, thread, written) = started();
    for i in 0..100 {
        let line = format!("{i}\n");
        // Every other line takes the queue, and not the writer itself.
        if i % 2 == 0 {
            wait(output.send_lines(line.into_bytes())).unwrap();
        } else {
            send(&output, &line).unwrap();
        }
    }
    let numbers: Vec<String> = (0..100).map(|i: u8| i.to_string()).collect();
    let expected = numbers.join("\n") + "\n";
    assert_eq!(ended(&output, thread, &written), expected);
}

#[test]
fn records_are_written_at_once_if_nothing_else_waits() {
    let (output, _thread, written) = started();
    send(&output, "first\n").unwrap();
    assert_eq!(written.try_recv().unwrap(), b"first\n");
}

#[test]
fn records_overtake_nothing_that_was_sent_before() {
    let (go_on, may_go_on) = std_mpsc::channel();
    let (sender, written) = std_mpsc::channel();
    let (output, thread) = Output::start(SlowSink(may_go_on, Sink(sender)), None).unwrap();
    wait(output.send_lines(b"first\n".to_vec())).unwrap();
    wait(output.send_lines(b"second\n".to_vec())).unwrap();
    send(&output, "third\n").unwrap();
    assert!(written.try_recv().is_err());
    for _ in 0..3 {
        go_on.send(()).unwrap();
    }
    assert_eq!(ended(&output, thread, &written), "first\nsecond\nthird\n");
}

#[test]
fn a_note_leaves_before_what_is_sent_after_it() {
    let (output, thread, written) = started();
    output.note(&"first");
    send(&output, "second\n").unwrap();
    assert_eq!(ended(&output, thread, &written), "\"first\"\nsecond\n");
}

#[test]
fn a_closed_pipe_is_told_to_everybody() {
    let (output, thread, written) = started();
    drop(written);
    assert!(send(&output, "lost\n").is_err());
    assert!(thread.join().unwrap().is_err());
    assert!(output.closed().is_cancelled());
    assert!(send(&output, "lost\n").is_err());
}
