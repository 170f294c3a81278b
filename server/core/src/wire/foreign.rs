//! What somebody else wrote, as it may be kept, shown and logged.

/// Bytes of it at the most.
pub const FOREIGN_BYTES_MAX: usize = 256;
const CUT: &str = "...";

/// The words of a peer or a stranger, fit for a line of STATUS or of the log: characters that would end the line, move
/// about in it or hide parts of it are escaped, and what is long is cut.
#[must_use]
pub fn foreign(words: &str) -> String {
    let (mut shown, mut cut) = (String::new(), 0);
    for character in words.chars() {
        if is_harmless(character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_default());
        }
        if shown.len() > FOREIGN_BYTES_MAX {
            shown.truncate(cut);
            shown.push_str(CUT);
            break;
        }
        if shown.len() <= FOREIGN_BYTES_MAX - CUT.len() {
            cut = shown.len();
        }
    }
    shown
}

/// Neither a control character nor a separator of lines, nor one that changes the direction of writing.
fn is_harmless(character: char) -> bool {
    let turns = matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    !character.is_control() && !turns
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_could_pass_for_another_line_is_escaped() {
        assert_eq!(
            foreign("a plain reason: größe 7"),
            "a plain reason: größe 7"
        );
        assert_eq!(foreign("x\r\nready:yes"), "x\\r\\nready:yes");
        assert_eq!(foreign("\u{1b}[2J\0"), "\\u{1b}[2J\\u{0}");
        assert_eq!(
            foreign("\u{202e}\u{2028}\u{85}"),
            "\\u{202e}\\u{2028}\\u{85}"
        );
    }

    proptest! {
        #[test]
        fn it_is_one_short_line_and_stays_as_it_is(words in "(?s).{0,400}") {
            let shown = foreign(&words);
            prop_assert!(shown.len() <= FOREIGN_BYTES_MAX);
            prop_assert!(shown.lines().count() <= 1 && shown.chars().all(is_harmless));
            prop_assert_eq!(foreign(&shown), shown);
        }
    }
}
