//! `gantry token`: signs a token with the secret that the gateway verifies tokens with.

use std::io::{self, Read as _};
use std::path::Path;

use gantry_core::SystemClock;
use gantry_server::config::Secret;
use gantry_server::tokens::{MadeToken, TokenError, Wanted, make};
use serde_json::json;

use crate::cli::{Granting, MakeToken};
use crate::failure::Failure;
use crate::output;
use crate::place::Place;

/// Longer ones are something else.
const LONGEST_SECRET: u64 = 64 * 1024;

pub(crate) fn run(place: &Place, arguments: MakeToken) -> Result<(), Failure> {
    let MakeToken { subject, grants, expires: expires_in, secret, format } = arguments;
    let Granting { scopes, roles, tier } = grants;
    let config = place.config()?;
    let secret = secret.as_deref().map(read).transpose()?;
    let wanted = Wanted { subject, scopes, roles, tier, expires_in, secret };
    let made = make(&config.auth, wanted, &SystemClock).map_err(|error| refusal(&error))?;
    if output::data(format, &json!(made))? {
        return Ok(());
    }
    // The token alone is on standard output, so that `TOKEN=$(gantry token NAME)` holds it.
    let MadeToken { token, subject, scopes, expires_at, .. } = made;
    output::line(&token)?;
    output::aside(&format!(
        "This is a token of `{subject}` for `{}`, until {expires_at}. It cannot be taken back.\n",
        scopes.join(" ")
    ));
    output::hint("clients send it as `Authorization: Bearer TOKEN`");
    Ok(())
}

/// Reads the secret from a file or from standard input: never from the command line, which everybody on
/// the machine can read.
fn read(path: &Path) -> Result<Secret, Failure> {
    let mut text = String::new();
    let (shown, read) = if path == Path::new("-") {
        let read = io::stdin().lock().take(LONGEST_SECRET).read_to_string(&mut text);
        ("standard input".to_owned(), read)
    } else {
        let open = std::fs::File::open(path);
        let read = open.and_then(|file| file.take(LONGEST_SECRET).read_to_string(&mut text));
        (format!("`{}`", path.display()), read)
    };
    read.map_err(|error| {
        Failure::new(format!("cannot read the secret from {shown}")).because(&error)
    })?;
    // The end of a line is not meant.
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}

fn refusal(error: &TokenError) -> Failure {
    let failure = Failure::new("cannot make a token").because(error);
    let failure = match error {
        TokenError::NoSecret => failure
            .with_hint(
                "set `auth.jwt.secret: ${JWT_SECRET}` and start the gateway with the variable",
            )
            .with_hint(
                "`--secret FILE` names a secret, `gantry keys create` makes a key without one",
            ),
        TokenError::Secret { .. } => {
            failure.with_hint("`openssl rand -base64 32` makes a good one")
        }
        TokenError::Words(_) | TokenError::Invalid { .. } | TokenError::Random(_) => failure,
    };
    match error.code() {
        Some(code) => failure.with_code(code),
        None => failure,
    }
}
