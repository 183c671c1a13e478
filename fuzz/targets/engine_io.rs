//! Any texts as the packets of one connection: no panic, whatever they ask for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use replayer_networks::read_packets;

fuzz_target!(|texts: &str| {
    read_packets("/", texts);
    read_packets("/admin", texts);
});
