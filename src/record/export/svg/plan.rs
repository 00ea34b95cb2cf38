//! Which curves a chart of a name has.

use super::paper::Pen;
use crate::chart::{ON_WHITE, Scale};
use crate::record::error::Error;
use crate::record::session::Session;

/// Colours that print well and that every common kind of colour vision tells apart (Okabe and Ito, 2008).
const COLOURS: [u32; 7] = [0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7, 0xe69f00, 0x56b4e9, 0x000000];

/// Not by colour alone: as many as have no divisor in common with the colours, so that no two of 28 curves are alike.
const DASHES: [&str; 4] = ["", "7 3", "2 2", "8 3 2 3"];

/// What is drawn where nothing is asked for.
const USUAL: [&str; 2] = ["loss", "norm"];
/// The same of several sessions.
const COMPARED: &str = "validation/loss";

/// A chart to be: its title and what is drawn in it.
pub(super) struct Plan {
    pub(super) title: String,
    pub(super) lines: Vec<Line>,
    /// Of the y axis, where it does not follow from the values.
    pub(super) scale: Option<Scale>,
}

/// A curve of a session.
pub(super) struct Line {
    /// The session's place among those that are drawn.
    pub(super) session: usize,
    /// The curve's name.
    pub(super) column: String,
    /// What the curve is called in the picture.
    pub(super) name: String,
    pub(super) colour: u32,
    pub(super) pen: Pen,
    pub(super) smoothing: Smoothing,
}

/// Whether an average is drawn through the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Smoothing {
    Never,
    /// Where the values jump too much to be followed.
    Rough,
    Always,
}

/// The charts that were asked for; where none was, those of them that the session has that are usual.
pub(super) fn plans(sessions: &[Session], asked: &[String]) -> Result<Vec<Plan>, Error> {
    match (sessions, asked) {
        // Of an imported session nothing is known of tensors.
        ([session], []) => Ok(USUAL.iter().filter_map(|name| of_one(session, name).ok()).collect()),
        ([session], asked) => asked.iter().map(|name| of_one(session, name)).collect(),
        (sessions, []) => Ok(vec![of_all(sessions, COMPARED)?]),
        (sessions, asked) => asked.iter().map(|name| of_all(sessions, name)).collect(),
    }
}

/// The letter that one of several sessions is known by.
pub(super) fn letter(session: usize) -> char {
    char::from(b'a' + (session % 26) as u8)
}

/// A curve of each session.
fn of_all(sessions: &[Session], column: &str) -> Result<Plan, Error> {
    let having = sessions.iter().enumerate().filter(|(_, session)| session.has_curve(column));
    let lines: Vec<Line> = having
        .map(|(at, session)| Line {
            session: at,
            ..one_of_many(session, column.to_owned(), letter(at).to_string(), at)
        })
        .collect();
    match lines.is_empty() {
        true => Err(unknown(column, sessions.iter().flat_map(Session::columns))),
        false => Ok(Plan { title: column.to_owned(), lines, scale: scale_of(column) }),
    }
}

/// What a chart of this name has of one session.
fn of_one(session: &Session, asked: &str) -> Result<Plan, Error> {
    let title = if asked == "norm" { "‖w‖" } else { asked }.to_owned();
    if matches!(asked, "loss" | "accuracy") {
        return Ok(Plan { title, lines: of_learning(session, asked), scale: scale_of(asked) });
    }
    let tensors = session.tensors();
    let columns = session.columns();
    let of_tensor = |(at, tensor): (usize, &String)| {
        let column = format!("{tensor}/{asked}");
        columns.contains(&column).then(|| one_of_many(session, column, tensor.clone(), at))
    };
    let mut lines: Vec<Line> = tensors.iter().enumerate().filter_map(of_tensor).collect();
    if lines.is_empty() && session.has_curve(asked) {
        lines.push(one_of_many(session, asked.to_owned(), asked.to_owned(), 0));
    }
    if lines.is_empty() {
        // A value of a tensor is asked for without the tensor.
        let value = |column: String| {
            let of = tensors.iter().find_map(|tensor| column.strip_prefix(tensor.as_str())?.strip_prefix('/'));
            of.map(str::to_owned).unwrap_or(column)
        };
        return Err(unknown(asked, columns.into_iter().map(value)));
    }
    Ok(Plan { title, lines, scale: scale_of(asked) })
}

/// A share is read as one, however small it begins.
fn scale_of(name: &str) -> Option<Scale> {
    name.ends_with("accuracy").then_some(Scale::Linear)
}

/// Batches, training and validation, in the colours that they have on the screen.
fn of_learning(session: &Session, value: &str) -> Vec<Line> {
    let [training, batches, validation, ..] = ON_WHITE;
    let line = |column: String, name: &str, colour, pen, smoothing| Line {
        session: 0,
        column,
        name: name.to_owned(),
        colour,
        pen,
        smoothing,
    };
    let solid = |width| Pen { dashes: "", width, opacity: 1.0 };
    let dashed = Pen { dashes: "7 3", ..solid(1.8) };
    let each = line(value.to_owned(), "batch", batches, solid(1.2), Smoothing::Always);
    let training = line(format!("train/{value}"), "train", training, dashed, Smoothing::Never);
    let validation = line(format!("validation/{value}"), "validation", validation, solid(2.0), Smoothing::Never);
    // Of an imported session `loss` and `train/loss` may be one column.
    let each = Some(each).filter(|_| session.imported().is_none());
    each.into_iter().chain([training, validation]).collect()
}

/// One of several curves that are told apart by their place among them.
fn one_of_many(session: &Session, column: String, name: String, at: usize) -> Line {
    let smoothing = if session.is_of_updates(&column) { Smoothing::Rough } else { Smoothing::Never };
    let pen = Pen { dashes: DASHES[at % DASHES.len()], width: 1.6, opacity: 1.0 };
    Line { session: 0, column, name, colour: COLOURS[at % COLOURS.len()], pen, smoothing }
}

fn unknown(name: &str, columns: impl Iterator<Item = String>) -> Error {
    let mut known: Vec<String> = Vec::new();
    for column in columns {
        if !known.contains(&column) {
            known.push(column);
        }
    }
    Error::Column { name: name.to_owned(), known: known.join(", ") }
}
