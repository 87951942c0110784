//! A small line chart as SVG: nothing that would need a library.

use std::fmt::Write;

/// One curve: bytes against a count.
#[derive(Clone, Debug)]
pub struct Curve {
    name: &'static str,
    color: &'static str,
    points: Vec<(usize, u64)>,
}

impl Curve {
    /// An empty curve.
    pub fn new(name: &'static str, color: &'static str) -> Self {
        Self { name, color, points: Vec::new() }
    }

    /// Adds a point.
    pub fn point(&mut self, x: usize, y: u64) {
        self.points.push((x, y));
    }
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 110.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 56.0;

/// Draws curves; y is shown in millions.
pub fn plot(title: &str, x_name: &str, y_name: &str, curves: &[Curve]) -> String {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let x_end = points().map(|point| point.0).max().unwrap_or(1) as f64;
    let highest = points().map(|point| point.1).max().unwrap_or(1) as f64 / 1e6;
    let step =
        [5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0].into_iter().find(|step| highest / step <= 6.0).unwrap_or(1_000.0);
    let y_end = (highest / step).ceil() * step;
    let x = |value: f64| LEFT + value / x_end * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - value / y_end * (HEIGHT - TOP - BOTTOM);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n<text x=\"{LEFT}\" y=\"26\" font-size=\"16\">{title}</text>\n"
    );
    for line in 0..=(y_end / step).round() as u32 {
        let value = f64::from(line) * step;
        let (at, end) = (y(value), WIDTH - RIGHT);
        let _ = writeln!(svg, "<path d=\"M{LEFT} {at:.1}H{end}\" stroke=\"#ddd\"/>");
        let _ = writeln!(svg, "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>", LEFT - 8.0, at + 4.0);
    }
    for part in 0..=4 {
        let value = x_end * f64::from(part) / 4.0;
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{value:.0}</text>",
            x(value),
            HEIGHT - BOTTOM + 20.0
        );
    }
    let _ = writeln!(svg, "<text x=\"{}\" y=\"{}\">{x_name}</text>", LEFT, HEIGHT - 12.0);
    let _ = writeln!(svg, "<text x=\"8\" y=\"{}\">{y_name}</text>", TOP - 8.0);
    for Curve { name, color, points } in curves {
        let at: Vec<(f64, f64)> = points.iter().map(|(px, py)| (x(*px as f64), y(*py as f64 / 1e6))).collect();
        let path: Vec<String> = at.iter().map(|(px, py)| format!("{px:.1},{py:.1}")).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>",
            path.join(" ")
        );
        for ((px, py), (_, value)) in at.iter().zip(points) {
            let _ = writeln!(svg, "<circle cx=\"{px:.1}\" cy=\"{py:.1}\" r=\"3.5\" fill=\"{color}\"/>");
            let label = *value as f64 / 1e6;
            let _ = writeln!(
                svg,
                "<text x=\"{px:.1}\" y=\"{:.1}\" font-size=\"11\" text-anchor=\"middle\">{label:.0}</text>",
                py - 8.0
            );
        }
        if let Some((px, py)) = at.last() {
            let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{color}\">{name}</text>", px + 14.0, py + 4.0);
        }
    }
    svg.push_str("</svg>\n");
    svg
}
