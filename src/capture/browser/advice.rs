//! How to start Chrome so that it can be recorded: texts for `replayer doctor` and for errors.

/// The system `replayer` runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// Linux and other systems with X11 or Wayland.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

impl Platform {
    /// The one this binary was built for.
    pub fn here() -> Platform {
        if cfg!(target_os = "windows") {
            Platform::Windows
        } else if cfg!(target_os = "macos") {
            Platform::MacOs
        } else {
            Platform::Linux
        }
    }
}

/// The command that starts a recordable Chrome here, on one line.
pub fn command(port: u16) -> String {
    command_on(Platform::here(), port)
}

/// The command that starts a recordable Chrome with a profile of its own.
pub fn command_on(platform: Platform, port: u16) -> String {
    let (program, profile) = match platform {
        Platform::Linux => ("google-chrome", "\"$HOME/.replayer-chrome\""),
        Platform::MacOs => {
            ("\"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome\"", "\"$HOME/.replayer-chrome\"")
        }
        Platform::Windows => (
            "& \"$env:ProgramFiles\\Google\\Chrome\\Application\\chrome.exe\"",
            "\"$env:USERPROFILE\\.replayer-chrome\"",
        ),
    };
    format!("{program} --remote-debugging-port={port} --user-data-dir={profile} https://rugs.fun")
}

/// Everything a person needs to record the browser, for `replayer doctor`.
pub fn chrome(platform: Platform, port: u16) -> String {
    let command = command_on(platform, port);
    let shell = match platform {
        Platform::Windows => "In PowerShell",
        Platform::MacOs => "In Terminal",
        Platform::Linux => "In a shell (`chromium`, `brave-browser` and `microsoft-edge` take the same options)",
    };
    format!(
        "To record what a logged-in browser sends and receives, start Chrome with a debugging port and a profile of \
         its own. {shell}:\n\n    {command}\n\n\
         Log in at rugs.fun once in that window; the profile keeps it. Then start the capture of the browser: it \
         attaches by itself, also when the tab was open before.\n\n\
         * The profile must be another than your usual one: since version 136 Chrome ignores the port with the \
         default profile. It may be open beside your usual Chrome.\n\
         * Whoever can reach the port can read and steer that browser. Chrome listens on 127.0.0.1 only; keep it \
         so, and close the browser when you are done. Use the profile for nothing else.\n\
         * `replayer` only listens: it never clicks, navigates or reloads, and keeps logins, tokens and cookies out \
         of what it stores.\n\
         * The port is in use? Take another, {other} say, and give the capture its address, \
         http://127.0.0.1:{other}.",
        other = if port == 9222 { 9223 } else { 9222 },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_gets_a_port_and_a_profile_of_its_own() {
        for platform in [Platform::Linux, Platform::MacOs, Platform::Windows] {
            let text = chrome(platform, 9222);
            assert!(text.contains("--remote-debugging-port=9222 --user-data-dir=\"$"), "{text}");
            assert!(text.contains("136"));
            assert_eq!(command_on(platform, 9222).lines().count(), 1);
        }
    }
}
