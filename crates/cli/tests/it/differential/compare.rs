//! Compares an exchange through Gantry with the same one directly. What is compared is text; it is
//! levelled only where a difference allows it, and only as far.

use super::{
    corpus::{Case, Era},
    differences::Difference,
    json::{elements, is_request, is_response, raw, string, with},
    leg::Transcript,
};

/// Characters that a failure shows on either side of the first difference.
const SHOWN: usize = 160;

/// How both legs are connected.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each says something of its own")]
pub(super) struct Pairing {
    era: Era,
    revision: &'static str,
    /// The client speaks HTTP.
    http: bool,
    /// The upstream is a child.
    child: bool,
    /// The upstream's names have a prefix.
    public_names: bool,
    /// The client can be asked.
    asked: bool,
}

/// The end of a leg that saw a message.
#[derive(Clone, Copy, Debug)]
enum End {
    Upstream,
    Client,
}

impl Pairing {
    pub(super) fn http(era: Era, revision: &'static str, public_names: bool, asked: bool) -> Self {
        Self { era, revision, http: true, child: false, public_names, asked }
    }

    pub(super) fn child(era: Era, revision: &'static str) -> Self {
        Self { era, revision, http: true, child: true, public_names: false, asked: true }
    }

    pub(super) fn pipes(era: Era, revision: &'static str) -> Self {
        Self { era, revision, http: false, child: true, public_names: true, asked: true }
    }

    pub(super) fn era(self) -> Era {
        self.era
    }

    /// Whether a case makes sense here.
    pub(super) fn takes(self, case: &Case) -> bool {
        let names = !(case.single && self.public_names);
        let transport = !(case.http && (self.child || !self.http));
        let questions = !case.asks() || (self.asked && self.revision >= "2025-06-18");
        let client = case.asked.is_none_or(|asked| asked == self.asked);
        names && transport && questions && client
    }

    /// Whether requests get other ids on their way: where several clients share one connection.
    fn renumbers(self) -> bool {
        self.child || self.era == Era::Legacy
    }

    /// The item of a list, or its absence, if it is one for clients of this revision.
    fn applies(self, change: &str) -> Option<&str> {
        let (whom, rest) = change.split_once(' ')?;
        match whom {
            "legacy" => (self.era == Era::Legacy).then_some(rest),
            "modern" => (self.era == Era::Modern).then_some(rest),
            "since" => {
                let (revision, rest) = rest.split_once(' ')?;
                (self.era == Era::Legacy && self.revision >= revision).then_some(rest)
            }
            _ => panic!("for whom is `{change}`?"),
        }
    }

    /// Makes equal what may differ at that end.
    fn level(self, end: End, text: &str) -> String {
        let text = if self.child { text.replace(['\n', '\r'], " ") } else { text.to_owned() };
        if !self.renumbers() {
            return text;
        }
        let text = text.trim().to_owned();
        match end {
            End::Upstream if is_request(&text) => {
                let text = with(&text, &["id"], "\"*\"");
                with(&text, &["params", "_meta", "progressToken"], "\"*\"")
            }
            End::Client if is_request(&text) => with(&text, &["id"], "\"*\""),
            // The same id, but perhaps with other escapes.
            End::Client | End::Upstream if is_response(&text) => match string(&text, &["id"]) {
                Some(id) => with(&text, &["id"], &format!("{id:?}")),
                None => text,
            },
            _ => text,
        }
    }
}

/// Returns what differs and must not.
pub(super) fn compare(
    pairing: Pairing,
    case: &Case,
    direct: &Transcript,
    via: &Transcript,
) -> Vec<String> {
    let mut failures = Vec::new();
    let mut fail = |what: String| failures.push(format!("# {}\n{what}\n", case.title));
    let is_heard_elsewhere =
        [Difference::AnsweredHere, Difference::Lists, Difference::ToolDefinitions];
    if !is_heard_elsewhere.iter().any(|difference| case.differs_by(*difference)) {
        saw(pairing, case, direct, via, &mut fail);
    }
    if case.is_list() {
        listed(pairing, case, direct, via, &mut fail);
    } else {
        got(pairing, case, direct, via, &mut fail);
    }
    for claim in idle_claims(case, direct, via) {
        fail(format!("{claim} is not different any more"));
    }
    if let (Some(straight), Some(through)) = (direct.status, via.status) {
        let expected = case.gets.unwrap_or(straight);
        if through != expected {
            fail(format!("HTTP status {through} instead of {expected}"));
        }
        let may_frame = case.differs_by(Difference::Framing) || !case.hears.is_empty();
        if direct.media != via.media && !may_frame && !via.got.is_empty() {
            fail(format!("content type `{}` instead of `{}`", via.media, direct.media));
        }
    } else if let Some(through) = via.status {
        // The other leg is a pipe.
        let expected = case.gets.unwrap_or(if via.got.is_empty() { 202 } else { 200 });
        if through != expected && pairing.era == Era::Legacy {
            fail(format!("HTTP status {through} instead of {expected}"));
        }
    }
    failures
}

/// What a case says to differ and does not: then the page says too much.
fn idle_claims(case: &Case, direct: &Transcript, via: &Transcript) -> Vec<&'static str> {
    let over_http = direct.status.is_some() && via.status.is_some();
    let claims = [
        (case.sees.is_some() && direct.saw == via.saw, "what the upstream sees"),
        (!case.hears.is_empty() && direct.got == via.got, "what the client gets"),
        (over_http && case.gets.is_some() && direct.status == case.gets, "the HTTP status"),
        (over_http && case.stream && direct.media == via.media, "the framing"),
    ];
    claims.into_iter().filter(|(is_idle, _)| *is_idle).map(|(_, claim)| claim).collect()
}

/// What the upstream saw.
fn saw(
    pairing: Pairing,
    case: &Case,
    direct: &Transcript,
    via: &Transcript,
    fail: &mut impl FnMut(String),
) {
    let expected: Vec<String> = match case.sees.as_deref() {
        Some("nothing") => Vec::new(),
        Some(sees) => vec![own(sees, &case.request)],
        None => direct.saw.iter().map(|saw| saw.text.clone()).collect(),
    };
    let seen: Vec<_> = via.saw.iter().map(|saw| saw.text.clone()).collect();
    same(pairing, End::Upstream, &expected, &seen, fail);
    if pairing.child || case.sees.is_some() {
        return;
    }
    for (straight, through) in direct.saw.iter().zip(&via.saw) {
        if straight.headers != through.headers {
            let (straight, through) = (&straight.headers, &through.headers);
            fail(format!("the upstream saw headers {through:?} instead of {straight:?}"));
        }
    }
}

/// What the client got.
fn got(
    pairing: Pairing,
    case: &Case,
    direct: &Transcript,
    via: &Transcript,
    fail: &mut impl FnMut(String),
) {
    if let [only] = case.hears.as_slice()
        && let Some(code) = only.strip_prefix("error ")
    {
        let code_got = via.got.last().and_then(|last| raw(last, &["error", "code"]));
        let id = raw(&case.request, &["id"]);
        let id_got = via.got.last().and_then(|last| raw(last, &["id"]));
        if via.got.len() != 1 || code_got != Some(code) || (id_got != id && id_got != Some("null"))
        {
            fail(format!("the client got {:?} instead of an error {code} for {id:?}", via.got));
        }
        return;
    }
    let expected: Vec<String> = match case.hears.as_slice() {
        [] => direct.got.clone(),
        [nothing] if nothing == "nothing" => Vec::new(),
        hears => hears.iter().map(|text| own(text, &case.request)).collect(),
    };
    same(pairing, End::Client, &expected, &via.got, fail);
}

/// What was listed: each item to the byte, and in order.
fn listed(
    pairing: Pairing,
    case: &Case,
    direct: &Transcript,
    via: &Transcript,
    fail: &mut impl FnMut(String),
) {
    let method = case.method();
    let key = match &*method {
        "resources/templates/list" => "resourceTemplates",
        method => method.split('/').next().unwrap_or_default(),
    };
    let items = |transcript: &Transcript| {
        let answer = transcript.got.last().cloned().unwrap_or_default();
        elements(&answer, &["result", key])
            .unwrap_or_else(|| panic!("no list of {key}: {transcript:?}"))
    };
    let is_named = matches!(key, "tools" | "prompts");
    let changes: Vec<_> = case.hears.iter().filter_map(|hears| pairing.applies(hears)).collect();
    let mut expected = Vec::new();
    for item in items(direct) {
        let name = string(&item, &["name"]);
        let changed = changes.iter().find(|change| string(change, &["name"]) == name);
        let is_left_out = changes.iter().any(|change| {
            change.strip_prefix("without ").is_some_and(|left| name.as_deref() == Some(left))
        });
        if !is_left_out {
            expected.push(changed.map_or(item, |change| (*change).to_owned()));
        }
    }
    let mut got = items(via);
    if pairing.public_names && is_named {
        // What the public name is made of is tested where it is made.
        let level = |item: &String| with(item, &["name"], "\"*\"");
        expected = expected.iter().map(level).collect();
        got = got.iter().map(level).collect();
    }
    same(pairing, End::Client, &expected, &got, fail);
}

fn same(
    pairing: Pairing,
    end: End,
    expected: &[String],
    got: &[String],
    fail: &mut impl FnMut(String),
) {
    if expected.len() != got.len() {
        let (expected, got) = (shown(expected), shown(got));
        return fail(format!("{end:?}: saw\n{got}\n  instead of\n{expected}"));
    }
    for (expected, got) in expected.iter().zip(got) {
        if expected == got {
            continue;
        }
        let (expected, got) = (pairing.level(end, expected), pairing.level(end, got));
        if expected != got {
            fail(format!(
                "{end:?}: saw\n  {}\n  instead of\n  {}",
                around(&got, &expected),
                around(&expected, &got)
            ));
        }
    }
}

/// A text of the corpus as this client's own, whose id and token nobody changed.
fn own(text: &str, request: &str) -> String {
    let id = raw(request, &["id"]).unwrap_or("null");
    let token = raw(request, &["params", "_meta", "progressToken"]).unwrap_or("null");
    text.replace("$ID", id).replace("$TOKEN", token).replace("$N", "")
}

fn shown(messages: &[String]) -> String {
    let cut = |text: &String| format!("  {}", text.chars().take(2 * SHOWN).collect::<String>());
    messages.iter().map(cut).collect::<Vec<_>>().join("\n")
}

/// What stands around the first difference.
fn around(text: &str, other: &str) -> String {
    let pairs = text.chars().zip(other.chars());
    let at = pairs.take_while(|(left, right)| left == right).count();
    let from = at.saturating_sub(SHOWN);
    let piece: String = text.chars().skip(from).take(2 * SHOWN).collect();
    format!("at {at} of {}: ...{piece}", text.chars().count())
}
