use super::*;
use crate::report::fixture::picture;

fn busy_run(entries: u64) -> Picture {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    let deliver: Vec<String> = (1..=entries).map(|at| format!("deliver {at}")).collect();
    for (deliver, number) in deliver.iter().zip(1..) {
        let (stamp, at) = (format!("{number}.1"), number * 1_000_000_u64);
        let event = |trace: &mut Vec<_>, what, after| trace.push((what, stamp.clone(), at + after));
        event(&mut first, "send MCAST 2", 0);
        event(&mut first, "receive ACK 2", 2000);
        event(&mut first, deliver.as_str(), 2000);
        event(&mut second, "receive MCAST 1", 1000);
        event(&mut second, "send ACK 1", 1000);
        event(&mut second, deliver.as_str(), 1000);
    }
    picture(&[&first, &second])
}

/// The JSON that a page carries.
fn data_of(page: &str) -> Json {
    let start = page
        .find("<script type=\"application/json\" id=\"data\">")
        .unwrap();
    let text = &page[start..];
    let text = &text[text.find('>').unwrap() + 1..text.find("</script>").unwrap()];
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_page_carries_everything_and_nothing_of_it_is_markup() {
    let page = write(&busy_run(3), None);
    assert!(page.contains("<title>&lt;/script>&lt;b> · Holdback</title>"));
    assert!(!page.contains("{{"), "every place is filled");
    let data = data_of(&page);
    assert_eq!(data["name"], "</script><b>");
    let length = |list: &str| data[list].as_array().unwrap().len();
    assert_eq!(
        (
            length("entries"),
            length("messages"),
            length("deliveries"),
            length("stays")
        ),
        (3, 6, 6, 6)
    );
    assert_eq!(data["messages"][0], json!([0, 1, 2, 1000, 1001, 0]));
    assert_eq!(data["deliveries"][0], json!([2, 1001, 0, 1]));
    assert_eq!(data["stays"][0], json!([1, 0, 1000, 1002, 1, [1002]]));
    assert_eq!(data["window"], Json::Null);
}

#[test]
fn a_long_run_stays_below_the_limit_and_says_what_is_left_out() {
    let picture = busy_run(20_000);
    let page = write(&picture, None);
    assert!(page.len() <= MOST_BYTES, "{}", page.len());
    assert!(
        page.len() > MOST_BYTES / 2,
        "there was room for more: {}",
        page.len()
    );
    let data = data_of(&page);
    let one_of = data["oneOf"].as_u64().unwrap();
    assert!(one_of > 1);
    assert!(data["window"].is_array());
    assert_eq!(data["total"]["deliveries"], 40_000);
    let delivered = data["overview"]["delivered"][0].as_array().unwrap();
    let counted: u64 = delivered.iter().filter_map(Json::as_u64).sum();
    assert_eq!(counted, 20_000, "the strip counts all");
    // Lives are whole: each entry has all that belongs to it.
    let shown = data["entries"].as_array().unwrap().len();
    assert_eq!(data["messages"].as_array().unwrap().len(), 2 * shown);
    assert_eq!(data["deliveries"].as_array().unwrap().len(), 2 * shown);
}

#[test]
fn the_strip_knows_how_much_was_held_back_at_most() {
    let overview = overview(&picture(&[&[
        ("send MCAST 2", "1.1", 0),
        ("send MCAST 2", "2.1", 100_000),
        ("send MCAST 2", "3.1", 200_000),
        ("deliver 1", "1.1", 300_000),
        ("deliver 2", "2.1", 300_000),
        ("deliver 3", "3.1", 400_000),
    ]]));
    let held: Vec<u64> = overview["held"][0]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Json::as_u64)
        .collect();
    assert_eq!((held[50], held[150], held[250], held[350]), (1, 2, 3, 1));
    assert_eq!(held[300], 3, "what leaves in a stretch was there in it");
}
