use super::*;
use crate::report::fixture::picture;

#[test]
fn every_arrow_and_mark_is_drawn_once() {
    let picture = picture(&[
        &[
            ("send MCAST 2", "1.1", 5_000_000),
            ("send MCAST 2", "2.1", 6_000_000),
            ("receive ACK 2", "1.1", 9_000_000),
            ("deliver 1", "1.1", 9_000_000),
        ],
        &[
            ("receive MCAST 1", "1.1", 7_000_000),
            ("send ACK 1", "1.1", 7_000_000),
            ("deliver 1", "1.1", 7_000_000),
        ],
    ]);
    let svg = draw(&picture, None);
    let name = "the run &lt;/script>&lt;b>";
    assert!(svg.contains(name), "names are text, not markup");
    let count = |part: &str| svg.matches(part).count();
    // One of each circle and diamond belongs to the legend.
    assert_eq!(count("<circle"), 2 + 1, "deliveries");
    assert_eq!(count("l6 6l-6 6l-6 -6z"), 2 + 1, "stamps");
    // An arrow has a head; the MCAST that was lost has a cross instead; two heads belong to the legend.
    let heads = svg
        .lines()
        .filter(|line| line.starts_with("<path") && line.contains("z\" fill"));
    assert_eq!(heads.filter(|line| !line.contains("l6 6")).count(), 2 + 2);
    assert_eq!(count("stroke-dasharray=\"4 3\""), 1, "lost");
}
