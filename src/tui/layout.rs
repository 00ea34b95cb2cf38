//! Where everything goes, at every size.

use ratatui::layout::{Constraint, Layout, Rect};

use super::app::{App, Panel};

/// The smallest screen that shows anything, and the sizes from which it shows more.
pub(super) const SMALL: (u16, u16) = (60, 16);
pub(super) const MEDIUM: (u16, u16) = (80, 24);
pub(super) const FULL: (u16, u16) = (120, 36);
/// From this width on events leave room beside them.
const BROAD: u16 = 150;

/// The places on the screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// What is trained.
    pub(super) title: Option<Rect>,
    /// How it stands.
    pub(super) status: Rect,
    /// The panels that there is room for.
    pub(super) panels: Vec<(Panel, Rect)>,
    /// Both dials, one line each, where their panel is not shown.
    pub(super) dials: Option<Rect>,
    /// The last event, where their panel has no room.
    pub(super) event: Option<Rect>,
    /// Keys and messages.
    pub(super) foot: Rect,
}

/// Whether there is that much room.
pub(super) fn fits(area: Rect, (width, height): (u16, u16)) -> bool {
    area.width >= width && area.height >= height
}

/// Lays the screen out.
pub(super) fn places(app: &App, area: Rect) -> Places {
    if app.zoomed {
        one(app, area)
    } else if fits(area, FULL) {
        full(app, area)
    } else if fits(area, MEDIUM) {
        medium(app, area)
    } else {
        small(app, area)
    }
}

/// The panels that can have the focus on the screen as large as it is.
pub(super) fn reachable(app: &App) -> Vec<Panel> {
    let places = places(app, Rect::new(0, 0, app.size.0, app.size.1));
    let is_there = |panel: &Panel| match panel {
        _ if app.zoomed => true,
        Panel::Knobs if places.dials.is_some() => true,
        panel => places.panels.iter().any(|(its, _)| its == panel),
    };
    Panel::ALL.into_iter().filter(is_there).collect()
}

/// Rows of the table with all tensors in it.
fn table(app: &App) -> u16 {
    let tensors = app.run.as_ref().map_or(0, |run| run.description.tensors.len());
    u16::try_from(tensors).unwrap_or(u16::MAX).saturating_add(3)
}

/// Side by side what is shown of two panels; the second has a width of its own.
fn pair(app: &App, area: Rect, left: Panel, (right, width): (Panel, u16)) -> Vec<(Panel, Rect)> {
    match (app.hidden.contains(&left), app.hidden.contains(&right)) {
        (true, true) => Vec::new(),
        (false, true) => vec![(left, area)],
        (true, false) => vec![(right, area)],
        (false, false) => {
            let columns = [Constraint::Fill(1), Constraint::Length(width)];
            let [first, second] = Layout::horizontal(columns).areas(area);
            vec![(left, first), (right, second)]
        }
    }
}

/// Everything at once.
///
/// ```text
/// ┌ title ─────────────────────────────────────┐ 1
/// ├ status ────────────────────────────────────┤ 2
/// │ losses                  │ knobs         48 │ what is left
/// ├─────────────────────────┴──────┬───────────┤
/// │ layers                         │ norm   36 │ the tensors' number, at most 2 fifths
/// ├────────────────────────────────┴───────────┤
/// │ events                    │ throughput  56 │ at least 5; throughput where it is 150 wide
/// ├ dials ─────────────────────────────────────┤ 2 without knobs
/// └ footer ────────────────────────────────────┘ 1
/// ```
fn full(app: &App, area: Rect) -> Places {
    let shown = |panel: Panel| !app.hidden.contains(&panel);
    let dials = if shown(Panel::Knobs) { 0 } else { 2 };
    let room = area.height - 4 - dials;
    let beside = area.width >= BROAD && shown(Panel::Throughput);
    let events = if shown(Panel::Events) || beside { (room / 5).clamp(5, 12) } else { 0 };
    let top = shown(Panel::Losses) || shown(Panel::Knobs);
    let middle = if !shown(Panel::Layers) && !shown(Panel::Norm) {
        0
    } else if top {
        table(app).clamp(8, room * 2 / 5)
    } else {
        room - events
    };
    // The events have what nobody else wants.
    let events = if !top && middle == 0 { room } else { events };
    let rows = [1, 2, room - middle - events, middle, events, dials, 1].map(Constraint::Length);
    let [title, status, top, middle, bottom, dials, foot] = Layout::vertical(rows).areas(area);
    let mut panels = pair(app, top, Panel::Losses, (Panel::Knobs, 48));
    panels.extend(pair(app, middle, Panel::Layers, (Panel::Norm, 36)));
    if beside {
        panels.extend(pair(app, bottom, Panel::Events, (Panel::Throughput, 56)));
    } else {
        panels.extend(shown(Panel::Events).then_some((Panel::Events, bottom)));
    }
    let dials = (dials.height > 0).then_some(dials);
    Places { title: Some(title), status, panels, dials, event: None, foot }
}

/// What fits an ordinary terminal.
///
/// ```text
/// ┌ title ─────────────────┐ 1
/// ├ status ────────────────┤ 2
/// │ losses     │ norm   28 │
/// ├────────────┴───────────┤
/// │ layers                 │ 6
/// ├ dials ─────────────────┤ 2
/// ├ last event ────────────┤ 1
/// └ footer ────────────────┘ 1
/// ```
fn medium(app: &App, area: Rect) -> Places {
    let charts = !app.hidden.contains(&Panel::Losses) || !app.hidden.contains(&Panel::Norm);
    let layers = match (app.hidden.contains(&Panel::Layers), charts) {
        (true, _) => Constraint::Length(0),
        (false, true) => Constraint::Length(table(app).clamp(4, area.height / 4)),
        (false, false) => Constraint::Fill(1),
    };
    let rows = [
        Constraint::Length(1),
        Constraint::Length(2),
        if charts { Constraint::Fill(1) } else { Constraint::Length(0) },
        layers,
        Constraint::Length(2),
        Constraint::Length(1),
        Constraint::Length(1),
    ];
    let [title, status, chart, table, dials, event, foot] = Layout::vertical(rows).areas(area);
    let mut panels = pair(app, chart, Panel::Losses, (Panel::Norm, 28));
    panels.extend((table.height > 0).then_some((Panel::Layers, table)));
    Places { title: Some(title), status, panels, dials: Some(dials), event: Some(event), foot }
}

/// A chart, the knobs and what they do to it: of the panels that are shown, the first.
fn small(app: &App, area: Rect) -> Places {
    let places = around(area);
    let first = Panel::ALL.into_iter().find(|panel| *panel != Panel::Knobs && !app.hidden.contains(panel));
    Places { panels: first.map(|first| (first, places.panels[0].1)).into_iter().collect(), ..places }
}

/// The focused panel on the whole screen, with the dials, which are always at hand.
fn one(app: &App, area: Rect) -> Places {
    let places = around(area);
    Places { panels: vec![(app.focus, places.panels[0].1)], ..places }
}

/// One panel with what is always there.
fn around(area: Rect) -> Places {
    let rows = [Constraint::Length(2), Constraint::Fill(1), Constraint::Length(2), Constraint::Length(1)];
    let [status, inside, dials, foot] = Layout::vertical(rows).areas(area);
    Places { title: None, status, panels: vec![(Panel::Losses, inside)], dials: Some(dials), event: None, foot }
}
