//! A simulator that finds nothing proves nothing: it has to find the bugs that are planted on purpose.

use super::plan::Options;
use super::run::run_seed;
use super::trace::Keep;
use comfy_table::{Table, presets};
use holdback::bugs::{Bug, plant};
use holdback::consistency::Consistency;

/// A bug that takes more seeds than this counts as missed.
const SEEDS_MAX: u64 = 500;
/// Most bugs have to take no more seeds than this.
const SEEDS_MOST: u64 = 50;

/// How a bug showed in one model.
struct Catch {
    bug: Bug,
    model: Consistency,
    /// The seed, and what was broken; `None` if nothing was.
    found: Option<(u64, &'static str)>,
}

/// A bug by its name.
pub(super) fn parse_bug(name: &str) -> Result<Bug, String> {
    let names = || Bug::ALL.map(Bug::name).join(", ");
    let found = Bug::ALL.into_iter().find(|bug| bug.name() == name);
    found.ok_or_else(|| format!("no such bug; there are {}", names()))
}

/// Which seed finds which bug, as [`search_all`] prints it.
const RECORDED: &str = include_str!("bug_seeds.tsv");

fn pairs() -> impl Iterator<Item = (Bug, Consistency)> {
    let models = |bug: Bug| bug.models().iter().map(move |model| (bug, *model));
    Bug::ALL.into_iter().flat_map(models)
}

/// Plants each bug in turn in each of its models, runs the seed that is on record for it, and prints how it showed;
/// the exit code.
pub(super) fn replay_all(options: &Options) -> u8 {
    let catches: Vec<Catch> = pairs()
        .map(|(bug, model)| {
            let recorded = recorded(bug, model).into_iter();
            catch(bug, model, options, recorded)
        })
        .collect();
    print_table(&catches);
    let missed = catches.iter().filter(|caught| caught.found.is_none());
    let missed = missed.count();
    if missed > 0 {
        println!("{missed} are not found by the seed on record: run scripts/bugs.sh for others");
    }
    u8::from(missed > 0)
}

/// Looks for the first seed that finds each bug in each of its models, and prints what is to be recorded; the exit
/// code.
pub(super) fn search_all(options: &Options) -> u8 {
    let (mut all, mut most, mut total) = (0, 0, 0);
    for (bug, model) in pairs() {
        total += 1;
        match catch(bug, model, options, 1..=SEEDS_MAX).found {
            Some((seed, _)) => {
                all += 1;
                most += usize::from(seed <= SEEDS_MOST);
                println!("{}\t{model}\t{seed}", bug.name());
            }
            None => eprintln!(
                "{} shows in none of {SEEDS_MAX} seeds, {model} model",
                bug.name()
            ),
        }
    }
    eprintln!("{all} of {total} caught within {SEEDS_MAX} seeds, {most} within {SEEDS_MOST}");
    u8::from(all < total || most * 2 <= total)
}

fn recorded(bug: Bug, model: Consistency) -> Option<u64> {
    let mut lines = RECORDED.lines().map(|line| line.split('\t'));
    lines.find_map(|mut words| {
        let found = words.next() == Some(bug.name()) && words.next() == Some(model.name());
        words.next().filter(|_| found)?.parse().ok()
    })
}

fn catch(
    bug: Bug,
    model: Consistency,
    options: &Options,
    mut seeds: impl Iterator<Item = u64>,
) -> Catch {
    let options = Options {
        consistency: model,
        ..options.clone()
    };
    plant(Some(bug));
    let found = seeds.find_map(|seed| {
        let outcome = run_seed(seed, &options, Keep::Nothing);
        outcome.violation.map(|broken| (seed, broken.invariant))
    });
    plant(None);
    Catch { bug, model, found }
}

fn print_table(catches: &[Catch]) {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["bug", "model", "seed", "how it showed"]);
    for caught in catches {
        let (seed, how) = match caught.found {
            Some((seed, how)) => (seed.to_string(), how.to_owned()),
            None => ("-".to_owned(), "not at all".to_owned()),
        };
        let (bug, model) = (caught.bug.name().to_owned(), caught.model.to_string());
        table.add_row([bug, model, seed, how]);
    }
    println!("{table}");
}
