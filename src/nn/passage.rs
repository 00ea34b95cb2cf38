//! A batch on its way through a network.
//!
//! Every value of a network, for all samples of a batch, is a row: `[channel][pixel][sample]`. So every operation
//! takes sixteen samples at a time, a channel's operations need no other channel, and a product's operands are read
//! as they lie. Rows are as long as the batch, up to whole vectors ([`LANES`]); what the columns beyond the batch hold
//! is finite, and their errors are 0.

use super::crew::{Arena, Crew};
use super::loss::Targets;
use super::model::{Kind, LARGEST_VALUE, Network, Node};
use super::taps::Taps;
use super::winograd::{KernelSlope, Sizes, Way, Winograd};
use crate::kernel::{Buffer, Columns, Element, Instructions, LANES, Matrices, largest};
use crate::scalar::is_finite;

/// Threads up to which each has its own copy of the samples. It takes the time of one copy, whatever their number.
const MOST_COPIES: usize = 4;
/// Channels that a task computes.
const BLOCK: usize = 8;
/// The same of a fully connected layer: so many rows that reading the batch once for each task does not count; fewer
/// where a layer would make but a few tasks.
const ROWS: usize = 48;
const FEW_ROWS: usize = 12;
/// Rows of a product's tile. A task of many rows has whole tiles: the rest of one takes longer than its share.
const TILE: usize = 6;
/// Channels from which on there are tasks enough.
const MANY: usize = 192;
/// Channels of the input, which needs little work, in a task.
const INPUT_BLOCK: usize = 56;
/// Values of a channel from which on a task computes fewer of them.
const LARGE: usize = 1 << 16;

/// The memory of one batch.
#[derive(Debug, Clone)]
pub struct Passage<T> {
    /// Columns of a row.
    pub(super) stride: usize,
    /// Samples in the batch.
    pub(super) used: usize,
    /// Copies of the samples and of the first stage's values, one behind the other. Each thread makes one: lines that a
    /// core has in its own cache and another reads in every step take longer to write than to compute.
    pub(super) copies: usize,
    /// Samples as they were given, `[copy][sample][value]`, padded to whole vectors.
    pub(super) samples: Buffer<T>,
    /// Samples, cut into tasks.
    sample_bounds: Vec<usize>,
    /// The tasks, and the largest magnitude of each one's samples, copy by copy.
    sample_blocks: Vec<usize>,
    /// The copies, each cut off from the next.
    whole: Vec<usize>,
    largest_samples: Vec<T>,
    /// One for each stage.
    pub(super) bands: Vec<Band<T>>,
    /// What fully connected layers take, `[sample][value]`, layer behind layer; but the first layer's, which is
    /// `samples`.
    pub(super) rows: Buffer<T>,
    pub(super) row_blocks: RowBlocks,
    pub(super) targets: Targets<T>,
    pub(super) losses: Vec<T>,
    pub(super) correct: usize,
}

/// The memory of one stage.
#[derive(Debug, Clone)]
pub(super) struct Band<T> {
    pub(super) values: Buffer<T>,
    pub(super) errors: Buffer<T>,
    /// Each channel's.
    pub(super) numbers: Vec<T>,
    /// Layer normalisation's numbers of each sample: mean, 1/deviation, two of the way back, and room for a row.
    pub(super) columns: Vec<T>,
    /// Channels, cut into tasks.
    pub(super) bounds: Vec<usize>,
    /// The places that a convolution's products run over.
    pub(super) taps: Option<Taps>,
    /// How a convolution's outputs, and its inputs' errors, are computed in fewer multiplications, where they can be.
    pub(super) forward: Option<Winograd<T>>,
    pub(super) back: Option<Winograd<T>>,
    /// The same of the gradient by its kernels.
    pub(super) slope: Option<KernelSlope<T>>,
}

/// Where the rows of `Passage::rows` are.
#[derive(Debug, Clone, Default)]
pub(super) struct RowBlocks {
    /// Ends of the tasks' parts, 0 first.
    pub(super) bounds: Vec<usize>,
    /// Stage and first sample of each task.
    pub(super) tasks: Vec<[usize; 2]>,
    /// Where each stage's rows begin, if it has any.
    pub(super) starts: Vec<Option<usize>>,
}

/// What a passage is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Forward and backward.
    Training,
    /// Forward.
    Evaluation,
}

/// What a pass through the network is computed with.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a, T> {
    /// The network.
    pub network: &'a Network,
    /// Its parameters, tensor behind tensor.
    pub weights: &'a [T],
    /// What loops are compiled for.
    pub instructions: Instructions,
}

impl<T: Element> Passage<T> {
    /// Memory for at most `samples` samples.
    pub fn new(network: &Network, samples: usize, purpose: Purpose) -> Self {
        Passage::shared_by(1, network, samples, purpose)
    }

    /// The same, laid out for so many threads. Their number changes no value.
    pub fn shared_by(threads: usize, network: &Network, samples: usize, purpose: Purpose) -> Self {
        let stride = samples.max(1).next_multiple_of(LANES);
        let copies = if threads <= MOST_COPIES && only_linear_reads_input(network) { threads.max(1) } else { 1 };
        let bands = network.stages.iter().enumerate().map(|(index, stage)| {
            let rows = |step: usize| Buffer::filled(stage.channels * step, T::zero());
            let copies = if index == 0 { copies } else { 1 };
            let head = network.head(index);
            let mut numbers = vec![T::zero(); stage.channels * stage.numbers];
            for node in &network.nodes[stage.nodes.clone()] {
                if let Kind::BatchNorm { .. } = node.kind {
                    // A running variance starts from 1.
                    let places = (0..stage.channels).map(|channel| channel * stage.numbers + node.numbers);
                    places.for_each(|place| numbers[place + super::local::RUNNING_VARIANCE] = T::one());
                }
            }
            let sizes = match head.kind {
                Kind::Conv(window) => {
                    let shapes = [network.source(head).shape, head.shape];
                    let images = shapes.map(|shape| [shape.height, shape.width]);
                    Some(Sizes { window, channels: shapes.map(|shape| shape.channels), images })
                }
                _ => None,
            };
            let winograd = |way: Way, at: usize| {
                let sizes = sizes.filter(|sizes| sizes.suit_winograd(way))?;
                Some(Winograd::new(sizes, way, at, stride))
            };
            let learns_before = index > 0 && network.stages[index - 1].learns;
            Band {
                values: rows(copies * stage.values_step(stride)),
                errors: if purpose == Purpose::Training && stage.learns {
                    rows(stage.errors_step(stride))
                } else {
                    Buffer::default()
                },
                numbers,
                columns: match head.kind {
                    Kind::LayerNorm(_) => vec![T::zero(); 5 * stride],
                    _ => Vec::new(),
                },
                bounds: match head.kind {
                    Kind::Input => cut(stage.channels, INPUT_BLOCK),
                    _ if stage.values_step(stride) > LARGE => cut(stage.channels, BLOCK / 2),
                    Kind::Linear if stage.channels < MANY => cut(stage.channels, FEW_ROWS),
                    Kind::Linear => cut_at(stage.channels, ROWS, TILE),
                    _ => cut(stage.channels, BLOCK),
                },
                taps: match head.kind {
                    Kind::Conv(window) => Some(Taps::new(network, head, window, stride)),
                    _ => None,
                },
                forward: winograd(Way::Forward, head.at),
                back: match purpose {
                    Purpose::Training if learns_before => winograd(Way::Back, network.last(index - 1).error),
                    _ => None,
                },
                slope: match purpose {
                    Purpose::Training => sizes.and_then(|sizes| KernelSlope::new(sizes, stride)),
                    Purpose::Evaluation => None,
                },
            }
        });
        let bands = bands.collect();
        let row_blocks = match purpose {
            Purpose::Training => RowBlocks::new(network, stride),
            Purpose::Evaluation => RowBlocks::default(),
        };
        Passage {
            stride,
            used: 0,
            copies,
            samples: Buffer::filled(copies * stride * sample_row(network), T::zero()),
            sample_bounds: (0..=stride / LANES).map(|block| block * LANES).collect(),
            sample_blocks: (0..=stride / LANES).collect(),
            whole: (0..=copies).collect(),
            largest_samples: vec![T::zero(); copies * stride / LANES],
            bands,
            rows: Buffer::filled(row_blocks.bounds.last().copied().unwrap_or(0), T::zero()),
            row_blocks,
            targets: Targets::default(),
            losses: vec![T::zero(); stride],
            correct: 0,
        }
    }

    /// Samples that there is memory for.
    pub fn capacity(&self) -> usize {
        self.stride
    }

    /// What the next batch's outputs ought to be, to be filled in; it says how many samples there are.
    pub fn targets(&mut self) -> &mut Targets<T> {
        &mut self.targets
    }

    /// Takes in a batch whose targets are there: `write(i, row)` writes sample i's values. While they are in the nearest
    /// cache they are laid out as the first layer reads them, too.
    ///
    /// # Panics
    /// Where there are more targets than memory.
    pub fn fill(&mut self, crew: &mut impl Crew, setting: Setting<'_, T>, write: impl Fn(usize, &mut [T]) + Sync) {
        let (width, row) = (setting.network.input().values(), sample_row(setting.network));
        let used = self.targets.samples(setting.network.outputs());
        assert!(used <= self.stride, "memory for at most {} samples, got {used}", self.stride);
        self.used = used;
        let (network, instructions) = (setting.network, setting.instructions);
        let (stage, input, stride) = (&network.stages[0], &network.nodes[0], self.stride);
        // A channel of one pixel is a row, and all channels together a matrix.
        let step = stage.values_step(stride);
        let layout = match input.shape.pixels() {
            1 => Matrices { count: 1, step: stage.channels * step, rows: stage.channels, row: step },
            pixels => Matrices { count: stage.channels, step, rows: pixels, row: stride },
        };
        let (blocks, band) = (&self.sample_bounds, &mut self.bands[0]);
        let lay_out = |block: usize, samples: &mut [T], most: &mut T, mut columns: Columns<'_, T>| {
            for (sample, values) in samples.chunks_exact_mut(row).enumerate() {
                let sample = block * LANES + sample;
                if sample < used { write(sample, &mut values[..width]) } else { values.fill(T::zero()) }
            }
            *most = T::from_magnitude(largest(instructions, samples));
            for matrix in 0..layout.count {
                columns.write_transposed(instructions, (&samples[matrix * layout.rows..], row), matrix);
            }
        };
        if self.copies > 1 {
            let whole = &self.whole;
            let arenas = [
                Arena { values: &mut self.samples, bounds: whole, unit: stride * row },
                Arena { values: &mut self.largest_samples, bounds: whole, unit: stride / LANES },
                Arena { values: &mut band.values, bounds: whole, unit: stage.channels * step },
            ];
            crew.share_out(self.copies, arenas, |_, [samples, most, values]| {
                let blocks = samples.chunks_exact_mut(LANES * row).zip(most);
                for (block, (samples, most)) in blocks.enumerate() {
                    let columns = Columns::of(values, layout, block * LANES..(block + 1) * LANES);
                    lay_out(block, samples, most, columns);
                }
            });
        } else {
            let arenas = [
                Arena { values: &mut self.samples, bounds: blocks, unit: row },
                Arena { values: &mut self.largest_samples, bounds: &self.sample_blocks, unit: 1 },
            ];
            crew.share_out_columns(
                blocks.len() - 1,
                arenas,
                (&mut band.values, layout, blocks),
                |block, [samples, most], columns| {
                    lay_out(block, samples, &mut most[0], columns);
                },
            );
        }
        if network.stages[0].nodes.len() == 1 {
            // All there is to know of them, in the place of the first channel's.
            let most = self.largest_samples.iter().map(|most| most.magnitude_bits()).fold(T::Bits::default(), Ord::max);
            band.numbers[LARGEST_VALUE] = T::from_magnitude(most);
        }
    }

    /// What batch normalisation remembers of past batches, in the order of [`Network::buffers`].
    pub fn buffers(&self, network: &Network) -> Vec<Vec<T>> {
        let mut buffers = Vec::new();
        self.clone().each_buffer(network, |buffer| buffers.push(buffer.iter().map(|value| **value).collect()));
        buffers
    }

    /// Puts them in their places.
    ///
    /// # Panics
    /// Where they differ from [`Network::buffers`] in number or length.
    pub fn set_buffers(&mut self, network: &Network, buffers: &[Vec<T>]) {
        let mut given = buffers.iter();
        self.each_buffer(network, |mut buffer| {
            let given = given.next().expect("as many buffers as the network has");
            assert_eq!(buffer.len(), given.len(), "a buffer's length");
            buffer.iter_mut().zip(given).for_each(|(place, &value)| **place = value);
        });
    }

    /// Takes over what another passage's batch normalisation remembers.
    pub fn remember_as(&mut self, other: &Passage<T>) {
        for (band, other) in self.bands.iter_mut().zip(&other.bands) {
            band.numbers.copy_from_slice(&other.numbers);
        }
    }

    /// Copies what a forward pass changes beside the batch's own values, so that it can be taken back.
    pub fn save_numbers(&self, saved: &mut Vec<T>) {
        saved.clear();
        self.bands.iter().for_each(|band| saved.extend_from_slice(&band.numbers));
    }

    /// Takes back what a forward pass did to the running statistics of batch normalisation.
    ///
    /// # Panics
    /// Where `saved` was saved of another network.
    pub fn take_back_numbers(&mut self, saved: &[T]) {
        let mut rest = saved;
        for band in &mut self.bands {
            let (own, later) = rest.split_at(band.numbers.len());
            band.numbers.copy_from_slice(own);
            rest = later;
        }
    }

    /// What of the forward pass is not finite first, in words; `None` where all values are.
    pub fn first_not_finite(&self, network: &Network) -> Option<String> {
        let odd = |stage: usize| {
            let numbers = self.bands[stage].numbers.chunks_exact(network.stages[stage].numbers);
            numbers.into_iter().any(|numbers| !is_finite(numbers[LARGEST_VALUE]))
        };
        let stage = (0..network.stages.len()).find(|&stage| odd(stage))?;
        let head = network.head(stage);
        Some(match head.kind {
            Kind::Input => "the input".into(),
            _ => format!("the output of {}", network.layers[network.tensors[head.tensors[0]].layer].name),
        })
    }

    /// The layer whose normalisation would remember something that is not finite; `None` where all is well.
    pub fn first_odd_memory<'n>(&self, network: &'n Network) -> Option<&'n str> {
        let odd = |node: &&Node| {
            let numbers = self.bands[node.stage].numbers.chunks_exact(network.stages[node.stage].numbers);
            numbers.into_iter().any(|numbers| {
                let own = &numbers[node.numbers..];
                [super::local::RUNNING_MEAN, super::local::RUNNING_VARIANCE].iter().any(|&at| !is_finite(own[at]))
            })
        };
        let norms = network.nodes.iter().filter(|node| matches!(node.kind, Kind::BatchNorm { .. }));
        let node = norms.into_iter().find(odd)?;
        Some(&network.layers[network.tensors[node.tensors[0]].layer].name)
    }

    fn each_buffer(&mut self, network: &Network, mut visit: impl FnMut(Vec<&mut T>)) {
        for node in network.nodes.iter().filter(|node| matches!(node.kind, Kind::BatchNorm { .. })) {
            for number in [super::local::RUNNING_MEAN, super::local::RUNNING_VARIANCE] {
                let each = network.stages[node.stage].numbers;
                let numbers = self.bands[node.stage].numbers.chunks_exact_mut(each);
                visit(numbers.map(|numbers| &mut numbers[node.numbers + number]).collect());
            }
        }
    }
}

/// Which copy of the samples the thread has made that computes part `part` of the `parts` of a layer.
pub(super) fn copy_at(copies: usize, part: usize, parts: usize) -> usize {
    part * copies / parts
}

/// Whether samples go into fully connected layers and nowhere else.
fn only_linear_reads_input(network: &Network) -> bool {
    let mut later = network.nodes.iter().skip(1);
    let lone = network.stages[0].nodes.len() == 1;
    lone && later.all(|node| match node.kind {
        Kind::Sum(other) => network.nodes[other].stage > 0,
        _ => network.source(node).stage > 0 || node.kind == Kind::Linear,
    })
}

/// Values from one sample to the next.
pub(super) fn sample_row(network: &Network) -> usize {
    sample_step(network.input().values())
}

/// From one sample of so many values to the next: whole vectors, and not a multiple of 4096 bytes of f32, at which all samples'
/// values of one place would want the same few places of a cache.
pub(super) fn sample_step(values: usize) -> usize {
    match values.next_multiple_of(LANES) {
        step if step > 0 && step % 1024 == 0 => step + LANES,
        step => step,
    }
}

/// Channels cut into tasks of at most so many. Their number is even: with one task left over, one of two cores waits.
fn cut(channels: usize, block: usize) -> Vec<usize> {
    cut_at(channels, block, 1)
}

/// The same at multiples of `unit`, which `block` is one of too; there are more channels than in a task.
fn cut_at(channels: usize, block: usize, unit: usize) -> Vec<usize> {
    let tasks = channels.div_ceil(block).next_multiple_of(2).min(channels);
    // Rounded up, so that the last one is not larger than the others.
    let inner = (1..tasks).map(|task| (task * channels).div_ceil(tasks * unit) * unit);
    std::iter::once(0).chain(inner).chain([channels]).collect()
}

impl RowBlocks {
    fn new(network: &Network, stride: usize) -> Self {
        let mut blocks = RowBlocks { bounds: vec![0], ..RowBlocks::default() };
        for stage in 0..network.stages.len() {
            let head = network.head(stage);
            let source = network.source(head);
            let wanted = head.kind == Kind::Linear && source.kind != Kind::Input;
            let end = blocks.bounds[blocks.bounds.len() - 1];
            blocks.starts.push(wanted.then_some(end));
            if wanted {
                let row = sample_step(source.shape.values());
                for first in (0..stride).step_by(LANES) {
                    blocks.tasks.push([stage, first]);
                    blocks.bounds.push(end + (first + LANES) * row);
                }
            }
        }
        blocks
    }
}
