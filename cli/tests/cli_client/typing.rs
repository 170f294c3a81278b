//! The line while it is typed: pasting, searching, colours, hints and preferences.

use crate::fake::Fake;
use crate::holdback_cli;
use crate::terminal::Terminal;
use std::path::Path;
use std::process::Command;

/// The REPL on a terminal.
fn sit_down(fake: &Fake, columns: u16, prepare: impl Fn(&mut Command)) -> Terminal {
    let mut command = holdback_cli(&["-p", &fake.port.to_string()]);
    prepare(&mut command);
    let mut terminal = Terminal::start(&command, columns, 24);
    terminal.see("sequential)> ");
    terminal
}

fn preferences(file: &Path, lines: &str) -> impl Fn(&mut Command) {
    std::fs::write(file, lines).unwrap();
    move |command| {
        command.env("HOLDBACKRC", file);
    }
}

#[test]
fn pasted_lines_are_several_commands_and_a_quoted_line_end_is_none() {
    let fake = Fake::start();
    let mut terminal = sit_down(&fake, 80, |_| {});
    terminal.keys("\x1b[200~SET a 1\nSET b 'two\nlines'\n\nGET b\x1b[201~");
    terminal.see("GET b");
    assert_eq!(fake.times("SET a 1"), 0, "nothing is sent before Return");
    terminal.keys("\r");
    terminal.see("> GET b\n\"two\\nlines\"");
    assert_eq!(
        (fake.times("SET a 1"), fake.times("SET b two\nlines")),
        (1, 1)
    );
    // Until the prompt is there, the terminal itself would take the key.
    terminal.until("the prompt", |screen| {
        screen.trim_end().ends_with("sequential)>")
    });
    terminal.keys("\x04");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn control_c_ends_what_was_pasted() {
    let fake = Fake::start();
    let mut terminal = sit_down(&fake, 80, |_| {});
    terminal.keys("\x1b[200~SET silent 1\nSET b 2\nSET c 3\x1b[201~\r");
    fake.wait_for("SET silent 1");
    terminal.keys("\x03");
    terminal.see("The 2 lines behind it: nothing was sent.");
    terminal.keys("PING\r");
    terminal.see("PONG");
    assert_eq!(fake.times("SET b 2"), 0);
}

#[test]
fn control_r_searches_what_was_typed() {
    let fake = Fake::start();
    let mut terminal = sit_down(&fake, 80, |_| {});
    terminal.keys("SET needle 1\rPING\r");
    terminal.see("PONG");
    terminal.keys("\x12need");
    terminal.see("(reverse-i-search)`need': SET needle 1");
    terminal.keys("\r");
    terminal.until("a second OK", |screen| screen.matches("OK").count() == 2);
    assert_eq!(fake.times("SET needle 1"), 2);
}

#[test]
fn a_number_before_a_command_repeats_it() {
    let fake = Fake::start();
    let mut terminal = sit_down(&fake, 80, |_| {});
    terminal.keys("3 PING\r");
    terminal.until("three answers", |screen| {
        screen.matches("PONG").count() == 3
    });
    terminal.keys("2 @1 GET a\r");
    terminal.until("two answers", |screen| screen.matches("(nil)").count() == 2);
}

/// The colour, as the terminal numbers it, of the first place where a text stands.
fn colour_of(terminal: &Terminal, text: &str) -> vt100::Color {
    let screen = terminal.text();
    let (row, line) = (0..)
        .zip(screen.lines())
        .find(|(_, line)| line.contains(text))
        .unwrap();
    let column = u16::try_from(line.find(text).unwrap()).unwrap();
    terminal.cell(row, column).fgcolor()
}

#[test]
fn a_line_has_colours_while_it_is_typed() {
    let fake = Fake::start();
    let mut terminal = sit_down(&fake, 80, |_| {});
    terminal.keys("SET key 'a value' NX");
    terminal.see("'a value' NX");
    let cyan = vt100::Color::Idx(6);
    terminal.until_cells("the name in cyan", |terminal| {
        colour_of(terminal, "SET") == cyan
    });
    assert_eq!(colour_of(&terminal, "'a value'"), vt100::Color::Idx(2));
    assert_eq!(colour_of(&terminal, "NX"), vt100::Color::Idx(4));
    assert_eq!(colour_of(&terminal, "key"), vt100::Color::Default);
    terminal.keys("\x15GTE x");
    terminal.see("GTE x");
    let red = vt100::Color::Idx(1);
    terminal.until_cells("a typo in red", |terminal| {
        colour_of(terminal, "GTE") == red
    });
}

#[test]
fn no_color_means_none() {
    let fake = Fake::start();
    let mut terminal = sit_down(&fake, 80, |command| {
        command.env("NO_COLOR", "1");
    });
    terminal.keys("SET key 'a value'\rGTE x\r@all GET key\r");
    terminal.see("1 replica answered");
    assert_eq!(terminal.styles(), Vec::<String>::new());
}

#[test]
fn hints_end_with_the_line() {
    let fake = Fake::start();
    let mut terminal = sit_down(&fake, 80, |_| {});
    terminal.keys("CLIENT ");
    terminal.see("CLIENT ID | SETNAME name | GETNAME ...");
    terminal.keys("KILL ");
    terminal.see("CLIENT KILL [ID id] [ADDR address] ...");
}

#[test]
fn preferences_are_listed_changed_and_read_from_a_file() {
    let (fake, folder) = (Fake::start(), tempfile::tempdir().unwrap());
    let file = folder.path().join("rc");
    let prepare = preferences(
        &file,
        "# mine\n:set hints off\n:set timing on\n:set nosuch 1\n",
    );
    let mut terminal = sit_down(&fake, 120, prepare);
    terminal.see("rc:4: there is no preference `nosuch`");
    terminal.keys("PING\r");
    terminal.see("PONG\n(");
    terminal.see("ms)");
    terminal.keys("SET \x0c");
    terminal.until("an empty screen", |screen| {
        screen.trim_end().lines().count() == 1
    });
    assert!(
        !terminal.text().contains("key value"),
        "{}",
        terminal.text()
    );
    terminal.keys("\x15:set hints on\r:set timing maybe\r");
    terminal.see("timing is on or off, not `maybe`");
    terminal.keys(":set colour off\r:set\r");
    terminal.see(":set hints    on");
    terminal.see(":set colour   off");
    terminal.see(":set editing  emacs");
    terminal.keys("SET ");
    terminal.see("SET key value");
}

#[test]
fn a_line_is_edited_as_in_vi_if_preferred() {
    let (fake, folder) = (Fake::start(), tempfile::tempdir().unwrap());
    let file = folder.path().join("rc");
    let prepare = preferences(&file, ":set editing vi\n");
    let mut terminal = sit_down(&fake, 80, prepare);
    terminal.keys("SET a wrong");
    terminal.see("SET a wrong");
    terminal.keys("\x1b");
    terminal.keys("bcwright");
    terminal.see("SET a right");
    terminal.keys("\r");
    fake.wait_for("SET a right");
}
