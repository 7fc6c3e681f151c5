//! `authentication`: how the user is proven to Trino.

use secrecy::SecretString;

use super::fields::Fields;

/// How the user is proven to Trino.
#[derive(Debug, Clone)]
pub enum Authentication {
    /// Not at all: Trino believes the name.
    None,
    /// HTTP Basic with this password (Trino's password file, LDAP, Starburst Galaxy).
    Password(SecretString),
}

pub(super) fn read(fields: &mut Fields<'_>) -> Authentication {
    fields.object("authentication", |fields| {
        let method = fields.text("method");
        match method.as_deref() {
            None if fields.has("password") => password(fields),
            None | Some("none" | "") => Authentication::None,
            Some("password") => password(fields),
            Some(other) => {
                let text = format!("\"{other}\" is not known; choose \"none\" or \"password\"");
                fields.problem("method", &text);
                Authentication::None
            }
        }
    })
}

fn password(fields: &mut Fields<'_>) -> Authentication {
    let Some(password) = fields.secret("password") else {
        fields.problem("password", "is missing; set it to the password of the user");
        return Authentication::None;
    };
    crate::logging::hide(password);
    Authentication::Password(SecretString::from(password))
}
