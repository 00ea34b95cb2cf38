//! Snapshots: `snapshots/STEP.safetensors`, a file that PyTorch's safetensors loads.
//!
//! | name in the file | what |
//! |---|---|
//! | `fc1.weight` | a parameter, under the name and with the shape that PyTorch gives it |
//! | `bn1.running_mean` | what batch normalisation remembers |
//! | `optimizer/exp_avg/fc1.weight` | a state tensor of the update rule |
//! | `optimizer/NAME` | a number that the rule keeps for each tensor, f64 |
//!
//! The header's metadata has the counters and the hyperparameters in force. What is random derives from the seed (in
//! `session.json`) and the counters: dropout and gradient noise from the number of updates, the order of the samples
//! and augmentation from the epoch, which the step gives. So no generator's state is kept, and none is missing.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::error::Error;
use crate::stream::{Checkpoint, TensorInfo};

/// The folder of a session's snapshots.
const SNAPSHOTS: &str = "snapshots";
/// What names of the update rule's values begin with.
const OPTIMIZER: &str = "optimizer/";

/// Where the snapshot of a step is.
pub(super) fn path(session: &Path, step: u64) -> PathBuf {
    session.join(SNAPSHOTS).join(format!("{step}.safetensors"))
}

/// Writes a snapshot, whole or not at all; the bytes it has.
pub(super) fn write(session: &Path, tensors: &[TensorInfo], checkpoint: &Checkpoint) -> io::Result<u64> {
    let bytes = encode(tensors, checkpoint)?;
    let path = path(session, checkpoint.step);
    let draft = path.with_extension("safetensors.new");
    fs::create_dir_all(session.join(SNAPSHOTS))?;
    let written = File::create(&draft).and_then(|mut file| {
        file.write_all(&bytes)?;
        sync(&file)
    });
    written.and_then(|()| fs::rename(&draft, &path)).inspect_err(|_| drop(fs::remove_file(&draft)))?;
    // The new name is on the disk once its folder is; where a folder cannot be opened, as on Windows, it need not.
    File::open(session.join(SNAPSHOTS)).map_or(Ok(()), |folder| sync(&folder))?;
    Ok(bytes.len() as u64)
}

/// Reads the snapshot of a step.
///
/// # Errors
/// Where it cannot be read, or is none of these tensors.
pub(super) fn read(session: &Path, tensors: &[TensorInfo], step: u64) -> Result<Checkpoint, Error> {
    let path = path(session, step);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(source) => return Err(Error::Read { path, source }),
    };
    decode(&bytes, tensors).map_err(|reason| Error::Snapshot { path, reason })
}

fn encode(tensors: &[TensorInfo], checkpoint: &Checkpoint) -> io::Result<Vec<u8>> {
    let Checkpoint { step, seconds, updates, knobs, weights, state, scalars, buffers } = checkpoint;
    let mut parts: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
    let mut add = |prefix: String, values: &[f32]| {
        let mut rest = values;
        for tensor in tensors {
            let (these, others) = rest.split_at(tensor.len().min(rest.len()));
            let bytes = these.iter().flat_map(|value| value.to_le_bytes()).collect();
            parts.push((format!("{prefix}{}", tensor.name), Dtype::F32, tensor.shape.clone(), bytes));
            rest = others;
        }
    };
    add(String::new(), weights);
    state.iter().for_each(|(name, values)| add(format!("{OPTIMIZER}{name}/"), values));
    for (name, values) in buffers {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        parts.push((name.clone(), Dtype::F32, vec![values.len()], bytes));
    }
    for (name, values) in scalars {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        parts.push((format!("{OPTIMIZER}{name}"), Dtype::F64, vec![values.len()], bytes));
    }
    let views = parts.iter().map(|(name, kind, shape, bytes)| {
        TensorView::new(*kind, shape.clone(), bytes).map(|view| (name.as_str(), view)).map_err(io::Error::other)
    });
    let metadata = HashMap::from([
        // What PyTorch's own writers put there.
        ("format".to_owned(), "pt".to_owned()),
        ("wdtop".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("step".to_owned(), step.to_string()),
        ("seconds".to_owned(), seconds.to_string()),
        ("updates".to_owned(), updates.to_string()),
        ("hyperparameters".to_owned(), serde_json::to_string(knobs)?),
    ]);
    safetensors::serialize(views.collect::<io::Result<Vec<_>>>()?, Some(metadata)).map_err(io::Error::other)
}

fn decode(bytes: &[u8], tensors: &[TensorInfo]) -> Result<Checkpoint, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    let said = |key: &str| {
        let value = header.metadata().as_ref().and_then(|metadata| metadata.get(key));
        value.ok_or_else(|| format!("its metadata has no `{key}`"))
    };
    let all = |prefix: &str| -> Result<Vec<f32>, String> {
        let mut values = Vec::new();
        for tensor in tensors {
            let name = format!("{prefix}{}", tensor.name);
            let view = file.tensor(&name).map_err(|_| format!("it has no tensor `{name}`"))?;
            if view.shape() != tensor.shape {
                return Err(format!("`{name}` has shape {:?}, the run's has {:?}", view.shape(), tensor.shape));
            }
            values.extend(singles(&name, &view)?);
        }
        Ok(values)
    };
    let mut names = file.names();
    names.sort_unstable();
    let (mut state, mut scalars, mut buffers) = (Vec::new(), Vec::new(), Vec::new());
    for name in names {
        let view = file.tensor(name).map_err(|error| error.to_string())?;
        match name.strip_prefix(OPTIMIZER).map(|own| own.split_once('/').ok_or(own)) {
            // A state tensor is read as a whole, at the first of its parts.
            Some(Ok((own, _))) if state.iter().any(|(known, _)| known == own) => {}
            Some(Ok((own, _))) => state.push((own.to_owned(), all(&format!("{OPTIMIZER}{own}/"))?)),
            Some(Err(own)) => scalars.push((own.to_owned(), doubles(name, &view)?)),
            None if tensors.iter().any(|tensor| tensor.name == name) => {}
            None => buffers.push((name.to_owned(), singles(name, &view)?)),
        }
    }
    let wrong = |key: &str| format!("`{key}` in its metadata is no number");
    Ok(Checkpoint {
        step: said("step")?.parse().map_err(|_| wrong("step"))?,
        seconds: said("seconds")?.parse().map_err(|_| wrong("seconds"))?,
        updates: said("updates")?.parse().map_err(|_| wrong("updates"))?,
        knobs: serde_json::from_str(said("hyperparameters")?).map_err(|error| format!("`hyperparameters`: {error}"))?,
        weights: all("")?,
        state,
        scalars,
        buffers,
    })
}

fn singles(name: &str, view: &TensorView<'_>) -> Result<Vec<f32>, String> {
    let (numbers, rest) = view.data().as_chunks();
    match view.dtype() {
        Dtype::F32 if rest.is_empty() => Ok(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()),
        kind => Err(format!("`{name}` is {kind:?}, not F32")),
    }
}

fn doubles(name: &str, view: &TensorView<'_>) -> Result<Vec<f64>, String> {
    let (numbers, rest) = view.data().as_chunks();
    match view.dtype() {
        Dtype::F64 if rest.is_empty() => Ok(numbers.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()),
        kind => Err(format!("`{name}` is {kind:?}, not F64")),
    }
}

/// Waits until the system has it on its disk; some file systems have no such call.
fn sync(file: &File) -> io::Result<()> {
    match file.sync_all() {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        result => result,
    }
}
