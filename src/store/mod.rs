//! The data root: journal, Parquet parts, the catalog of parts in force.
