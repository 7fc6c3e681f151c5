//! Whether Airbyte's platform has started this process, or a person has.
//!
//! The platform may be newer than this version and pass things that it does not know, and its
//! states and arguments are written by programs, so unknown things are accepted. A person makes
//! mistakes, which should be reported.

use std::io::IsTerminal as _;

/// What only the platform sets: `WORKER_…` for a read (`WORKER_ENVIRONMENT` in older versions),
/// `WORKLOAD_ID` for the other commands.
const VARIABLES: &[&str] = &[
    "WORKER_JOB_ID",
    "WORKER_JOB_ATTEMPT",
    "WORKER_CONNECTOR_IMAGE",
    "WORKER_ENVIRONMENT",
    "WORKLOAD_ID",
];

/// Set in the image, so it is also set when a person runs the image.
const ENTRY_POINT: &str = "AIRBYTE_ENTRYPOINT";

/// Whether the platform has started this process, by its shell.
pub fn is_caller() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    is_told_by(is_set, std::process::id())
}

/// What the platform says of this run in one of its variables, such as `WORKER_JOB_ID`, which some
/// of its versions call `JOB_ID`. `None` if it says nothing.
pub(crate) fn variable(name: &str) -> Option<String> {
    value(name, |name| std::env::var(name).ok())
}

/// Whether a person reads the errors of this process.
pub fn reports_to_person() -> bool {
    !is_caller() || std::io::stderr().is_terminal()
}

fn is_told_by(is_set: impl Fn(&str) -> bool, process: u32) -> bool {
    // With `docker run` the connector is the first process. If the platform's shell starts it, it
    // never is.
    VARIABLES.iter().any(|name| is_set(name)) || (process != 1 && is_set(ENTRY_POINT))
}

fn value(name: &str, environment: impl Fn(&str) -> Option<String>) -> Option<String> {
    let names = [Some(name), name.strip_prefix("WORKER_")];
    let mut values = names.into_iter().flatten().filter_map(environment);
    values.find(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_has_its_long_or_its_short_name() {
        let job = |set: &[(&str, &str)]| {
            value("WORKER_JOB_ID", |name| {
                let found = set.iter().find(|(variable, _)| *variable == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(
            job(&[("WORKER_JOB_ID", "7"), ("JOB_ID", "8")]).as_deref(),
            Some("7")
        );
        assert_eq!(
            job(&[("WORKER_JOB_ID", ""), ("JOB_ID", "8")]).as_deref(),
            Some("8")
        );
        assert_eq!(job(&[("JOB_ID", "")]), None);
        assert_eq!(job(&[]), None);
    }

    #[test]
    fn the_environment_of_a_job_tells_of_the_platform() {
        for variable in VARIABLES {
            assert!(is_told_by(|name| name == *variable, 1), "{variable}");
        }
        assert!(!is_told_by(|_| false, 7));
        assert!(!is_told_by(|name| name == "LOG_LEVEL", 7));
    }

    #[test]
    fn the_image_alone_is_not_the_platform() {
        let image = |name: &str| name == ENTRY_POINT;
        assert!(!is_told_by(image, 1));
        assert!(is_told_by(image, 7));
    }
}
