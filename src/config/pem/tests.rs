use base64::Engine as _;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn pem(label: &str, bytes: &[u8]) -> String {
    let body = base64::engine::general_purpose::STANDARD.encode(bytes);
    let lines: Vec<&str> = body
        .as_bytes()
        .chunks(LINE)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

/// What people and tools put in the place of a line end.
const LINE_ENDS: &[&str] = &[
    "\n",
    "\r\n",
    "\r",
    "\n\n",
    "  \r\n",
    "\\n",
    "\\r\\n",
    "\\r",
    "\\\\n",
    "\\\\r\\\\n",
    " ",
    "    ",
    "\t",
    "\\t",
    "\n    ",
    "\u{a0}",
    "\\\n",
    "\"\n\"",
    "\\u000a",
    "",
];

proptest! {
    #[test]
    fn line_ends_do_not_change_what_a_text_means(
        blocks_of in proptest::collection::vec(
            (select(LABELS), proptest::collection::vec(any::<u8>(), 1..300)),
            1..4,
        ),
        // One for all, as a tool would, or another at each place.
        ends in proptest::collection::vec(select(LINE_ENDS), 1..40),
        around in select(&["", "\"", "'", " ", "\n", "\u{feff}", "\\\"", "key = \""][..]),
    ) {
        let whole: String = blocks_of.iter().map(|(label, bytes)| pem(label, bytes)).collect();
        let mut ends = ends.iter().cycle();
        let mangled = whole.split('\n').fold(String::new(), |text, line| {
            text + line + ends.next().unwrap()
        });
        let mangled = format!("{around}{mangled}{around}");
        prop_assert_eq!(normalised(&mangled), whole.as_str(), "{}", mangled);
        let read: Vec<(String, Vec<u8>)> = blocks(&mangled)
            .iter()
            .map(|block| (block.label().to_owned(), block.der().unwrap()))
            .collect();
        let expected: Vec<(String, Vec<u8>)> = blocks_of
            .iter()
            .map(|(label, bytes)| ((*label).to_owned(), bytes.clone()))
            .collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn any_text_is_taken_apart_and_what_is_ready_stays(text in "[-BEGIND AZaz09+/=\\\\nrtu\"\n\u{e9}:,]{0,200}") {
        let once = normalised(&text);
        prop_assert_eq!(normalised(&once), once);
    }
}

#[test]
fn a_text_that_has_lost_all_its_blanks_is_known_again() {
    for label in LABELS {
        let whole = pem(label, &[7; 100]);
        let squeezed: String = whole.split_whitespace().collect();
        assert_eq!(normalised(&squeezed), whole, "{squeezed}");
    }
}

#[test]
fn an_encrypted_key_of_old_keeps_its_head() {
    let head = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123456789ABCDEF0123456789ABCDEF\n\n";
    let whole = pem("RSA PRIVATE KEY", &[0xd3; 100])
        .replace("RSA PRIVATE KEY-----\n0", "RSA PRIVATE KEY-----\nHEAD0")
        .replace("HEAD", head);
    assert!(whole.contains("Proc-Type"), "{whole}");
    for end in LINE_ENDS {
        let mangled = whole.replace('\n', end);
        assert_eq!(normalised(&mangled), whole, "{mangled}");
    }
}

#[test]
fn what_stands_around_the_blocks_is_left_out() {
    let one = pem("CERTIFICATE", b"one");
    let text = format!("Bag Attributes\n    friendlyName: x\n{one}subject=/CN=x\n");
    assert_eq!(normalised(&text), one);
    for text in ["", "secret", "a-b - c", "-----BEGIN", "BEGIN CERTIFICATE"] {
        assert_eq!(normalised(text), text);
    }
}

#[test]
fn a_damaged_block_is_kept_and_said() {
    let [one, two] = [b"one", b"two"].map(|bytes| pem("CERTIFICATE", bytes));
    for (first, said) in [
        (
            one.replace("-----END CERTIFICATE-----\n", ""),
            "is cut off: the line with END CERTIFICATE is missing",
        ),
        (
            one.replace("-----BEGIN CERTIFICATE-----\n", ""),
            "is cut off: the line with BEGIN CERTIFICATE is missing",
        ),
        (
            one.replace("END CERTIFICATE", "END PRIVATE KEY"),
            "begins as CERTIFICATE and ends as PRIVATE KEY",
        ),
        (one.replace("b25l", ""), "is empty"),
        (
            one.replace("b25l", "b25"),
            "is damaged: characters are missing, or do not belong there",
        ),
        (
            one.replace("b25l", "b2_l"),
            "is damaged: characters are missing, or do not belong there",
        ),
    ] {
        let text = format!("{first}{two}");
        for text in [normalised(&text), text] {
            let read = blocks(&text);
            assert_eq!(read.len(), 2, "{text}");
            assert_eq!(read[0].der().unwrap_err(), said, "{text}");
            assert_eq!(read[1].der().unwrap(), b"two", "{text}");
        }
    }
}
