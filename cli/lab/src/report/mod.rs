//! Pictures of runs: a page that shows in space and time what clients asked, what replicas told each other,
//! what they held back, and in which order they delivered it.
//!
//! A run goes through these modules, in this order:
//!
//! 1. [`folder`] reads whatever of a run folder is there; [`trace`] reads what a replica wrote of itself, with
//!    commands as [`asked`] has them.
//! 2. [`requests`] pairs requests with replies, [`entries`] gathers what has a stamp, [`messages`] pairs
//!    sends with receives, [`queue`] finds out what waited for what in each holdback queue, [`bands`] what was
//!    wrong with the network, and [`pairing`] which request is which operation of the history.
//! 3. [`picture`] puts it all together, [`judged`] adds the verdict, and [`rows`] gives each client its line.
//! 4. [`thin`] leaves out what does not fit, evenly, and says so.
//! 5. [`page`] writes the HTML page, which draws itself (`page/*.js`), and [`svg`] a still.
//!
//! [`shiviz`] and [`jepsen`] write runs for tools of others.

mod asked;
mod bands;
pub mod commands;
mod entries;
mod folder;
mod jepsen;
mod judged;
mod messages;
mod page;
mod pairing;
mod picture;
mod queue;
mod requests;
mod rows;
mod shiviz;
mod svg;
mod thin;
mod trace;

#[cfg(test)]
mod fixture;
