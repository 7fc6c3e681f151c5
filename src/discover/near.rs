//! "Did you mean …": the names that are similar to a wrong one.

/// How similar a name must be to be suggested (0 to 1, Jaro-Winkler).
const ALIKE: f64 = 0.75;

/// How many similar names are suggested at most: more would only hide the right one.
const SUGGESTED: usize = 2;

/// How many of the names that exist are listed at most.
const LISTED: usize = 5;

/// What to say after "X does not exist.": the names that are most similar to `wrong` or, if none is
/// similar, the first few that exist.
pub(crate) fn hint(wrong: &str, existing: &[String]) -> String {
    let mut alike: Vec<(f64, &String)> = existing
        .iter()
        .map(|name| (strsim::jaro_winkler(wrong, name), name))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0));
    let quoted = |names: &[&String]| -> Vec<String> {
        names.iter().map(|name| format!("\"{name}\"")).collect()
    };
    if !alike.is_empty() {
        let best = alike.iter().take(SUGGESTED).map(|(_, name)| *name);
        let best: Vec<&String> = best.collect();
        return format!("Did you mean {}?", quoted(&best).join(" or "));
    }
    if existing.is_empty() {
        return "The user can see none.".to_owned();
    }
    let mut sorted: Vec<&String> = existing.iter().collect();
    sorted.sort();
    let more = if existing.len() > LISTED { ", …" } else { "" };
    sorted.truncate(LISTED);
    format!("There are {}{more}.", quoted(&sorted).join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_offered_best_first() {
        let existing = ["sales", "sale", "sal", "hr"].map(str::to_owned);
        assert_eq!(
            hint("salse", &existing),
            "Did you mean \"sales\" or \"sale\"?"
        );
    }

    #[test]
    fn without_a_near_name_what_exists_is_listed() {
        let existing = ["sales", "hr"].map(str::to_owned);
        assert_eq!(hint("xyz", &existing), "There are \"hr\", \"sales\".");
        assert_eq!(hint("xyz", &[]), "The user can see none.");
    }
}
