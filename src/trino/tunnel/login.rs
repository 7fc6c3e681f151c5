//! Logs in at the SSH server of a tunnel, by a key or by a password.
//!
//! A password is sent by the method "password", or as the answer to the server's question
//! ("keyboard-interactive", RFC 4256), which is the only method of many SSH servers.

use std::sync::Arc;

use russh::MethodKind;
use russh::client::{AuthResult, KeyboardInteractiveAuthResponse as Reply, Prompt};
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg};
use secrecy::{ExposeSecret as _, SecretString};

use crate::config::{TunnelLogin, pem};
use crate::trino::tunnel::host_key::Session;
use crate::trino::tunnel::problem::{SshKeyFault, TunnelProblem, TunnelProof};

/// How many characters of a server's question are shown.
const SHOWN: usize = 60;

/// What proves the user, ready to be used.
pub(crate) enum Proof {
    /// A private key.
    Key(Arc<PrivateKey>),
    /// A password.
    Password(SecretString),
}

/// How a login ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The user is logged in.
    In,
    /// The proof was not accepted.
    Refused,
    /// Logins of this kind are not possible, only logins of these kinds.
    NotOffered(String),
    /// The proof was accepted, but the server wants this as well.
    More(String),
}

impl Proof {
    /// Opens the private key, if it is one.
    ///
    /// # Errors
    ///
    /// When the key cannot be read, or its passphrase is missing or wrong.
    pub(crate) fn from_login(login: &TunnelLogin) -> Result<Self, TunnelProblem> {
        match login {
            TunnelLogin::Password(password) => Ok(Self::Password(password.clone())),
            TunnelLogin::Key(pem, passphrase) => {
                let passphrase = passphrase.as_ref().map(SecretString::expose_secret);
                let key =
                    private_key(pem.expose_secret(), passphrase).map_err(TunnelProblem::Key)?;
                Ok(Self::Key(Arc::new(key)))
            }
        }
    }

    /// Which kind of proof it is.
    pub(crate) const fn kind(&self) -> TunnelProof {
        match self {
            Self::Key(_) => TunnelProof::Key,
            Self::Password(_) => TunnelProof::Password,
        }
    }

    /// Proves the user.
    ///
    /// # Errors
    ///
    /// When the session breaks.
    pub(crate) async fn log_in(
        &self,
        session: &mut Session,
        user: &str,
    ) -> Result<Outcome, russh::Error> {
        match self {
            Self::Key(key) => {
                let hash = session.best_supported_rsa_hash().await?;
                let key = PrivateKeyWithHashAlg::new(Arc::clone(key), hash.flatten());
                let answer = session.authenticate_publickey(user, key).await?;
                Ok(Outcome::from_answer(&answer, &[MethodKind::PublicKey]))
            }
            Self::Password(password) => by_password(session, user, password.expose_secret()).await,
        }
    }
}

impl Outcome {
    /// The outcome of a login by one of `methods`, from the server's answer.
    fn from_answer(answer: &AuthResult, methods: &[MethodKind]) -> Self {
        match answer {
            AuthResult::Success => Self::In,
            AuthResult::Failure {
                remaining_methods,
                partial_success,
            } => Self::from_refusal(remaining_methods, *partial_success, methods),
        }
    }

    fn from_refusal(offered: &[MethodKind], partial: bool, methods: &[MethodKind]) -> Self {
        let names: Vec<&str> = offered.iter().map(Into::into).collect();
        let names = names.join(", ");
        if partial {
            Self::More(names)
        } else if offered.is_empty() || methods.iter().any(|method| offered.contains(method)) {
            Self::Refused
        } else {
            Self::NotOffered(names)
        }
    }
}

async fn by_password(
    session: &mut Session,
    user: &str,
    password: &str,
) -> Result<Outcome, russh::Error> {
    const METHODS: [MethodKind; 2] = [MethodKind::Password, MethodKind::KeyboardInteractive];
    // Asks first which methods are offered, as every client does: the server counts a password by a
    // method that it does not offer as a failed attempt.
    let mut answer = session.authenticate_none(user).await?;
    let takes = |answer: &AuthResult, method| match answer {
        AuthResult::Success => false,
        AuthResult::Failure {
            remaining_methods,
            partial_success,
        } => !partial_success && remaining_methods.contains(&method),
    };
    if takes(&answer, MethodKind::Password) {
        answer = session.authenticate_password(user, password).await?;
    }
    // This is tried even if a password was just refused: there may be a second question, and only
    // this method shows it.
    if takes(&answer, MethodKind::KeyboardInteractive) {
        return by_answers(session, user, password).await;
    }
    Ok(Outcome::from_answer(&answer, &METHODS))
}

/// Answers the server's question for the password, but no other question.
async fn by_answers(
    session: &mut Session,
    user: &str,
    password: &str,
) -> Result<Outcome, russh::Error> {
    let mut reply = session
        .authenticate_keyboard_interactive_start(user, None)
        .await?;
    let mut answered = None;
    loop {
        let prompts = match reply {
            Reply::Success => return Ok(Outcome::In),
            Reply::Failure {
                remaining_methods,
                partial_success,
            } => {
                let methods = [MethodKind::KeyboardInteractive];
                return Ok(Outcome::from_refusal(
                    &remaining_methods,
                    partial_success,
                    &methods,
                ));
            }
            Reply::InfoRequest { prompts, .. } => prompts,
        };
        let answers = match question(&prompts, answered.as_deref()) {
            Question::None => Vec::new(),
            Question::Password(prompt) => {
                answered = Some(prompt);
                vec![password.to_owned()]
            }
            Question::Again => return Ok(Outcome::Refused),
            Question::Other(prompt) => return Ok(Outcome::More(prompt)),
        };
        reply = session
            .authenticate_keyboard_interactive_respond(answers)
            .await?;
    }
}

/// What a server wants to know.
#[derive(Debug, PartialEq, Eq)]
enum Question {
    /// Nothing: it only shows a text, or has no more questions.
    None,
    /// The password; the question is in these words.
    Password(String),
    /// The password once more, although it was given already.
    Again,
    /// Something else, such as a second factor; the question is in these words.
    Other(String),
}

/// Finds out what a request wants. `answered` is the question that was already answered with the
/// password.
fn question(prompts: &[Prompt], answered: Option<&str>) -> Question {
    match (prompts, answered) {
        ([], _) => Question::None,
        ([only], None) if !only.echo => Question::Password(only.prompt.clone()),
        ([only], Some(before)) if !only.echo && only.prompt == before => Question::Again,
        ([.., last], _) => Question::Other(in_short(&last.prompt)),
    }
}

/// The last line of a prompt; the lines above it are only information.
fn in_short(prompt: &str) -> String {
    let line = prompt.trim().lines().last().unwrap_or_default();
    let shown = line.chars().filter(|character| !character.is_control());
    format!("\"{}\"", shown.take(SHOWN).collect::<String>().trim())
}

fn private_key(pem: &str, passphrase: Option<&str>) -> Result<PrivateKey, SshKeyFault> {
    // Damage is looked for here, because the SSH library does not say what is wrong.
    let damage = pem::blocks(pem)
        .iter()
        .find(|block| block.label().ends_with("PRIVATE KEY"))
        .and_then(|block| block.der().err());
    if let Some(damage) = damage {
        return Err(SshKeyFault::Damaged(damage));
    }
    russh::keys::decode_secret_key(pem, passphrase).map_err(|error| {
        let is_encrypted =
            matches!(error, russh::keys::Error::KeyIsEncrypted) || pem.contains("ENCRYPTED");
        match passphrase {
            None if is_encrypted => SshKeyFault::Encrypted,
            Some(_) => SshKeyFault::Passphrase,
            None => SshKeyFault::Unreadable(error.to_string()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(text: &str, echo: bool) -> Prompt {
        Prompt {
            prompt: text.to_owned(),
            echo,
        }
    }

    #[test]
    fn the_password_answers_one_hidden_question_once() {
        let password = || prompt("Password: ", false);
        let code = || prompt("Welcome.\r\nVerification code: ", false);
        let other = |text: &str| Question::Other(format!("\"{text}\""));
        let first = Question::Password("Password: ".to_owned());
        assert_eq!(question(&[], None), Question::None);
        assert_eq!(question(&[password()], None), first);
        assert_eq!(question(&[], Some("Password: ")), Question::None);
        let again = question(&[password()], Some("Password: "));
        assert_eq!(again, Question::Again, "it was wrong");
        assert_eq!(
            question(&[code()], Some("Password: ")),
            other("Verification code:")
        );
        assert_eq!(
            question(&[password(), code()], None),
            other("Verification code:")
        );
        let shown = prompt("Your name\u{7}: ", true);
        assert_eq!(question(&[shown], None), other("Your name:"));
    }

    #[test]
    fn a_refusal_says_what_would_be_taken() {
        use MethodKind as M;
        let of = |offered: &[M], partial| Outcome::from_refusal(offered, partial, &[M::PublicKey]);
        assert_eq!(of(&[M::PublicKey, M::Password], false), Outcome::Refused);
        assert_eq!(of(&[], false), Outcome::Refused);
        let names = "password, keyboard-interactive".to_owned();
        let offered = [M::Password, M::KeyboardInteractive];
        assert_eq!(of(&offered, false), Outcome::NotOffered(names.clone()));
        assert_eq!(of(&offered, true), Outcome::More(names));
    }
}
