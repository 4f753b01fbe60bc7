//! The lists of GitHub's workflows against the folders that they name.

use std::collections::BTreeSet;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The values of a list of a workflow's matrix.
fn matrix(workflow: &str, name: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join(".github/workflows").join(workflow)).unwrap();
    let list = text.split_once(&format!(" {name}: [")).expect("the matrix has the list").1;
    list.split_once(']').unwrap().0.split(", ").map(str::to_owned).collect()
}

#[test]
fn each_target_is_fuzzed_every_night() {
    let targets = std::fs::read_dir(root().join("fuzz/fuzz_targets")).unwrap();
    let targets = targets.map(|entry| entry.unwrap().path().file_stem().unwrap().display().to_string());
    assert_eq!(matrix("nightly.yml", "target"), targets.collect());
}

#[test]
fn each_workspace_beside_the_crate_is_compiled() {
    let benches = std::fs::read_dir(root().join("benches")).unwrap();
    let folders = benches.map(|entry| entry.unwrap().path()).chain([root().join("fuzz")]);
    let workspaces = folders.filter(|folder| folder.join("Cargo.toml").exists());
    let names = workspaces.map(|folder| folder.strip_prefix(root()).unwrap().display().to_string());
    assert_eq!(matrix("ci.yml", "folder"), names.collect());
}
