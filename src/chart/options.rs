//! How a chart is to look.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::error::ChartError;

/// Pixels of a side.
pub const SIZES: RangeInclusive<u32> = 300..=2000;
/// Usual width, pixels: what vision models take without shrinking it.
pub const WIDTH: u32 = 1200;
/// Usual height, pixels.
pub const HEIGHT: u32 = 700;

/// The price axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(schemars::JsonSchema)]
pub enum Scale {
    /// From 0, equal steps.
    #[default]
    Linear,
    /// Equal ratios are equal distances: for high peaks, and to see the rug price.
    Log,
}

/// The colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(schemars::JsonSchema, clap::ValueEnum)]
pub enum Theme {
    /// Light on dark.
    #[default]
    Dark,
    /// Dark on white, for print.
    Light,
}

/// How a chart is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// The price axis.
    pub scale: Scale,
    /// The colours.
    pub theme: Theme,
}

impl Default for Options {
    fn default() -> Self {
        Options { width: WIDTH, height: HEIGHT, scale: Scale::default(), theme: Theme::default() }
    }
}

impl Options {
    /// # Errors
    /// [`ChartError::Size`] when a side is out of [`SIZES`].
    pub fn check(&self) -> Result<(), ChartError> {
        for (side, asked) in [("width", self.width), ("height", self.height)] {
            if !SIZES.contains(&asked) {
                return Err(ChartError::Size { side, asked: u64::from(asked) });
            }
        }
        Ok(())
    }
}
