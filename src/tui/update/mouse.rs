//! What the mouse does: the wheel zooms a chart at the pointer and scrolls a list, a click takes the focus, a drag
//! marks the stretch that a chart shows when the button comes up.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::{Effect, charts, keys};
use crate::chart::Frame;
use crate::tui::app::dial::Which;
use crate::tui::app::hyper::Chosen;
use crate::tui::app::window::{Stretch, Toward};
use crate::tui::app::{App, Capture, Drag, Mode, Panel, Tone};
use crate::tui::layout;
use crate::tui::panel;

/// Lines that a notch of the wheel scrolls.
const NOTCH: usize = 3;

/// Something that the mouse did. Knobs are turned by keys alone: a hand that slips must not touch training.
pub(super) fn act(app: &mut App, event: MouseEvent) {
    let at = Position::new(event.column, event.row);
    if matches!(app.mode, Mode::Help { .. } | Mode::Explain { .. }) {
        match event.kind {
            MouseEventKind::ScrollDown => keys::scroll(app, NOTCH as i16),
            MouseEventKind::ScrollUp => keys::scroll(app, -(NOTCH as i16)),
            _ => {}
        }
        return;
    }
    if !matches!(app.mode, Mode::Normal) {
        return;
    }
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) => press(app, at),
        MouseEventKind::Drag(MouseButton::Left) => drag(app, at),
        MouseEventKind::Up(MouseButton::Left) => release(app),
        MouseEventKind::ScrollUp => wheel(app, at, Toward::Near),
        MouseEventKind::ScrollDown => wheel(app, at, Toward::Far),
        _ => {}
    }
}

/// Takes the mouse from the terminal, or gives it back; while it is ours, selecting text takes Shift.
pub(super) fn switch(app: &mut App) -> Vec<Effect> {
    app.drag = None;
    let (mouse, text) = match app.mouse {
        Capture::Off => (
            Capture::On,
            app.keyed(
                "mouse on: the wheel zooms and scrolls, a click takes the focus, a drag zooms; `M` gives it back",
            ),
        ),
        Capture::On => (Capture::Off, "mouse off: the terminal selects text with it".into()),
    };
    app.mouse = mouse;
    app.say(Tone::Plain, text);
    vec![Effect::Mouse(mouse)]
}

fn press(app: &mut App, at: Position) {
    app.drag = None;
    let places = layout::places(app, screen(app));
    if let Some(dials) = places.dials.filter(|dials| dials.contains(at)) {
        if !app.zoomed {
            app.focus = Panel::Knobs;
            app.chosen = Chosen::Dial(Which::BOTH[usize::from(at.y - dials.y).min(1)]);
        }
        return;
    }
    let Some((panel, area)) = places.panels.into_iter().find(|(_, area)| area.contains(at)) else { return };
    app.focus = panel;
    match panel {
        Panel::Layers => {
            if let Some(tensor) = panel::tensor_at(app, area, at.y) {
                app.tensor = tensor;
            }
        }
        _ => {
            let step = frame(app, panel, area).and_then(|frame| frame.step_at(at.x));
            app.drag = step.map(|step| Drag { panel, from: step, to: step });
        }
    }
}

fn drag(app: &mut App, at: Position) {
    let Some(Drag { panel, .. }) = app.drag else { return };
    let places = layout::places(app, screen(app));
    let place = places.panels.into_iter().find(|(its, _)| *its == panel);
    let step = place.and_then(|(panel, area)| frame(app, panel, area)).map(|frame| frame.nearest_step(at.x));
    if let (Some(drag), Some(step)) = (&mut app.drag, step) {
        drag.to = step;
    }
}

/// The stretch between press and release fills the charts; one that is too short was a click.
fn release(app: &mut App) {
    if let Some(drag) = app.drag.take() {
        let steps = drag.steps();
        if steps.end - steps.start > 2 {
            app.window.stretch = Stretch::Fixed(steps);
        }
    }
}

fn wheel(app: &mut App, at: Position, toward: Toward) {
    let places = layout::places(app, screen(app));
    let Some((panel, area)) = places.panels.into_iter().find(|(_, area)| area.contains(at)) else { return };
    let by = match toward {
        Toward::Near => -1,
        Toward::Far => 1,
    };
    match panel {
        Panel::Layers => app.choose(by),
        Panel::Events => charts::scroll_events(app, by * NOTCH as isize),
        _ => {
            let (end, origin) = (app.chart_end(), app.origin());
            if let Some(step) = frame(app, panel, area).and_then(|frame| frame.step_at(at.x)) {
                app.window.zoom_at(step, toward, end, origin);
            }
        }
    }
}

fn frame(app: &App, panel: Panel, area: Rect) -> Option<Frame> {
    panel::plot_frame(app, app.run.as_ref()?, panel, area)
}

fn screen(app: &App) -> Rect {
    Rect::new(0, 0, app.size.0, app.size.1)
}
