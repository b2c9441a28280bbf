//! Content blocks and structured content for clients that cannot take them.

use std::borrow::Cow;

use serde_json::Value;
use serde_json::value::RawValue;

use super::{AudioForm, Crossing};
use crate::edit::ObjectEdit;
use crate::json::{self, Object};
use crate::method;
use crate::revision::{Era, Revision};

/// What a client of a revision cannot take.
#[derive(Clone, Copy)]
struct Lacks {
    audio: bool,
    links: bool,
    /// Knows no structured content, so what it says must be said in text.
    structured: bool,
}

impl Lacks {
    fn of(to: Revision) -> Self {
        Self {
            audio: to < Revision::V2025_03_26,
            links: to < Revision::V2025_06_18,
            structured: to < Revision::V2025_06_18,
        }
    }
}

/// Tells by the bytes alone whether a look into the result is worth its time.
pub(super) fn may_need_lowering(raw: &[u8], crossing: Crossing<'_>) -> bool {
    let Crossing { method, from, to } = crossing;
    // `tasks/result` answers with the result of the call that the task stands for.
    let has_content = matches!(method, method::TOOLS_CALL | method::PROMPTS_GET | "tasks/result");
    if !has_content || to.era() == Era::Modern || to >= from {
        return false;
    }
    let lacks = Lacks::of(to);
    let has = |word: &[u8]| memchr::memmem::find(raw, word).is_some();
    has(b"\"structuredContent\"")
        || (lacks.audio && has(b"\"audio\""))
        || (lacks.links && has(b"\"resource_link\""))
}

/// Plans the changes of a result.
pub(super) fn lower<'a>(
    raw: &'a [u8],
    object: &Object,
    edit: &mut ObjectEdit<'a>,
    crossing: Crossing<'_>,
    audio: AudioForm,
) {
    let lacks = Lacks::of(crossing.to);
    if crossing.method == method::PROMPTS_GET {
        let Some(mut messages) = object.raw(raw, "messages").and_then(List::read) else { return };
        messages.change(|index, message| {
            let mut edit = ObjectEdit::read(message)?;
            let object = Object::read(message, 0..message.len()).ok()?;
            let lowered = block(object.raw(message, "content")?, index, lacks, audio)?;
            edit.set("content", lowered);
            Some(edit.finish().into())
        });
        return messages.store(edit, "messages");
    }
    let mut list = object.raw(raw, "content").and_then(List::read).unwrap_or_default();
    list.change(|index, raw| block(raw, index, lacks, audio));
    if let Some(structured) = object.raw(raw, "structuredContent") {
        if !structured.starts_with(b"{") {
            edit.remove("structuredContent");
            if !list.says(structured) {
                list.append(text_block(&String::from_utf8_lossy(structured), None));
            }
        } else if lacks.structured && !list.has_text() {
            list.append(text_block(&String::from_utf8_lossy(structured), None));
        }
    }
    list.store(edit, "content");
}

/// The elements of an array, each as it was sent or changed.
#[derive(Default)]
struct List<'a> {
    elements: Vec<Cow<'a, [u8]>>,
    changed: bool,
}

impl<'a> List<'a> {
    fn read(raw: &'a [u8]) -> Option<Self> {
        let elements: Vec<&'a RawValue> = serde_json::from_slice(raw).ok()?;
        let elements =
            elements.into_iter().map(|element| Cow::Borrowed(element.get().as_bytes())).collect();
        Some(Self { elements, changed: false })
    }

    fn change(&mut self, mut change: impl FnMut(usize, &[u8]) -> Option<Vec<u8>>) {
        for (index, element) in self.elements.iter_mut().enumerate() {
            if let Some(changed) = change(index, element) {
                *element = Cow::Owned(changed);
                self.changed = true;
            }
        }
    }

    fn append(&mut self, element: Vec<u8>) {
        self.elements.push(Cow::Owned(element));
        self.changed = true;
    }

    fn texts(&self) -> impl Iterator<Item = String> + '_ {
        self.elements.iter().filter_map(|raw| {
            let object = Object::read(raw, 0..raw.len()).ok()?;
            let kind = object.string(raw, "type")?;
            (kind == "text").then(|| object.string(raw, "text").map(Cow::into_owned))?
        })
    }

    fn has_text(&self) -> bool {
        self.texts().next().is_some()
    }

    /// Tells whether a text block holds the same JSON.
    fn says(&self, structured: &[u8]) -> bool {
        let Ok(value) = serde_json::from_slice::<Value>(structured) else { return false };
        self.texts().any(|text| {
            serde_json::from_str::<Value>(&text).is_ok_and(|said| said == value)
                || value.as_str() == Some(&text)
        })
    }

    fn store(self, edit: &mut ObjectEdit<'_>, name: &'static str) {
        if !self.changed {
            return;
        }
        let mut out = vec![b'['];
        for (index, element) in self.elements.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(element);
        }
        out.push(b']');
        edit.set(name, out);
    }
}

/// Returns what stands for a content block that the client cannot take; `None` if it can.
fn block(raw: &[u8], index: usize, lacks: Lacks, audio: AudioForm) -> Option<Vec<u8>> {
    let object = Object::read(raw, 0..raw.len()).ok()?;
    let annotations = object.raw(raw, "annotations");
    let text = |name: &str| object.string(raw, name);
    match &*text("type")? {
        "audio" if lacks.audio && audio == AudioForm::Text => {
            let mime = text("mimeType").unwrap_or_default();
            let data = text("data").unwrap_or_default();
            let data = data.trim_end_matches('=');
            let line = format!("[audio, {mime}, {} bytes]", data.len() * 3 / 4);
            Some(text_block(&line, annotations))
        }
        "audio" if lacks.audio => {
            let mut resource = ObjectEdit::read(b"{}")?;
            resource.set_string("uri", &format!("urn:gantry:audio:{index}"));
            if let Some(mime) = object.raw(raw, "mimeType") {
                resource.set("mimeType", mime);
            }
            resource.set("blob", object.raw(raw, "data").unwrap_or(b"\"\""));
            let mut edit = ObjectEdit::new(raw, &object);
            edit.set_string("type", "resource").remove("data").remove("mimeType");
            edit.nest("resource", resource);
            Some(edit.finish().into())
        }
        "resource_link" if lacks.links => {
            let uri = text("uri").unwrap_or_default();
            let name = text("name").unwrap_or_default();
            let line = match text("mimeType") {
                Some(mime) => format!("[resource: {name}, {mime}] {uri}"),
                None => format!("[resource: {name}] {uri}"),
            };
            Some(text_block(&line, annotations))
        }
        _ => None,
    }
}

fn text_block(text: &str, annotations: Option<&[u8]>) -> Vec<u8> {
    let mut out = br#"{"type":"text","text":"#.to_vec();
    out.extend_from_slice(&json::quote(text));
    if let Some(annotations) = annotations {
        out.extend_from_slice(br#","annotations":"#);
        out.extend_from_slice(annotations);
    }
    out.push(b'}');
    out
}
