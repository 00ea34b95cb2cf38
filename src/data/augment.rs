//! What is done to a training image each time it is shown.

use sha2::{Digest, Sha256};

use crate::random::{Generator, Purpose};
use crate::stream::Augmentation;

/// What may be done, and the seed that determines what is.
#[derive(Debug, Clone, Default)]
pub struct Augment {
    list: Vec<Augmentation>,
    seed: u64,
}

/// What is done to one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    mirror: Mirror,
    down: isize,
    right: isize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mirror {
    Kept,
    Flipped,
}

/// The sizes of an image's channels.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    pub height: usize,
    pub width: usize,
}

impl Augment {
    pub fn new(list: &[Augmentation]) -> Self {
        Augment { list: list.to_vec(), seed: 0 }
    }

    /// The same under another seed.
    pub fn seeded(&self, seed: u64) -> Self {
        Augment { list: self.list.clone(), seed }
    }

    /// What is done to the sample at `index` in an epoch; `None` where nothing is ever done.
    pub fn draw(&self, index: usize, epoch: u64) -> Option<Move> {
        if self.list.is_empty() {
            return None;
        }
        // Sample indices have 32 bits, and no run sees 2³² epochs.
        let mut generator = Generator::new(self.seed, Purpose::Augmentation, (epoch << 32) | index as u64);
        let mut drawn = Move { mirror: Mirror::Kept, down: 0, right: 0 };
        for augmentation in &self.list {
            match *augmentation {
                Augmentation::Flip => {
                    drawn.mirror = if generator.below(2) == 1 { Mirror::Flipped } else { Mirror::Kept };
                }
                Augmentation::Shift(most) => {
                    let mut by = || generator.below(2 * usize::from(most) + 1) as isize - isize::from(most);
                    (drawn.down, drawn.right) = (by(), by());
                }
            }
        }
        Some(drawn)
    }

    /// Puts the list into a hash; the seed is the run's own.
    pub fn hash(&self, hash: &mut Sha256) {
        self.list.iter().for_each(|augmentation| hash.update(augmentation.to_string()));
    }
}

impl Frame {
    /// Writes each channel of `image` moved: mirrored first, then shifted. What comes in from outside is the channel's
    /// `outside`.
    pub fn place<P: Copy, T: Copy>(
        self,
        moved: Move,
        out: &mut [T],
        image: &[P],
        outside: impl Fn(usize) -> T,
        value: impl Fn(P) -> T,
    ) {
        let Frame { height, width } = self;
        let from = |at: usize, by: isize, end: usize| at.checked_add_signed(-by).filter(|&from| from < end);
        let planes = out.chunks_exact_mut(height * width).zip(image.chunks_exact(height * width));
        for (channel, (out, image)) in planes.enumerate() {
            let outside = outside(channel);
            for (y, row) in out.chunks_exact_mut(width).enumerate() {
                let Some(line) = from(y, moved.down, height) else {
                    row.fill(outside);
                    continue;
                };
                let line = &image[line * width..][..width];
                for (x, place) in row.iter_mut().enumerate() {
                    *place = match (from(x, moved.right, width), moved.mirror) {
                        (None, _) => outside,
                        (Some(x), Mirror::Kept) => value(line[x]),
                        (Some(x), Mirror::Flipped) => value(line[width - 1 - x]),
                    };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_mirrored_then_shifted_and_filled_from_outside() {
        let image = [1, 2, 3, 4, 5, 6];
        let frame = Frame { height: 2, width: 3 };
        let placed = |mirror, down, right| {
            let mut out = [9; 6];
            frame.place(Move { mirror, down, right }, &mut out, &image, |_| 0, |pixel| pixel);
            out
        };
        assert_eq!(placed(Mirror::Kept, 0, 0), image);
        assert_eq!(placed(Mirror::Flipped, 0, 0), [3, 2, 1, 6, 5, 4]);
        assert_eq!(placed(Mirror::Kept, 1, 0), [0, 0, 0, 1, 2, 3]);
        assert_eq!(placed(Mirror::Kept, 0, -1), [2, 3, 0, 5, 6, 0]);
        assert_eq!(placed(Mirror::Flipped, -1, 2), [0, 0, 6, 0, 0, 0]);
        assert_eq!(placed(Mirror::Kept, 7, -255), [0; 6]);
    }

    #[test]
    fn seed_epoch_and_index_determine_what_is_done() {
        let augment = Augment::new(&[Augmentation::Flip, Augmentation::Shift(2)]).seeded(1);
        let drawn: Vec<Move> = (0..1000).map(|index| augment.draw(index, 0).unwrap()).collect();
        assert_eq!(drawn, (0..1000).map(|index| augment.draw(index, 0).unwrap()).collect::<Vec<_>>());
        assert_ne!(drawn, (0..1000).map(|index| augment.draw(index, 1).unwrap()).collect::<Vec<_>>());
        assert_ne!(drawn, (0..1000).map(|index| augment.seeded(2).draw(index, 0).unwrap()).collect::<Vec<_>>());
        let flipped = drawn.iter().filter(|moved| moved.mirror == Mirror::Flipped).count();
        assert!((430..570).contains(&flipped), "{flipped}");
        for by in -2..=2 {
            let count = drawn.iter().filter(|moved| moved.down == by).count();
            assert!((130..270).contains(&count), "{by}: {count}");
        }
        assert!(drawn.iter().all(|moved| moved.down.abs() <= 2 && moved.right.abs() <= 2));
        assert_eq!(Augment::default().draw(0, 0), None);
    }
}
