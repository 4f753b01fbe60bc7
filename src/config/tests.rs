//! Every setting with values that make no sense, and with the ends of its range.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
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

/// Values that few settings take, as a file writes them.
const ABSURD: [&str; 27] = [
    "0",
    "-1",
    "1",
    "5.7",
    "inf",
    "nan",
    "true",
    "18446744073709551615",
    "18446744073709551616",
    "9223372036854775808",
    "99999999999999999999999999",
    "0xffff_ffff_ffff_ffff_ffff",
    "[]",
    "[1, 2]",
    "[[\"x\"]]",
    "{ a = 1 }",
    "{}",
    "1979-05-27T07:32:00Z",
    "\"\"",
    "\" \"",
    "\"25\"",
    "\"25 parsecs\"",
    "\"500000000000years\"",
    "\"-1s\"",
    "\"a\\u0000b\"",
    "\"a\\nb\"",
    "\"\u{9be}আড্ডা\u{202e}\"",
];

#[test]
fn the_defaults_make_sense() {
    Config::defaults();
    for entry in table() {
        assert!(
            DEFAULTS.contains(&format!("\n{} = ", entry.key.split('.').nth(1).unwrap())),
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
fn an_absurd_value_is_refused_with_its_key_or_works() {
    let long = format!("\"{}\"", "x".repeat(100_000));
    for entry in table() {
        let (section, key) = entry.key.split_once('.').unwrap();
        let mut refused = 0;
        for value in ABSURD.iter().copied().chain([long.as_str()]) {
            let by_file = in_file("absurd.toml", format!("[{section}]\n{key} = {value}\n"));
            let text = value.trim_matches('"').replace("\\u0000", "\u{1}").replace("\\n", "\n");
            let by_variable = read_variables(&[(&variable(entry.key), &text)]);
            for outcome in [by_file, by_variable] {
                if outcome.is_err() {
                    refused += 1;
                    // Some values are fine by themselves and wrong beside another.
                    let is_pair = matches!(outcome, Err(ConfigError::Pair { .. } | ConfigError::File { .. }));
                    let example = if is_pair { "" } else { entry.example };
                    assert_sentence(outcome, &[section, example]);
                }
            }
        }
        assert!(refused >= ABSURD.len() / 2, "{} takes nearly everything", entry.key);
        let bytes = OsString::from_vec(vec![b'a', 0xff]);
        let name = variable(entry.key);
        assert_sentence(
            read(None, &[(&name, bytes)], &Flags::default()),
            &[entry.key, "UTF-8", entry.example],
        );
    }
}

#[test]
fn both_ends_of_each_range_and_its_example_are_taken() {
    for end in [0, 1] {
        let mut toml = String::new();
        for entry in table().iter().filter(|entry| !is_path(entry.key)) {
            toml.push_str(&format!("{} = {}\n", entry.key, entry.ends[end]));
        }
        in_file("ends.toml", toml).unwrap();
    }
    for entry in table().iter().filter(|entry| !is_path(entry.key)) {
        in_file("example.toml", format!("{} = {}\n", entry.key, entry.example)).unwrap();
    }
}

/// Whether the setting names a file that is read at once.
fn is_path(key: &str) -> bool {
    key.ends_with("_file")
}

#[test]
fn a_value_beside_its_range_is_refused_with_the_range() {
    for (key, value, words) in [
        ("session.heartbeat", "25", ["a duration from 1s to 12h", "\"25\"", "\"25s\""]),
        ("server.worker_threads", "1025", ["0 to 1024", "\"1025\"", "4"]),
        ("history.max_messages", "18446744073709551615", ["1 to 1000000", "18446744073709551615", "1000"]),
        ("server.bind", "everywhere", ["a port", "\"everywhere\"", "0.0.0.0:3000"]),
        ("server.bind", "1.2.3:80", ["a port", "\"1.2.3:80\"", "0.0.0.0:3000"]),
        ("log.format", "logfmt", ["\"text\" or \"json\"", "\"logfmt\"", "json"]),
        ("auth.secret", "too short", ["32 to 1024", "a text of 9 characters", "0123456789abcdef"]),
        ("redis.prefix", "a{b}", ["without", "a{b}", "adda:"]),
        ("server.origins", "https://a.example/", ["origin", "https://a.example/", "https://chat.example"]),
    ] {
        assert_sentence(
            read_variables(&[(&variable(key), value)]),
            &[&[key, &variable(key)][..], &words].concat(),
        );
    }
}

#[test]
fn a_pair_that_breaks_a_node_is_refused_with_both_names() {
    for (variables, words) in [
        (
            [("ADDA__LIMITS__CONTENT_CHARS", "20000"), ("ADDA__LIMITS__FRAME_BYTES", "65536")],
            ["limits.frame_bytes", "content_chars", "124096", "65536"],
        ),
        (
            [("ADDA__LIMITS__FRAME_BYTES", "131072"), ("ADDA__LIMITS__OUTBOX_BYTES", "262144")],
            ["limits.outbox_bytes", "frame_bytes", "524288", "262144"],
        ),
        (
            [("ADDA__REDIS__CANARY_EVERY", "2s"), ("ADDA__REDIS__CANARY_LATE", "3s")],
            ["redis.canary_late", "canary_every", "4s", "3s"],
        ),
        (
            [("ADDA__PRESENCE__RENEW_EVERY", "1s"), ("ADDA__PRESENCE__LEASE", "1900ms")],
            ["presence.lease", "renew_every", "2s", "1s 900ms"],
        ),
        (
            [("ADDA__SESSION__HEARTBEAT", "2100ms"), ("ADDA__SESSION__IDLE_TIMEOUT", "2900ms")],
            ["session.idle_timeout", "heartbeat", "3s", "2s 900ms"],
        ),
    ] {
        assert_sentence(read_variables(&variables), &words);
    }
}

#[test]
fn a_name_that_no_setting_has_is_refused_with_one_that_it_resembles() {
    for (name, meant) in [
        ("ADDA_REDIS_URL", "ADDA__REDIS__URL"),
        ("ADDA__REDIS_URL", "ADDA__REDIS__URL"),
        ("ADDA__SERVER__BNID", "ADDA__SERVER__BIND"),
        ("ADDA__SEVRER__BIND", "ADDA__SERVER__BIND"),
        ("ADDA_LOG_LEVEL", "ADDA__LOG__LEVEL"),
        ("ADDA_SECRET", "ADDA__"),
        ("ADDA_", "ADDA__SECTION__KEY"),
        ("ADDA__", "ADDA__"),
        ("ADDA__REDIS", "a section"),
        ("ADDA__SERVER__BIND__PORT", "ADDA__SERVER__BIND"),
    ] {
        assert_sentence(read_variables(&[(name, "x")]), &[name, meant]);
    }
    for (toml, words) in [
        ("[limits]\nframe_byts = 1\n", ["limits.frame_byts", "limits.frame_bytes"]),
        ("[sevrer]\nbind = 1\n", ["sevrer.bind", "server.bind"]),
        ("[sevrer]\n", ["sevrer", "server"]),
        ("bind = \"0.0.0.0:1\"\n", ["bind", "server.bind"]),
        ("server = 5\n", ["server", "a section"]),
        ("[server.bind]\nport = 1\n", ["server.bind", "a table"]),
    ] {
        assert_sentence(in_file("unknown.toml", toml), &words);
    }
    in_file("empty.toml", "[server]\n").unwrap();
}

#[test]
fn variables_of_scripts_containers_and_services_are_no_settings() {
    read_variables(&[
        ("ADDA_PORT", "9000"),
        ("ADDA_BIN", "/bin/adda"),
        ("ADDA_BALANCER_BIND", ":8080"),
        ("ADDA_REDIS_MEMORY", "512mb"),
        ("ADDA_TEST_REQUIRE_REDIS", "1"),
        ("ADDA_STORM", "5000"),
        ("ADDA_EPOCHS_SEED", "7"),
        ("ADDA_SERVICE_HOST", "10.0.0.1"),
        ("ADDA_SERVICE_PORT_HTTP", "3000"),
        ("ADDA_PORT_3000_TCP_ADDR", "10.0.0.1"),
        ("ADDA_REDIS_PORT", "tcp://10.0.0.2:6379"),
        ("ADDA_REDIS_PORT_6379_TCP", "tcp://10.0.0.2:6379"),
        ("ADDAMS", "family"),
    ])
    .unwrap();
}

#[test]
fn no_variable_that_the_repository_itself_uses_stops_a_node() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut names = Vec::new();
    for file in [
        "docker-compose.yml",
        "scripts/cluster",
        "scripts/test",
        "config/haproxy/haproxy.cfg",
        "config/haproxy/tls.cfg",
    ] {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        names.extend(
            words.filter(|word| word.starts_with("ADDA_") && !word.starts_with("ADDA__")).map(str::to_owned),
        );
    }
    assert!(names.len() > 5, "{names:?}");
    for name in names {
        read_variables(&[(&name, "1")]).unwrap();
    }
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
        "[limits]\ncontent_chars = 3\nroom_name_chars = 0x7\n[auth]\nsecret = \"0123456789abcdef0123456789abcdef\"\n",
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
        "username_chars = 32\n".to_owned(),
        "# secret is set and not shown  # ".to_owned() + path.to_str().unwrap(),
    ] {
        assert!(toml.contains(&line), "{line:?} in {toml}");
    }
    assert!(!toml.contains("0123456789abcdef"), "{toml}");
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

#[test]
fn a_renamed_setting_is_taken_with_a_warning() {
    let variables = [("ADDA__SERVER__CORS_ORIGINS", "https://a.example, https://b.example")];
    let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
    let layers = Layers::stack(None, variables, &Flags::default()).unwrap();
    assert_eq!(layers.warnings().len(), 1, "{:?}", layers.warnings());
    let config = Config::from_layers(&layers).unwrap();
    assert_eq!(config.server.origins.to_string(), "https://a.example, https://b.example");
}

#[test]
fn an_address_may_be_a_port_or_a_name() {
    for (text, address) in [
        ("3000", "0.0.0.0:3000"),
        (":3000", "0.0.0.0:3000"),
        ("localhost:3000", "localhost:3000"),
        ("node-1.chat_net.example:80", "node-1.chat_net.example:80"),
        ("127.0.0.1:0", "127.0.0.1:0"),
        ("[::]:3000", "[::]:3000"),
    ] {
        let config = read_variables(&[("ADDA__SERVER__BIND", text)]).unwrap();
        assert_eq!(config.server.bind.as_str(), address, "{text}");
    }
    for text in [
        "",
        ":",
        "localhost",
        "::1",
        "[::1]",
        "::1:3000",
        "1.2.3.4.5:80",
        "host:+80",
        "host:65536",
        "a b:80",
        "http://h:80",
        "h:80/",
    ] {
        assert_sentence(read_variables(&[("ADDA__SERVER__BIND", text)]), &["server.bind", "0.0.0.0:3000"]);
    }
}
