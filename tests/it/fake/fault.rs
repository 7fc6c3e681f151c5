//! What goes wrong on request, and how it spoils an answer.

use std::time::Duration;

use serde_json::{Value, json};

use super::http::{Reply, Way};

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
    pub(super) fn is_of_the_answer(self) -> bool {
        !matches!(
            self,
            Self::Status(429 | 503 | 400..=404 | 410)
                | Self::Wait(..)
                | Self::Page(_)
                | Self::Challenges(..)
        )
    }

    pub(super) fn spoil(self, reply: Reply) -> Reply {
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
