//! Separates the arguments that this version knows from those that it does not know.
//!
//! A newer platform may pass more than this version knows, so an unknown flag alone is no error.
//! The value after an unknown flag is set aside together with it.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

/// An argument that is not passed on.
#[derive(Debug, PartialEq, Eq)]
pub struct SetAside {
    /// The argument as it was written.
    pub argument: String,
    /// The value that followed an unknown flag.
    pub value: Option<String>,
    /// Why it looks like a mistake of a person, if it does.
    mistake: Option<Mistake>,
}

/// Why an argument looks like a mistake, and not like one that only a newer version knows.
#[derive(Debug, PartialEq, Eq)]
enum Mistake {
    /// Its name is almost that of this flag.
    Misspelt(String),
    /// A value where none belongs. `of_list` is the flag before it, if that flag takes several
    /// values separated by commas.
    Stray { of_list: Option<String> },
}

/// The arguments of a command line, sorted.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    /// The arguments that the parser gets.
    pub(crate) known: Vec<OsString>,
    /// The other arguments, in the order in which they were written.
    pub(crate) set_aside: Vec<SetAside>,
}

impl SetAside {
    /// The name without a value, which may be a secret.
    fn name(&self) -> &str {
        self.argument.split('=').next().unwrap_or_default()
    }

    /// Tells the log what was done with the argument. Values are left out, because they may be
    /// secrets.
    pub fn remark(&self) -> String {
        let name = self.name();
        let value = match self.value {
            Some(_) => ", and so was the value behind it",
            None => "",
        };
        let meant = match &self.mistake {
            Some(Mistake::Misspelt(flag)) => format!("; was \"{flag}\" meant?"),
            Some(Mistake::Stray {
                of_list: Some(flag),
            }) => format!("; commas separate the values of \"{flag}\""),
            _ => String::new(),
        };
        format!("the argument {name:?} is not known and was ignored{value}{meant}")
    }

    /// What is wrong with the argument, for a person at the command line. `None` if a newer
    /// platform may have passed it.
    fn error(&self, command: &Command) -> Option<clap::Error> {
        let mistake = self.mistake.as_ref()?;
        let mut error = clap::Error::new(ErrorKind::UnknownArgument).with_cmd(command);
        let name = ContextValue::String(self.name().to_owned());
        error.insert(ContextKind::InvalidArg, name);
        let usage = ContextValue::StyledStr(command.clone().render_usage());
        error.insert(ContextKind::Usage, usage);
        match mistake {
            Mistake::Misspelt(flag) => {
                let flag = ContextValue::String(flag.clone());
                error.insert(ContextKind::SuggestedArg, flag);
            }
            Mistake::Stray {
                of_list: Some(flag),
            } => {
                let tip = format!("commas separate the values of '{flag}', without blanks");
                let tip = ContextValue::StyledStrs(vec![tip.into()]);
                error.insert(ContextKind::Suggested, tip);
            }
            Mistake::Stray { of_list: None } => {}
        }
        Some(error)
    }
}

impl Sorted {
    /// The first mistake, as an error in the style of `command`'s own parser.
    pub(crate) fn mistake(&self, command: &Command) -> Option<clap::Error> {
        let command = self
            .known
            .get(1)
            .and_then(|name| command.find_subcommand(name))
            .unwrap_or(command);
        self.set_aside.iter().find_map(|other| other.error(command))
    }
}

/// Sorts the arguments, the program's name first. `command` must be built.
///
/// If they name no command, or ask for help, all of them go to the parser, which has the right
/// words for that.
pub(crate) fn sort(args: Vec<OsString>, command: &Command) -> Sorted {
    let mut sorted = Sorted::default();
    let mut rest = args.iter().peekable();
    sorted.known.extend(rest.next().cloned());
    let subcommand = loop {
        let Some(arg) = rest.next() else { break None };
        let text = arg.to_string_lossy();
        if !is_flag(&text) {
            sorted.known.push(arg.clone());
            break command.find_subcommand(arg);
        }
        if let Some(flag) = flag_named(&text, command) {
            if !flag.is_global_set() {
                break None;
            }
            sorted.known.push(arg.clone());
            continue;
        }
        let is_value = |next: &&OsString| {
            !is_flag(&next.to_string_lossy()) && command.find_subcommand(next).is_none()
        };
        let value = rest.next_if(is_value);
        sorted.set_aside.push(unknown(&text, value, command));
    };
    // Values without a flag belong to commands for people only.
    let takes_flags_only =
        |found: &&Command| found.get_name() != "help" && found.get_positionals().next().is_none();
    let Some(subcommand) = subcommand.filter(takes_flags_only) else {
        return Sorted {
            known: args,
            set_aside: Vec::new(),
        };
    };
    let mut list = None;
    while let Some(arg) = rest.next() {
        let text = arg.to_string_lossy();
        if !is_flag(&text) {
            sorted.set_aside.push(SetAside {
                argument: text.into_owned(),
                value: None,
                mistake: Some(Mistake::Stray {
                    of_list: list.clone(),
                }),
            });
            continue;
        }
        let is_bare = |next: &&OsString| !is_flag(&next.to_string_lossy());
        let Some(flag) = flag_named(&text, subcommand) else {
            list = None;
            let value = rest.next_if(|next| !text.contains('=') && is_bare(next));
            sorted.set_aside.push(unknown(&text, value, subcommand));
            continue;
        };
        list = flag
            .get_value_delimiter()
            .and(flag.get_long())
            .map(|name| format!("--{name}"));
        sorted.known.push(arg.clone());
        let has_value = text.contains('=') || !text.starts_with("--") && text.len() > 2;
        if flag.get_action().takes_values() && !has_value {
            sorted.known.extend(rest.next_if(is_bare).cloned());
        }
    }
    sorted
}

fn unknown(text: &str, value: Option<&OsString>, command: &Command) -> SetAside {
    let name = text.split('=').next().unwrap_or_default();
    SetAside {
        argument: text.to_owned(),
        value: value.map(|value| value.to_string_lossy().into_owned()),
        mistake: misspelt(name, command).map(Mistake::Misspelt),
    }
}

/// `-` means standard input, so it is a value and no flag.
fn is_flag(text: &str) -> bool {
    text.starts_with('-') && text != "-"
}

/// The flag of `command` that `text` names. `-config` is no `-c` with the value `onfig`.
fn flag_named<'c>(text: &str, command: &'c Command) -> Option<&'c Arg> {
    let name = text.split('=').next().unwrap_or_default();
    if !name.starts_with("--") && name.len() > 2 && misspelt(name, command).is_some() {
        return None;
    }
    let mut flags = command.get_arguments();
    flags.find(|flag| is_named(flag, text))
}

fn is_named(flag: &Arg, text: &str) -> bool {
    let name = text.split('=').next().unwrap_or_default();
    if let Some(long) = name.strip_prefix("--") {
        let aliases = flag.get_all_aliases().unwrap_or_default();
        return flag.get_long() == Some(long) || aliases.contains(&long);
    }
    let short = name.chars().nth(1);
    short.is_some() && flag.get_short() == short
}

/// The flag of `command` that `name` is probably a misspelling of, if there is one.
fn misspelt(name: &str, command: &Command) -> Option<String> {
    let written = plain(name);
    let flags = command.get_arguments().filter_map(Arg::get_long);
    flags
        .map(|flag| (distance(&written, &plain(flag)), flag))
        .filter_map(|(distance, flag)| Some((distance?, flag)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, flag)| format!("--{flag}"))
}

/// How many edits turn one name into the other. `None` if there are so many that they are two
/// different names.
fn distance(written: &str, known: &str) -> Option<usize> {
    // A long name may contain more typing errors than a short one.
    let allowed = match written.len().min(known.len()) {
        0..=2 => return None,
        3..=4 => 1,
        5..=8 => 2,
        _ => 3,
    };
    let is_shortened = known.starts_with(written) || written.starts_with(known);
    let distance = strsim::osa_distance(written, known);
    (is_shortened || distance <= allowed).then_some(distance)
}

/// A name without dashes, underscores and capital letters: `--State_File` is `statefile`.
fn plain(name: &str) -> String {
    let kept = name.chars().filter(|c| !matches!(c, '-' | '_' | '.'));
    kept.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    fn sorted(args: &str) -> (Vec<String>, Vec<SetAside>) {
        let mut command = Cli::command();
        command.build();
        let args = args.split(' ').map(OsString::from).collect();
        let Sorted { known, set_aside } = sort(args, &command);
        let known = known.into_iter().map(|arg| arg.into_string().unwrap());
        (known.collect(), set_aside)
    }

    fn known(args: &str) -> String {
        sorted(args).0.join(" ")
    }

    fn meant(args: &str) -> Option<String> {
        let (_, set_aside) = sorted(args);
        match &set_aside[0].mistake {
            Some(Mistake::Misspelt(flag)) => Some(flag.clone()),
            _ => None,
        }
    }

    #[test]
    fn the_value_behind_an_unknown_flag_goes_with_it_whatever_it_is() {
        for other in ["C", "read", "--config", "K"] {
            let line = format!("st read --config C --catalog K --other {other} --state S");
            let expected = match other {
                "--config" => "st read --config C --catalog K --config --state S",
                _ => "st read --config C --catalog K --state S",
            };
            assert_eq!(known(&line), expected);
        }
        let line = "st read --config C --other C --catalog K --mode read --state C";
        assert_eq!(known(line), "st read --config C --catalog K --state C");
        assert_eq!(
            known("st --level debug check --x --config C"),
            "st check --config C"
        );
        assert_eq!(known("st --silent check --config C"), "st check --config C");
        assert_eq!(
            known("st check -x 5 --config=C --x=C"),
            "st check --config=C"
        );
    }

    #[test]
    fn a_flag_of_all_commands_may_stand_before_the_command() {
        assert_eq!(
            known("st -q --new check --config C --other D"),
            "st -q check --config C"
        );
    }

    #[test]
    fn a_known_flag_keeps_its_value() {
        for line in [
            "st read --config - --catalog K",
            "st discover --configured --config C --streams a,b --sync-mode full_refresh",
            "st read --config read --catalog catalog",
            "st --help",
            "st read --help",
            "st help read",
            "st -V",
            "st nonsense --config C",
            "st read -c C -k K -s S -v",
            "st read -cC -kK",
            "st completions bash",
        ] {
            assert_eq!(known(line), line);
        }
    }

    #[test]
    fn a_name_that_is_almost_right_is_recognised() {
        for (written, right) in [
            ("discover --stream", "--streams"),
            ("discover --Streams", "--streams"),
            ("discover --sync_mode", "--sync-mode"),
            ("discover --cursor-field", "--cursor"),
            ("check --confg", "--config"),
            ("check --conf=x", "--config"),
            ("check -config", "--config"),
            ("read --catalogue", "--catalog"),
            ("read --statefile", "--state-file"),
            ("read --sate", "--state"),
        ] {
            assert_eq!(
                meant(&format!("st {written}")).as_deref(),
                Some(right),
                "{written}"
            );
        }
    }

    #[test]
    fn a_name_of_its_own_may_be_of_a_later_version() {
        for other in [
            "debug",
            "new-option",
            "other",
            "x",
            "mode",
            "trace",
            "limit",
            "log-level",
        ] {
            assert_eq!(meant(&format!("st read --{other}")), None, "{other}");
            assert_eq!(meant(&format!("st discover --{other} 1")), None, "{other}");
        }
    }

    #[test]
    fn values_are_not_repeated_in_the_log() {
        let (_, set_aside) = sorted("st read --password=hunter2 --token hunter2");
        let remarks: Vec<String> = set_aside.iter().map(SetAside::remark).collect();
        assert_eq!(remarks.len(), 2);
        assert!(!remarks.concat().contains("hunter2"), "{remarks:?}");
    }
}
