//! Names that are no settings: misspelt ones, and those of others.

use std::path::Path;

use super::{assert_sentence, in_file, read_variables, variable};
use crate::config::layers::ALIASES;
use crate::config::{Config, Flags, Layers};

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
fn a_renamed_setting_is_taken_with_a_warning() {
    let both = "[server]\norigins = [\"https://a.example\"]\ncors_origins = [\"*\"]\n";
    assert_eq!(in_file("both.toml", both).unwrap().server.origins.to_string(), "https://a.example");
    let variables = [("ADDA__SERVER__CORS_ORIGINS", "https://a.example, https://b.example")];
    let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
    let layers = Layers::stack(None, variables, &Flags::default()).unwrap();
    assert_eq!(layers.warnings().len(), 1, "{:?}", layers.warnings());
    let config = Config::from_layers(&layers).unwrap();
    assert_eq!(config.server.origins.to_string(), "https://a.example, https://b.example");
}

#[test]
fn each_former_name_is_taken_and_documented() {
    let guide = include_str!("../../../docs/configuration.md");
    for (old, new) in ALIASES {
        let variables = [(variable(old).into(), "3s".into())];
        let layers = Layers::stack(None, variables.into_iter(), &Flags::default()).unwrap();
        let [warning] = layers.warnings() else { panic!("{old}: {:?}", layers.warnings()) };
        assert!(warning.contains(old) && warning.contains(new), "{warning}");
        assert!(guide.contains(&format!("| `{old}` | `{new}` |")), "{old}");
    }
}

#[test]
fn the_present_name_counts_beside_the_former_one() {
    for both in ["leave_grace = \"7s\"\nlinger = \"8s\"", "linger = \"8s\"\nleave_grace = \"7s\""] {
        let config = in_file("names.toml", format!("[presence]\n{both}\n")).unwrap();
        assert_eq!(config.presence.leave_grace.as_secs(), 7, "{both}");
    }
}
