//! Samples as a source gave them: nothing is held out, filled in or scaled yet.

use super::samples::{Inputs, Samples, Scale, Targets};
use crate::stream::DataConfig;
use ndarray::Array2;

/// What was read of a source.
pub struct Loaded {
    /// What to call it on the screen.
    pub title: String,
    pub train: Draft,
    /// The source's own validation part.
    pub validation: Option<Draft>,
    /// Names of the classes; empty where they have none, or where there are no classes.
    pub classes: Vec<String>,
    /// Samples that were left out because a value is missing.
    pub left_out: usize,
}

/// Samples before they are scaled.
#[derive(Debug, Clone)]
pub struct Draft {
    pub inputs: DraftInputs,
    /// `[width]` or `[channels, height, width]`
    pub sizes: Vec<usize>,
    pub targets: DraftTargets,
}

/// Values row behind row.
#[derive(Debug, Clone)]
pub enum DraftInputs {
    /// Pixels.
    Bytes(Vec<u8>),
    /// Numbers, NaN where one is missing, and what each column is; an empty list is numbers throughout.
    Floats(Vec<f64>, Vec<Column>),
}

/// What an input column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Any number.
    Number,
    /// 1 where the sample is of one category, 0 where it is not.
    Category,
}

#[derive(Debug, Clone)]
pub enum DraftTargets {
    Classes(Vec<u32>),
    /// Rows of so many values.
    Values(usize, Vec<f64>),
}

impl Draft {
    pub fn len(&self) -> usize {
        match &self.targets {
            DraftTargets::Classes(classes) => classes.len(),
            DraftTargets::Values(columns, values) => values.len() / columns,
        }
    }

    /// Values in a sample.
    pub fn width(&self) -> usize {
        self.sizes.iter().product()
    }

    /// The samples at these indices.
    pub fn select(&self, indices: &[usize]) -> Draft {
        let width = self.width();
        let inputs = match &self.inputs {
            DraftInputs::Bytes(values) => DraftInputs::Bytes(rows(values, width, indices)),
            DraftInputs::Floats(values, columns) => DraftInputs::Floats(rows(values, width, indices), columns.clone()),
        };
        let targets = match &self.targets {
            DraftTargets::Classes(classes) => DraftTargets::Classes(rows(classes, 1, indices)),
            DraftTargets::Values(columns, values) => DraftTargets::Values(*columns, rows(values, *columns, indices)),
        };
        Draft { inputs, sizes: self.sizes.clone(), targets }
    }

    /// Keeps the first samples.
    pub fn truncate(&mut self, count: usize) {
        let width = self.width();
        match &mut self.inputs {
            DraftInputs::Bytes(values) => values.truncate(count * width),
            DraftInputs::Floats(values, _) => values.truncate(count * width),
        }
        match &mut self.targets {
            DraftTargets::Classes(classes) => classes.truncate(count),
            DraftTargets::Values(columns, values) => values.truncate(count * *columns),
        }
    }

    /// Number of classes: one more than the largest, 0 where the targets are none.
    pub fn classes(&self) -> usize {
        match &self.targets {
            DraftTargets::Classes(classes) => classes.iter().max().map_or(0, |&most| most as usize + 1),
            DraftTargets::Values(..) => 0,
        }
    }

    /// The samples as networks see them. Input scales are those of each column, or of each channel of an image; an
    /// empty list leaves the inputs as they are.
    pub fn finish(self, inputs: &[Scale], targets: &[Scale], config: &DataConfig) -> Samples {
        let inputs = match self.inputs {
            DraftInputs::Bytes(values) => Inputs::Bytes(values, inputs.to_vec()),
            DraftInputs::Floats(mut values, _) => {
                let (channels, plane) = match self.sizes.as_slice() {
                    &[channels, height, width] => (channels, height * width),
                    sizes => (sizes.iter().product(), 1),
                };
                if !inputs.is_empty() {
                    let cells = values.chunks_exact_mut(plane).zip((0..channels).cycle());
                    cells.for_each(|(cells, at)| cells.iter_mut().for_each(|cell| *cell = inputs[at].of(*cell)));
                }
                let zeros = if self.sizes.len() == 3 {
                    inputs.iter().map(|scale| scale.of(0.0) as f32).collect()
                } else {
                    Vec::new()
                };
                Inputs::Floats(values.into_iter().map(|value| value as f32).collect(), zeros)
            }
        };
        let targets = match self.targets {
            DraftTargets::Classes(classes) => Targets::Classes(classes),
            DraftTargets::Values(columns, values) => {
                let scale = |at: usize| targets.get(at % columns).copied().unwrap_or(Scale::NONE);
                let scaled = values.iter().enumerate().map(|(at, &value)| scale(at).of(value) as f32).collect();
                let rows = values.len() / columns;
                Targets::Values(Array2::from_shape_vec((rows, columns), scaled).expect("whole rows"))
            }
        };
        let repeat = if self.sizes.len() == 3 && self.sizes[0] == 1 { config.repeat_channels } else { 1 };
        Samples::new(inputs, self.sizes, repeat, targets)
    }
}

fn rows<V: Copy>(values: &[V], width: usize, indices: &[usize]) -> Vec<V> {
    indices.iter().flat_map(|&index| &values[index * width..(index + 1) * width]).copied().collect()
}
