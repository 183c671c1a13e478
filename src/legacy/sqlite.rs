//! stub
use super::import::Job;
use super::ingest::Interrupted;
use super::report::FileReport;
use super::target::Target;
pub(super) fn import<T: Target>(_job: &Job<'_>, _target: &mut T, _report: &mut FileReport) -> Result<(), Interrupted> {
    Ok(())
}
