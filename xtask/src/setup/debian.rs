//! System packages, on Debian and what descends from it.

use super::Scope;
use crate::dist;
use crate::shell;
use crate::workspace::Workspace;

/// A program we need, and the package that has it.
struct Package {
    name: &'static str,
    is_present: fn(&Workspace) -> bool,
}

/// Tests and benchmark both have it.
const NGINX: Package = Package {
    name: "nginx-light",
    is_present: |workspace| shell::find_program(workspace, "nginx").is_some(),
};

const FOR_TESTS: &[Package] = &[
    // The guides use it, and their commands are run.
    Package {
        name: "curl",
        is_present: |workspace| shell::find_program(workspace, "curl").is_some(),
    },
    Package {
        name: "npm",
        is_present: |workspace| shell::find_program(workspace, "npm").is_some(),
    },
    // Makes keys and keystores, and shakes hands as a client of another maker.
    Package {
        name: "openssl",
        is_present: |workspace| shell::find_program(workspace, "openssl").is_some(),
    },
    // Reads the manual pages that `gantry man` writes.
    Package {
        name: "mandoc",
        is_present: |workspace| shell::find_program(workspace, "mandoc").is_some(),
    },
    // Brings Python itself where there is none, and what `python3 -m venv` lacks on Debian without it.
    Package {
        name: "python3-venv",
        is_present: |workspace| {
            shell::succeeds(
                shell::command(workspace, "python3").args(["-c", "import venv, ensurepip"]),
            )
        },
    },
    // What watches a gateway and what stands before it: the tests point them at one.
    NGINX,
    Package {
        name: "haproxy",
        is_present: |workspace| shell::find_program(workspace, "haproxy").is_some(),
    },
    Package {
        name: "prometheus",
        is_present: |workspace| {
            ["prometheus", "promtool"]
                .iter()
                .all(|program| shell::find_program(workspace, program).is_some())
        },
    },
    // A database server; the tests make and run their own.
    Package { name: "postgresql", is_present: |workspace| has_postgres(workspace) },
    // Judges the units, and passes sockets on.
    Package {
        name: "systemd",
        is_present: |workspace| shell::find_program(workspace, "systemd-socket-activate").is_some(),
    },
];

/// Debian keeps the programs of each version of PostgreSQL in a folder of its own.
fn has_postgres(workspace: &Workspace) -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let in_folder = versions.map(|version| version.path().join("bin/initdb"));
    shell::find_program(workspace, "initdb").is_some()
        || in_folder.into_iter().any(|path| path.is_file())
}

// Debian starts nginx, Prometheus and HAProxy as services where services run at all; tests and benchmark have processes
// of their own and need none of these.
const FOR_BENCHMARK: &[Package] = &[
    NGINX,
    Package {
        name: "wrk",
        is_present: |workspace| shell::find_program(workspace, "wrk").is_some(),
    },
];

/// The compiler's own program is better, but not every toolchain can get it.
const FOR_DIST: &[Package] = &[
    Package { name: "llvm-19", is_present: dist::has_merger },
    Package { name: "bolt-19", is_present: dist::has_programs },
];

/// The packages that `scope` needs and this machine lacks.
pub(super) fn missing_packages(workspace: &Workspace, scope: Scope) -> Vec<&'static str> {
    let (tests, benchmark, dist): (&[_], &[_], &[_]) = match scope {
        Scope::Tests => (FOR_TESTS, &[], &[]),
        Scope::Benchmark => (&[], FOR_BENCHMARK, &[]),
        Scope::Dist => (&[], FOR_BENCHMARK, FOR_DIST),
        Scope::Everything => (FOR_TESTS, FOR_BENCHMARK, &[]),
    };
    let needed = tests.iter().chain(benchmark).chain(dist);
    let missing = needed.filter(|package| !(package.is_present)(workspace));
    let mut names: Vec<_> = missing.map(|package| package.name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Installs the missing packages, as root or by `sudo`.
pub(super) fn install(workspace: &Workspace, scope: Scope) -> anyhow::Result<()> {
    let packages = missing_packages(workspace, scope);
    shell::run(apt(workspace)?.args(["update", "--quiet"]))?;
    shell::run(
        apt(workspace)?
            .args(["install", "--quiet", "--yes", "--no-install-recommends"])
            .args(packages),
    )
}

/// `apt-get`, with the rights to install.
fn apt(workspace: &Workspace) -> anyhow::Result<std::process::Command> {
    let is_root = shell::capture(shell::command(workspace, "id").arg("-u"))?.trim() == "0";
    let mut command = shell::command(workspace, if is_root { "apt-get" } else { "sudo" });
    if !is_root {
        command.arg("apt-get");
    }
    command.env("DEBIAN_FRONTEND", "noninteractive");
    Ok(command)
}
