//! The texts of `--help`, which is to be read as a manual page is.

/// The order of the page. The sections that clap makes stand in the middle.
pub(crate) const TEMPLATE: &str = "\
NAME
  {name} - {about}

SYNOPSIS
  {name} [OPTION]... [COMMAND [ARGUMENT]...]
  {name} [OPTION]... -x COMMAND [ARGUMENT]... < LAST-ARGUMENT
  {name} [OPTION]... --watch COMMAND [ARGUMENT]...
  {name} [OPTION]... --top | --stat | --latency | --scan | --pipe
  {name} completions bash|zsh|fish

DESCRIPTION
  Without a COMMAND, a terminal gets the REPL; anything else on standard
  input is read as one command a line. @2 COMMAND asks replica 2, @all
  COMMAND every replica. Options come before the COMMAND; what stands behind
  it belongs to it.

  On a terminal, replies are printed as redis-cli prints them; in a pipe as
  they are. `help` in the REPL lists commands, and `help SET` explains one.

OPTIONS
{all-args}{after-help}";

/// The sections behind the options.
pub(crate) const AFTER: &str = "\
EXAMPLES
  holdback-cli                                   the REPL, on 127.0.0.1:8081
  holdback-cli -p 8082 SET greeting 'hello world'
  holdback-cli @all GET greeting                 answers side by side
  printf 'SET a 1\\nGET a\\n' | holdback-cli -e    commands from a pipe
  holdback-cli -x SET picture < picture.png      a value from a file
  holdback-cli -r 5 -i 0.5 INCR counter          five times, every half second
  holdback-cli --pipe < commands.txt             a million writes, quickly
  holdback-cli --watch STATUS                    the cluster, every second
  holdback-cli --latency SET probe 1             how long a write takes
  holdback-cli --top                             why a write hangs
  eval \"$(holdback-cli completions bash)\"        completion in this shell

EXIT CODES
  0    fine
  1    an error reply (with -e, and in the modes)
  64   wrong usage, or a malformed line
  69   a replica could not be reached, or did not answer
  130  interrupted

ENVIRONMENT
  HOLDBACK_HISTORY  the REPL's history file [default: ~/.holdback_history];
                    empty for none
  HOLDBACKRC        the REPL's preferences [default: ~/.holdbackrc]; empty
                    for none
  NO_COLOR          turns colours off

FILES
  ~/.holdbackrc     lines such as `:set editing vi`, obeyed when the REPL
                    starts; `:set` in the REPL lists what there is";
