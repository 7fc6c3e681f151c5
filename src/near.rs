//! "Did you mean …": the names that are similar to a wrong one. Capital letters, blanks and signs
//! between words make no difference.

/// How similar a name must be to be suggested (0 to 1, Jaro-Winkler).
const ALIKE: f64 = 0.75;

/// How many similar names are suggested at most: more would only hide the right one.
const SUGGESTED: usize = 2;

/// How many of the names that exist are listed at most.
const LISTED: usize = 5;

/// What to say after "X does not exist.": the names that are most similar to `wrong` or, if none is
/// similar, the first few that exist.
pub(crate) fn hint(wrong: &str, existing: &[String]) -> String {
    if let Some(alike) = alike(wrong, existing) {
        return alike;
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

/// The same, for the names that are similar alone; `None` if there is none.
pub(crate) fn alike(wrong: &str, existing: &[String]) -> Option<String> {
    let mut alike: Vec<(f64, &String)> = existing
        .iter()
        .map(|name| (likeness(wrong, name), name))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0));
    let best = alike.iter().take(SUGGESTED).map(|(_, name)| *name);
    let best: Vec<&String> = best.collect();
    (!best.is_empty()).then(|| format!("Did you mean {}?", quoted(&best).join(" or ")))
}

/// The name that is most similar to `wrong`, if one is at least so `alike`, from 0 to 1. Of equally
/// similar names it is the first one.
pub(crate) fn nearest<N: AsRef<str>>(
    wrong: &str,
    names: impl IntoIterator<Item = N>,
    alike: f64,
) -> Option<N> {
    let names = names.into_iter();
    names
        .map(|name| (likeness(wrong, name.as_ref()), name))
        .filter(|(likeness, _)| *likeness >= alike)
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, name)| name)
}

/// A name without what makes no difference: its letters and digits, in small letters.
pub(crate) fn plain(name: &str) -> String {
    let letters = name.chars().filter(|character| character.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

fn likeness(wrong: &str, name: &str) -> f64 {
    strsim::jaro_winkler(&plain(wrong), &plain(name))
}

fn quoted(names: &[&String]) -> Vec<String> {
    names.iter().map(|name| format!("\"{name}\"")).collect()
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
    fn capital_letters_and_signs_make_no_difference() {
        let existing = ["order_items", "hr"].map(str::to_owned);
        for wrong in ["ORDER_ITEMS", "OrderItems", "order-items", "order*"] {
            assert_eq!(
                hint(wrong, &existing),
                "Did you mean \"order_items\"?",
                "{wrong}"
            );
        }
    }

    #[test]
    fn without_a_near_name_what_exists_is_listed() {
        let existing = ["sales", "hr"].map(str::to_owned);
        assert_eq!(hint("xyz", &existing), "There are \"hr\", \"sales\".");
        assert_eq!(hint("xyz", &[]), "The user can see none.");
        assert_eq!(alike("xyz", &existing), None);
    }

    #[test]
    fn of_equally_similar_names_the_first_is_the_nearest() {
        assert_eq!(nearest("AB", ["x", "a_b", "ab"], 0.9), Some("a_b"));
        assert_eq!(nearest("AB", ["x"], 0.9), None);
    }
}
