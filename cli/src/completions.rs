//! `holdback-cli completions SHELL`: what makes a shell complete as the REPL does.
//!
//! The scripts only ask this program, by `holdback-cli completions words -- WORD...`, what the last word
//! may become; it answers with a line each: the whole word, a tab, and what it means.

use crate::args::Args;
use crate::commands::local;
use crate::commands::words::texts;
use crate::editor::LineHelper;
use crate::text::style::Palette;
use clap::{Arg, CommandFactory};
use holdback::command::lookup;
use holdback::wire::inline::quote_all;

/// The word that asks for all this.
pub(crate) const NAME: &str = "completions";

const BASH: &str = r#"# Completion of holdback-cli for bash: eval "$(holdback-cli completions bash)"
_holdback_cli() {
    local typed="${COMP_LINE:0:COMP_POINT}" line word
    local -a words
    read -r -a words <<<"$typed"
    [[ "$typed" == *[[:space:]] ]] && words+=("")
    word="${words[${#words[@]}-1]}"
    COMPREPLY=()
    # bash takes `@all` and `host:port` for several words, and replaces the last of them.
    local kept=$((${#word} - ${#2}))
    while IFS=$'\t' read -r line _; do
        [[ -n "$line" ]] && COMPREPLY+=("${line:kept} ")
    done < <("$1" completions words -- "${words[@]:1}" 2>/dev/null)
}
complete -o nospace -F _holdback_cli holdback-cli
"#;

const ZSH: &str = r#"#compdef holdback-cli
# Completion of holdback-cli for zsh: source <(holdback-cli completions zsh)
_holdback_cli() {
    local -a described
    local word meaning
    while IFS=$'\t' read -r word meaning; do
        [[ -n "$word" ]] && described+=("${word//:/\\:}${meaning:+:$meaning}")
    done < <("$words[1]" completions words -- "${(@)words[2,CURRENT]}" 2>/dev/null)
    _describe -V 'word' described
}
compdef _holdback_cli holdback-cli
"#;

const FISH: &str = r#"# Completion of holdback-cli for fish: holdback-cli completions fish | source
function __holdback_cli
    set -l words (commandline -opc)
    $words[1] completions words -- $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c holdback-cli -f -k -a '(__holdback_cli)'
"#;

/// What to print for these arguments.
///
/// # Errors
/// A sentence for a person.
pub(crate) fn answer(arguments: &[Vec<u8>]) -> Result<String, String> {
    let arguments = texts(arguments);
    match arguments.first().map(String::as_str) {
        Some("bash") => Ok(BASH.to_owned()),
        Some("zsh") => Ok(ZSH.to_owned()),
        Some("fish") => Ok(FISH.to_owned()),
        Some("words") => {
            let words = &arguments[1..];
            let dashes = words.first().is_some_and(|word| word == "--");
            Ok(candidates(&words[usize::from(dashes)..]))
        }
        Some(other) => Err(format!("no completions for `{other}`: bash, zsh or fish")),
        None => Err("which shell? completions bash, zsh or fish".to_owned()),
    }
}

/// What the last of these words may become, a line each.
fn candidates(words: &[String]) -> String {
    let Some((last, before)) = words.split_last() else {
        return String::new();
    };
    let options = Args::command();
    let mut before = before.iter();
    // The options before the command, with their values.
    let command = loop {
        match before.as_slice().first() {
            Some(word) if word.starts_with('-') => {
                before.next();
                let option = options
                    .get_arguments()
                    .find(|option| is_called(option, word));
                if option.is_some_and(|option| option.get_action().takes_values())
                    && before.next().is_none()
                {
                    return String::new();
                }
            }
            _ => break before.as_slice(),
        }
    };
    let lines: Vec<String> = match command {
        [] if last.starts_with('-') => described_options(&options)
            .filter(|line| line.starts_with(last))
            .collect(),
        [name] if name == NAME => ["bash", "zsh", "fish"]
            .into_iter()
            .filter(|shell| shell.starts_with(last))
            .map(|shell| format!("{shell}\t"))
            .collect(),
        command => words_of_commands(command, last),
    };
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn is_called(option: &Arg, word: &str) -> bool {
    match word.strip_prefix("--") {
        Some(long) => option.get_long() == Some(long),
        None => option.get_short() == word.chars().nth(1) && word.chars().count() == 2,
    }
}

fn described_options(options: &clap::Command) -> impl Iterator<Item = String> {
    options.get_arguments().flat_map(|option| {
        let help = option.get_help().map(ToString::to_string);
        let help = help.unwrap_or_default();
        let long = option.get_long().map(|long| format!("--{long}"));
        let short = option.get_short().map(|short| format!("-{short}"));
        // Where there is a long name, the short one says less.
        let name = long.or(short);
        name.map(|name| format!("{name}\t{help}"))
    })
}

/// What the REPL would complete.
fn words_of_commands(before: &[String], last: &str) -> Vec<String> {
    // A quoted word may be anything.
    if last.contains(['"', '\'', '\\']) {
        return Vec::new();
    }
    let blank = if before.is_empty() { "" } else { " " };
    let line = format!(
        "{}{blank}{last}",
        quote_all(before.iter().map(String::as_bytes))
    );
    let (_, mut words) = LineHelper::new(Palette::plain()).candidates(&line);
    if before.is_empty() && NAME.starts_with(last) {
        words.push(NAME.to_owned());
    }
    let is_name = before.iter().all(|word| word.starts_with('@'));
    let described = |word: &String| {
        let word = word.trim_end();
        let summary = match lookup(word.as_bytes()).filter(|_| is_name) {
            Some(spec) => spec.summary,
            None if word == NAME => "Prints a script for bash, zsh or fish",
            None => "",
        };
        format!("{word}\t{summary}")
    };
    // Outside the REPL its own commands mean nothing, but for help.
    let is_meant = |word: &&String| {
        let spec = local::lookup(word.trim_end().as_bytes());
        spec.is_none_or(|spec| spec.local == local::Local::Help)
            || lookup(word.trim_end().as_bytes()).is_some()
            || !is_name
    };
    words.iter().filter(is_meant).map(described).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(line: &str) -> Vec<String> {
        let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
        let lines = candidates(&words);
        let word = |line: &str| line.split('\t').next().unwrap_or_default().to_owned();
        lines.lines().map(word).collect()
    }

    #[test]
    fn options_commands_and_their_words() {
        assert_eq!(complete("--js"), ["--json"]);
        assert_eq!(complete("-p 1 -e getd"), ["getdel"]);
        assert_eq!(complete("--watch STA"), ["STATUS"]);
        assert_eq!(complete("@al"), ["@all"]);
        assert_eq!(complete("@all DIG"), ["DIGEST"]);
        assert_eq!(complete("SET a 1 "), ["NX", "XX", "GET"]);
        assert_eq!(complete("compl"), ["completions"]);
        assert_eq!(complete("completions "), ["bash", "zsh", "fish"]);
        assert!(complete("-p ").is_empty(), "a port");
        assert!(
            complete("SET --js").is_empty(),
            "no option behind a command"
        );
        assert!(complete("").len() > 60);
        assert!(!complete("c").contains(&"clear".to_owned()));
    }

    #[test]
    fn what_is_no_shell_is_refused() {
        assert!(answer(&[b"csh".to_vec()]).is_err() && answer(&[]).is_err());
        assert!(answer(&[b"fish".to_vec()]).is_ok_and(|script| script.contains("complete -c")));
    }
}
