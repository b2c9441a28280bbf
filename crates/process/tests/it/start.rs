//! What a child gets, and what a start that fails says.

use std::{path::Path, time::Duration};

use gantry_process::{CommandSpec, Exit, Launcher, StartError};

use crate::support::{
    SHIM, command, folder, launcher, limits, mark, shell, start, wait_until_unnamed,
};

async fn failure(spec: CommandSpec) -> StartError {
    launcher(&mark()).start(&spec, &limits()).await.unwrap_err()
}

/// Writes a file that may be executed at once. Another test may be starting a process just now, which would hold a file
/// written here open for writing, and the kernel executes no such file; so a process of its own writes it.
async fn write_file(path: &Path, text: &str, mode: &str) {
    let script = r#"printf %s "$1" >"$2" && chmod "$3" "$2""#;
    let path = path.to_str().unwrap();
    let mut child = launcher(&mark())
        .start(&command("sh", &["-c", script, "sh", text, path, mode]), &limits())
        .await
        .unwrap();
    assert_eq!(child.wait().await, Exit::Code(0));
}

#[tokio::test]
async fn the_environment_is_the_allowed_list_and_what_is_given() {
    let own = [
        ("PATH", "/usr/bin:/bin"),
        ("HOME", "/root"),
        ("USER", "u"),
        ("LOGNAME", "u"),
        ("SHELL", "/bin/sh"),
        ("TERM", "dumb"),
        ("LANG", "C"),
        ("LC_ALL", "C"),
        ("TMPDIR", "/tmp"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("GANTRY_CONFIG", "x"),
        ("LD_PRELOAD", "x"),
    ];
    let launcher = Launcher::with_shim(SHIM, own.map(|(name, value)| (name.into(), value.into())));
    let mut spec = command("env", &[]);
    spec.env = vec![("TOKEN".into(), "a=b c".into()), ("HOME".into(), "/home/other".into())];
    let mut child = launcher.start(&spec, &limits()).await.unwrap();
    let mut seen = Vec::new();
    while let Some(line) = child.stdout.next().await.unwrap() {
        seen.push(String::from_utf8(line.to_vec()).unwrap());
    }
    seen.sort();
    let expected = [
        "HOME=/home/other",
        "LANG=C",
        "LC_ALL=C",
        "LOGNAME=u",
        "PATH=/usr/bin:/bin",
        "SHELL=/bin/sh",
        "TERM=dumb",
        "TMPDIR=/tmp",
        "TOKEN=a=b c",
        "USER=u",
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn exit_codes_and_signals_are_told_to_everyone_as_often_as_asked() {
    for code in [0, 3, 127, 255] {
        let mut child = start(&format!("exit {code}")).await;
        let watch = child.process.watch();
        assert_eq!(child.wait().await, Exit::Code(code));
        assert_eq!(child.wait().await, Exit::Code(code));
        assert_eq!((watch.wait().await, watch.now()), (Exit::Code(code), Some(Exit::Code(code))));
        assert_eq!(child.stop().await, Exit::Code(code));
    }
    for signal in [9, 11, 15] {
        let mut child = start(&format!("kill -{signal} $$; sleep 1000")).await;
        assert_eq!(child.wait().await, Exit::Signal(signal));
    }
    assert_eq!(Exit::Signal(9).to_string(), "was ended by SIGKILL");
}

#[tokio::test]
async fn the_folder_is_entered_and_relative_programs_start_from_it() {
    let folder = folder();
    write_file(&folder.join("tool"), "#!/bin/sh\npwd\necho \"$0 $1\"", "755").await;
    let spec = CommandSpec { cwd: Some(folder.clone()), ..command("./tool", &["an argument"]) };
    let mut child = launcher(&mark()).start(&spec, &limits()).await.unwrap();
    assert_eq!(child.stdout.next().await.unwrap().unwrap(), folder.to_str().unwrap());
    assert_eq!(child.stdout.next().await.unwrap().unwrap(), "./tool an argument");
}

#[tokio::test]
async fn a_program_is_looked_up_on_the_path_of_the_child() {
    let folder = folder();
    write_file(&folder.join("only-here"), "#!/bin/sh\necho found", "755").await;
    let mut spec = command("only-here", &[]);
    let StartError::NotOnPath { searched, .. } = failure(spec.clone()).await else {
        panic!("it is not on the path")
    };
    assert_eq!(
        Some(searched),
        std::env::vars_os().find(|(name, _)| name == "PATH").map(|(_, path)| path)
    );

    spec.env = vec![("PATH".into(), format!("/nonexistent::{}", folder.display()).into())];
    let mut child = launcher(&mark()).start(&spec, &limits()).await.unwrap();
    assert_eq!(child.stdout.next().await.unwrap().unwrap(), "found");
}

#[tokio::test]
async fn each_way_to_fail_is_told_apart() {
    let folder = folder();
    write_file(&folder.join("data"), "text", "644").await;
    write_file(&folder.join("orphan"), "#!/nonexistent/interpreter\n", "755").await;
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();

    let error = failure(command("npx -y thing", &[])).await;
    assert!(matches!(error, StartError::NotOnPath { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("the command holds a blank"));

    let error = failure(command(&at("missing"), &[])).await;
    assert_eq!(error.to_string(), format!("program `{}` does not exist", at("missing")));

    for name in ["data", "."] {
        let error = failure(command(&at(name), &[])).await;
        assert!(
            matches!(&error, StartError::NotExecutable { path, .. } if *path == folder.join(name)),
            "{error:?}"
        );
    }

    let error = failure(command(&at("orphan"), &[])).await;
    assert!(
        matches!(&error, StartError::NoInterpreter { path } if *path == folder.join("orphan")),
        "{error:?}"
    );

    let missing = CommandSpec { cwd: Some(folder.join("missing")), ..shell("true") };
    let error = failure(missing).await;
    assert!(
        matches!(&error, StartError::Folder { folder: at, .. } if *at == folder.join("missing")),
        "{error:?}"
    );

    let error = failure(command("echo", &[&"x".repeat(1_000_000)])).await;
    let StartError::Execute { source, .. } = error else { panic!("{error:?}") };
    assert_eq!(source.kind(), std::io::ErrorKind::ArgumentListTooLong);

    assert!(matches!(failure(command("a\0b", &[])).await, StartError::Unusable { .. }));
    assert!(matches!(failure(command("", &[])).await, StartError::Unusable { .. }));
    let no_name = CommandSpec { env: vec![("A=B".into(), "".into())], ..shell("true") };
    assert!(matches!(failure(no_name).await, StartError::Unusable { .. }));
}

#[tokio::test]
async fn a_file_of_the_path_that_is_not_executable_is_named() {
    let folder = folder();
    write_file(&folder.join("plain"), "text", "644").await;
    let path = format!("/nonexistent:{}", folder.display());
    let spec = CommandSpec { env: vec![("PATH".into(), path.into())], ..command("plain", &[]) };
    let error = failure(spec).await;
    assert!(
        matches!(&error, StartError::NotExecutable { path, .. } if *path == folder.join("plain")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_broken_shim_is_told_apart_from_a_broken_command() {
    for shim in ["/nonexistent/gantry", "/bin/true"] {
        let error =
            Launcher::with_shim(shim, []).start(&shell("true"), &limits()).await.unwrap_err();
        assert!(matches!(error, StartError::Shim { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_start_that_takes_too_long_is_given_up() {
    let limits = gantry_process::Limits { start_timeout: Duration::from_millis(50), ..limits() };
    let shim = folder().join("slow");
    write_file(&shim, "#!/bin/sh\nexec sleep 1", "755").await;
    let error = Launcher::with_shim(shim, []).start(&shell("true"), &limits).await.unwrap_err();
    assert!(matches!(error, StartError::Timeout { .. }), "{error:?}");
}

#[tokio::test]
async fn a_start_that_is_cancelled_leaves_nothing() {
    // The name of the program is seen in the shim's arguments too.
    let program = folder().join("sleep-for-long");
    std::os::unix::fs::symlink("/bin/sleep", &program).unwrap();
    let program = program.to_str().unwrap();
    for n_polls in 0..20 {
        let launcher = launcher(&mark());
        let (spec, limits) = (command(program, &["1000"]), limits());
        let polls = async {
            for _ in 0..n_polls {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            child = launcher.start(&spec, &limits) => drop(child),
            () = polls => {}
        }
    }
    wait_until_unnamed(program).await;
}
