//! No two first-level modules of a package import each other, directly or in a circle; and the core depends on little.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What each first-level module imports, by `crate::...`.
type Imports = BTreeMap<String, BTreeSet<String>>;

/// The modules of a circle in the imports of a package's `src` folder, if there is one.
fn circle(src: &Path) -> Option<Vec<String>> {
    let mut imports = read(src);
    // What imports nothing that is left is in no circle.
    while let Some((leaf, _)) = imports.iter().find(|(_, imported)| imported.is_empty()) {
        let leaf = leaf.clone();
        imports.remove(&leaf);
        for imported in imports.values_mut() {
            imported.remove(&leaf);
        }
    }
    let mut path = vec![imports.keys().next()?.clone()];
    loop {
        let next = imports[path.last()?].first()?.clone();
        if let Some(at) = path.iter().position(|module| *module == next) {
            return Some(path.split_off(at));
        }
        path.push(next);
    }
}

fn read(src: &Path) -> Imports {
    let mut imports = Imports::new();
    for file in files(src) {
        let inside = file.strip_prefix(src).unwrap().with_extension("");
        let module = inside.iter().next().unwrap().to_str().unwrap();
        // The roots of the package may name every module.
        if !["lib", "main", "bin"].contains(&module) {
            let text = std::fs::read_to_string(&file).unwrap();
            imports
                .entry(module.to_owned())
                .or_default()
                .extend(named(&text));
        }
    }
    let modules: BTreeSet<String> = imports.keys().cloned().collect();
    for (module, named) in &mut imports {
        // Items of the root, such as macros, are no modules.
        named.retain(|name| name != module && modules.contains(name));
    }
    imports
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let (folders, mut found): (Vec<_>, Vec<_>) = paths.partition(|path| path.is_dir());
    found.retain(|file| file.extension().is_some_and(|end| end == "rs"));
    found.extend(folders.iter().flat_map(|folder| files(folder)));
    found
}

/// The names behind `crate::` in code.
fn named(text: &str) -> impl Iterator<Item = String> {
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let behind = code.flat_map(|line| line.split("crate::").skip(1));
    behind.map(|rest| {
        assert!(
            !rest.starts_with('{'),
            "one module for each `use crate::`, so that its name can be read: {rest}"
        );
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        rest[..end.unwrap_or(rest.len())].to_owned()
    })
}

#[test]
fn no_module_is_in_a_circle() {
    for package in [
        "server/core",
        "server",
        "server/testkit",
        "cli/client",
        "cli",
        "cli/lab",
        "cli/fuzz",
    ] {
        let src = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(package)
            .join("src");
        assert_eq!(circle(&src), None, "{package}");
    }
}

#[test]
fn the_core_knows_nothing_of_sockets_arguments_and_logs() {
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "-p",
            "holdback",
            "-e",
            "normal",
            "--offline",
            "--prefix",
            "none",
        ])
        .output()
        .unwrap();
    assert!(tree.status.success(), "{tree:?}");
    let tree = String::from_utf8(tree.stdout).unwrap();
    let names: Vec<&str> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(names.contains(&"serde_json"), "{tree}");
    for name in ["mio", "clap", "tracing-subscriber"] {
        assert!(!names.contains(&name), "{tree}");
    }
}

#[test]
fn a_circle_is_found_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("lib.rs", "pub mod a; pub mod b; pub mod c;");
    write("a/deep/file.rs", "use crate::b::{c, d};\nuse crate::Root;");
    write("b.rs", "/// Of [`crate::a`].\nfn f() { crate::c::g() }");
    write("c.rs", "use super::a;");
    assert_eq!(circle(folder.path()), None);
    write("c/inner.rs", "use crate::a;");
    let expected = Some(vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]);
    assert_eq!(circle(folder.path()), expected);
}
