//! Reads recordings for the screen of a run that is to be compared with them, while that run goes on.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

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
pub fn spawn(session: PathBuf) -> Option<Archive> {
    let (ask, asked) = unbounded::<Inquiry>();
    let (tell, found) = bounded(1);
    let work = move || {
        let mut compared = Vec::new();
        while let Ok(first) = asked.recv() {
            // What was asked before the last nobody waits for.
            let Inquiry { number, question } = asked.try_iter().last().unwrap_or(first);
            let answer = answer(&session, &mut compared, question).map_err(|error| format!("{error:#}"));
            if tell.send(Finding { number, answer }).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("wdtop-archive".into()).spawn(work).ok()?;
    Some(Archive { asked: ask, found })
}

fn answer(session: &Path, compared: &mut Vec<Session>, question: Question) -> Result<Answer> {
    Ok(match question {
        Question::Sessions => Answer::Sessions(others(session, &record::directory()?)),
        Question::Contest(names) => {
            let (sessions, contest) = compare(session, &names, &record::directory()?)?;
            *compared = sessions;
            Answer::Contest(contest)
        }
        Question::Curves(column) => Answer::Curves(load(compared, &column).map_err(|reason| anyhow!(reason))?),
    })
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

/// A session beside others that are named, itself first.
fn compare(session: &Path, names: &[String], directory: &Path) -> Result<(Vec<Session>, Contest)> {
    let mut paths = vec![session.to_owned()];
    for name in names {
        let path = record::resolve(directory, name)?;
        if !paths.iter().any(|its| is_same(its, &path)) {
            paths.push(path);
        }
    }
    if paths.len() < 2 {
        return Err(anyhow!("it takes another session than {} itself", record::session_name(session)));
    }
    let sessions = paths.iter().map(|path| Session::open(path)).collect::<Result<Vec<_>, _>>()?;
    let contest = contest(&sessions, record::compare(&sessions)?, columns(&sessions));
    Ok((sessions, contest))
}

/// Whether two paths lead to the same folder.
fn is_same(one: &Path, other: &Path) -> bool {
    let whole = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    whole(one) == whole(other)
}
