//! The bytes of a file as they were before they were packed: plain, compressed (gzip, zstd, xz), a member of a ZIP archive,
//! UTF-16. Opened as often as needed, read in bounded memory.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::utf16::Utf16Reader;
use super::zip::{Limited, Member};

/// How often packed things may be in packed things.
pub const DEEPEST: usize = 4;

/// A packed file may be this many bytes whatever it is made of.
const ALWAYS_ALLOWED: u64 = 1 << 30;
/// Beyond that, no more than this many bytes for each packed byte: text of games packs ten- to hundredfold.
const MOST_TIMES: u64 = 400;

/// How bytes are packed.
#[derive(Debug, Clone)]
pub enum Layer {
    /// gzip, also several members one after the other.
    Gzip,
    /// Zstandard.
    Zstd,
    /// xz.
    Xz,
    /// UTF-16, little-endian or big-endian; read as UTF-8.
    Utf16 {
        /// Most significant byte first.
        big_endian: bool,
    },
    /// A member of a ZIP archive.
    Member(Arc<Member>),
}

impl Layer {
    /// What a file that begins like this is packed with.
    pub fn by_signature(head: &[u8]) -> Option<Layer> {
        match head {
            [0x1F, 0x8B, ..] => Some(Layer::Gzip),
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Some(Layer::Zstd),
            [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => Some(Layer::Xz),
            [0xFF, 0xFE, ..] => Some(Layer::Utf16 { big_endian: false }),
            [0xFE, 0xFF, ..] => Some(Layer::Utf16 { big_endian: true }),
            // Without a mark: JSON and frames begin with ASCII.
            [0x20..=0x7E, 0, 0x20..=0x7E, 0, ..] => Some(Layer::Utf16 { big_endian: false }),
            [0, 0x20..=0x7E, 0, 0x20..=0x7E, ..] => Some(Layer::Utf16 { big_endian: true }),
            _ => None,
        }
    }

    /// For the report.
    pub fn name(&self) -> &'static str {
        match self {
            Layer::Gzip => "gzip",
            Layer::Zstd => "zstd",
            Layer::Xz => "xz",
            Layer::Utf16 { .. } => "UTF-16",
            Layer::Member(_) => "ZIP",
        }
    }
}

/// Where the bytes of a file come from.
#[derive(Debug, Clone)]
pub struct Input {
    path: PathBuf,
    layers: Vec<Layer>,
}

impl Input {
    /// A file as it is.
    pub fn new(path: &Path) -> Input {
        Input { path: path.to_owned(), layers: Vec::new() }
    }

    /// What is inside of it.
    pub fn within(&self, layer: Layer) -> Input {
        let mut layers = self.layers.clone();
        layers.push(layer);
        Input { path: self.path.clone(), layers }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it is packed, the outermost first.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Whether the bytes are those of the file itself.
    pub fn is_plain(&self) -> bool {
        self.layers.is_empty()
    }

    /// The bytes, from the `start`th on.
    ///
    /// # Errors
    /// Those of the system; what is damaged, or unpacks to more than it may.
    pub fn open(&self, start: u64) -> io::Result<Box<dyn Read>> {
        let mut file = File::open(&self.path)?;
        if self.is_plain() {
            file.seek(SeekFrom::Start(start))?;
            return Ok(Box::new(file));
        }
        let packed = match self.layers.first() {
            Some(Layer::Member(member)) => member.packed,
            _ => file.metadata()?.len(),
        };
        let mut reader: Box<dyn Read> = Box::new(file);
        for (depth, layer) in self.layers.iter().enumerate() {
            reader = match layer {
                Layer::Gzip => {
                    Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(1 << 16, reader)))
                }
                Layer::Zstd => Box::new(zstd::stream::read::Decoder::new(reader)?),
                Layer::Xz => Box::new(lzma_rust2::XzReader::new(BufReader::with_capacity(1 << 16, reader), true)),
                Layer::Utf16 { big_endian } => Box::new(Utf16Reader::new(reader, *big_endian)),
                Layer::Member(member) if depth == 0 => member.open(File::open(&self.path)?)?,
                Layer::Member(_) => return Err(io::Error::other("an archive within a packed file")),
            };
        }
        let most = ALWAYS_ALLOWED.max(packed.saturating_mul(MOST_TIMES));
        let mut reader = Limited::new(reader, most);
        let skipped = io::copy(&mut reader.by_ref().take(start), &mut io::sink())?;
        if skipped < start {
            return Err(io::Error::other("the file became shorter while it was read"));
        }
        Ok(Box::new(reader))
    }
}
