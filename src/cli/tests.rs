use clap::CommandFactory as _;

use super::*;

fn parsed(args: &str) -> Result<(Cli, Vec<String>), clap::Error> {
    let (cli, set_aside) = parse(args.split(' ').map(OsString::from), false)?;
    let both = |other: SetAside| [Some(other.argument), other.value];
    let unknown = set_aside.into_iter().flat_map(both).flatten();
    Ok((cli, unknown.collect()))
}

/// The error that a person sees.
fn refused(args: &str) -> String {
    let result = parse(args.split(' ').map(OsString::from), true);
    result.map(|_| ()).unwrap_err().to_string()
}

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_shell_completes_the_options_of_all_commands() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let script = String::from_utf8(completions(shell)).unwrap();
        for option in ["check", "discover", "read", "state-file", "exit-code"] {
            assert!(script.contains(option), "{shell}: {option}");
        }
    }
}

#[test]
fn the_manual_page_names_the_commands() {
    let page = String::from_utf8(manual().unwrap()).unwrap();
    assert!(page.starts_with(".ie"), "{page}");
    assert!(page.contains("discover"), "{page}");
}

#[test]
fn short_options_are_the_long_ones() {
    let (cli, unknown) = parsed("st read -c c -k k -s s -q").unwrap();
    let Command::Read(args) = cli.command else {
        panic!()
    };
    assert_eq!(args.config.config, PathBuf::from("c"));
    assert_eq!(args.catalog, PathBuf::from("k"));
    assert_eq!(args.state, Some(PathBuf::from("s")));
    assert!(cli.quiet && unknown.is_empty());
}

#[test]
fn unknown_arguments_are_set_aside() {
    let (cli, unknown) =
        parsed("source-trino read --debug --config c --new=1 --catalog k --other x --state s")
            .unwrap();
    let Command::Read(args) = cli.command else {
        panic!()
    };
    assert_eq!(args.config.config, PathBuf::from("c"));
    assert_eq!(args.state, Some(PathBuf::from("s")));
    assert_eq!(unknown, ["--debug", "--new=1", "--other", "x"]);
}

#[test]
fn a_mistyped_argument_that_is_needed_is_still_missed() {
    assert!(parsed("source-trino check --confg c").is_err());
}

#[test]
fn streams_need_configured() {
    assert!(parsed("source-trino discover --config c --streams a").is_err());
    assert!(parsed("source-trino discover --config c --configured --streams a,b").is_ok());
}

#[test]
fn a_slip_of_a_person_is_an_error_with_the_right_name() {
    for (args, said) in [
        (
            "st discover --config c --configured --stream a",
            "'--streams'",
        ),
        ("st check --confg c", "'--config'"),
        ("st read --config c --catalog k --sate s", "'--state'"),
        (
            "st discover --config c --configured --streams a b",
            "commas",
        ),
        ("st check --config c d", "unexpected argument 'd'"),
    ] {
        let error = refused(args);
        assert!(error.contains(said), "{args}: {error}");
        assert!(error.contains("Usage: source-trino "), "{args}: {error}");
    }
}

#[test]
fn the_same_slip_below_the_platform_is_set_aside() {
    let (_, unknown) = parsed("st check --config c --confg d e").unwrap();
    assert_eq!(unknown, ["--confg", "d", "e"]);
}

#[test]
fn help_comes_before_a_slip() {
    assert!(refused("st read --help --confg").contains("Usage: "));
}

#[test]
fn only_one_file_can_be_standard_input() {
    for args in [
        "--config - --catalog -",
        "--config - --catalog k --state /dev/stdin",
        "--config c --catalog /dev/fd/0 --state -",
        "--config c --catalog k --state-file -",
    ] {
        let error = refused(&format!("st read {args}"));
        assert!(error.contains("standard input"), "{error}");
    }
    assert!(parsed("st read --config - --catalog k --state s").is_ok());
}

#[test]
fn a_state_and_a_state_file_exclude_each_other() {
    let error = refused("st read --config c --catalog k --state s --state-file f");
    assert!(error.contains("--state-file"), "{error}");
}

#[test]
fn a_cursor_alone_means_incremental() {
    for (args, expected) in [
        ("", SyncMode::FullRefresh),
        (" --cursor id", SyncMode::Incremental),
        (" --sync-mode INCREMENTAL", SyncMode::Incremental),
        (
            " --cursor id --sync-mode full_refresh",
            SyncMode::FullRefresh,
        ),
    ] {
        let line = format!("st discover --config c --configured{args}");
        let Command::Discover(args) = parsed(&line).unwrap().0.command else {
            panic!()
        };
        assert_eq!(args.sync_mode(), expected, "{line}");
    }
}
