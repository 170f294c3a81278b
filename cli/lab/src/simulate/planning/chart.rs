//! Line charts as SVG.

use std::fmt::Write;

/// Points that belong together, and their name.
pub(super) type Series = (&'static str, Vec<(f64, f64)>);

/// One panel; upwards is what is measured, to the right the number of replicas.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) unit: &'static str,
    pub(super) series: Vec<Series>,
}

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 300.0;
/// Around the lines: left, right, top, bottom.
const MARGINS: [f64; 4] = [56.0, 16.0, 40.0, 44.0];
/// Told apart by people who see colours differently, too (Okabe and Ito).
const COLOURS: [&str; 3] = ["#0072b2", "#d55e00", "#009e73"];

/// Panels side by side.
pub(super) fn svg(charts: &[Chart]) -> String {
    let width = WIDTH * charts.len() as f64;
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _infallible = write_svg(&mut text, charts, width);
    text
}

fn write_svg(text: &mut String, charts: &[Chart], width: f64) -> std::fmt::Result {
    writeln!(
        text,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" font-family="sans-serif" font-size="11">"#
    )?;
    writeln!(
        text,
        r#"<rect width="{width}" height="{HEIGHT}" fill="white"/>"#
    )?;
    for (chart, at) in charts.iter().zip(0..) {
        writeln!(
            text,
            r#"<g transform="translate({} 0)">"#,
            WIDTH * f64::from(at)
        )?;
        chart.draw(text)?;
        writeln!(text, "</g>")?;
    }
    writeln!(text, "</svg>")
}

impl Chart {
    fn draw(&self, text: &mut String) -> std::fmt::Result {
        let [left, right, top, bottom] = MARGINS;
        let points = || self.series.iter().flat_map(|(_, points)| points);
        let x_max = points().map(|point| point.0).fold(1.0, f64::max);
        let step = nice_step(points().map(|point| point.1).fold(0.0, f64::max) / 5.0);
        let y_max = step * 5.0 + step * 0.5;
        let x = |value: f64| left + (WIDTH - left - right) * value / x_max;
        let y = |value: f64| HEIGHT - bottom - (HEIGHT - top - bottom) * value / y_max;
        writeln!(
            text,
            r#"<text x="{left}" y="20" font-size="13" font-weight="bold">{}</text>"#,
            self.title
        )?;
        for tick in 0..=5 {
            let value = step * f64::from(tick);
            let (from, to, at) = (x(0.0), x(x_max), y(value));
            writeln!(
                text,
                r##"<line x1="{from:.1}" x2="{to:.1}" y1="{at:.1}" y2="{at:.1}" stroke="#ddd"/>"##
            )?;
            let label = format!("{value} {}", self.unit);
            writeln!(
                text,
                r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
                from - 6.0,
                at + 4.0,
                label.trim()
            )?;
        }
        for (point, _) in self.series.iter().take(1).flat_map(|(_, points)| points) {
            writeln!(
                text,
                r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">{point}</text>"#,
                x(*point),
                HEIGHT - bottom + 16.0
            )?;
        }
        writeln!(
            text,
            r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">replicas</text>"#,
            (x(0.0) + x(x_max)) / 2.0,
            HEIGHT - 10.0
        )?;
        for (at, ((name, points), colour)) in self.series.iter().zip(COLOURS).enumerate() {
            let line = points
                .iter()
                .map(|(a, b)| format!("{:.1},{:.1}", x(*a), y(*b)));
            let line = line.collect::<Vec<_>>().join(" ");
            writeln!(
                text,
                r#"<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>"#
            )?;
            for (a, b) in points {
                writeln!(
                    text,
                    r#"<circle cx="{:.1}" cy="{:.1}" r="3" fill="{colour}"/>"#,
                    x(*a),
                    y(*b)
                )?;
            }
            let down = top + 12.0 + 15.0 * at as f64;
            writeln!(
                text,
                r#"<text x="{:.1}" y="{down:.1}" fill="{colour}">{}</text>"#,
                left + 12.0,
                name
            )?;
        }
        Ok(())
    }
}

/// The next of 1, 2, 2.5, 5 and their tenfolds.
fn nice_step(least: f64) -> f64 {
    let power = 10f64.powf(least.max(1e-6).log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * power);
    steps
        .into_iter()
        .find(|step| *step >= least)
        .unwrap_or(least)
}
