//! Samples whose targets say nothing of their inputs.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;

use wdtop::random::{Generator, Purpose};

/// Values of a sample.
const INPUTS: usize = 64;
/// Labels that there are, or values to come close to.
const OUTPUTS: usize = 10;

/// What samples have beside their inputs.
#[derive(Clone, Copy)]
pub enum Targets {
    /// One of ten labels.
    Labels,
    /// Ten normal values, with a standard deviation of 100.
    Values,
}

/// Writes so many samples to a folder as arrays: inputs are normal, and targets are drawn without a look at them.
pub fn write(folder: &Path, samples: usize, targets: Targets) -> anyhow::Result<()> {
    let mut generator = Generator::new(0, Purpose::Init, 0);
    let mut x = array(&folder.join("x.npy"), "<f4", &format!("({samples}, {INPUTS})"))?;
    let (element, shape) = match targets {
        Targets::Labels => ("|u1", format!("({samples},)")),
        Targets::Values => ("<f4", format!("({samples}, {OUTPUTS})")),
    };
    let mut y = array(&folder.join("y.npy"), element, &shape)?;
    for _ in 0..samples {
        for _ in 0..INPUTS {
            x.write_all(&(generator.normal() as f32).to_le_bytes())?;
        }
        match targets {
            Targets::Labels => y.write_all(&[generator.below(OUTPUTS) as u8])?,
            Targets::Values => {
                for _ in 0..OUTPUTS {
                    y.write_all(&(100.0 * generator.normal() as f32).to_le_bytes())?;
                }
            }
        }
    }
    x.flush()?;
    y.flush()?;
    Ok(())
}

/// Begins an array in NumPy's format.
fn array(path: &Path, element: &str, shape: &str) -> anyhow::Result<BufWriter<fs::File>> {
    let header = format!("{{'descr': '{element}', 'fortran_order': False, 'shape': {shape}, }}");
    // Magic number, version and length of the header are 10 bytes, and elements begin at a multiple of 64.
    let padded = (10 + header.len() + 1).next_multiple_of(64) - 10;
    let mut file = BufWriter::new(fs::File::create(path)?);
    file.write_all(b"\x93NUMPY\x01\x00")?;
    file.write_all(&(padded as u16).to_le_bytes())?;
    writeln!(file, "{header:<0$}", padded - 1)?;
    Ok(file)
}
