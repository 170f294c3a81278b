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

/// Plants each bug in turn in each of its models, and prints how many seeds it took to show; the exit code.
pub(super) fn catch_all(options: &Options) -> u8 {
    let pairs = Bug::ALL
        .into_iter()
        .flat_map(|bug| bug.models().iter().map(move |model| (bug, *model)));
    let catches: Vec<Catch> = pairs
        .map(|(bug, model)| catch(bug, model, options))
        .collect();
    print_table(&catches);
    let within = |limit: u64| {
        let found = catches.iter().filter_map(|caught| caught.found);
        found.filter(|(seed, _)| *seed <= limit).count()
    };
    let (all, most) = (within(SEEDS_MAX), within(SEEDS_MOST));
    println!(
        "{all} of {} caught within {SEEDS_MAX} seeds, {most} within {SEEDS_MOST}",
        catches.len()
    );
    u8::from(all < catches.len() || most * 2 <= catches.len())
}

fn catch(bug: Bug, model: Consistency, options: &Options) -> Catch {
    let options = Options {
        consistency: model,
        ..options.clone()
    };
    plant(Some(bug));
    let found = (1..=SEEDS_MAX).find_map(|seed| {
        let outcome = run_seed(seed, &options, Keep::Nothing);
        outcome.violation.map(|broken| (seed, broken.invariant))
    });
    plant(None);
    Catch { bug, model, found }
}

fn print_table(catches: &[Catch]) {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["bug", "model", "seeds", "how it showed"]);
    for caught in catches {
        let (seeds, how) = match caught.found {
            Some((seed, how)) => (seed.to_string(), how.to_owned()),
            None => (format!("over {SEEDS_MAX}"), "not at all".to_owned()),
        };
        let (bug, model) = (caught.bug.name().to_owned(), caught.model.to_string());
        table.add_row([bug, model, seeds, how]);
    }
    println!("{table}");
}
