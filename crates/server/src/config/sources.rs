//! The sources of settings: flags override variables, and variables override the file.
//!
//! An error names the place and never the value, which may contain a password.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::ConfigError;
use super::given::Given;
use super::settings::{Flags, SETTINGS, Setting};

const PREFIX: &str = "KEYMOOR_";
/// The variable that names the file.
const CONFIG: &str = "KEYMOOR_CONFIG";
/// The prefix of variables for this project's tests, which the server ignores.
const TEST_PREFIX: &str = "KEYMOOR_TEST_";

/// Collects the settings from flags, variables and the file that they name, and returns the file too.
///
/// # Errors
/// When a key or variable is unknown, or a value can't be read. An empty variable counts as unset.
pub(super) fn collect(
    flags: &Flags,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(Given, Option<PathBuf>), ConfigError> {
    let (variables, named_file) = known_variables(variables)?;
    let mut given = Given::default();
    let file = flags.config.clone().or(named_file);
    if let Some(path) = &file {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::at(path.display(), error))?;
        add_file(&mut given, path, &text)?;
    }
    for (setting, text) in variables {
        given.put(setting.key, setting.variable(), text);
    }
    for (key, text) in flags.given() {
        let setting = find(key).expect("flags are generated from the list of settings");
        given.put(setting.key, setting.flag(), text.to_owned());
    }
    Ok((given, file))
}

fn add_file(given: &mut Given, path: &Path, text: &str) -> Result<(), ConfigError> {
    let place = |start: usize| {
        let line = text[..start.min(text.len())].matches('\n').count() + 1;
        format!("{}:{line}", path.display())
    };
    let table = DeTable::parse(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        ConfigError::at(place(start), error.message())
    })?;
    for (name, value) in table.get_ref() {
        let place = place(name.span().start);
        let name = name.get_ref();
        let setting = find(name).ok_or_else(|| {
            let near = nearest(name, SETTINGS.iter().map(|known| known.key.to_owned()));
            ConfigError::at(&place, format!("unknown setting {name}{near}"))
        })?;
        let place = format!("{place}: {name}");
        let text = scalar_or_list(value.get_ref()).ok_or_else(|| {
            ConfigError::at(&place, "must be a string, a number or a list of these")
        })?;
        given.put(setting.key, place, text);
    }
    Ok(())
}

fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

type Variables = Vec<(&'static Setting, String)>;

/// Returns the settings among the variables, and the file's name.
fn known_variables(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(Variables, Option<PathBuf>), ConfigError> {
    let mut known = Vec::new();
    let mut file = None;
    for (name, value) in variables {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
            continue;
        };
        if name.starts_with(TEST_PREFIX) || value.is_empty() {
            continue;
        }
        if name == CONFIG {
            file = Some(PathBuf::from(value));
            continue;
        }
        let setting = SETTINGS.iter().find(|setting| setting.variable() == name);
        if setting.is_none() && is_service_link(name, value.to_str()) {
            continue;
        }
        let setting = setting.ok_or_else(|| {
            let names = SETTINGS.iter().map(Setting::variable);
            let near = nearest(name, names.chain([CONFIG.to_owned()]));
            ConfigError::new(format!("unknown environment variable {name}{near}"))
        })?;
        let text = value
            .into_string()
            .map_err(|_| ConfigError::at(name, "must be UTF-8"))?;
        known.push((setting, text));
    }
    Ok((known, file))
}

/// Whether Kubernetes set the variable in every container of a namespace, for a service whose name
/// starts with `keymoor` (Kubernetes documentation, "Service", environment variables). After the
/// service's name follows one of
///
/// - `SERVICE_HOST`, `SERVICE_PORT` or `SERVICE_PORT_{port's name}`,
/// - `PORT`, whose value is `tcp://address:port`,
/// - `PORT_{number}_{TCP|UDP|SCTP}`, or that and `PROTO`, `PORT` or `ADDR`.
fn is_service_link(name: &str, value: Option<&str>) -> bool {
    let words: Vec<&str> = name.split('_').collect();
    let is_number = |word: &str| word.parse::<u16>().is_ok();
    let is_protocol = |word: &str| matches!(word, "TCP" | "UDP" | "SCTP");
    match &words[1..] {
        [.., "SERVICE", "HOST" | "PORT"] => true,
        // A name such as KEYMOOR_SMTP_PORT could also be a mistake. Only a link's value is a URL.
        [.., "PORT"] if value.is_some_and(|value| value.contains("://")) => true,
        [.., "PORT", number, protocol]
        | [.., "PORT", number, protocol, "PROTO" | "PORT" | "ADDR"]
            if is_number(number) && is_protocol(protocol) =>
        {
            true
        }
        words => words
            .windows(3)
            .any(|three| matches!(three, ["SERVICE", "PORT", _])),
    }
}

/// Returns the value in the spelling of a variable.
fn scalar_or_list(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::Array(items) => {
            let items: Option<Vec<String>> =
                items.iter().map(Spanned::get_ref).map(scalar).collect();
            items.map(|items| items.join(","))
        }
        value => scalar(value),
    }
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        _ => None,
    }
}

/// Returns a hint at a similar known name.
fn nearest(unknown: &str, known: impl Iterator<Item = String>) -> String {
    known
        .map(|name| (strsim::damerau_levenshtein(&name, unknown), name))
        .min()
        .filter(|(distance, _)| *distance <= 3)
        .map_or_else(String::new, |(_, name)| format!("; did you mean {name}?"))
}
