//! A tunnel that cannot be used: which step failed, and which field of `tunnel_method` to check.

use crate::trino::error::{ForwardProblem, SshKeyFault, TunnelProblem, TunnelProof};

/// Why the tunnel cannot be opened, and what to check.
pub(super) fn message(problem: &TunnelProblem) -> String {
    match problem {
        TunnelProblem::Resolve(address) => format!(
            "The host name of the SSH server {address} cannot be resolved. Check ‹tunnel_host› of \
             ‹tunnel_method›."
        ),
        TunnelProblem::ResolveLater(address) => format!(
            "The host name of the SSH server {address} cannot be resolved for the moment. If that \
             lasts, check ‹tunnel_host› of ‹tunnel_method›."
        ),
        TunnelProblem::Refused(address) => format!(
            "Nothing accepts connections at the SSH server {address}. Check ‹tunnel_host› and \
             ‹tunnel_port› of ‹tunnel_method›."
        ),
        TunnelProblem::Connect { address, cause } => format!(
            "The SSH server {address} cannot be reached: {cause}. Check ‹tunnel_host› and \
             ‹tunnel_port› of ‹tunnel_method›, and that no firewall is in the way."
        ),
        TunnelProblem::Greeting { address, cause } => format!(
            "What answers at {address} could not be spoken to by SSH: {cause}. Check \
             ‹tunnel_host› and ‹tunnel_port› of ‹tunnel_method›."
        ),
        TunnelProblem::HostKey { address, line } => format!(
            "The SSH server {address} is not the one that ‹tunnel_host_key› of ‹tunnel_method› \
             names: its host key is \"{line}\". If it was changed on purpose, set \
             ‹tunnel_host_key› to that."
        ),
        TunnelProblem::Broken { address, cause } => {
            format!("The login at the SSH server {address} broke off: {cause}.")
        }
        TunnelProblem::Login {
            address,
            user,
            proof,
        } => format!(
            "The SSH server {address} did not accept the user \"{user}\". Check ‹tunnel_user› and \
             ‹{}› of ‹tunnel_method›.",
            field(*proof)
        ),
        TunnelProblem::NotOffered {
            address,
            user,
            proof,
            offered,
        } => format!(
            "The SSH server {address} does not let the user \"{user}\" log in by ‹{}› of \
             ‹tunnel_method›, only by {offered}. Check ‹tunnel_method›.",
            field(*proof)
        ),
        TunnelProblem::More {
            address,
            user,
            proof,
            wanted,
        } => format!(
            "The SSH server {address} wants more of the user \"{user}\" than ‹{}› of \
             ‹tunnel_method›: {wanted}. A tunnel cannot give a second factor; set ‹tunnel_user› \
             to a user who needs none.",
            field(*proof)
        ),
        TunnelProblem::Key(fault) => format!("‹ssh_key› of ‹tunnel_method› {}.", key(fault)),
        TunnelProblem::Entrance(cause) => {
            format!("The tunnel's entrance on this machine cannot be opened: {cause}.")
        }
    }
}

/// Why the SSH server makes no connection to Trino, as the end of a sentence.
pub(super) fn forward(problem: &ForwardProblem) -> String {
    match problem {
        ForwardProblem::Session(problem) => message(problem),
        ForwardProblem::Breaks => "the SSH session breaks off".to_owned(),
        ForwardProblem::NotAllowed => {
            "the SSH server does not allow to pass on connections to it (AllowTcpForwarding, \
             PermitOpen)"
                .to_owned()
        }
        ForwardProblem::Unreachable => {
            "nothing accepts connections there, or there is no such host".to_owned()
        }
        ForwardProblem::Other(reason) => reason.clone(),
    }
}

/// The field that a proof comes from.
fn field(proof: TunnelProof) -> &'static str {
    match proof {
        TunnelProof::Key => "ssh_key",
        TunnelProof::Password => "tunnel_user_password",
    }
}

fn key(fault: &SshKeyFault) -> String {
    match fault {
        SshKeyFault::Damaged(damage) => {
            format!("cannot be read (it {damage}); paste all of it, from -----BEGIN to -----END")
        }
        SshKeyFault::Encrypted => "is encrypted; set ‹ssh_key_passphrase›".to_owned(),
        SshKeyFault::Passphrase => {
            "cannot be opened with ‹ssh_key_passphrase›; check both".to_owned()
        }
        SshKeyFault::Unreadable(cause) => {
            format!("cannot be read ({cause}); paste all of it, from -----BEGIN to -----END")
        }
    }
}
