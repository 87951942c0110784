//! What a person who configures a relay gets wrong, and what they are told.

use std::{path::PathBuf, time::Duration};

use super::{Config, ConfigError, Overrides, Sms};

/// Reads a file in an environment of our own: tests that set variables must not show in others.
#[allow(clippy::result_large_err)] // The closure's form is figment's.
fn from_file(toml: &str) -> Result<Config, ConfigError> {
    let mut read = None;
    figment::Jail::expect_with(|jail| {
        jail.clear_env();
        jail.create_file("offdesk.toml", toml)?;
        read = Some(Config::read(Some("offdesk.toml".as_ref()), &Overrides::default()));
        Ok(())
    });
    read.unwrap()
}

fn complaint(toml: &str) -> String {
    from_file(toml).unwrap_err().to_string()
}

#[test]
fn the_printed_default_is_the_default() {
    let printed = Config::default().to_toml().unwrap();
    assert_eq!(from_file(&printed).unwrap(), Config::default());
}

#[test]
fn a_misspelt_key_is_named_with_its_file_and_what_is_known() {
    let top = complaint("listn = '127.0.0.1:1'");
    assert!(top.contains("unknown key 'listn' in ") && top.contains("offdesk.toml"), "{top}");
    assert!(top.contains("database, listen, public_url"), "{top}");
    let nested = complaint("[limits]\nsync_bdy = 1");
    assert!(
        nested.contains("unknown key 'limits.sync_bdy'") && nested.contains("the keys of [limits] are sync_body"),
        "{nested}"
    );
}

#[test]
fn a_wrong_value_is_told_with_what_to_write() {
    for (toml, said) in [
        ("heartbeat = '3 parsecs'", "'3 parsecs' is no time; write it such as 20s"),
        ("heartbeat = '2h'", "'heartbeat' is 2h: write a time between 1s and 5m"),
        ("listen = 'here'", "'listen'"),
        ("public_url = 'relay.example.com'", "write it such as https://relay.example.com"),
        ("public_url = 'ftp://relay.example.com'", "write it with https:// or http://"),
        ("[log]\nformat = 'xml'", "it can be text or json"),
        ("[log]\nlevel = 'info,=x='", "'log.level'"),
        ("[limits]\nenrol_per_minute = 0", "'limits.enrol_per_minute' is 0"),
        ("[tls]\ncertificate = 'none.pem'\nkey = 'none.pem'", "'tls.certificate': none.pem can't be read"),
        ("[tls]\ncertificate = 'none.pem'", "'tls.key' is missing; set it in the file or as OFFDESK_TLS__KEY"),
        ("[sms]\naccount_sid = 'AC1'", "'sms.auth_token' is missing: set OFFDESK_SMS__AUTH_TOKEN"),
        ("[sms]\naccount_sid = 'AC1'\nauth_token = 's'", "'public_url' is missing"),
    ] {
        let told = complaint(toml);
        assert!(told.contains(said), "{toml}: {told}");
    }
}

#[test]
fn every_problem_is_told_at_once() {
    let told = complaint("heartbeat = '2h'\n[limits]\nsync_body = 0\nenrol_per_minute = 0");
    assert_eq!(told.matches("\n  - ").count(), 3, "{told}");
}

#[test]
fn a_file_that_is_not_there_is_said_so() {
    let missing = Config::read(Some(&PathBuf::from("/nowhere/offdesk.toml")), &Overrides::default()).unwrap_err();
    assert!(missing.to_string().contains("/nowhere/offdesk.toml is not there"), "{missing}");
}

#[test]
#[allow(clippy::result_large_err)] // The closure's form is figment's.
fn the_later_layer_counts() {
    figment::Jail::expect_with(|jail| {
        jail.clear_env();
        jail.create_file("offdesk.toml", "database = 'file.db'\nheartbeat = '30s'\nlisten = '127.0.0.1:1'")?;
        jail.set_env("OFFDESK_HEARTBEAT", "40s");
        jail.set_env("OFFDESK_LISTEN", "127.0.0.1:2");
        jail.set_env("OFFDESK_LIMITS__ENROL_PER_MINUTE", "7");
        // Orchestrators set such beside ours; they are none of our keys.
        jail.set_env("OFFDESK_SERVICE_HOST", "10.0.0.1");
        let flags = Overrides { listen: Some("127.0.0.1:3".parse().unwrap()), ..Overrides::default() };
        let config = Config::read(Some("offdesk.toml".as_ref()), &flags).unwrap();
        assert_eq!(config.database, PathBuf::from("file.db"));
        assert_eq!(config.heartbeat, Duration::from_secs(40));
        assert_eq!(config.listen.port(), 3);
        assert_eq!(config.limits.enrol_per_minute, 7);
        jail.set_env("OFFDESK_LIMITS__ENROL_PER_MINUT", "7");
        let told = Config::read(None, &Overrides::default()).unwrap_err().to_string();
        assert!(told.contains("unknown key 'limits.enrol_per_minut' in the environment"), "{told}");
        Ok(())
    });
}

#[test]
fn a_secret_comes_from_a_file_and_is_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "hunter2\n").unwrap();
    let toml = |more: &str| {
        format!(
            "public_url = 'https://relay.example.com'\n[sms]\naccount_sid = 'AC1'\nauth_token_file = '{}'\n{more}",
            token.display()
        )
    };
    let config = from_file(&toml("")).unwrap();
    let Some(Sms { auth_token: Some(secret), .. }) = &config.sms else { panic!("no secret") };
    assert_eq!(secret.expose(), "hunter2");
    for shown in [format!("{config:?}"), config.to_toml().unwrap()] {
        assert!(!shown.contains("hunter2") && shown.contains("hidden"), "{shown}");
    }
    let both = complaint(&toml("auth_token = 'x'"));
    assert!(both.contains("keep one of them"), "{both}");
}
