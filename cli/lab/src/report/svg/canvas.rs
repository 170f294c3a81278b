//! Shapes as SVG.

use std::fmt::Write;

const STYLE: &str = include_str!("../svg.css");

/// The colour of a replica.
pub(super) fn colour(replica: u16) -> String {
    format!("var(--r{})", (replica.max(1) - 1) % 8 + 1)
}

/// About how wide a text is. Nothing here knows fonts.
pub(super) fn text_width(text: &str, letter: f64) -> f64 {
    letter * text.chars().count() as f64
}

/// What was drawn so far.
#[derive(Default)]
pub(super) struct Canvas(String);

impl Canvas {
    fn add(&mut self, shape: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _written = self.0.write_fmt(shape);
        self.0.push('\n');
    }

    pub(super) fn line(&mut self, [x1, y1, x2, y2]: [f64; 4], colour: &str, wide: f64, dash: &str) {
        self.add(format_args!(
            r#"<path d="M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}" stroke="{colour}" stroke-width="{wide}" stroke-dasharray="{dash}"/>"#
        ));
    }

    pub(super) fn rect(&mut self, place: [f64; 4], radius: f64, colour: &str, opacity: f64) {
        let [left, top, wide, high] = place;
        self.add(format_args!(
            r#"<rect x="{left:.1}" y="{top:.1}" width="{wide:.1}" height="{high:.1}" rx="{radius}" fill="{colour}" opacity="{opacity}"/>"#
        ));
    }

    pub(super) fn outline(&mut self, place: [f64; 4], colour: &str, dash: &str) {
        let [left, top, wide, high] = place;
        self.add(format_args!(
            r#"<rect x="{left:.1}" y="{top:.1}" width="{wide:.1}" height="{high:.1}" rx="5" fill="none" stroke="{colour}" stroke-width="1.6" stroke-dasharray="{dash}"/>"#
        ));
    }

    pub(super) fn circle(&mut self, x: f64, y: f64, radius: f64, colour: &str) {
        self.add(format_args!(
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="{radius}" fill="{colour}" stroke="var(--card)" stroke-width="1.8"/>"#
        ));
    }

    pub(super) fn diamond(&mut self, x: f64, y: f64, colour: &str) {
        self.add(format_args!(
            r#"<path d="M{x:.1} {:.1}l6 6l-6 6l-6 -6z" fill="{colour}" stroke="var(--card)" stroke-width="1.5"/>"#,
            y - 6.0
        ));
    }

    pub(super) fn arrow(&mut self, path: [f64; 4], colour: &str, wide: f64, head: f64) {
        let [x1, y1, x2, y2] = path;
        let angle = (y2 - y1).atan2(x2 - x1);
        let back = |by: f64, turn: f64| {
            (
                x2 - by * (angle + turn).cos(),
                y2 - by * (angle + turn).sin(),
            )
        };
        let (end_x, end_y) = back(head * 0.8, 0.0);
        self.line([x1, y1, end_x, end_y], colour, wide, "");
        let ((left_x, left_y), (right_x, right_y)) = (back(head, -0.4), back(head, 0.4));
        self.add(format_args!(
            r#"<path d="M{x2:.1} {y2:.1}L{left_x:.1} {left_y:.1}L{right_x:.1} {right_y:.1}z" fill="{colour}"/>"#
        ));
    }

    /// A way that ends nowhere.
    pub(super) fn cross(&mut self, path: [f64; 4], colour: &str, wide: f64) {
        let [_, _, x, y] = path;
        self.line(path, colour, wide, "4 3");
        self.line([x - 4.0, y - 4.0, x + 4.0, y + 4.0], colour, 1.8, "");
        self.line([x - 4.0, y + 4.0, x + 4.0, y - 4.0], colour, 1.8, "");
    }

    pub(super) fn text(&mut self, class: &str, x: f64, y: f64, colour: &str, words: &str) {
        let words = escape(words);
        self.add(format_args!(
            r#"<text class="{class}" x="{x:.1}" y="{y:.1}" style="fill:{colour}">{words}</text>"#
        ));
    }

    pub(super) fn finish(&self, name: &str, width: f64, height: f64) -> String {
        let name = escape(name);
        let card_width = width - 1.0;
        let card_height = height - 1.0;
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="Space-time diagram of the run {name}">
<style>
{STYLE}</style>
<rect x="0.5" y="0.5" width="{card_width}" height="{card_height}" rx="12" fill="var(--card)" stroke="var(--rule)"/>
{}</svg>
"#,
            self.0
        )
    }
}

fn escape(text: &str) -> String {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;");
    // Control characters are not allowed in XML, not even as entities.
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}
