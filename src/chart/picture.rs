//! The finished picture: a PNG that stays under what hosts accept.
//!
//! Written here and not with a PNG library: those turn on features of the compression library that all of Lance is
//! built with. The format needs a head, one compressed block and three checksums.

use std::io::Write as _;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

use super::canvas::Canvas;
use super::error::ChartError;

/// Most bytes of a picture. Hosts refuse results of a megabyte, and base64 adds a third.
pub const MOST_BYTES: usize = 600_000;

/// A PNG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The file's bytes.
    pub png: Vec<u8>,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// Bytes that every PNG begins with.
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Eight bits each of red, green, blue; the only compression, filters and no interlacing.
const FORMAT: &[u8] = &[8, 2, 0, 0, 0];
/// The filter of a row that says the difference to the row above: charts are mostly columns of one colour.
const UP: u8 = 2;

/// Writes the PNG.
pub(super) fn encode(canvas: &Canvas) -> Result<Picture, ChartError> {
    let failed = |error: std::io::Error| ChartError::Picture(error.to_string());
    let mut block = ZlibEncoder::new(Vec::new(), Compression::new(7));
    let mut above: Vec<u8> = vec![0; canvas.width() as usize * 3];
    for row in canvas.rows() {
        let bytes: Vec<u8> = row.iter().flatten().copied().collect();
        let filtered: Vec<u8> = bytes.iter().zip(&above).map(|(byte, above)| byte.wrapping_sub(*above)).collect();
        block.write_all(&[UP]).map_err(failed)?;
        block.write_all(&filtered).map_err(failed)?;
        above = bytes;
    }
    let block = block.finish().map_err(failed)?;

    let mut png = SIGNATURE.to_vec();
    let mut head = [canvas.width().to_be_bytes(), canvas.height().to_be_bytes()].concat();
    head.extend_from_slice(FORMAT);
    for (name, data) in [(b"IHDR", &head), (b"IDAT", &block), (b"IEND", &Vec::new())] {
        chunk(&mut png, name, data)?;
    }
    if png.len() > MOST_BYTES {
        let why = format!("it has {} bytes, at most {MOST_BYTES} can be sent: ask for fewer pixels", png.len());
        return Err(ChartError::Picture(why));
    }
    Ok(Picture { png, width: canvas.width(), height: canvas.height() })
}

/// Length, name, data, checksum of name and data.
fn chunk(png: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) -> Result<(), ChartError> {
    let length = u32::try_from(data.len()).map_err(|error| ChartError::Picture(error.to_string()))?;
    let mut sum = Crc::new();
    sum.update(name);
    sum.update(data);
    png.extend_from_slice(&length.to_be_bytes());
    png.extend_from_slice(name);
    png.extend_from_slice(data);
    png.extend_from_slice(&sum.sum().to_be_bytes());
    Ok(())
}
