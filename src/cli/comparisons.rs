//! Reads recordings for the screen of a comparison, also beside a run that goes on meanwhile.

use std::path::{Path, PathBuf};
use std::{fs, io, thread};

use anyhow::{Result, anyhow};
use crossbeam_channel::{bounded, unbounded};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::compare::{columns, contest, load};
use crate::record::{self, Entry, Listed, Session};
use crate::tui::board::Contest;
use crate::tui::{Answer, Archive, Finding, Inquiry, Question, Recorded};

/// A thread that compares the session in this folder with others, each time as far as it is recorded then. It ends when
/// its archive is dropped. None where the system gives no thread.
pub fn beside(session: PathBuf) -> Option<Archive> {
    let mut compared = Vec::new();
    let answer = move |question: Question| -> Result<Answer> {
        Ok(match question {
            Question::Sessions => Answer::Sessions(others(&session, &record::directory()?)),
            Question::Contest(names) => {
                compared = open(&among_others(&session, &names, &record::directory()?)?)?;
                Answer::Contest(contest_of(&compared)?)
            }
            question => return of_compared(&mut compared, question),
        })
    };
    spawn(answer).ok()
}

/// A thread that reads these sessions. It ends when its archive is dropped.
///
/// # Errors
/// Where the system gives no thread.
pub fn of(mut sessions: Vec<Session>) -> io::Result<Archive> {
    spawn(move |question| of_compared(&mut sessions, question))
}

fn spawn(mut answer: impl FnMut(Question) -> Result<Answer> + Send + 'static) -> io::Result<Archive> {
    let (ask, asked) = unbounded::<Inquiry>();
    let (tell, found) = bounded(1);
    let work = move || {
        while let Ok(first) = asked.recv() {
            // What was asked before the last nobody waits for.
            let Inquiry { number, question } = asked.try_iter().last().unwrap_or(first);
            let answer = answer(question).map_err(|error| format!("{error:#}"));
            if tell.send(Finding { number, answer }).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("wdtop-archive".into()).spawn(work)?;
    Ok(Archive { asked: ask, found })
}

/// What is asked about the sessions that are compared.
fn of_compared(compared: &mut Vec<Session>, question: Question) -> Result<Answer> {
    match question {
        Question::Curves(column) => Ok(Answer::Curves(load(compared, &column).map_err(|reason| anyhow!(reason))?)),
        Question::Again => {
            let paths: Vec<PathBuf> = compared.iter().map(|session| session.path.clone()).collect();
            *compared = open(&paths)?;
            Ok(Answer::Contest(contest_of(compared)?))
        }
        Question::Sessions | Question::Contest(_) => Err(anyhow!("there is no run to compare others with")),
    }
}

fn open(paths: &[PathBuf]) -> Result<Vec<Session>> {
    Ok(paths.iter().map(|path| Session::open(path)).collect::<Result<_, _>>()?)
}

fn contest_of(sessions: &[Session]) -> Result<Contest> {
    Ok(contest(sessions, record::compare(sessions)?, columns(sessions)))
}

/// What can be compared with a session, the most recent first.
fn others(session: &Path, directory: &Path) -> Vec<Recorded> {
    let listed = record::list(directory).into_iter().rev();
    listed.filter(|listed| !is_same(&listed.path, session)).filter_map(recorded).collect()
}

fn recorded(listed: Listed) -> Option<Recorded> {
    let Entry::Session { state, recipe, steps, best_loss, .. } = listed.entry else { return None };
    let local = |time: Timestamp| time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string();
    Some(Recorded {
        place: listed.path.to_string_lossy().into_owned(),
        name: listed.name,
        state,
        recipe: recipe.unwrap_or_default(),
        started: listed.started.parse().map(local).unwrap_or(listed.started),
        steps,
        best_loss: best_loss.map(|best| best.value),
    })
}

/// The places of a session and of others that are named, itself first.
fn among_others(session: &Path, names: &[String], directory: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = vec![session.to_owned()];
    for name in names {
        let path = record::resolve(directory, name)?;
        if !paths.iter().any(|its| is_same(its, &path)) {
            paths.push(path);
        }
    }
    match paths.len() {
        0 | 1 => Err(anyhow!("it takes another session than {} itself", record::session_name(session))),
        _ => Ok(paths),
    }
}

/// Whether two paths lead to the same folder.
fn is_same(one: &Path, other: &Path) -> bool {
    let whole = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    whole(one) == whole(other)
}
