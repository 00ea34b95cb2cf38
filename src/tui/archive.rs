//! What the screen asks about recordings besides the one it shows. Whoever knows session folders answers, in its own
//! time: the screen goes on meanwhile.

use crossbeam_channel::{Receiver, Sender};

use super::board::{Contest, Point};

/// Who knows the recordings.
#[derive(Debug, Clone)]
pub struct Archive {
    /// Takes questions; what was asked before the last need not be answered. It should never be full.
    pub asked: Sender<Inquiry>,
    /// Gives what was found.
    pub found: Receiver<Finding>,
}

/// A question with its number: an answer to another than the last comes too late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inquiry {
    /// Counted from 1.
    pub number: u64,
    /// What is asked.
    pub question: Question,
}

/// What the screen wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// The recordings that there are besides the one on the screen, the most recent first.
    Sessions,
    /// The one on the screen beside these, given as [`Recorded::place`], as names or as beginnings of names.
    Contest(Vec<String>),
    /// A column's curves of the sessions that were last compared.
    Curves(String),
    /// Those sessions once more, as far as they are recorded by now.
    Again,
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The question's number.
    pub number: u64,
    /// The answer, or why there is none, in a line.
    pub answer: Result<Answer, String>,
}

/// The answer to a [`Question`].
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The recordings.
    Sessions(Vec<Recorded>),
    /// Sessions side by side, the one on the screen first.
    Contest(Contest),
    /// A curve of each of them.
    Curves(Vec<Vec<Point>>),
}

/// A recording that can be chosen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recorded {
    /// Where it is.
    pub place: String,
    /// What it is called.
    pub name: String,
    /// Whether it runs, or how it ended.
    pub state: String,
    /// The recipe it started from; of an imported session empty.
    pub recipe: String,
    /// When it began, by the clock on the wall.
    pub started: String,
    /// Updates made.
    pub steps: u64,
    /// The lowest validation loss.
    pub best_loss: Option<f64>,
}
