//! A simulated rugs.fun beside a test.

use replayer::simulator::serve::{Running, ServerConfig, start};

/// A simulated rugs.fun with a runtime of its own.
pub struct Site {
    pub runtime: tokio::runtime::Runtime,
    running: Option<Running>,
}

impl Site {
    /// Starts to serve.
    pub fn start(config: ServerConfig) -> Site {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let running = runtime.block_on(start(config)).unwrap();
        Site { runtime, running: Some(running) }
    }

    /// The server.
    pub fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    /// Its address, as `--feed` takes it.
    pub fn feed(&self) -> String {
        format!("ws://{}", self.running().addr())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }
}
