//! Every setting with values that make no sense, and with the ends of its range.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::{assert_sentence, file, in_file, read, read_variables, variable};
use crate::config::environment::example;
use crate::config::{ConfigError, Entry, Flags, table};

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
fn an_absurd_value_is_refused_with_its_key_or_works() {
    let long = format!("\"{}\"", "x".repeat(100_000));
    for entry in table() {
        let (section, key) = entry.key.split_once('.').unwrap();
        let mut refused = 0;
        for value in ABSURD.iter().copied().chain([long.as_str()]) {
            let by_file = in_file("absurd.toml", format!("[{section}]\n{key} = {value}\n"));
            let text = value.trim_matches('"').replace("\\u0000", "\u{1}").replace("\\n", "\n");
            let by_variable = read_variables(&[(&variable(entry.key), &text)]);
            for (outcome, place) in [(by_file, "absurd.toml"), (by_variable, &*variable(entry.key))] {
                if outcome.is_err() {
                    refused += 1;
                    // Some values are fine by themselves and wrong beside another.
                    let is_pair = matches!(outcome, Err(ConfigError::Pair { .. } | ConfigError::File { .. }));
                    let example = if is_pair { String::new() } else { example(&entry, place) };
                    assert_sentence(outcome, &[section, &example]);
                }
            }
        }
        assert!(refused >= ABSURD.len() / 2, "{} takes nearly everything", entry.key);
        let bytes = OsString::from_vec(vec![b'a', 0xff]);
        let name = variable(entry.key);
        assert_sentence(
            read(None, &[(&name, bytes)], &Flags::default()),
            &[entry.key, "UTF-8", &example(&entry, &name)],
        );
    }
}

#[test]
fn a_wrong_value_counts_only_where_no_layer_lies_over_it() {
    let path = file("under.toml", "[history]\nmax_messages = 5.7\n");
    let over = [("ADDA__HISTORY__MAX_MESSAGES", OsString::from("6"))];
    let config = read(Some(&path), &over, &Flags::default()).unwrap();
    assert_eq!(config.history.max_messages, 6);
    let shown = path.to_str().unwrap();
    assert_sentence(
        read(Some(&path), &[], &Flags::default()),
        &["history.max_messages", shown, "5.7", "1000"],
    );
    std::fs::remove_file(path).unwrap();
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
    // An example of a secret is known to all.
    let is_known = |entry: &Entry| entry.key.starts_with("auth") && entry.is_secret;
    for entry in table().iter().filter(|entry| !is_path(entry.key) && !is_known(entry)) {
        in_file("example.toml", format!("{} = {}\n", entry.key, entry.example)).unwrap();
    }
}

/// Whether the setting names a file that is read at once.
fn is_path(key: &str) -> bool {
    key.ends_with("_file")
}

#[test]
fn the_example_of_a_list_has_the_form_of_its_place() {
    let by_variable = read_variables(&[("ADDA__SERVER__TRUSTED_PROXIES", "somewhere")]);
    assert_sentence(by_variable, &["such as \"10.0.0.0/8\" "]);
    let by_file = in_file("list.toml", "server.trusted_proxies = \"somewhere\"\n");
    assert_sentence(by_file, &["such as [\"10.0.0.0/8\"] "]);
    for entry in table().iter().filter(|entry| entry.example.starts_with('[') && !entry.is_secret) {
        let name = variable(entry.key);
        let taken = example(entry, &name);
        read_variables(&[(&name, taken.trim_matches('"'))]).unwrap();
    }
}

#[test]
fn a_value_beside_its_range_is_refused_with_the_range() {
    for (key, value, words) in [
        ("session.ping_every", "25", ["a duration from 1s to 12h", "\"25\"", "\"25s\""]),
        ("server.worker_threads", "1025", ["0 to 1024", "\"1025\"", "4"]),
        ("history.max_messages", "18446744073709551615", ["1 to 1000000", "18446744073709551615", "1000"]),
        ("server.bind", "everywhere", ["a port", "\"everywhere\"", "0.0.0.0:3000"]),
        ("server.bind", "1.2.3:80", ["a port", "\"1.2.3:80\"", "0.0.0.0:3000"]),
        ("log.format", "logfmt", ["\"text\" or \"json\"", "\"logfmt\"", "json"]),
        ("auth.secret", "too short", ["32 to 1024", "a text of 9 characters", "openssl rand -hex 32"]),
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
            [("ADDA__SESSION__PING_EVERY", "2100ms"), ("ADDA__SESSION__IDLE_TIMEOUT", "2900ms")],
            ["session.idle_timeout", "ping_every", "3s", "2s 900ms"],
        ),
    ] {
        assert_sentence(read_variables(&variables), &words);
    }
}

#[test]
fn a_secret_of_the_documentation_is_refused_with_a_way_to_make_one() {
    for entry in table().iter().filter(|entry| entry.key.starts_with("auth") && entry.is_secret) {
        let outcome = in_file("secret.toml", format!("{} = {}\n", entry.key, entry.example));
        assert_sentence(outcome, &[entry.key, "openssl rand -hex 32", "an example"]);
    }
    let shown_once = [("ADDA__AUTH__SECRET", "0123456789abcdef0123456789abcdef")];
    assert_sentence(read_variables(&shown_once), &["auth.secret", "openssl rand -hex 32"]);
}

#[test]
fn an_issuer_has_one_kind_of_key() {
    let secret = "secret = \"fedcba9876543210fedcba9876543210\"\n";
    let issuer = in_file("issuer.toml", format!("[auth]\nguests = false\n[auth.issuer]\n{secret}")).unwrap();
    assert!(!issuer.auth.guests && issuer.auth_issuer.secret.starts_with("fedcba"));
    let both = format!("[auth.issuer]\njwks_file = \"/nowhere\"\n{secret}");
    assert_sentence(
        in_file("both.toml", both),
        &["auth.issuer", "one of jwks_file, secret and public_key", "2"],
    );
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
