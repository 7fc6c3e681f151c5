//! The token of HTTP's `Negotiate` (RFC 4559): a Kerberos request in GSS-API's frame (RFC 4121,
//! 4.1), offered by SPNEGO (RFC 4178, 4.2.1).

/// `1.2.840.113554.1.2.2`, Kerberos, as DER.
const KERBEROS: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";

/// `1.3.6.1.5.5.2`, SPNEGO, as DER.
const SPNEGO: &[u8] = b"\x06\x06\x2b\x06\x01\x05\x05\x02";

/// Says that an AP-REQ follows.
const AP_REQ: [u8; 2] = [1, 0];

/// What the context shall do: detect replays (4) and a wrong order (8), encrypt (16) and sign (32).
/// The server need not prove itself: its certificate has done that.
const FLAGS: u32 = 4 | 8 | 16 | 32;

/// What the authenticator of the AP-REQ is a checksum of (RFC 4121, 4.1.1): no channel, and the
/// flags.
pub(super) fn checksum() -> [u8; 24] {
    let mut checksum = [0; 24];
    checksum[0] = 16;
    checksum[20..].copy_from_slice(&FLAGS.to_le_bytes());
    checksum
}

/// The token that offers an AP-REQ.
pub(super) fn token(ap_request: &[u8]) -> Vec<u8> {
    let request = der(0x60, &[KERBEROS, &AP_REQ, ap_request].concat());
    let mechanisms = der(0xa0, &der(0x30, KERBEROS));
    let offer = der(
        0x30,
        &[mechanisms, der(0xa2, &der(0x04, &request))].concat(),
    );
    der(0x60, &[SPNEGO, &der(0xa0, &offer)].concat())
}

/// A value in DER, with its tag and length.
fn der(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len().to_be_bytes();
    let length = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    let mut der = vec![tag];
    match length {
        [] => der.push(0),
        [short] if *short < 0x80 => der.push(*short),
        // A length has at most eight bytes.
        long => {
            der.push(0x80 | u8::try_from(long.len()).unwrap_or_default());
            der.extend_from_slice(long);
        }
    }
    der.extend_from_slice(value);
    der
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_as_short_as_they_can_be() {
        assert_eq!(der(4, &[]), [4, 0]);
        assert_eq!(der(4, &[7; 3]), [4, 3, 7, 7, 7]);
        assert_eq!(der(4, &[7; 127])[..2], [4, 127]);
        assert_eq!(der(4, &[7; 128])[..3], [4, 0x81, 128]);
        assert_eq!(der(4, &[7; 256])[..4], [4, 0x82, 1, 0]);
    }

    #[test]
    fn a_request_is_offered_as_kerberos() {
        let kerberos = "06092a864886f712010202";
        let request = format!("600d{kerberos}0100");
        let expected = format!("602e06062b0601050502a0243022a00d300b{kerberos}a211040f{request}");
        let token = token(&[]);
        let token: Vec<String> = token.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(token.concat(), expected);
    }

    #[test]
    fn the_checksum_names_no_channel() {
        let checksum = checksum();
        assert_eq!(checksum[..4], [16, 0, 0, 0]);
        assert_eq!(checksum[4..20], [0; 16]);
        assert_eq!(checksum[20..], [60, 0, 0, 0]);
    }
}
