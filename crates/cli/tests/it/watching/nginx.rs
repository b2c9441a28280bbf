//! nginx: with the configuration of `deploy`.

use std::net::SocketAddr;

use serde_json::json;
use tempfile::TempDir;

use super::{
    balancing::{behind_a_proxy, client, progress_comes_before_the_result, progressing},
    programs,
};
use crate::support::{
    client::Client,
    process::{self, Process},
    wait::eventually,
};

struct Nginx {
    _process: Process,
    _folder: TempDir,
}

/// Puts a site into a whole configuration; `folder` takes everything that nginx writes.
fn whole(folder: &TempDir, site: &str) -> std::path::PathBuf {
    let path = folder.path().display();
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("    {kind}_temp_path {path}/{kind};\n"))
        .concat();
    let text = format!(
        "daemon off;\nmaster_process off;\npid {path}/nginx.pid;\nerror_log stderr warn;\n\
         events {{}}\nhttp {{\n    access_log off;\n{temporary}{site}\n}}\n"
    );
    programs::write(folder, "nginx.conf", &text)
}

impl Nginx {
    fn start(site: &str) -> Self {
        let folder = programs::folder();
        let file = whole(&folder, site);
        let mut command = process::command(programs::find("nginx"));
        command.arg("-p").arg(folder.path()).arg("-e").arg("stderr").arg("-c").arg(file);
        Self { _process: Process::start("nginx", command), _folder: folder }
    }
}

#[tokio::test]
async fn the_shipped_configuration_is_accepted_as_it_is() {
    let (certificate, key) = programs::certificate();
    let folder = programs::folder();
    let certificate = programs::write(&folder, "gantry.pem", &certificate);
    let key = programs::write(&folder, "gantry.key", &key);
    // Only the certificate and the key are not where they would be.
    let site = programs::adapted(
        "nginx/gantry.conf",
        &[
            ("/etc/ssl/certs/gantry.pem", certificate.to_str().unwrap()),
            ("/etc/ssl/private/gantry.key", key.to_str().unwrap()),
        ],
    );
    let file = whole(&folder, &site);
    let path = folder.path().to_str().unwrap();
    let checked =
        programs::check("nginx", &["-t", "-p", path, "-e", "stderr", "-c", file.to_str().unwrap()])
            .await;
    assert!(checked.status.success(), "{checked}");
    assert!(!checked.to_string().contains("[warn]"), "{checked}");
}

/// The shipped site without TLS, on a port of its own, before two gateways.
fn plain(front: SocketAddr, first: &str, second: &str) -> String {
    let redirect = "server {\n    listen 80;\n    server_name gantry.example.com;\n    \
                    return 308 https://$host$request_uri;\n}\n";
    let own = |url: &str| url.trim_start_matches("http://").to_owned();
    programs::adapted(
        "nginx/gantry.conf",
        &[
            (redirect, ""),
            ("listen 443 ssl http2;", &format!("listen {front};")),
            ("    ssl_certificate /etc/ssl/certs/gantry.pem;\n", ""),
            ("    ssl_certificate_key /etc/ssl/private/gantry.key;\n", ""),
            ("10.0.1.10:8080", &own(first)),
            ("10.0.1.11:8080", &own(second)),
        ],
    )
}

#[tokio::test]
async fn calls_go_to_the_gateway_that_is_left_and_streams_are_not_held_back() {
    let (upstream, let_go) = progressing().await;
    let first = behind_a_proxy(&upstream, "0s").await;
    let second = behind_a_proxy(&upstream, "0s").await;
    let front = programs::free_address();
    let _proxy = Nginx::start(&plain(front, &first.url(""), &second.url("")));
    let url = format!("http://{front}");
    eventually("nginx to pass on what is asked", async || {
        tokio::net::TcpStream::connect(front).await.ok()
    })
    .await;
    let through = client(&url);
    progress_comes_before_the_result(&through, &let_go).await;
    for _ in 0..20 {
        assert_eq!(through.call("up__good", json!({})).await.text(), "fine");
    }
    let (status, log) = first.stop().await;
    assert!(status.success(), "{status}: {log}");
    for _ in 0..20 {
        assert_eq!(through.call("up__good", json!({})).await.text(), "fine");
    }
    // Health passes through for everybody, figures only with a token: a proxy's address is not the
    // caller's.
    for (path, expected) in [("/health", 200), ("/ready", 200), ("/metrics", 401)] {
        let stranger = Client::modern(&format!("{url}{path}"), json!({}));
        let stranger = stranger.with_header("host", "gantry.example.com");
        let reply = stranger.bare("GET", &[("accept", "*/*")]).await.finish().await;
        assert_eq!(reply.status, expected, "{path}");
    }
}
