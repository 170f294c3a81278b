//! The case files of the project, and the page that describes them.

use crate::place::{Place, root};
use holdback_lab::cases::case::Case;
use holdback_lab::cases::plan::{Plan, estimate};
use std::path::PathBuf;

fn case_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for model in ["sequential", "linearizable", "eventual"] {
        for entry in std::fs::read_dir(root().join("test_cases").join(model)).unwrap() {
            files.push(entry.unwrap().path());
        }
    }
    files
}

fn page() -> String {
    std::fs::read_to_string(root().join("test_cases/README.md")).unwrap()
}

#[test]
fn every_case_is_well_formed_described_short_and_where_it_belongs() {
    let files = case_files();
    assert!(files.len() >= 11, "{files:?}");
    for file in files {
        let case = Case::load(&file).unwrap();
        assert_eq!(file.file_stem().unwrap(), case.name.as_str());
        let folder = file.parent().unwrap().file_name().unwrap();
        assert_eq!(folder, case.consistency.name(), "{}", case.name);
        assert!(
            case.description.len() > 100,
            "{} wants a description",
            case.name
        );
        let seed = case.seed.expect("a seed, so that every run is the same");
        let seconds = estimate(&case, &Plan::new(&case, seed)).as_secs_f64();
        assert!(seconds < 15.0, "{} takes {seconds} s", case.name);
        let row = format!("| `{}/{}` |", case.consistency, case.name);
        assert!(page().contains(&row), "the page lacks the row {row}");
    }
}

#[test]
fn the_page_names_no_case_that_is_not_there() {
    let page = page();
    let rows: Vec<&str> = page
        .lines()
        .filter_map(|line| {
            line.strip_prefix("| `")?
                .split_once("` |")
                .map(|(name, _)| name)
        })
        .filter(|name| name.contains('/'))
        .collect();
    assert_eq!(rows.len(), case_files().len());
    for name in rows {
        let file = root().join("test_cases").join(format!("{name}.json"));
        assert!(file.is_file(), "{name}");
    }
}

/// The worked example of the page.
fn example() -> String {
    let page = page();
    let (_, rest) = page.split_once("```json\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    example.to_owned()
}

#[test]
fn the_example_of_the_page_runs_with_any_seed() {
    let place = Place::new();
    let file = place.case("my_case.json", &example());
    for seed in ["7", "8"] {
        let line = format!("run_case.sh --free-ports --seed {seed} {file}");
        let answer = place.script(&line).exits(0);
        assert!(
            answer.out.contains("orders identical  yes  2 entries"),
            "{answer:?}"
        );
    }
    place.assert_no_processes();
}

#[test]
fn the_mistake_that_the_page_shows_is_reported_as_it_says() {
    let place = Place::new();
    let right = r#""op": "GET", "args": ["hits"]"#;
    assert!(example().contains(right));
    let wrong = example().replace(right, r#""op": "GET", "args": []"#);
    let file = place.case("my_case.json", &wrong);
    let answer = place
        .script(&format!("run_case.sh --check {file}"))
        .exits(64);
    let report = answer.err.rsplit('/').next().unwrap().trim();
    assert!(page().contains(&format!("`{report}`")), "{report}");
}

#[test]
fn every_field_is_described_on_the_page() {
    let page = page();
    let case = Case::parse(&example()).unwrap();
    let case = serde_json::to_value(case).unwrap();
    for field in case
        .as_object()
        .unwrap()
        .keys()
        .chain(case["expect"].as_object().unwrap().keys())
    {
        assert!(page.contains(&format!("`{field}`")), "{field}");
    }
}

#[test]
fn the_list_has_every_case_with_its_description_and_duration() {
    let list = Place::new().script("run_case.sh").exits(0);
    for file in case_files() {
        let case = Case::load(&file).unwrap();
        let first_words: String = case.description.chars().take(30).collect();
        assert!(list.out.contains(&first_words), "{}", case.name);
        let line = list
            .out
            .lines()
            .find(|line| line.trim_start().starts_with(&case.name))
            .unwrap();
        assert!(
            line.contains("replicas, about ") && line.ends_with(" s"),
            "{line}"
        );
    }
}
