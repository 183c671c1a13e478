//! Import and export as a person runs them: the binary, its exit codes, and being killed.

mod exporting;
mod following;
mod interrupted_import;
mod migration_check;
mod odd_values;
mod pipes;
mod same_again;
mod shapes;
mod zones;
