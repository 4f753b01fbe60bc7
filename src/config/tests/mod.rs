//! Settings as operators give them, in files, variables and flags; `values` and `names` are those that are wrong.

mod names;
mod values;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::layers::NamedFile;
use super::*;

fn read(file: Option<&Path>, variables: &[(&str, OsString)], flags: &Flags) -> Result<Config, ConfigError> {
    let file = file.map(named);
    let variables = variables.iter().map(|(name, value)| (OsString::from(name), value.clone()));
    Config::from_layers(&Layers::stack(file.as_ref(), variables, flags)?)
}

fn named(path: &Path) -> NamedFile {
    NamedFile { key: "--config", path: path.to_owned() }
}

fn read_variables(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, OsString::from(value))).collect();
    read(None, &variables, &Flags::default())
}

fn variable(key: &str) -> String {
    super::environment::variable(key)
}

/// Writes a file into the folder of this build's temporary files.
fn file(name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = std::env::temp_dir().join(format!("adda-settings-{}-{name}", std::process::id()));
    std::fs::write(&path, content).unwrap();
    path
}

fn in_file(name: &str, content: impl AsRef<[u8]>) -> Result<Config, ConfigError> {
    let path = file(name, content);
    let outcome = read(Some(&path), &[], &Flags::default());
    std::fs::remove_file(path).unwrap();
    outcome
}

/// One sentence that holds each of the words.
fn assert_sentence(outcome: Result<Config, ConfigError>, words: &[&str]) {
    let sentence = outcome.expect_err(&format!("{words:?}")).to_string();
    for word in words {
        assert!(sentence.contains(word), "{word:?} in {sentence}");
    }
    assert_eq!(sentence.lines().count(), 1, "{sentence}");
    assert!(sentence.chars().count() < 700, "{sentence}");
}

#[test]
fn the_defaults_make_sense() {
    Config::defaults();
    for entry in table() {
        assert!(
            DEFAULTS.contains(&format!("\n{} = ", entry.key.rsplit('.').next().unwrap())),
            "{}",
            entry.key
        );
    }
}

#[test]
fn every_default_has_a_line_of_why() {
    let lines: Vec<&str> = DEFAULTS.lines().collect();
    for (above, line) in lines.iter().zip(&lines[1..]) {
        if line.contains(" = ") && !line.starts_with('#') {
            assert!(above.starts_with("# "), "no comment above: {line}");
        }
    }
}

/// The row of each setting in the reference: key, default, range, and what `config/default.toml` says of it.
fn documented_rows() -> Vec<String> {
    let (mut section, mut why, mut rows) = ("", String::new(), Vec::new());
    for line in DEFAULTS.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
        } else if let Some(words) = line.strip_prefix("# ") {
            why = format!("{why} {words}");
            continue;
        } else if let Some((key, default)) = line.split_once(" = ") {
            let key = format!("{section}.{key}");
            let takes = table().into_iter().find(|entry| entry.key == key).expect(&key).takes;
            rows.push(format!("| `{key}` | `{default}` | {takes} |{why} |"));
        }
        why.clear();
    }
    rows
}

#[test]
fn every_setting_is_documented() {
    let reference =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md")).unwrap();
    let rows = documented_rows();
    assert_eq!(rows.len(), table().len());
    let missing: Vec<_> = rows.into_iter().filter(|row| !reference.contains(row)).collect();
    assert!(missing.is_empty(), "rows that docs/configuration.md lacks:\n{}", missing.join("\n"));
}

#[test]
fn a_file_that_can_not_be_read_is_named_with_the_reason() {
    let utf16: Vec<u8> = "[log]\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, bytes, reason) in [
        ("marked.toml", [&[0xff, 0xfe][..], &utf16].concat(), "UTF-16"),
        ("unmarked.toml", utf16, "UTF-16"),
        ("latin.toml", b"[log]\n\nlevel = \"\xe9\"\n".to_vec(), "not UTF-8 (line 3)"),
        ("zero.toml", b"[log]\nlevel = \"a\0b\"\n".to_vec(), "line 2"),
        ("broken.toml", b"[limits\n".to_vec(), "line 1"),
        ("twice.toml", b"[log]\nlevel = \"info\"\nlevel = \"warn\"\n".to_vec(), "line 3"),
        ("huge.toml", vec![b'#'; 2 << 20], "longer than 1 MiB"),
    ] {
        assert_sentence(in_file(name, bytes), &[name, "--config", reason]);
    }
    let flags = Flags::default();
    assert_sentence(read(Some(Path::new("/")), &[], &flags), &["/", "directory"]);
    assert_sentence(
        read(Some(Path::new("/nowhere/adda.toml")), &[], &flags),
        &["/nowhere/adda.toml", "No such"],
    );
    assert_sentence(read(Some(Path::new("/dev/zero")), &[], &flags), &["/dev/zero", "longer"]);
    read(Some(Path::new("/dev/null")), &[], &flags).unwrap();
    in_file("marked_utf8.toml", "\u{feff}[log]\r\nlevel = \"warn\"\r\n").unwrap();
}

#[test]
fn a_file_is_named_by_a_flag_or_a_variable_or_stands_in_its_place() {
    let [flag, variable, system] = ["flag", "variable", "system"].map(|name| file(name, ""));
    let given = Some(variable.clone().into_os_string());
    let chosen = |flag, variable, system| NamedFile::choose(flag, variable, system).map(|file| file.path);
    assert_eq!(chosen(Some(flag.as_path()), given.clone(), &system), Some(flag.clone()));
    assert_eq!(chosen(None, given, &system), Some(variable.clone()));
    assert_eq!(chosen(None, Some(OsString::new()), &system), Some(system.clone()));
    assert_eq!(chosen(None, None, &system), Some(system.clone()));
    for path in [&flag, &variable, &system] {
        std::fs::remove_file(path).unwrap();
    }
    assert_eq!(chosen(None, None, &system), None, "the system needs none");
}

#[test]
fn layers_stand_over_each_other_and_tell_where_a_value_stands() {
    let path = file(
        "layers.toml",
        "[limits]\ncontent_chars = 0x3\nroom_name_chars = 7\nusername_chars = \"9\"\n[auth]\nsecret = \"fedcba9876543210fedcba9876543210\"\n",
    );
    let variables =
        [("ADDA__LIMITS__ROOM_NAME_CHARS", OsString::from("8"))].into_iter().map(|(n, v)| (n.into(), v));
    let flags = Flags { bind: Some("3001".to_owned()), ..Flags::default() };
    let layers = Layers::stack(Some(&named(&path)), variables, &flags).unwrap();
    std::fs::remove_file(&path).unwrap();
    let config = Config::from_layers(&layers).unwrap();
    assert_eq!((config.limits.content_chars, config.limits.room_name_chars), (3, 8));
    assert_eq!(config.server.bind.as_str(), "0.0.0.0:3001");
    let toml = layers.to_toml();
    for line in [
        "content_chars = 3  # ".to_owned() + path.to_str().unwrap(),
        "room_name_chars = 8  # ADDA__LIMITS__ROOM_NAME_CHARS".to_owned(),
        "bind = \"3001\"  # --bind".to_owned(),
        "username_chars = 9  # ".to_owned() + path.to_str().unwrap(),
        "frame_bytes = 65536\n".to_owned(),
        "# secret is set and not shown  # ".to_owned() + path.to_str().unwrap(),
    ] {
        assert!(toml.contains(&line), "{line:?} in {toml}");
    }
    assert!(!toml.contains("fedcba9876543210"), "{toml}");
    in_file("again.toml", &toml).unwrap();
}

#[test]
fn a_secret_may_stand_in_a_file_of_its_own_and_be_replaced() {
    let [secret, url] = ["secret", "url"].map(|name| file(name, ""));
    let flags = Flags::default();
    let named = [
        ("ADDA__AUTH__SECRET_FILE", secret.clone().into_os_string()),
        ("ADDA__REDIS__URL_FILE", url.clone().into_os_string()),
    ];
    assert_sentence(read(None, &named, &flags), &["redis.url_file", "is empty"]);
    std::fs::write(&url, "redis://:one@127.0.0.1\r\n").unwrap();
    std::fs::write(&secret, "0123456789abcdef").unwrap();
    assert_sentence(read(None, &named, &flags), &["auth.secret", "16 characters"]);
    std::fs::write(&secret, "0".repeat(32) + "\n").unwrap();
    let config = read(None, &named, &flags).unwrap();
    assert_eq!((config.auth.secret, config.redis.url.as_str()), ("0".repeat(32), "redis://:one@127.0.0.1"));
    std::fs::write(&url, "redis://:two@127.0.0.1\n").unwrap();
    assert_eq!(config.redis.with_current_secrets().unwrap().url, "redis://:two@127.0.0.1");
    let twice = [named.to_vec(), vec![("ADDA__AUTH__SECRET", OsString::from("1".repeat(32)))]].concat();
    assert_sentence(read(None, &twice, &flags), &["auth.secret", "auth.secret_file"]);
    for path in [secret, url] {
        std::fs::remove_file(path).unwrap();
    }
    let gone = config.redis.with_current_secrets().expect_err("the file is gone").to_string();
    assert!(gone.contains("redis.url_file") && !gone.contains("two"), "{gone}");
}
