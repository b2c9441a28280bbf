//! Tools that always answer the same, one for every kind of content.

use rmcp::model::{AudioContent, CallToolResult, ContentBlock, ResourceContents};

use super::{failure, success};
use crate::resources::{self, IMAGE};

/// A WAV of no samples.
const AUDIO: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=";

/// What the tool `name` answers, if it is one of these.
pub(crate) fn fixed(name: &str) -> Option<CallToolResult> {
    Some(match name {
        "test_simple_text" => success("This is a simple text response for testing."),
        "test_image_content" => content(vec![ContentBlock::image(IMAGE, "image/png")]),
        "test_audio_content" => {
            content(vec![ContentBlock::Audio(AudioContent::new(AUDIO, "audio/wav"))])
        }
        "test_embedded_resource" => {
            let embedded =
                resources::text("test://embedded-resource", "This is an embedded resource.");
            content(vec![ContentBlock::resource(embedded)])
        }
        "test_multiple_content_types" => content(vec![
            ContentBlock::text("Multiple content types test:"),
            ContentBlock::image(IMAGE, "image/png"),
            ContentBlock::resource(
                ResourceContents::text(
                    r#"{"test":"data","value":123}"#,
                    "test://mixed-content-resource",
                )
                .with_mime_type("application/json"),
            ),
        ]),
        "test_error_handling" => failure("This tool intentionally returns an error for testing"),
        _ => return None,
    })
}

fn content(blocks: Vec<ContentBlock>) -> CallToolResult {
    CallToolResult::success(blocks)
}
