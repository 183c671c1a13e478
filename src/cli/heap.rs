//! How the heap of a process that runs for weeks is kept small.
//!
//! Sealing a segment takes buffers of 8 to 16 MiB. glibc gives such buffers pages of their own and returns them when
//! they are freed, until the first of them was freed: then it takes the later ones from the heap, where they leave
//! holes. Measured over twelve segments: 164 MiB at the peak and 116 afterwards; with a fixed threshold 109 and 69.

/// Fixes glibc's threshold, for processes that record. Other allocators need nothing. To be called before threads start.
pub fn return_large_buffers() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        /// Buffers from here on get pages of their own, bytes.
        const THRESHOLD: libc::c_int = 1 << 20;
        #[expect(unsafe_code, reason = "a C function with no preconditions; no safe binding exists")]
        // SAFETY: `mallopt` reads its two integers and may be called at any time.
        let set = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, THRESHOLD) };
        if set == 0 {
            tracing::debug!("glibc refused its mmap threshold");
        }
    }
}
