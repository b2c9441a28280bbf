//! Asking the caller back, the same way in both eras: a legacy caller is sent a request and waited
//! for; a modern one gets `input_required` and calls again with what it was asked for.

#![expect(deprecated, reason = "sampling and roots are asked for as long as clients offer them")]

use std::collections::BTreeMap;

use rmcp::{
    RoleServer,
    model::{
        ClientCapabilities, CreateMessageRequest, CreateMessageRequestParams, ElicitRequest,
        ElicitRequestParams, InputRequest, InputRequests, InputResponses, ListRootsRequest,
        ProtocolVersion, SamplingMessage, ServerRequest,
    },
    service::RequestContext,
};
use serde_json::{Value, json};

/// What came of a round of questions.
pub(crate) enum Round {
    /// All were answered; the results are found under the questions' keys.
    Answered(BTreeMap<String, Value>),
    /// The caller has to be asked these, and to call again.
    Open(InputRequests),
}

/// Whether this request is one of the stateless revisions.
pub(crate) fn is_modern(context: &RequestContext<RoleServer>) -> bool {
    let revision = context.protocol_version();
    revision.is_some_and(|revision| revision.as_str() >= ProtocolVersion::V_2026_07_28.as_str())
}

/// What the caller says it can do.
pub(crate) fn capabilities(context: &RequestContext<RoleServer>) -> ClientCapabilities {
    context.client_capabilities().unwrap_or_default()
}

/// Asks `questions`. A modern caller's answers count only if they cover all of them.
///
/// # Errors
///
/// A sentence for the caller: the question that cannot be put to it, or that it did not answer.
pub(crate) async fn ask(
    context: &RequestContext<RoleServer>,
    given: Option<&InputResponses>,
    questions: InputRequests,
) -> Result<Round, String> {
    let offered = capabilities(context);
    if let Some((key, _)) = questions.iter().find(|(_, question)| !can_answer(&offered, question)) {
        return Err(format!("the client does not offer what `{key}` needs"));
    }
    if is_modern(context) {
        let answer = |key: &String| given?.get(key).filter(|answer| answer.is_object()).cloned();
        let answers: Option<BTreeMap<_, _>> =
            questions.keys().map(|key| Some((key.clone(), answer(key)?))).collect();
        return Ok(answers.map_or(Round::Open(questions), Round::Answered));
    }
    let mut answers = BTreeMap::new();
    for (key, question) in questions {
        let request = server_request(question)?;
        let result = context.peer.send_request(request).await;
        let result = result.map_err(|error| format!("`{key}` was not answered: {error}"))?;
        let result = serde_json::to_value(result)
            .map_err(|error| format!("the answer to `{key}` cannot be read: {error}"))?;
        answers.insert(key, result);
    }
    Ok(Round::Answered(answers))
}

/// Whether the caller declared the capability that `question` needs.
pub(crate) fn can_answer(offered: &ClientCapabilities, question: &InputRequest) -> bool {
    match question {
        InputRequest::CreateMessage(_) => offered.sampling.is_some(),
        InputRequest::Elicitation(_) => offered.elicitation.is_some(),
        InputRequest::ListRoots(_) => offered.roots.is_some(),
        _ => false,
    }
}

fn server_request(question: InputRequest) -> Result<ServerRequest, String> {
    Ok(match question {
        InputRequest::CreateMessage(request) => request.into(),
        InputRequest::Elicitation(request) => request.into(),
        InputRequest::ListRoots(request) => request.into(),
        _ => return Err("this question has no legacy form".to_owned()),
    })
}

/// A form of `properties`, of which `required` are required.
pub(crate) fn form(message: &str, properties: &Value, required: &[&str]) -> InputRequest {
    let schema = json!({ "type": "object", "properties": properties, "required": required });
    InputRequest::Elicitation(ElicitRequest::new(ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: message.to_owned(),
        requested_schema: serde_json::from_value(schema).expect("the forms here are valid"),
    }))
}

/// A form of one text field.
pub(crate) fn text_form(message: &str, field: &str) -> InputRequest {
    form(message, &json!({ field: { "type": "string" } }), &[field])
}

/// A prompt for the caller's model.
pub(crate) fn sampling(prompt: &str) -> InputRequest {
    let messages = vec![SamplingMessage::user_text(prompt)];
    InputRequest::CreateMessage(CreateMessageRequest::new(CreateMessageRequestParams::new(
        messages, 100,
    )))
}

/// The caller's roots.
pub(crate) fn roots() -> InputRequest {
    InputRequest::ListRoots(ListRootsRequest::default())
}

/// One question under its key.
pub(crate) fn one(key: &str, question: InputRequest) -> InputRequests {
    InputRequests::from([(key.to_owned(), question)])
}

/// The text field `field` of the answer to the form `key`.
pub(crate) fn text_field<'a>(
    answers: &'a BTreeMap<String, Value>,
    key: &str,
    field: &str,
) -> &'a str {
    answers.get(key).and_then(|answer| answer["content"][field].as_str()).unwrap_or("nobody")
}

/// The text a model answered under `key`.
pub(crate) fn sampled_text<'a>(answers: &'a BTreeMap<String, Value>, key: &str) -> &'a str {
    let content = answers.get(key).map(|answer| &answer["content"]);
    let block = content.map(|content| content.get(0).unwrap_or(content));
    block.and_then(|block| block["text"].as_str()).unwrap_or("nothing")
}
