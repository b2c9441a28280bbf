//! The figures of `bench/README.md` about the services: `cargo bench -p gantry-services`.
//!
//! A path to a Python that has `numpy`, given behind `--`, adds a comparison with it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gantry_core::Principal;
use gantry_core::clock::SystemClock;
use gantry_services::{Effort, NoLink, Ports, Services, Tool, catalogue};

/// What figures are about.
struct Bench {
    services: Services,
    principal: Principal,
}

/// Numbers that look random and are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        // A linear congruential generator; its upper bits are good enough for figures.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        self.0 >> 33
    }

    fn vector(&mut self, length: usize) -> String {
        let numbers: Vec<String> =
            (0..length).map(|_| format!("0.{:07}", self.next() % 10_000_000)).collect();
        format!("[{}]", numbers.join(","))
    }

    fn text(&mut self, n_words: usize) -> String {
        // Low numbers are common words, high ones rare.
        let mut word = || format!("w{}", (self.next() % 200) * (self.next() % 200));
        (0..n_words).map(|_| word()).collect::<Vec<_>>().join(" ")
    }

    fn documents(&mut self, range: std::ops::Range<usize>, n_words: usize) -> String {
        let documents: Vec<String> = range
            .map(|at| format!(r#"{{"docId":"d{at}","content":"{}"}}"#, self.text(n_words)))
            .collect();
        format!("[{}]", documents.join(","))
    }
}

/// Returns the milliseconds that `numpy` takes for all pairs.
#[expect(clippy::disallowed_methods, reason = "a measurement has nobody to stop its children for")]
fn by_numpy(python: &str) -> f64 {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/pairwise.py");
    let output = Command::new(python).args([script, "1415", "384"]).output();
    let output = output.expect("the Python can be started").stdout;
    let text = String::from_utf8(output).expect("the script prints text");
    text.trim().parse().expect("the script prints a number")
}

impl Bench {
    fn call(&self, service: &str, tool: &'static Tool, arguments: &str) -> Duration {
        let service = catalogue::find(service).expect("there is such a service");
        let context = self.services.context(service, &self.principal, &NoLink);
        let started = Instant::now();
        let answer = Services::call(&context, tool, arguments.as_bytes());
        let took = started.elapsed();
        answer.expect("the arguments are good");
        took
    }

    /// Returns the milliseconds of the best of several calls.
    fn best(&self, service: &str, tool: &str, arguments: &str) -> f64 {
        let found = catalogue::find(service).expect("there is such a service");
        let tool = found.tool(tool).expect("there is such a tool");
        let calls = (0..10).map(|_| self.call(service, tool, arguments));
        calls.min().expect("there were calls").as_secs_f64() * 1e3
    }

    fn vectors(&self, report: &mut String, python: Option<&str>) {
        let mut numbers = Numbers(1);
        let rows: Vec<String> = (0..1415).map(|_| numbers.vector(384)).collect();
        let of = |pairwise: bool| {
            let vectors = rows.join(",");
            let arguments = format!(r#"{{"vectors":[{vectors}],"calculate_pairwise":{pairwise}}}"#);
            (self.best("vector_similarity", "vector_statistics_mcp", &arguments), arguments.len())
        };
        let ((plain, _), (pairwise, bytes)) = (of(false), of(true));
        let megabytes = bytes >> 20;
        line(report, &format!("statistics of 1415 x 384 ({megabytes} MiB), all pairs"), pairwise);
        line(report, "the pairs alone: products, norms, spread", pairwise - plain);
        if let Some(python) = python {
            let numpy = by_numpy(python);
            line(report, "NumPy, A @ A.T of the same size on one thread", numpy);
            line(report, "the share of NumPy's speed", numpy / (pairwise - plain));
        }
        let candidates: Vec<String> = (0..2500)
            .map(|at| format!(r#"{{"id":"v{at}","vector":{}}}"#, numbers.vector(384)))
            .collect();
        let arguments = format!(
            r#"{{"query_vector":{},"candidate_vectors":[{}]}}"#,
            numbers.vector(384),
            candidates.join(",")
        );
        let took = self.best("vector_similarity", "batch_vector_similarity_mcp", &arguments);
        line(report, "the best 10 of 2500 x 384", took);
    }

    fn documents(&self, report: &mut String) {
        let mut numbers = Numbers(2);
        let arguments =
            format!(r#"{{"query":"w12 w400 w9","documents":{}}}"#, numbers.documents(0..5000, 60));
        let took = self.best("vector_ranking", "calculate_bm25_scores_mcp", &arguments);
        line(report, "BM25 of 5000 documents of 60 words, sent along", took);
        let service = catalogue::find("vector_ranking").expect("there is such a service");
        let register = service.tool("register_collection").expect("there is such a tool");
        let mut registering = Duration::ZERO;
        for start in (0..100_000).step_by(10_000) {
            let documents = numbers.documents(start..start + 10_000, 60);
            let arguments =
                format!(r#"{{"index_id":"all","append":true,"documents":{documents}}}"#);
            registering += self.call("vector_ranking", register, &arguments);
        }
        line(report, "registering 100000 such documents", registering.as_secs_f64() * 1e3);
        let arguments = r#"{"query":"w12 w400 w9","index_id":"all"}"#;
        let took = self.best("vector_ranking", "calculate_bm25_scores_mcp", arguments);
        line(report, "BM25 of 100000 registered documents", took);
    }

    /// Calls every light tool with its examples.
    fn light(&self, report: &mut String) {
        let mut slowest = (0.0, "");
        for service in catalogue() {
            for tool in service.every_tool().filter(|tool| tool.effort == Effort::Light) {
                for example in tool.examples {
                    let calls = (0..200).map(|_| self.call(service.name, tool, example.arguments));
                    let mut calls: Vec<Duration> = calls.collect();
                    calls.sort_unstable();
                    let median = calls[calls.len() / 2].as_secs_f64() * 1e3;
                    if median > slowest.0 {
                        slowest = (median, tool.name);
                    }
                }
            }
        }
        line(report, &format!("the slowest small call, the median ({})", slowest.1), slowest.0);
    }
}

fn line(report: &mut String, what: &str, number: f64) {
    writeln!(report, "| {what} | {number:.3} |").expect("text can be written");
}

fn main() -> std::io::Result<()> {
    let python = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let bench = Bench {
        services: Services::new(Ports::detached(Arc::new(SystemClock))),
        principal: Principal::anonymous(),
    };
    let mut report = String::from("| what | ms |\n|---|---|\n");
    bench.vectors(&mut report, python.as_deref());
    bench.documents(&mut report);
    bench.light(&mut report);
    std::io::stdout().write_all(report.as_bytes())
}
