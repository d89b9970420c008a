#!/usr/bin/env bash
# tracing-flame 0.2.0 (Rust): a thread that begins late is shown with all the time since the program began; threads of a millisecond are the widest in the graph.
#
# Expected: a folded stack of a thread has what passed in that thread: its spans, and, as documented, time without a span ("idling, or doing uninteresting work"), which begins when the thread does.
# Happens:  a thread's clock begins with the program. Its first span writes the program's age to the thread, as time without a span. Of a program that starts a thread for each job, the graph is a hundred times the program's life
#           wide, and the spans are too small to see; with threads collapsed all of it is one "all-threads". with_empty_samples(false) leaves out that, and all real waiting between spans with it.
# Seen (rustc 1.95; after a second, ten threads one after the other, each of which has a span of 10 ms and ends):
#   "the program ran for 1.1 s; the threads' spans: 0.1 s; the threads without a span: 10.5 s"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs cargo and rustc).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat >Cargo.toml <<'T'
[package]
name = "jobs"
version = "0.0.0"
edition = "2021"

[dependencies]
tracing = { version = "=0.1.44", default-features = false, features = ["std"] }
tracing-flame = { version = "=0.2.0", default-features = false }
tracing-subscriber = { version = "=0.3.23", default-features = false, features = ["registry", "std"] }
T
cat >src/main.rs <<'R'
use std::{thread, time::{Duration, Instant}};
use tracing_subscriber::layer::SubscriberExt;

fn main() {
    let begin = Instant::now();
    let (layer, guard) = tracing_flame::FlameLayer::with_file("folded.txt").unwrap();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
    thread::sleep(Duration::from_secs(1));
    for _ in 0..10 {
        let job = thread::Builder::new().name("job".into());
        job.spawn(|| {
            let _span = tracing::info_span!("work").entered();
            thread::sleep(Duration::from_millis(10));
        })
        .unwrap()
        .join()
        .unwrap();
    }
    drop(guard);
    println!("{:.1}", begin.elapsed().as_secs_f64());
}
R
CARGO_TARGET_DIR="$folder/target" cargo build --quiet >log 2>&1 || { cat log; exit 2; }
ran=$(target/debug/jobs)
read -r spans without < <(awk '/job/ { if (index($0, "work")) spans += $NF; else without += $NF } END { printf "%.1f %.1f\n", spans / 1e9, without / 1e9 }' folded.txt)
echo "the program ran for $ran s; the threads' spans: $spans s; the threads without a span: $without s"
awk "BEGIN { exit !($ran < 5 && $without > 4 * $ran && $spans < $ran) }"
