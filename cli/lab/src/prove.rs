//! `holdback-lab prove`: a cluster of its own under load while things go wrong, and the verdict on it.

use crate::check::{CheckArguments, Model};
use crate::clusters::up::Shape;
use crate::kit::failure::{EXIT_NO, EXIT_USAGE, EXIT_YES, Failure};
use crate::kit::ports::{self, PortRange};
use crate::kit::random::draw_seed;
use crate::kit::replicas::{Plan, Replicas};
use crate::kit::run_folder::{RunFolder, from_here, runs};
use crate::load::{Faults, LoadArguments};
use crate::report::commands::ReportArguments;
use clap::{Args, Parser};
use holdback::consistency::Consistency;
use std::ffi::OsString;

/// Timeouts are short, so that there are operations of which nobody knows whether they happened, and links that
/// time out. Orders are kept whole, whoever follows them.
const SERVER_OPTIONS: &str = "--allow-faults --request-timeout 1s --link-timeout 1s --order-entries 10000000 \
                              --order-bytes 4gb";

/// How long the checkers may take.
const CHECK_SECONDS: f64 = 60.0;

/// `holdback-lab prove`
#[derive(Debug, Args)]
pub struct ProveArguments {
    /// What the cluster is like.
    #[command(flatten)]
    pub shape: Shape,
    /// How long the load lasts
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub seconds: u32,
    /// What goes wrong meanwhile
    #[arg(long, value_enum, default_value = "all")]
    pub faults: Faults,
    /// How many clients, each connected to one replica
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub clients: u32,
    /// Operations a second, all clients together
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: u32,
    /// Judge by another model than the cluster's own; unless load options say otherwise, clients then only read
    /// and write three keys, which makes counter-examples short
    #[arg(long = "as", value_name = "MODEL")]
    pub judge: Option<Consistency>,
    /// Draw no picture
    #[arg(long)]
    pub no_page: bool,
    /// Further options of `holdback-lab load`
    #[arg(last = true, value_name = "LOAD OPTIONS")]
    pub options: Vec<OsString>,
}

/// The command line of a load.
#[derive(Debug, Parser)]
struct Load {
    #[command(flatten)]
    arguments: LoadArguments,
}

impl ProveArguments {
    /// Loads a cluster, heals it, judges what the clients saw, and draws a picture of it.
    ///
    /// # Errors
    /// [`Failure::Usage`] for arguments that do not fit together, [`Failure::Unreachable`] if a replica does not
    /// start, [`Failure::Other`] if files cannot be written.
    pub fn run(&self) -> Result<u8, Failure> {
        if self.shape.replicas == 1 && self.faults != Faults::None {
            let message = "one replica has no links: --faults none";
            return Err(Failure::Usage(message.into()));
        }
        let seed = self.shape.seed.unwrap_or_else(draw_seed);
        let mut load = match Load::try_parse_from(self.load_options(seed)) {
            Ok(load) => load.arguments,
            Err(error) => {
                // Printing fails only if nobody is there to read it.
                let _unread = error.print();
                return Ok(match error.use_stderr() {
                    true => EXIT_USAGE,
                    false => EXIT_YES,
                });
            }
        };
        let folder = RunFolder::create(&runs(), "prove")?;
        load.place.run = Some(folder.path().to_owned());
        let loaded = self.load(seed, &load, &folder)?;
        // What the replicas promise is judged below. Whether they settled is a promise too.
        if loaded > EXIT_NO {
            return Ok(loaded);
        }
        anstream::println!();
        let judged = self.check(&folder)?;
        if !self.no_page {
            draw(&folder)?;
        }
        Ok(if judged == EXIT_YES { loaded } else { judged })
    }

    fn load_options(&self, seed: u64) -> Vec<OsString> {
        let (seconds, rate, clients) = (self.seconds, self.rate, self.clients);
        let faults = self.faults.name();
        let options = format!(
            "load --duration {seconds} --rate {rate} --clients {clients} --faults {faults} --seed {seed} --witness"
        );
        let simple = match self.judge.is_some() && self.options.is_empty() {
            true => "--keys 3 --mix get,set",
            false => "",
        };
        let own = options.split(' ').chain(simple.split_whitespace());
        let own = own.map(OsString::from);
        own.chain(self.options.iter().cloned()).collect()
    }

    /// Loads replicas that end with the load.
    fn load(&self, seed: u64, load: &LoadArguments, folder: &RunFolder) -> Result<u8, Failure> {
        let options: Vec<String> = SERVER_OPTIONS.split(' ').map(Into::into).collect();
        let count = self.shape.replicas.into();
        let plan = Plan {
            consistency: self.shape.consistency,
            seed,
            ports: &ports::free(count, &PortRange::usual()?, draw_seed())?,
            options: &options,
            advice: "with HOLDBACK_PORTS",
        };
        let (_replicas, _cluster) = Replicas::start(&plan, folder)?;
        load.run()
    }

    fn check(&self, folder: &RunFolder) -> Result<u8, Failure> {
        let check = CheckArguments {
            path: folder.path().to_owned(),
            model: self.judge.map(Model::One),
            order: None,
            timeout: CHECK_SECONDS,
            json: false,
        };
        check.run()
    }
}

fn draw(folder: &RunFolder) -> Result<(), Failure> {
    let report = ReportArguments {
        run: folder.path().to_owned(),
        output: None,
        svg: false,
        window: None,
    };
    anstream::println!("\nthe picture: {}", from_here(&report.write()?));
    Ok(())
}
