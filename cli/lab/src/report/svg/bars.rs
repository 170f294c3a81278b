//! The parts of a still that need no room of their own in the picture: operations and the legend.

use super::canvas::{Canvas, colour, text_width};
use super::{GUTTER, Still, WIDTH};
use crate::report::picture::{Bar, End, Moment};
use crate::report::trace::FrameKind;

/// When an operation ends that has not ended.
const NEVER: Moment = Moment::MAX / 2;

impl Still<'_> {
    pub(super) fn bars(&mut self) {
        let bars = self.picture.bars.iter().zip(&self.selection.bars);
        let bars = bars.filter_map(|(bar, shown)| shown.then_some(bar));
        let bars: Vec<&Bar> = bars.collect();
        // No label may stand where an operation does.
        for bar in &bars {
            let (y, left) = (self.client_y(bar.client), self.x(bar.invoked));
            let right = self.x(bar.completed.unwrap_or(NEVER)).max(left + 2.0);
            self.labels.push([left, y - 10.0, right, y + 10.0]);
        }
        bars.into_iter().for_each(|bar| self.bar(bar));
    }

    fn bar(&mut self, bar: &Bar) {
        let completed = bar.completed.unwrap_or(NEVER);
        if !self.is_in_sight(bar.invoked, completed) {
            return;
        }
        let y = self.client_y(bar.client);
        let (left, right) = (self.x(bar.invoked), self.x(completed));
        let wide = (right - left).max(2.0);
        let client = self.picture.clients[bar.client].replica;
        let tone = colour(bar.replica.or(client).unwrap_or(1));
        let place = [left, y - 10.0, wide, 20.0];
        match (bar.end, bar.is_read) {
            (End::Ok, false) => self.canvas.rect(place, 5.0, &tone, 0.88),
            (End::Ok, true) => self.canvas.rect(place, 5.0, &tone, 0.28),
            (End::Fail, _) => self.canvas.outline(place, "var(--cut)", ""),
            (End::Info, _) => self.canvas.outline(place, "var(--delay)", "4 3"),
        }
        if bar.is_marked {
            let around = [left - 3.0, y - 13.0, wide + 6.0, 26.0];
            self.canvas.outline(around, "var(--bad)", "");
        }
        let full = match bar.answer.as_str() {
            "" | "OK" | "+OK" => bar.call.clone(),
            answer => format!("{} → {answer}", bar.call),
        };
        let is_filled = bar.end == End::Ok && !bar.is_read;
        let inside = if is_filled { "var(--card)" } else { &tone };
        for words in [&full, &bar.call] {
            let needed = text_width(words, 7.0);
            if needed < wide - 12.0 {
                self.canvas.text("mono", left + 7.0, y, inside, words);
                return;
            }
            // Beside it, as long as nothing stands there.
            let start = right + 5.0;
            let place = [start, y - 7.0, start + needed + 3.0, y + 7.0];
            if place[2] < WIDTH - 14.0 && self.take(place) {
                self.canvas.text("mono", start, y, &tone, words);
                return;
            }
        }
    }

    pub(super) fn legend(&mut self, y: f64) {
        let mut messages = self.picture.messages.iter();
        let is_eventual = messages.any(|message| message.kind == FrameKind::Update);
        let tone = colour(1);
        let mut x = GUTTER - 8.0;
        let mut key = |canvas: &mut Canvas, words: &str, draw: &dyn Fn(&mut Canvas, f64)| {
            draw(canvas, x);
            canvas.text("small", x + 36.0, y, "var(--soft)", words);
            x += 36.0 + text_width(words, 6.0) + 26.0;
        };
        let canvas = &mut self.canvas;
        let (carried, delivered) = match is_eventual {
            true => ("UPDATE", "applied"),
            false => ("MCAST with its stamp", "delivered, with its position"),
        };
        key(canvas, carried, &|c, x| {
            c.arrow([x, y, x + 28.0, y], &tone, 1.9, 7.0);
        });
        if !is_eventual {
            key(canvas, "ACK", &|c, x| {
                c.arrow([x, y, x + 28.0, y], "var(--ack)", 1.0, 5.0);
            });
        }
        key(canvas, "stamped", &|c, x| c.diamond(x + 18.0, y, &tone));
        key(canvas, delivered, &|c, x| {
            c.circle(x + 18.0, y, 8.0, &tone);
            c.text("position", x + 18.0, y + 0.5, "var(--card)", "1");
        });
        if !is_eventual {
            let held = "in the holdback queue";
            key(canvas, held, &|c, x| {
                c.rect([x, y - 6.0, 28.0, 12.0], 3.0, &tone, 0.22);
            });
        }
    }
}
