//! What a worker gives up before it looks at the first query.
//!
//! The gate decides what runs; this is the second wall, for what the gate or DuckDB may get wrong. On Linux
//! the kernel then refuses to open anything but the data root for reading, to write any file, and to connect
//! anywhere. Elsewhere only the stdout guard exists, and the report says so.

use std::fs::File;
use std::path::Path;

use super::protocol::SandboxReport;

/// Takes stdout for the pipe to the parent and points fd 1 at stderr, so that nothing else in the process (a
/// progress bar, a stray print in C++) can write into the protocol.
///
/// # Errors
/// The operating system's, when descriptors cannot be duplicated.
pub fn take_stdout() -> std::io::Result<File> {
    #[cfg(unix)]
    {
        let pipe = rustix::io::dup(rustix::stdio::stdout())?;
        rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
        Ok(File::from(pipe))
    }
    #[cfg(windows)]
    {
        use std::os::windows::io::AsHandle;
        let handle = std::io::stdout().as_handle().try_clone_to_owned()?;
        Ok(File::from(handle))
    }
}

/// Drops rights for good. Call it before any thread is started: Landlock binds the calling thread and what it
/// starts afterwards.
///
/// `memory_mib` is DuckDB's own limit; the hard limit on data pages leaves room above it for what DuckDB does
/// not count. Nothing here fails the worker: a kernel without Landlock still has the gate.
pub fn drop_rights(root: &Path, memory_mib: u64) -> SandboxReport {
    #[cfg(target_os = "linux")]
    {
        let mut report = SandboxReport { limits: limits(memory_mib), ..SandboxReport::default() };
        report.landlock = landlock(root).unwrap_or_else(|error| format!("none: {error}"));
        report
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (root, memory_mib);
        SandboxReport { landlock: "none: not Linux".into(), limits: Vec::new() }
    }
}

/// No file may grow, no core is dumped, data pages are bounded.
#[cfg(target_os = "linux")]
fn limits(memory_mib: u64) -> Vec<String> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    // Allocations outside DuckDB's accounting (JSON, regular expressions, Arrow) and the thread stacks.
    let data = (memory_mib * 2 + 1024) * 1024 * 1024;
    [("file size", Resource::Fsize, 0), ("core", Resource::Core, 0), ("data", Resource::Data, data)]
        .into_iter()
        .filter_map(|(name, resource, bytes)| {
            let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
            setrlimit(resource, limit).ok().map(|()| format!("{name} <= {bytes} bytes"))
        })
        .collect()
}

/// Everything is handled (refused), but for reading below the data root and the control groups' numbers: DuckDB
/// 1.5.6 aborts at start when it sees those files and may not read them. The loader has mapped all libraries by
/// now and time zones are built in, so nothing else of `/proc`, `/sys` or `/usr` is needed.
#[cfg(target_os = "linux")]
fn landlock(root: &Path) -> Result<String, landlock::RulesetError> {
    use landlock::{
        ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr,
        RulesetStatus, Scope, path_beneath_rules,
    };
    let abi = ABI::V6;
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?
        .add_rules(path_beneath_rules([root], AccessFs::ReadFile | AccessFs::ReadDir))?
        .add_rules(path_beneath_rules(["/proc/self/cgroup", "/sys/fs/cgroup"], AccessFs::ReadFile))?
        .restrict_self()?;
    let what = match status.ruleset {
        RulesetStatus::FullyEnforced => "full",
        RulesetStatus::PartiallyEnforced => "partial",
        RulesetStatus::NotEnforced => "none: this kernel has no Landlock",
    };
    Ok(what.to_owned())
}
