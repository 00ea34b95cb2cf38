//! What a user has chosen for every run, on the screen.

use proptest::prelude::*;
use wdtop::stream::Command;
use wdtop::tui::{Glyphs, Msg, Options, Preferences};

use crate::desk::Desk;
use crate::source::Source;

fn desk(text: &str) -> Desk {
    let preferences = Preferences::parse(text).expect("well formed");
    let mut desk = Desk::with(Source::demo(), Options { preferences, ..Options::default() });
    desk.train(1000);
    desk
}

#[test]
fn a_remapped_key_does_it_and_is_named_everywhere() {
    let mut desk = desk("[keys]\nL = \"]\"\n\"]\" = \"\"\nF5 = \"?\"\n");
    let screen = desk.look(120, 36);
    assert!(
        screen.contains("; press L for λ 1.00") && screen.contains("λ  [ L fine") && screen.contains(" [ L λ"),
        "{screen}"
    );
    desk.press("]");
    desk.wait(400);
    assert_eq!(desk.sent, []);
    desk.press("L");
    desk.wait(400);
    assert!(matches!(&desk.sent[..], [Command::Set(_)]), "{:?}", desk.sent);
    desk.press("?");
    let help = desk.look(120, 36);
    assert!(help.contains("[ L ") && help.contains("λ less, more: a tenth of a decade"), "{help}");
}

#[test]
fn panels_that_are_put_away_stay_away() {
    let desk = desk("panels = [\"loss\", \"layers\"]");
    let screen = desk.look(120, 36);
    assert!(screen.contains("1 loss") && screen.contains("3 layers"), "{screen}");
    assert!(!screen.contains("2 knobs") && !screen.contains("5 events") && !screen.contains("‖w‖ of"), "{screen}");
}

#[test]
fn the_chosen_tensor_is_told_in_numbers_where_there_is_room() {
    let mut desk = desk("");
    desk.press("<Tab><Tab><Tab><Enter>");
    for (width, height) in [(60, 16), (80, 24), (120, 40)] {
        desk.send(Msg::Resized(width, height));
        let screen = desk.look(width, height);
        for text in ["fc1.weight  256×784", "‖w‖ norm", "‖g‖ gradient", "update/weight"] {
            assert!(screen.contains(text), "{text} at {width}×{height}\n{screen}");
        }
    }
    insta::assert_snapshot!("tensor_120x40", desk.look(120, 40));
}

/// What a hand can do: mostly keys that mean something.
fn hand() -> impl Strategy<Value = Vec<String>> {
    let keys = "][}{\\,.<>wrtzZ nNEmcB()12345hjkl+-=xiysS/of:q?@0123456789.eM";
    let keys: Vec<String> = keys.chars().map(String::from).collect();
    let named = ["<Enter>", "<Esc>", "<Tab>", "<S-Tab>", "<Up>", "<Down>", "<Left>", "<Right>", "<ctrl-l>"];
    let all = keys.into_iter().chain(named.map(String::from)).collect::<Vec<_>>();
    prop::collection::vec(prop::sample::select(all), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn no_hand_and_no_size_panics(
        hand in hand(),
        size in (1u16..=500, 1u16..=200),
        steps in 0u64..300,
        ascii in any::<bool>(),
    ) {
        let glyphs = if ascii { Glyphs::Ascii } else { Glyphs::Braille };
        let mut desk = Desk::with(Source::demo(), Options { glyphs, ..Options::default() });
        desk.send(Msg::Resized(size.0, size.1));
        for (at, key) in hand.iter().enumerate() {
            desk.press(key);
            desk.wait(50);
            if at % 4 == 0 {
                desk.train(steps);
            }
        }
        let screen = desk.look(size.0, size.1);
        prop_assert!(!ascii || screen.is_ascii(), "{screen}");
        desk.send(Msg::Resized(60, 16));
        desk.look(60, 16);
    }
}
