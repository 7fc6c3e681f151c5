//! What the fields of the form are called in messages: for who has a configuration file by their
//! names there, for who has Airbyte's form by its titles.
//!
//! Messages mark the names of fields, as in `Check ‹tunnel_host›.` Where a message leaves, each
//! mark becomes the word that its reader has before their eyes: `"tunnel_host"` in a shell,
//! `"SSH Tunnel Jump Server Host"` on the platform. Words to choose, such as `‹jwt›`, are marked as
//! well, because the form shows titles for them, too.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

use crate::platform;
use crate::secrets::scrub;

/// The specification. It is written by hand, because its order, titles and texts are what people
/// see.
pub(crate) const SPEC: &str = include_str!("../spec.json");

const OPEN: char = '‹';
const CLOSE: char = '›';

/// Stands between the titles of an object and of its field.
const WITHIN: &str = " > ";

/// The form: the schema of a configuration.
pub(crate) static FORM: LazyLock<Value> = LazyLock::new(|| {
    // A unit test makes sure that it can be parsed. If it could not be, all fields would be
    // reported as unknown and have no titles, and nothing worse would happen.
    let mut spec: Value = serde_json::from_str(SPEC).unwrap_or_default();
    spec["connectionSpecification"].take()
});

static TITLES: LazyLock<Titles> = LazyLock::new(|| Titles::read(&FORM));

static READER_HAS_FORM: LazyLock<bool> = LazyLock::new(platform::is_caller);

/// `text` as it may leave: with the fields called as its reader knows them, and without secrets.
pub(crate) fn shown(text: &str) -> String {
    scrub(TITLES.in_words(text, *READER_HAS_FORM))
}

/// What the field at `path`, such as `ssl_mode.ca_certificate`, is called.
pub(crate) fn field(path: &str) -> &str {
    if *READER_HAS_FORM {
        TITLES.titles.get(path).map_or(path, String::as_str)
    } else {
        path
    }
}

/// Titles by name: of fields by path and, if no other has it, by their own name; of the options of
/// choices by the word that the configuration has for them.
#[derive(Default)]
struct Titles {
    titles: HashMap<String, String>,
}

impl Titles {
    fn read(form: &Value) -> Self {
        let mut titles = Self::default();
        titles.add_fields(form, "", "");
        titles
    }

    fn add_fields(&mut self, object: &Value, path: &str, place: &str) {
        let fields = || object["properties"].as_object().into_iter().flatten();
        for (name, field) in fields() {
            if let Some(word) = field["const"].as_str() {
                self.add(word, &object["title"]);
            } else {
                self.add(name, &field["title"]);
            }
        }
        for (name, field) in fields() {
            let Some(title) = field["title"].as_str() else {
                continue;
            };
            let (path, place) = (format!("{path}{name}"), format!("{place}{title}"));
            self.add(&path, &Value::from(place.as_str()));
            let (path, place) = (path + ".", place + WITHIN);
            self.add_fields(field, &path, &place);
            self.add_fields(&field["items"], &path, &place);
            for option in field["oneOf"].as_array().into_iter().flatten() {
                self.add_fields(option, &path, &place);
            }
        }
    }

    /// The first one counts: fields of the form itself stand before those within them.
    fn add(&mut self, name: &str, title: &Value) {
        if let Some(title) = title.as_str() {
            let entry = self.titles.entry(name.to_owned());
            entry.or_insert_with(|| title.to_owned());
        }
    }

    /// `text` with a word in quotation marks in place of each mark. What is between the signs of a
    /// mark and is no name of the form stays as it is, because it is somebody's data.
    fn in_words(&self, text: &str, has_form: bool) -> String {
        let mut words = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, mark)) = rest.split_once(OPEN) {
            words.push_str(before);
            let named = mark.split_once(CLOSE);
            let titled =
                named.and_then(|(name, after)| Some((name, self.titles.get(name)?, after)));
            if let Some((name, title, after)) = titled {
                let word = if has_form { title } else { name };
                words.extend(["\"", word, "\""]);
                rest = after;
            } else {
                words.push(OPEN);
                rest = mark;
            }
        }
        words + rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_shell(text: &str) -> String {
        TITLES.in_words(text, false)
    }

    fn on_platform(text: &str) -> String {
        TITLES.in_words(text, true)
    }

    #[test]
    fn a_person_in_a_shell_reads_the_names_of_the_configuration() {
        assert_eq!(
            in_shell("Check ‹hostname› and ‹ssl_mode.ca_certificate›."),
            "Check \"hostname\" and \"ssl_mode.ca_certificate\"."
        );
    }

    #[test]
    fn a_person_at_the_form_reads_its_titles() {
        assert_eq!(
            on_platform("Check ‹tunnel_host› of ‹tunnel_method›."),
            "Check \"SSH Tunnel Jump Server Host\" of \"SSH Tunnel Method\"."
        );
        assert_eq!(
            on_platform("Set ‹authentication› to ‹jwt›; ‹ssl_mode.ca_certificate› is for it."),
            "Set \"Authentication\" to \"JSON Web Token\"; \"SSL Mode > CA Certificate\" is for it."
        );
    }

    #[test]
    fn a_name_that_several_fields_have_is_that_of_the_form_itself() {
        assert_eq!(on_platform("‹username›"), "\"Username\"");
        assert_eq!(
            on_platform("‹http_proxy.username›"),
            "\"Proxy > Proxy User\""
        );
    }

    #[test]
    fn the_signs_of_a_mark_in_data_stay() {
        for data in ["‹Übersicht›", "a ‹ b", "›‹", "‹", "column ‹x› of ‹"] {
            assert_eq!(on_platform(data), data);
        }
        assert_eq!(on_platform("‹‹port›"), "‹\"Port\"");
    }
}
