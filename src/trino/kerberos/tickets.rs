//! The client's tickets: had when they are first needed, and again before they expire.

use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

use base64::Engine as _;

use super::library::{Key, Service, Session};
use super::problem::{Failure, KerberosProblem, KerberosProof};
use super::spnego;
use crate::config;

/// A ticket is replaced this long before it expires; if its life is shorter than that, after half
/// of its life.
const MARGIN: Duration = Duration::from_mins(1);

/// Pause before a replacement that failed is tried again.
const PAUSE: Duration = Duration::from_secs(5);

/// A ticket that is younger is not replaced although Trino refuses it: another request has just
/// replaced it.
const FRESH: Duration = Duration::from_secs(2);

/// The tickets of one client for one service.
pub(super) struct Tickets {
    settings: config::Kerberos,
    host: String,
    /// What the library reads from files.
    configuration: Option<MemoryFile>,
    keytab: Option<MemoryFile>,
    current: Option<Ticket>,
    /// The service's principal, as far as it is known.
    service: String,
}

/// A ticket in use.
struct Ticket {
    session: Session,
    since: Instant,
    replace_at: Instant,
    expires_at: Instant,
}

impl Tickets {
    pub(super) fn new(settings: config::Kerberos, host: &str) -> Result<Self, KerberosProblem> {
        let file = |name, bytes: &[u8]| {
            let file = MemoryFile::new(name, bytes);
            file.map_err(|error| KerberosProblem::Other(error.to_string()))
        };
        let configuration = settings.configuration.as_deref();
        let configuration = configuration.map(|text| file("krb5.conf", text.as_bytes()));
        let configuration = configuration.transpose()?;
        let keytab = settings
            .key
            .either(|bytes| Some(file("keytab", bytes)), |_| None);
        let tickets = Self {
            service: settings.service_name.clone(),
            host: host.to_lowercase(),
            keytab: keytab.transpose()?,
            configuration,
            settings,
            current: None,
        };
        // Finds out now whether there is a library, and whether it takes the configuration.
        tickets.session()?;
        Ok(tickets)
    }

    /// The service's principal.
    pub(super) fn service(&self) -> &str {
        &self.service
    }

    /// A token of a ticket that has not expired.
    pub(super) fn token(&mut self) -> Result<String, KerberosProblem> {
        let now = Instant::now();
        match &mut self.current {
            Some(ticket) if now < ticket.replace_at => {}
            Some(ticket) if now < ticket.expires_at => {
                ticket.replace_at = now + PAUSE;
                if let Err(problem) = self.log_in() {
                    tracing::warn!("no new ticket could be had, the old one is used: {problem}");
                }
            }
            _ => self.log_in()?,
        }
        self.make_token()
    }

    /// A token of a new ticket.
    pub(super) fn renewed_token(&mut self) -> Result<String, KerberosProblem> {
        let is_fresh = |ticket: &Ticket| ticket.since.elapsed() < FRESH;
        if !self.current.as_ref().is_some_and(is_fresh) {
            self.log_in()?;
        }
        self.make_token()
    }

    fn make_token(&mut self) -> Result<String, KerberosProblem> {
        let Some(ticket) = &mut self.current else {
            return Err(KerberosProblem::Other("there is no ticket".to_owned()));
        };
        let request = ticket.session.ap_request(&mut spnego::checksum());
        let request = request.map_err(|failure| failure.of_service(&self.service))?;
        Ok(base64::engine::general_purpose::STANDARD.encode(spnego::token(&request)))
    }

    /// Proves the client to the KDC and asks for a ticket for the service. The tickets so far stay
    /// if that fails.
    fn log_in(&mut self) -> Result<(), KerberosProblem> {
        let mut session = self.session()?;
        let principal = &self.settings.principal;
        let (proof, result) = match &self.keytab {
            Some(keytab) => (
                KerberosProof::Keytab,
                session.log_in(principal, &Key::Keytab(&keytab.path)),
            ),
            None => (
                KerberosProof::Password,
                self.settings.key.either(
                    |_| Ok(()),
                    |password| session.log_in(principal, &Key::Password(password)),
                ),
            ),
        };
        result.map_err(|failure| failure.of_login(principal, proof))?;
        let service = self.service_principal(&mut session)?;
        // Without a realm, which the KDC then knows, the name ends with the sign alone.
        service.trim_end_matches('@').clone_into(&mut self.service);
        let asked = Instant::now();
        let life = session.ask_for(&service);
        let life = life.map_err(|failure| failure.of_service(&self.service))?;
        tracing::debug!(
            "a ticket for {} lives {} seconds",
            self.service,
            life.as_secs()
        );
        self.current = Some(Ticket {
            session,
            since: asked,
            replace_at: asked + life.saturating_sub(MARGIN).max(life / 2),
            expires_at: asked + life,
        });
        Ok(())
    }

    fn session(&self) -> Result<Session, KerberosProblem> {
        Session::open(self.configuration.as_ref().map(|file| file.path.as_str()))
    }

    fn service_principal(&self, session: &mut Session) -> Result<String, KerberosProblem> {
        let config::Kerberos {
            service_name,
            service_principal_pattern: pattern,
            canonical_hostname,
            ..
        } = &self.settings;
        let wrong = |failure: Failure| failure.of_service(pattern);
        let host = if *canonical_hostname {
            let name = session.service_principal(&Service::OnHost(service_name, &self.host), true);
            host_in(&name.map_err(wrong)?).to_owned()
        } else {
            self.host.clone()
        };
        let text = pattern
            .replace("${SERVICE}", service_name)
            .replace("${HOST}", &host);
        session
            .service_principal(&parsed_service(&text), false)
            .map_err(wrong)
    }
}

/// The host in `service/host@REALM`.
fn host_in(principal: &str) -> &str {
    let rest = principal
        .split_once('/')
        .map_or(principal, |(_, rest)| rest);
    rest.split_once('@').map_or(rest, |(host, _)| host)
}

/// What `service@host`, `service/host` or `service/host@REALM` mean.
fn parsed_service(text: &str) -> Service<'_> {
    match (text.split_once('/'), text.split_once('@')) {
        (Some(_), Some(_)) | (None, None) => Service::Principal(text),
        (Some((service, host)), None) | (None, Some((service, host))) => {
            Service::OnHost(service, host)
        }
    }
}

/// A file that is nowhere on a disk: the library reads its configuration and keytabs from files
/// only, and the container may have nothing that can be written to.
struct MemoryFile {
    path: String,
    /// Keeps it in existence.
    _file: OwnedFd,
}

impl MemoryFile {
    #[cfg(target_os = "linux")]
    fn new(name: &str, mut bytes: &[u8]) -> io::Result<Self> {
        use rustix::fs::MemfdFlags;
        let file = rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC)?;
        while !bytes.is_empty() {
            let written = rustix::io::write(&file, bytes)?;
            bytes = &bytes[written..];
        }
        Ok(Self {
            path: format!("/proc/self/fd/{}", file.as_raw_fd()),
            _file: file,
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn new(_name: &str, _bytes: &[u8]) -> io::Result<Self> {
        let text = "Kerberos is supported on Linux only";
        Err(io::Error::new(io::ErrorKind::Unsupported, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_understood_in_all_their_forms() {
        let cases = [
            (
                "trino@h.example.com",
                Service::OnHost("trino", "h.example.com"),
            ),
            ("HTTP/h", Service::OnHost("HTTP", "h")),
            ("HTTP/h@R", Service::Principal("HTTP/h@R")),
            ("trino", Service::Principal("trino")),
        ];
        for (text, expected) in cases {
            assert_eq!(parsed_service(text), expected, "{text}");
        }
        assert_eq!(host_in("HTTP/h.example.com@R"), "h.example.com");
        assert_eq!(host_in("HTTP/h@"), "h");
    }

    #[test]
    fn a_file_in_memory_can_be_read_by_its_path_more_than_once() {
        let file = MemoryFile::new("krb5.conf", b"[realms]").unwrap();
        for _ in 0..2 {
            assert_eq!(std::fs::read(&file.path).unwrap(), b"[realms]");
        }
    }
}
