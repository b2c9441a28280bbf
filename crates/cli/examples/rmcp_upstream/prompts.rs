//! The prompts, and the completion of arguments.

use rmcp::{
    ErrorData, RoleServer,
    model::{
        CompleteRequestParams, CompleteResult, CompletionInfo, ContentBlock,
        GetPromptRequestParams, GetPromptResponse, GetPromptResult, InputRequiredResult,
        PromptMessage, Reference, Role,
    },
    service::RequestContext,
};

use crate::{
    asking::{self, Round},
    resources,
};

/// Words that any argument may be completed to.
const WORDS: [&str; 4] = ["test", "testing", "paris", "party"];

/// Gets the prompt that `request` names.
pub(crate) async fn get(
    request: &GetPromptRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<GetPromptResponse, ErrorData> {
    let argument = |name: &str| {
        let value = request.arguments.as_ref().and_then(|arguments| arguments.get(name));
        value.and_then(|value| value.as_str()).unwrap_or_default().to_owned()
    };
    let messages = match &*request.name {
        "test_simple_prompt" => vec![said("This is a simple prompt for testing.")],
        "test_prompt_with_arguments" => vec![said(format!(
            "Prompt with arguments: arg1='{}', arg2='{}'",
            argument("arg1"),
            argument("arg2")
        ))],
        "test_prompt_with_embedded_resource" => {
            let embedded = resources::text(&argument("resourceUri"), "Embedded for testing.");
            vec![
                PromptMessage::new(Role::User, ContentBlock::resource(embedded)),
                said("Please process the embedded resource above."),
            ]
        }
        "test_prompt_with_image" => vec![
            PromptMessage::new(Role::User, ContentBlock::image(resources::IMAGE, "image/png")),
            said("Please analyze the image above."),
        ],
        "test_input_required_result_prompt" => return in_context(request, context).await,
        name => return Err(ErrorData::invalid_params(format!("unknown prompt `{name}`"), None)),
    };
    Ok(GetPromptResult::new(messages).into())
}

/// Asks what the prompt is wanted for before it gives it.
async fn in_context(
    request: &GetPromptRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<GetPromptResponse, ErrorData> {
    let question = asking::text_form("What context should the prompt use?", "context");
    let questions = asking::one("user_context", question);
    match asking::ask(context, request.input_responses.as_ref(), questions).await {
        Ok(Round::Open(questions)) => {
            Ok(InputRequiredResult::from_input_requests(questions).into())
        }
        Ok(Round::Answered(answers)) => {
            let wanted = asking::text_field(&answers, "user_context", "context");
            let message = said(format!("Prompt in the context of {wanted}"));
            Ok(GetPromptResult::new(vec![message]).into())
        }
        Err(reason) => Err(ErrorData::internal_error(reason, None)),
    }
}

/// Completes an argument from a short list of words.
pub(crate) fn complete(request: &CompleteRequestParams) -> Result<CompleteResult, ErrorData> {
    let words: &[&str] = match &request.r#ref {
        Reference::Resource(_) => &["1", "2", "3"],
        _ => &WORDS,
    };
    let fitting = words.iter().filter(|word| word.starts_with(&request.argument.value));
    let values = fitting.map(ToString::to_string).collect();
    let completion = CompletionInfo::with_all_values(values)
        .map_err(|error| ErrorData::internal_error(error, None))?;
    Ok(CompleteResult::new(completion))
}

fn said(text: impl Into<String>) -> PromptMessage {
    PromptMessage::new_text(Role::User, text)
}
