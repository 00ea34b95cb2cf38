use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::super::dots::Pen;
use super::*;
use crate::chart::{Join, Ruler, Scale, Spread};
use crate::series::Column;

fn steps(steps: std::ops::Range<u64>) -> Ruler<'static> {
    Ruler { steps, spread: Spread::Even(0), scale: Scale::Linear, name: "step" }
}

fn plot<'a>(frame: Frame, traces: &'a [Trace], marks: &'a [Mark]) -> Plot<'a> {
    let plain = Style::new();
    Plot {
        frame,
        traces,
        marks,
        notches: &[],
        grid: Grid::None,
        crosshair: None,
        marked: None,
        quiet: plain,
        strong: plain,
        warning: plain,
    }
}

fn draw(size: (u16, u16), values: &[&[f32]], scale: Scale, marks: &[Mark]) -> Buffer {
    let area = Rect::new(0, 0, size.0, size.1);
    let mut buffer = Buffer::empty(area);
    let frame = Frame::new(area, &steps(0..100), (1.0, 3.0), scale, 0);
    let traces: Vec<Trace> = values
        .iter()
        .map(|values| {
            let column: Column = values.iter().copied().collect();
            let columns = column.query(0..column.len(), frame.columns()).collect();
            Trace { columns, pen: Pen::Braille, style: Style::new(), label: None, join: Join::Line }
        })
        .collect();
    plot(frame, &traces, marks).render(area, &mut buffer);
    buffer
}

#[test]
fn a_rising_line_is_drawn_between_its_axes() {
    let values: Vec<f32> = (0..=20).map(|x| 1.0 + x as f32 / 10.0).collect();
    let picture =
        ["3 ┤       ⢀⠤⠊", "  │     ⡠⠊⠁  ", "2 ┤  ⡠⠔⠉     ", "1 ┤⡔⠊        ", "  └┬─────────", "   0     step"];
    assert_eq!(draw((13, 6), &[&values], Scale::Linear, &[]), Buffer::with_lines(picture));
}

#[test]
fn the_axis_is_named_also_where_a_label_ends_just_before_it() {
    for width in 13..60 {
        let area = Rect::new(0, 0, width, 6);
        let mut buffer = Buffer::empty(area);
        let frame = Frame::new(area, &steps(0..2001), (1.0, 3.0), Scale::Linear, 0);
        plot(frame, &[], &[]).render(area, &mut buffer);
        let foot: String = (0..width).map(|x| buffer[(x, 5)].symbol()).collect();
        assert!(foot.ends_with(" step"), "{foot}");
    }
}

#[test]
fn nan_is_drawn_as_a_gap_with_a_sign() {
    let mut values = vec![2.0; 16];
    values[6..10].fill(f32::NAN);
    let buffer = draw((13, 5), &[&values], Scale::Linear, &[]);
    let picture = ["3 ┤   ×××    ", "2 ┤⠤⠤⠤⠄  ⠤⠤⠤⠄", "1 ┤          ", "  └┬─────────", "   0     step"];
    assert_eq!(buffer, Buffer::with_lines(picture));
}

#[test]
fn all_nan_draws_no_line_at_all() {
    let buffer = draw((13, 5), &[&[f32::NAN; 16]], Scale::Linear, &[]);
    let picture = ["3 ┤××××××××××", "2 ┤          ", "1 ┤          ", "  └┬─────────", "   0     step"];
    assert_eq!(buffer, Buffer::with_lines(picture));
}

#[test]
fn the_last_of_two_crossing_series_owns_the_contested_cells() {
    let up: Vec<f32> = (0..16).map(|x| 1.0 + x as f32 / 7.5).collect();
    let down: Vec<f32> = up.iter().rev().copied().collect();
    let both = draw((13, 5), &[&up, &down], Scale::Linear, &[]);
    let top = draw((13, 5), &[&down], Scale::Linear, &[]);
    for x in 5..13 {
        for y in 0..3 {
            let cell = &top[(x, y)];
            if cell.symbol() != " " {
                assert_eq!(&both[(x, y)], cell, "at {x}, {y}");
            }
        }
    }
}

#[test]
fn what_a_logarithm_cannot_show_is_left_out() {
    let buffer = draw((13, 5), &[&[-1.0; 16]], Scale::Log, &[]);
    assert!((5..13).all(|x| (0..3).all(|y| buffer[(x, y)].symbol() == " ")));
}

#[test]
fn a_mark_stands_over_its_dotted_line() {
    let mark = Mark { at: 50, sign: "①".into(), text: String::new(), style: Style::new(), guide: Guide::Line };
    let buffer = draw((13, 5), &[], Scale::Linear, &[mark]);
    let picture = ["3 ┤     ①    ", "2 ┤     ┊    ", "1 ┤     ┊    ", "  └┬─────────", "   0     step"];
    assert_eq!(buffer, Buffer::with_lines(picture));
}

#[test]
fn what_a_mark_says_is_written_where_it_hides_nothing() {
    let mark = Mark { at: 20, sign: "①".into(), text: "λ 3".into(), style: Style::new(), guide: Guide::Line };
    let buffer = draw((13, 5), &[], Scale::Linear, std::slice::from_ref(&mark));
    let picture = ["3 ┤  ① λ 3   ", "2 ┤  ┊       ", "1 ┤  ┊       ", "  └┬─────────", "   0     step"];
    assert_eq!(buffer, Buffer::with_lines(picture));
    let buffer = draw((13, 5), &[&[3.0; 16]], Scale::Linear, &[mark]);
    assert!(!format!("{buffer:?}").contains('λ'));
}

#[test]
fn the_crosshair_goes_behind_the_curve_and_the_labels_tell_its_step() {
    let area = Rect::new(0, 0, 20, 5);
    let mut buffer = Buffer::empty(area);
    let frame = Frame::new(area, &steps(0..100), (1.0, 3.0), Scale::Linear, 7);
    let column: Column = (0..100).map(|at| if at < 50 { 1.0 } else { 3.0 }).collect();
    let columns = column.query(0..100, frame.edges().len() - 1).collect();
    let traces =
        [Trace { columns, pen: Pen::Braille, style: Style::new(), label: Some("at 30".into()), join: Join::Line }];
    let plot = Plot { crosshair: Some(30), notches: &[0, 60], ..plot(frame, &traces, &[]) };
    plot.render(area, &mut buffer);
    let picture = [
        "3 ┤   ┃ ⡏⠉⠉⠉⠉       ",
        "2 ┤   ┃⢠⠃           ",
        "1 ┤⣀⣀⣀⣀⣸      at 30 ",
        "  └┼──▲─┬┴───       ",
        "   0   50       step",
    ];
    assert_eq!(buffer, Buffer::with_lines(picture));
}

#[test]
fn a_grid_is_dots_behind_everything() {
    let area = Rect::new(0, 0, 17, 5);
    let mut buffer = Buffer::empty(area);
    let frame = Frame::new(area, &steps(0..100), (1.0, 3.0), Scale::Linear, 0);
    let columns = vec![crate::series::Extent::of(2.0); 14];
    let traces = [Trace { columns, pen: Pen::Braille, style: Style::new(), label: None, join: Join::Line }];
    let mark = Mark { at: 60, sign: "①".into(), text: String::new(), style: Style::new(), guide: Guide::Line };
    Plot { grid: Grid::Dots, ..plot(frame, &traces, &[mark]) }.render(area, &mut buffer);
    let picture =
        ["3 ┤  ·   · ① ·   ", "2 ┤⠤⠤⠤⠤⠤⠤⠤ ┊ ·   ", "1 ┤  ·   · ┊ ·   ", "  └┬──────┬──────", "   0     50  step"];
    assert_eq!(buffer, Buffer::with_lines(picture));
}

#[test]
fn a_text_belongs_to_the_sign_before_it() {
    let mark = |at, sign: &str, text: &str| Mark {
        at,
        sign: sign.into(),
        text: text.into(),
        style: Style::new(),
        guide: Guide::None,
    };
    let top = |marks: &[Mark]| {
        let buffer = draw((24, 5), &[], Scale::Linear, marks);
        (3..24).map(|x| buffer[(x, 0)].symbol()).collect::<String>()
    };
    // Of two side by side the text of the first could be read as the second's; an alert has none.
    assert_eq!(top(&[mark(20, "①", "λ 3"), mark(25, "②", "λ 0")]), "    ①② λ 0           ");
    assert_eq!(top(&[mark(20, "①", "λ 3"), mark(25, "▲", "")]), "    ①▲ λ 3           ");
    // Nor may one end where the next sign begins.
    assert_eq!(top(&[mark(20, "①", "λ 3"), mark(45, "②", "")]), "    ①    ②           ");
    assert_eq!(top(&[mark(20, "①", "λ 3"), mark(50, "②", "")]), "    ① λ 3 ②          ");
}

#[test]
fn the_blanks_of_a_text_are_its_own() {
    let area = Rect::new(0, 0, 17, 5);
    let mut buffer = Buffer::empty(area);
    let frame = Frame::new(area, &steps(0..100), (1.0, 3.0), Scale::Linear, 0);
    let mark = Mark { at: 10, sign: "①".into(), text: "λ 0 → 3".into(), style: Style::new(), guide: Guide::Line };
    // The crosshair is in the cell between the arrow and 3.
    Plot { grid: Grid::Dots, crosshair: Some(59), ..plot(frame, &[], &[mark]) }.render(area, &mut buffer);
    let picture =
        ["3 ┤ ① λ 0 → 3·   ", "2 ┤ ┊·   · ┃ ·   ", "1 ┤ ┊·   · ┃ ·   ", "  └┬──────┬▲─────", "   0     50  step"];
    assert_eq!(buffer, Buffer::with_lines(picture));
}

#[test]
fn no_size_is_too_small() {
    let mark = Mark { at: 99, sign: "21".into(), text: "λ 0 → 3".into(), style: Style::new(), guide: Guide::Line };
    for width in 0..16 {
        for height in 0..8 {
            draw((width, height), &[&[1.0, 2.0, f32::NAN]], Scale::Log, std::slice::from_ref(&mark));
        }
    }
}

#[test]
fn a_mark_without_a_guide_is_its_sign_alone() {
    for (guide, cells) in [(Guide::Line, ["①", "┊", "┊"]), (Guide::None, ["①", " ", " "])] {
        let mark = Mark { at: 50, sign: "①".into(), text: String::new(), style: Style::new(), guide };
        let buffer = draw((13, 5), &[], Scale::Linear, &[mark]);
        assert_eq!([0, 1, 2].map(|y| buffer[(8, y)].symbol()), cells);
    }
}
