//! The page: one HTML file with everything in it, which draws itself from a JSON text.
//!
//! Times in the JSON are microseconds from the start of the run. Lists of lists save space; `page/model.js`
//! says what stands where. Kinds are numbers: the places of the variants in their `enum`.

mod overview;

use super::picture::{Bar, Moment, Picture};
use super::thin::{Selection, select};
use overview::overview;
use serde_json::{Value as Json, json};

/// The page never has more bytes.
pub(super) const MOST_BYTES: usize = 2_000_000;

/// What the data may take at first. If it turns out to be too much, less is shown.
const DATA_BYTES: usize = 2_100_000;

/// The most bands, and the most frames that belong to no entry, that are shown.
const MOST_OTHERS: usize = 1500;

const HTML: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPTS: &[&str] = &[
    include_str!("page/model.js"),
    include_str!("page/view.js"),
    include_str!("page/draw.js"),
    include_str!("page/marks.js"),
    include_str!("page/panel.js"),
    include_str!("page/main.js"),
];

/// The page of a picture, with a window that is shown in full if the run is too long for all of it.
pub(super) fn write(picture: &Picture, window: Option<(Moment, Moment)>) -> String {
    let mut budget = DATA_BYTES;
    loop {
        let selection = select(picture, budget, window);
        let page = assemble(&data(picture, &selection));
        if page.len() <= MOST_BYTES || budget < 10_000 {
            return page;
        }
        budget = budget / 100 * 85;
    }
}

fn assemble(data: &Json) -> String {
    let name = data["name"].as_str().unwrap_or_default();
    let title = name.replace('&', "&amp;").replace('<', "&lt;");
    // In a script no text may look like its end.
    let data = data.to_string().replace('<', "\\u003c");
    let parts = [
        ("{{title}}", title.as_str()),
        ("{{style}}", STYLE),
        ("{{script}}", &SCRIPTS.concat()),
        // Last, so that nothing in it is taken for a place to fill.
        ("{{data}}", &data),
    ];
    parts.iter().fold(HTML.to_owned(), |page, (place, text)| {
        page.replacen(place, text, 1)
    })
}

fn data(picture: &Picture, selection: &Selection) -> Json {
    let rows = Rows::new(picture, selection);
    let (first, last) = picture.span();
    let clients = picture.clients.iter();
    let clients: Json = clients
        .map(|client| json!([client.name, client.replica]))
        .collect();
    json!({
        "name": picture.name,
        "title": picture.title,
        "description": picture.description,
        "consistency": picture.consistency,
        "seed": picture.seed,
        "started": picture.zero / 1_000_000,
        "timed": picture.timed,
        "span": [micros(first), micros(last)],
        "window": selection.window.map(|(from, to)| [micros(from), micros(to)]),
        "oneOf": selection.one_of,
        "total": {
            "operations": picture.bars.len(),
            "messages": picture.messages.iter().filter(|message| message.entry.is_some()).count(),
            "deliveries": picture.deliveries.len(),
        },
        "replicas": picture.replicas,
        "clients": clients,
        "entries": rows.entries(),
        "bars": rows.bars(),
        "messages": rows.messages(),
        "deliveries": rows.deliveries(),
        "stays": rows.stays(),
        "bands": rows.bands(),
        "overview": overview(picture),
        "judged": rows.judged(),
        "notes": picture.notes,
    })
}

fn micros(moment: Moment) -> Moment {
    moment.div_euclid(1000)
}

/// The lists of the JSON, with what is shown numbered anew.
struct Rows<'a> {
    picture: &'a Picture,
    selection: &'a Selection,
    /// The new number of each entry that is shown.
    entry: Vec<Option<usize>>,
}

impl<'a> Rows<'a> {
    fn new(picture: &'a Picture, selection: &'a Selection) -> Self {
        let mut next = 0;
        let number = |shown: &bool| {
            shown.then(|| {
                next += 1;
                next - 1
            })
        };
        Self {
            picture,
            selection,
            entry: selection.entries.iter().map(number).collect(),
        }
    }

    fn at(&self, wall: u64) -> Moment {
        micros(self.picture.moment(wall))
    }

    fn shown_bars(&self) -> impl Iterator<Item = &Bar> {
        let bars = self.picture.bars.iter().zip(&self.selection.bars);
        bars.filter(|(_, shown)| **shown).map(|(bar, _)| bar)
    }

    fn entries(&self) -> Json {
        let entries = self.picture.entries.list.iter().zip(&self.entry);
        let shown = entries.filter(|(_, number)| number.is_some());
        let row = |(entry, _): (&super::entries::Entry, _)| {
            let text = entry.command.as_ref().map(|command| &*command.text);
            json!([entry.stamp.to_string(), text, self.at(entry.stamped)])
        };
        shown.map(row).collect()
    }

    fn bars(&self) -> Json {
        let row = |bar: &Bar| {
            let entry = bar.entry.and_then(|entry| self.entry[entry as usize]);
            let text = bar
                .entry
                .and_then(|entry| self.picture.entries.get(entry).command.as_ref());
            // The entry tells it, if it is the same.
            let call = match text {
                Some(command) if *command.text == *bar.call => Json::Null,
                _ => Json::from(bar.call.as_str()),
            };
            let (came, replied) = bar.at_replica.unzip();
            let others = bar.others.iter();
            let others: Vec<usize> = others
                .filter_map(|other| self.entry[*other as usize])
                .collect();
            let mut row = json!([
                bar.client,
                bar.process,
                micros(bar.invoked),
                bar.completed.map(micros),
                bar.end as u8,
                call,
                u8::from(bar.is_read),
                bar.answer,
                bar.replica,
                came.map(micros),
                replied.flatten().map(micros),
                entry,
                bar.position,
                bar.line,
                u8::from(bar.is_marked),
            ]);
            if let (false, Some(fields)) = (others.is_empty(), row.as_array_mut()) {
                fields.push(json!(others));
            }
            row
        };
        self.shown_bars().map(row).collect()
    }

    fn messages(&self) -> Json {
        let mut others = 0;
        let shown = self.picture.messages.iter().filter_map(|message| {
            let entry = message.entry.map(|entry| self.entry[entry as usize]);
            others += usize::from(entry.is_none());
            // One that belongs to an entry is shown if that is.
            if entry.map_or(others > MOST_OTHERS, |number| number.is_none()) {
                return None;
            }
            let at = |wall: Option<u64>| wall.map(|wall| self.at(wall));
            let (sent, received) = (at(message.sent), at(message.received));
            let entry = entry.flatten();
            Some(json!([
                message.kind as u8,
                message.from,
                message.to,
                sent,
                received,
                entry
            ]))
        });
        shown.collect()
    }

    fn deliveries(&self) -> Json {
        let shown = self.picture.deliveries.iter().filter_map(|delivery| {
            let entry = self.entry[delivery.entry as usize]?;
            Some(json!([
                delivery.replica,
                self.at(delivery.wall),
                entry,
                delivery.position
            ]))
        });
        shown.collect()
    }

    fn stays(&self) -> Json {
        let shown = self.picture.stays.iter().filter_map(|stay| {
            let entry = self.entry[stay.entry as usize]?;
            let known = stay.known.iter();
            let known: Vec<_> = known
                .map(|(_, wall)| wall.map(|wall| self.at(wall)))
                .collect();
            let left = stay.left.map(|wall| self.at(wall));
            Some(json!([
                stay.replica,
                entry,
                self.at(stay.came),
                left,
                stay.clock,
                known
            ]))
        });
        shown.collect()
    }

    fn bands(&self) -> Json {
        let every = self.picture.bands.len().div_ceil(MOST_OTHERS).max(1);
        let shown = self.picture.bands.iter().step_by(every).map(|band| {
            let to = band.to.map(|wall| self.at(wall));
            json!([
                band.trouble as u8,
                band.replica,
                band.peer,
                self.at(band.from),
                to,
                band.text
            ])
        });
        shown.collect()
    }

    fn judged(&self) -> Json {
        let shown = self.selection.bars.iter().scan(0, |next, shown| {
            let number = *next;
            *next += usize::from(*shown);
            Some(number)
        });
        let numbers: Vec<usize> = shown.collect();
        let models = self.picture.judged.models.iter().map(|model| {
            let bars = self.picture.bars.iter().zip(&numbers).enumerate();
            // All that are marked are shown.
            let marked =
                bars.filter(|(place, (bar, _))| bar.is_marked && model.names(bar.line, *place));
            let marked: Vec<usize> = marked.map(|(_, (_, number))| *number).collect();
            let reasons: Vec<_> = model.reasons().collect();
            json!([model.model, model.verdict, reasons, marked])
        });
        json!({"run": self.picture.judged.run, "models": models.collect::<Json>()})
    }
}

#[cfg(test)]
mod tests;
