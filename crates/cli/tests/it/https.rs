//! TLS end to end: clients on the official SDKs with an authority of the test's own, and nginx that
//! checks the certificate before it passes anything on.

use std::{net::TcpListener, path::Path, time::Duration};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    peers::client::{Client, Plan},
    support::{
        gantry::Gantry,
        process::{self, Process},
        upstream::HttpUpstream,
        wait,
    },
};

/// Nothing here takes longer unless it hangs.
const LIMIT: Duration = Duration::from_secs(30);
const TOKEN: &str = "0123456789abcdef";

/// A gateway with a certificate for `localhost`, and an upstream behind it.
struct Site {
    gantry: Gantry,
    folder: TempDir,
    _upstream: HttpUpstream,
}

impl Site {
    async fn start(more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        write_certificates(folder.path());
        let upstream = HttpUpstream::start("dual").await;
        let at = |name: &str| folder.path().join(name).display().to_string();
        let config = format!(
            "server: {{ https: {{ listen: '127.0.0.1:0', certificate: {}, key: {} }} }}\n\
             servers: {{ up: {{ url: '{}' }} }}\n{more}",
            at("chain.pem"),
            at("key.pem"),
            upstream.url()
        );
        let gantry = Gantry::start(&config).await;
        Self { gantry, folder, _upstream: upstream }
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// The port that the banner names.
    fn port(&self) -> u16 {
        let log = self.gantry.log();
        let (_, rest) = log.split_once("https://127.0.0.1:").expect("the banner names it");
        let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
        port.parse().expect("a port is a number")
    }
}

fn write_certificates(folder: &Path) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "Authority of a test");
    // Python wants to know which key signed what it is shown.
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    let issuer = KeyPair::generate().expect("a key can be made");
    let issuer = CertifiedIssuer::self_signed(params, issuer).expect("it can sign itself");
    let key = KeyPair::generate().expect("a key can be made");
    let mut params =
        CertificateParams::new(vec!["localhost".to_owned()]).expect("it is a name of a host");
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(&key, &issuer).expect("it can be signed");
    for (name, text) in [
        ("ca.pem", issuer.pem()),
        ("chain.pem", certificate.pem()),
        ("key.pem", key.serialize_pem()),
    ] {
        std::fs::write(folder.join(name), text).expect("the folder is writable");
    }
}

#[tokio::test]
async fn clients_on_the_official_sdks_work_over_tls() {
    let site = Site::start("").await;
    let url = format!("https://localhost:{}/mcp", site.port());
    let plan = Plan::new().call("up__greet", json!({ "name": "Ada" }));
    for client in [
        Client::TypescriptV1,
        Client::TypescriptV2Modern,
        Client::PythonLegacy,
        Client::PythonModern,
    ] {
        let seen = client.run_trusting(&url, &plan, &site.file("ca.pem")).await;
        seen.assert_has_tools(&["up__greet"]);
        assert_eq!(seen.text(0), "Hello, Ada!", "{client:?}");
    }
}

#[tokio::test]
async fn nginx_passes_on_what_it_was_sent_once_it_trusts_the_certificate() {
    let site = Site::start(&format!("auth: {{ tokens: [{{ name: ann, token: {TOKEN} }}] }}")).await;
    let trusted = Nginx::start(&site, "ca.pem").await;
    let called = trusted.call(&site).await;
    assert!(called.contains("Hello, Ada!") && called.ends_with("\n200"), "{called}");
    // Another authority, whose certificate the gateway takes up while it serves.
    write_certificates(site.folder.path());
    let other = Nginx::start(&site, "ca.pem").await;
    wait::eventually("the renewed certificate is shown", async || {
        other.call(&site).await.ends_with("\n200").then_some(())
    })
    .await;
    let refused = trusted.call(&site).await;
    assert!(refused.ends_with("\n502"), "the first nginx trusts another authority: {refused}");
}

/// An nginx of this test's own.
struct Nginx {
    _process: Process,
    _folder: TempDir,
    port: u16,
}

impl Nginx {
    async fn start(site: &Site, authority: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let ca = folder.path().join("trusted.pem");
        std::fs::copy(site.file(authority), &ca).expect("it can be copied");
        let port = free_port();
        let (gateway, ca) = (site.port(), ca.display());
        let config = format!(
            "daemon off; master_process off; pid nginx.pid; error_log stderr;\n\
             events {{}}\n\
             http {{\n\
               access_log off; client_body_temp_path body; proxy_temp_path proxy;\n\
               fastcgi_temp_path fastcgi; scgi_temp_path scgi; uwsgi_temp_path uwsgi;\n\
               server {{\n\
                 listen 127.0.0.1:{port};\n\
                 location / {{\n\
                   proxy_pass https://127.0.0.1:{gateway};\n\
                   proxy_ssl_verify on; proxy_ssl_trusted_certificate {ca};\n\
                   proxy_ssl_name localhost; proxy_ssl_server_name on;\n\
                   proxy_ssl_protocols TLSv1.2 TLSv1.3;\n\
                   proxy_ssl_session_reuse off;\n\
                   proxy_http_version 1.1; proxy_buffering off;\n\
                   proxy_set_header Host $http_host;\n\
                   proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n\
                 }}\n\
               }}\n\
             }}\n"
        );
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, config).expect("the folder is writable");
        let mut command = process::command("nginx");
        command.arg("-p").arg(folder.path()).arg("-c").arg(&file).args(["-e", "stderr"]);
        let process = Process::start("nginx", command);
        let nginx = Self { _process: process, _folder: folder, port };
        wait::eventually("nginx listens", async || {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()
        })
        .await;
        nginx
    }

    /// Calls a tool through it; the status stands on the last line.
    async fn call(&self, site: &Site) -> String {
        let message = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {
                "name": "up__greet", "arguments": { "name": "Ada" },
                "_meta": {
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientCapabilities": {},
                },
            },
        });
        let mut command = process::command("curl");
        command.current_dir(site.folder.path()).args(["--silent", "--write-out", "\n%{http_code}"]);
        for header in [
            &format!("authorization: Bearer {TOKEN}"),
            "content-type: application/json",
            "accept: application/json, text/event-stream",
            "mcp-protocol-version: 2026-07-28",
            "mcp-method: tools/call",
            "mcp-name: up__greet",
        ] {
            command.args(["--header", header]);
        }
        command.args(["--data", &message.to_string()]);
        command.arg(format!("http://localhost:{}/mcp", self.port));
        process::run(command, LIMIT).await.expect("curl runs").stdout
    }
}

/// A port that was free a moment ago, for a program that cannot take one by itself.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it is bound").port()
}
