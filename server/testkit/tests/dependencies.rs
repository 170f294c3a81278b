//! What the project depends on keeps the rules of `scripts/deny.toml`, as far as `cargo metadata` tells. `cargo-deny`
//! checks more (`scripts/deny.sh`), and takes longer to build than everything else in the gate.

use serde_json::Value as Json;
use std::path::Path;
use std::process::Command;

/// The strings of a list in `deny.toml`, which begins behind the first `begin` below the line `section`. Of tables, the
/// first string of each.
fn listed(section: &str, begin: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/deny.toml");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, text) = text.split_once(section).expect("the section is there");
    let (_, text) = text.split_once(begin).expect("the list is there");
    let (list, _) = text.split_once("\n]").expect("the list ends");
    let lines = list.lines().filter(|line| !line.trim().starts_with('#'));
    let strings = lines.filter_map(|line| line.split('"').nth(1));
    strings.map(str::to_owned).collect()
}

/// What is built here: packages for other systems may not have been fetched.
fn packages() -> Vec<Json> {
    let said = run("rustc", &["-vV"]);
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    let arguments = "metadata --format-version 1 --locked --offline --filter-platform";
    let mut arguments: Vec<&str> = arguments.split(' ').collect();
    arguments.push(host.expect("rustc tells its host"));
    let metadata: Json = serde_json::from_str(&run(env!("CARGO"), &arguments)).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

/// Whether an expression of licences can be met by those allowed. `AND` binds more tightly than `OR`; a slash is an old
/// way to write `OR`.
fn is_met(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', "( ")
        .replace(')', " )");
    let mut words: Vec<&str> = spaced.split(' ').rev().collect();
    either(&mut words, allowed) && words.is_empty()
}

fn either(words: &mut Vec<&str>, allowed: &[String]) -> bool {
    let mut met = all(words, allowed);
    while words.pop_if(|word| *word == "OR").is_some() {
        met |= all(words, allowed);
    }
    met
}

fn all(words: &mut Vec<&str>, allowed: &[String]) -> bool {
    let mut met = one(words, allowed);
    while words.pop_if(|word| *word == "AND").is_some() {
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut Vec<&str>, allowed: &[String]) -> bool {
    let Some(name) = words.pop() else {
        return false;
    };
    if name == "(" {
        let met = either(words, allowed);
        return words.pop() == Some(")") && met;
    }
    // An exception is a licence of its own, which would have to be allowed by its whole name.
    let exception = words
        .pop_if(|word| *word == "WITH")
        .and_then(|_| words.pop());
    let name = exception.map_or(name.to_owned(), |other| format!("{name} WITH {other}"));
    allowed.contains(&name)
}

#[test]
fn licences_sources_and_bans_are_kept() {
    let (allowed, banned) = (
        listed("[licenses]", "allow = ["),
        listed("[bans]", "deny = ["),
    );
    assert!(
        allowed.len() > 3 && banned.len() > 2,
        "{allowed:?} {banned:?}"
    );
    let packages = packages();
    assert!(packages.len() > 100, "{}", packages.len());
    let mut registries: Vec<&str> = Vec::new();
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        let licence = package["license"].as_str().unwrap_or_default();
        assert!(
            is_met(licence, &allowed),
            "{name}: the licence is {licence:?}"
        );
        assert!(!banned.iter().any(|one| one == name), "{name} is banned");
        // What has no source is a folder of the project.
        registries.extend(package["source"].as_str());
    }
    registries.sort_unstable();
    registries.dedup();
    let [registry] = registries.as_slice() else {
        panic!("more than one source: {registries:?}");
    };
    assert!(registry.starts_with("registry+"), "{registry}");
}

#[test]
fn expressions_of_licences_are_understood() {
    let allowed = ["MIT", "Zlib"].map(str::to_owned);
    for met in [
        "MIT",
        "GPL-3.0/MIT",
        "(GPL-3.0 OR MIT) AND Zlib",
        "MIT AND Zlib",
        "X WITH Y OR MIT",
    ] {
        assert!(is_met(met, &allowed), "{met}");
    }
    for unmet in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(MIT OR X) AND X",
        "MIT WITH Y",
        "(MIT",
        "MIT MIT",
    ] {
        assert!(!is_met(unmet, &allowed), "{unmet}");
    }
}
