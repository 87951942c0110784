//! Reading the layers and saying plainly what is wrong with them.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use figment::{
    Figment,
    error::Kind,
    providers::{Env, Format, Serialized, Toml},
};
use serde::Serialize;

use super::{Config, Secret};

/// The configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The named file is not there.
    #[error(
        "the configuration file {0} is not there; write one (`offdesk-relay config --print-default` shows how) or leave out --config"
    )]
    NoFile(PathBuf),
    /// Keys or values are wrong, each in a sentence of its own.
    #[error("the configuration can't be used:{}", bullets(.0))]
    Wrong(Vec<String>),
}

fn bullets(problems: &[String]) -> String {
    problems.iter().map(|problem| format!("\n  - {problem}")).collect()
}

/// What the command line sets; it counts before everything else.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Overrides {
    /// The database file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<PathBuf>,
    /// Where to listen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
}

const PREFIX: &str = "OFFDESK_";
/// The tables that `OFFDESK_<TABLE>__<KEY>` may name.
const TABLES: [&str; 4] = ["log", "limits", "tls", "sms"];
const KEYS: [&str; 8] = [
    "database",
    "listen",
    "public_url",
    "trusted_proxies",
    "heartbeat",
    "shutdown_grace",
    "enrolment_code_lifetime",
    "metrics_token",
];

impl Config {
    /// Reads the defaults, the file if one is named, the environment and the overrides, and checks the result.
    ///
    /// # Errors
    /// [`ConfigError`] naming every wrong key or value, where it stands and what to write instead.
    pub fn read(file: Option<&Path>, overrides: &Overrides) -> Result<Self, ConfigError> {
        let mut figment = Figment::new();
        if let Some(file) = file {
            if !file.is_file() {
                return Err(ConfigError::NoFile(file.to_owned()));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        let figment = figment.merge(environment()).merge(Serialized::defaults(overrides));
        let mut config: Config =
            figment.extract().map_err(|error| ConfigError::Wrong(error.into_iter().map(explain).collect()))?;
        config.read_secret_files()?;
        config.validate()?;
        Ok(config)
    }

    /// A default configuration as a file to start from.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`] if it can't be written as TOML.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string(self).map_err(|error| ConfigError::Wrong(vec![error.to_string()]))
    }

    fn read_secret_files(&mut self) -> Result<(), ConfigError> {
        let Some(sms) = &mut self.sms else { return Ok(()) };
        let Some(file) = &sms.auth_token_file else { return Ok(()) };
        if sms.auth_token.is_some() {
            return Err(ConfigError::Wrong(vec![
                "sms.auth_token and sms.auth_token_file are both set; keep one of them".into(),
            ]));
        }
        let content = std::fs::read_to_string(file).map_err(|error| {
            ConfigError::Wrong(vec![format!("sms.auth_token_file: {} can't be read: {error}", file.display())])
        })?;
        sms.auth_token = Some(Secret::new(content.trim()));
        Ok(())
    }
}

/// The environment's layer. Only names that are keys of ours count: orchestrators inject variables of their own beside
/// them (a service called `offdesk` makes Kubernetes set `OFFDESK_SERVICE_HOST`), and those must not stop a relay.
/// Within a table a wrong key is an error as in the file.
fn environment() -> Env {
    let ours = |key: &figment::value::UncasedStr| {
        let key = key.as_str().to_ascii_lowercase();
        KEYS.contains(&key.as_str()) || key.split_once("__").is_some_and(|(table, _)| TABLES.contains(&table))
    };
    Env::prefixed(PREFIX).filter(ours).split("__")
}

fn explain(error: figment::Error) -> String {
    let source = match &error.metadata {
        Some(metadata) if metadata.name.contains("environment") => "in the environment".to_owned(),
        Some(metadata) => match metadata.source.as_ref().and_then(|source| source.file_path()) {
            Some(file) => format!("in {}", file.display()),
            None => "on the command line".to_owned(),
        },
        None => "in the configuration".to_owned(),
    };
    let path = error.path.join(".");
    match &error.kind {
        Kind::UnknownField(field, known) => {
            let table = error.path.strip_suffix(std::slice::from_ref(field)).unwrap_or(&error.path);
            let (full, place) = match table {
                [] => (field.clone(), "the keys here".to_owned()),
                table => (format!("{}.{field}", table.join(".")), format!("the keys of [{}]", table.join("."))),
            };
            format!("unknown key '{full}' {source}; {place} are {}", known.join(", "))
        }
        Kind::MissingField(field) => {
            let table = if path.is_empty() { String::new() } else { format!("{path}.") };
            format!(
                "'{table}{field}' is missing; set it in the file or as {PREFIX}{}",
                variable(&format!("{table}{field}"))
            )
        }
        Kind::UnknownVariant(value, known) => {
            format!("'{path}' {source} is '{value}'; it can be {}", known.join(" or "))
        }
        kind => format!("'{path}' {source}: {kind}"),
    }
}

/// A key as the environment writes it, without the prefix.
fn variable(key: &str) -> String {
    key.replace('.', "__").to_ascii_uppercase()
}
