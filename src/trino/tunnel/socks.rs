//! The server's side of SOCKS 5 (RFC 1928) with a password (RFC 1929), as far as the HTTP client
//! of this process needs it: CONNECT to a name or an address.

use std::io::{Error, ErrorKind, Result};
use std::net::{Ipv4Addr, Ipv6Addr};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

const VERSION: u8 = 5;
const BY_PASSWORD: u8 = 2;
const NONE_ACCEPTABLE: u8 = 0xff;
const CONNECT: u8 = 1;
const REFUSED: u8 = 5;

/// A password that nobody can guess.
///
/// # Errors
///
/// When the system has no random numbers.
pub(crate) fn password() -> Result<String> {
    use base64::Engine as _;
    let mut bytes = [0; 24];
    rustls::crypto::aws_lc_rs::default_provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| Error::other("the system has no random numbers"))?;
    let password = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    crate::secrets::hide(&password);
    Ok(password)
}

/// Reads what the client asks for: host and port.
///
/// # Errors
///
/// When the client breaks off, does not know the password, or asks for anything but a connection.
pub(crate) async fn requested<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    password: &str,
) -> Result<(String, u16)> {
    let wrong = || Error::from(ErrorKind::InvalidData);
    let [version, methods] = take(stream).await?;
    let methods = take_counted(stream, methods).await?;
    if version != VERSION || !methods.contains(&BY_PASSWORD) {
        stream.write_all(&[VERSION, NONE_ACCEPTABLE]).await?;
        return Err(wrong());
    }
    stream.write_all(&[VERSION, BY_PASSWORD]).await?;
    let [_, length] = take(stream).await?;
    take_counted(stream, length).await?;
    let [length] = take(stream).await?;
    let given = take_counted(stream, length).await?;
    let right = given == password.as_bytes();
    stream.write_all(&[1, u8::from(!right)]).await?;
    if !right {
        return Err(ErrorKind::PermissionDenied.into());
    }
    let [version, command, _, kind] = take(stream).await?;
    if (version, command) != (VERSION, CONNECT) {
        return Err(wrong());
    }
    let host = match kind {
        1 => Ipv4Addr::from(take::<4, _>(stream).await?).to_string(),
        3 => {
            let [length] = take(stream).await?;
            String::from_utf8(take_counted(stream, length).await?).map_err(|_| wrong())?
        }
        4 => Ipv6Addr::from(take::<16, _>(stream).await?).to_string(),
        _ => return Err(wrong()),
    };
    Ok((host, u16::from_be_bytes(take(stream).await?)))
}

/// Tells the client that the connection is made.
///
/// # Errors
///
/// When the client has closed the connection.
pub(crate) async fn accept<S: AsyncWrite + Unpin>(stream: &mut S) -> Result<()> {
    answer(stream, 0).await
}

/// Tells the client that there is no connection.
///
/// # Errors
///
/// When the client has closed the connection.
pub(crate) async fn refuse<S: AsyncWrite + Unpin>(stream: &mut S) -> Result<()> {
    answer(stream, REFUSED).await
}

async fn answer<S: AsyncWrite + Unpin>(stream: &mut S, code: u8) -> Result<()> {
    // The answer has room for the address at the other end, which is not needed after CONNECT.
    stream
        .write_all(&[VERSION, code, 0, 1, 0, 0, 0, 0, 0, 0])
        .await
}

async fn take<const N: usize, S: AsyncRead + Unpin>(stream: &mut S) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

async fn take_counted<S: AsyncRead + Unpin>(stream: &mut S, length: u8) -> Result<Vec<u8>> {
    let mut bytes = vec![0; usize::from(length)];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn asked(bytes: &[u8]) -> Result<(String, u16)> {
        let (mut near, mut far) = tokio::io::duplex(1024);
        near.write_all(bytes).await?;
        near.shutdown().await?;
        requested(&mut far, "pw").await
    }

    #[tokio::test]
    async fn names_and_addresses_are_understood() {
        let login = [5, 1, 2, 1, 1, b'u', 2, b'p', b'w', 5, 1, 0];
        let name = [&login[..], &[3, 2, b'a', b'b', 0x1f, 0x90]].concat();
        assert_eq!(asked(&name).await.unwrap(), ("ab".to_owned(), 8080));
        let address = [&login[..], &[1, 10, 0, 0, 1, 0, 80]].concat();
        assert_eq!(asked(&address).await.unwrap(), ("10.0.0.1".to_owned(), 80));
    }

    #[tokio::test]
    async fn strangers_are_refused() {
        for bytes in [
            // No password offered, a wrong one, and what is no SOCKS at all.
            &[5, 1, 0][..],
            &[5, 1, 2, 1, 1, b'u', 2, b'p', b'x', 5, 1, 0, 3],
            b"GET / HTTP/1.1\r\n\r\n",
        ] {
            assert!(asked(bytes).await.is_err(), "{bytes:?}");
        }
    }
}
