//! A still of a run, for a README or a slide: the same picture as the page's, without anything to click.
//!
//! It stands on a card of its own and follows the colour scheme of whoever looks at it.

mod bars;
mod canvas;

use super::bands::{Band, Trouble};
use super::messages::Message;
use super::picture::{Moment, Picture};
use super::queue::Stay;
use super::thin::{Selection, select};
use super::trace::FrameKind;
use canvas::{Canvas, colour, text_width};
use std::collections::HashMap;

const WIDTH: f64 = 1040.0;
const GUTTER: f64 = 122.0;
const RIGHT: f64 = 34.0;
const AXIS: f64 = 40.0;
const ROW: f64 = 30.0;
const LANE: f64 = 104.0;
const RADIUS: f64 = 9.0;

/// A still shows about as much of a run as has room in it.
const BUDGET: usize = 40_000;

/// Draws a picture, or the window of it that is asked for.
pub(super) fn draw(picture: &Picture, window: Option<(Moment, Moment)>) -> String {
    let selection = select(picture, BUDGET, window);
    let (first, last) = window
        .or(selection.window)
        .unwrap_or_else(|| picture.span());
    let margin = (last - first) as f64 * 0.03;
    let mut still = Still {
        picture,
        selection,
        from: first as f64 - margin,
        to: last as f64 + margin,
        canvas: Canvas::default(),
        labels: Vec::new(),
    };
    still.draw()
}

struct Still<'a> {
    picture: &'a Picture,
    selection: Selection,
    from: f64,
    to: f64,
    canvas: Canvas,
    /// Where labels stand: left, top, right, bottom.
    labels: Vec<[f64; 4]>,
}

impl Still<'_> {
    fn draw(&mut self) -> String {
        let legend = self.lane_top(self.picture.replicas.len()) + 14.0;
        self.grid(legend - 22.0);
        for band in &self.picture.bands {
            self.band(band);
        }
        self.lines();
        self.stays();
        let messages = self.picture.messages.iter();
        let shown = messages.filter(|message| self.selection_has(message.entry));
        let (acks, others): (Vec<_>, Vec<_>) =
            shown.partition(|message| matches!(message.kind, FrameKind::Ack | FrameKind::Round));
        acks.iter().for_each(|message| self.arrow(message));
        others.iter().for_each(|message| self.arrow(message));
        self.stamps();
        self.deliveries();
        others.iter().for_each(|message| self.label(message));
        self.bars();
        self.legend(legend);
        self.canvas.finish(&self.picture.name, WIDTH, legend + 26.0)
    }

    fn selection_has(&self, entry: Option<u32>) -> bool {
        entry.is_some_and(|entry| self.selection.entries[entry as usize])
    }

    fn x(&self, moment: Moment) -> f64 {
        let share = (moment as f64 - self.from) / (self.to - self.from);
        let x = GUTTER + share * (WIDTH - GUTTER - RIGHT);
        x.clamp(GUTTER - 8.0, WIDTH - RIGHT + 16.0)
    }

    fn x_of_wall(&self, wall: u64) -> f64 {
        self.x(self.picture.moment(wall))
    }

    fn is_in_sight(&self, from: Moment, to: Moment) -> bool {
        to as f64 >= self.from && from as f64 <= self.to
    }

    fn client_y(&self, client: usize) -> f64 {
        AXIS + 12.0 + ROW * (client as f64 + 0.5)
    }

    fn lane_top(&self, lane: usize) -> f64 {
        AXIS + 30.0 + ROW * self.picture.clients.len() as f64 + LANE * lane as f64
    }

    /// The line of a replica, if it has one.
    fn line_y(&self, replica: u16) -> Option<f64> {
        let place = self.picture.replicas.iter().position(|id| *id == replica)?;
        Some(self.lane_top(place) + 34.0)
    }

    fn grid(&mut self, bottom: f64) {
        let (from, to) = (self.from, self.to);
        let step = nice_step((to - from) / 8.0);
        let digits = (9.0 - step.log10()).ceil().max(0.0) as usize;
        let mut tick = (from / step).ceil() * step;
        while tick <= to {
            let x = self.x(tick as Moment);
            self.canvas
                .line([x, AXIS, x, bottom], "var(--grid)", 1.0, "");
            let words = format!("{:.digits$} s", tick / 1e9 + 0.0);
            self.canvas
                .text("small middle", x, 22.0, "var(--soft)", &words);
            tick += step;
        }
        let rule = [14.0, AXIS, WIDTH - 14.0, AXIS];
        self.canvas.line(rule, "var(--rule)", 1.0, "");
    }

    fn band(&mut self, band: &Band) {
        let [from, to] = [band.from, band.to.unwrap_or(u64::MAX)].map(|at| self.picture.moment(at));
        let (Some(y), true) = (self.line_y(band.replica), self.is_in_sight(from, to)) else {
            return;
        };
        let (left, right) = (self.x(from), self.x(to));
        let (colour, words) = match band.trouble {
            Trouble::Delay => (
                "var(--delay)",
                format!("frames to {} take {} longer", band.peer, band.text),
            ),
            Trouble::Cut => ("var(--cut)", format!("link to {} cut", band.peer)),
            Trouble::Down => ("var(--down)", format!("link to {} down", band.peer)),
            Trouble::Pause => ("var(--pause)", "paused".into()),
        };
        // A replica's first peers have a row each; further ones share the last.
        let replicas = self.picture.replicas.iter();
        let peers = replicas.filter(|id| **id != band.replica);
        let row = peers.take_while(|id| **id != band.peer).count().min(1);
        let wide = (right - left).max(1.5);
        let lane = [left, y - 32.0, wide, LANE - 10.0];
        self.canvas.rect(lane, 0.0, colour, 0.06);
        let top = y - 31.0 + 14.0 * row as f64;
        self.canvas.rect([left, top, wide, 13.0], 2.0, colour, 0.22);
        if text_width(&words, 6.0) < wide - 12.0 {
            self.canvas
                .text("small", left + 7.0, top + 6.5, colour, &words);
        }
    }

    fn lines(&mut self) {
        let (left, right) = (GUTTER - 8.0, WIDTH - RIGHT + 16.0);
        for (place, client) in self.picture.clients.iter().enumerate() {
            let y = self.client_y(place);
            self.canvas
                .line([left, y, right, y], "var(--rule)", 1.0, "");
            self.canvas.text("", 18.0, y, "var(--soft)", &client.name);
            if let Some(id) = client.replica {
                let words = format!("→ {id}");
                self.canvas
                    .text("end", GUTTER - 22.0, y, &colour(id), &words);
            }
        }
        for id in &self.picture.replicas {
            let Some(y) = self.line_y(*id) else { continue };
            self.canvas.line([left, y, right, y], &colour(*id), 2.0, "");
            self.labels.push([left, y - 3.0, right, y + 3.0]);
            self.canvas
                .text("name", 18.0, y, &colour(*id), &format!("replica {id}"));
            if !self.picture.stays.is_empty() {
                self.canvas
                    .text("small", 18.0, y + 24.0, "var(--soft)", "held back");
            }
        }
    }

    /// Time in queues, in rows so that none covers another.
    fn stays(&mut self) {
        let mut free: HashMap<u16, Vec<u64>> = HashMap::new();
        for stay in &self.picture.stays {
            let rows = free.entry(stay.replica).or_default();
            let over = rows.iter().position(|until| *until <= stay.came);
            let row = over.unwrap_or(rows.len());
            let until = stay.left.unwrap_or(u64::MAX);
            match rows.get_mut(row) {
                Some(slot) => *slot = until,
                None => rows.push(until),
            }
            self.stay(stay, row);
        }
    }

    fn stay(&mut self, stay: &Stay, row: usize) {
        let shown = self.selection_has(Some(stay.entry));
        let Some(y) = self.line_y(stay.replica).filter(|_| shown) else {
            return;
        };
        let entry = self.picture.entries.get(stay.entry);
        let left = self.x_of_wall(stay.came);
        let right = self.x_of_wall(stay.left.unwrap_or(u64::MAX));
        let top = y + 15.0 + 17.0 * row.min(2) as f64;
        let wide = (right - left).max(1.2);
        let tone = colour(entry.stamp.replica.0);
        self.canvas.rect([left, top, wide, 15.0], 3.0, &tone, 0.22);
        let command = entry.command.as_ref().map_or("", |command| &command.text);
        let words = format!("{}  {command}", entry.stamp);
        if text_width(&words, 7.0) < wide - 12.0 {
            let right = left + 14.0 + text_width(&words, 7.0);
            self.labels.push([left, top, right, top + 15.0]);
            self.canvas
                .text("mono", left + 7.0, top + 7.5, &tone, &words);
        }
    }

    fn path(&self, message: &Message) -> Option<[f64; 4]> {
        let (from, to) = (self.line_y(message.from)?, self.line_y(message.to)?);
        let sent = self.x_of_wall(message.sent?);
        Some(match message.received {
            Some(wall) => [sent, from, self.x_of_wall(wall).max(sent), to],
            None => [sent, from, sent + 10.0, from + (to - from) * 0.4],
        })
    }

    fn arrow(&mut self, message: &Message) {
        let Some(path) = self.path(message) else {
            return;
        };
        let origin = message
            .entry
            .map(|entry| self.picture.entries.get(entry).stamp.replica.0);
        let (tone, wide, head) = match message.kind {
            FrameKind::Ack | FrameKind::Round => ("var(--ack)".into(), 1.0, 5.0),
            _ => (colour(origin.unwrap_or(message.from)), 1.9, 7.0),
        };
        match message.received {
            Some(_) => self.canvas.arrow(path, &tone, wide, head),
            None => self.canvas.cross(path, &tone, wide),
        }
    }

    /// The stamp beside an arrow, if there is room.
    fn label(&mut self, message: &Message) {
        let (Some([x1, y1, x2, y2]), Some(entry)) = (self.path(message), message.entry) else {
            return;
        };
        let stamp = self.picture.entries.get(entry).stamp;
        let words = stamp.to_string();
        if words.len() > 8 {
            return;
        }
        let wide = text_width(&words, 7.0);
        let steep = (x2 - x1).abs() < (y2 - y1).abs() * 0.7;
        for share in [0.34, 0.48, 0.2, 0.6] {
            let x = x1 + (x2 - x1) * share + if steep { 6.0 } else { -wide / 2.0 };
            let y = y1 + (y2 - y1) * share;
            if self.take([x, y - 7.0, x + wide, y + 7.0]) {
                let tone = colour(stamp.replica.0);
                self.canvas.text("mono halo", x, y, &tone, &words);
                return;
            }
        }
    }

    /// Takes a place for a label, unless another stands there.
    fn take(&mut self, place: [f64; 4]) -> bool {
        let [left, top, right, bottom] = place;
        let meets = |other: &[f64; 4]| {
            left < other[2] && right > other[0] && top < other[3] && bottom > other[1]
        };
        let free = !self.labels.iter().any(meets);
        if free {
            self.labels.push(place);
        }
        free
    }

    fn stamps(&mut self) {
        for (entry, id) in self.picture.entries.list.iter().zip(0..) {
            let origin = entry.stamp.replica.0;
            if let (Some(y), true) = (self.line_y(origin), self.selection_has(Some(id))) {
                self.canvas
                    .diamond(self.x_of_wall(entry.stamped), y, &colour(origin));
            }
        }
    }

    /// Positions in circles. Several at one moment stand side by side.
    fn deliveries(&mut self) {
        let mut taken: HashMap<u16, f64> = HashMap::new();
        for delivery in &self.picture.deliveries {
            let (replica, entry) = (delivery.replica, delivery.entry);
            let shown = self.selection_has(Some(entry));
            let Some(y) = self.line_y(replica).filter(|_| shown) else {
                continue;
            };
            let exact = self.x_of_wall(delivery.wall);
            let last = taken.get(&replica).copied().unwrap_or(f64::MIN);
            let x = exact.max((last + 2.0 * RADIUS + 2.0).min(exact + 44.0));
            taken.insert(replica, x);
            self.labels
                .push([x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS]);
            let origin = self.picture.entries.get(entry).stamp.replica.0;
            let position = delivery.position.to_string();
            self.canvas.circle(x, y, RADIUS, &colour(origin));
            self.canvas
                .text("position", x, y + 0.5, "var(--card)", &position);
        }
    }
}

fn nice_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.max(1.0).log10().floor());
    let mut steps = [1.0, 2.0, 5.0].into_iter().map(|factor| factor * power);
    let enough = steps.find(|step| *step >= rough);
    enough.unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests;
