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

pub mod asked;
pub mod bands;
pub mod commands;
pub mod entries;
pub mod folder;
pub mod jepsen;
pub mod judged;
pub mod messages;
pub mod page;
pub mod pairing;
pub mod picture;
pub mod queue;
pub mod requests;
pub mod rows;
pub mod shiviz;
pub mod svg;
pub mod thin;
pub mod trace;

#[cfg(test)]
mod fixture;
