//! Errors of the HTTP API: the one shape, the nine codes, and the one table from our causes and from
//! JSON-RPC errors to them.

use bytes::Bytes;
use gantry_core::error_code::Category;
use gantry_core::{Clock, ErrorCode, correlation};
use gantry_gateway::governance::traffic::Waiting;
use gantry_policy::Denied;
use gantry_protocol::{RpcError, code};
use gantry_transport::server::{ReplyBody, full};
use http::header::{ALLOW, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Longest text of another's that is repeated in an error, bytes.
const MOST_TEXT: usize = 4096;
/// Reasons under which the gateway says that a server cannot be reached now, where no code of its own
/// tells the cause.
const UNAVAILABLE: [&str; 4] = ["disabled", "starting", "stopped", "stopping"];

/// What kind of error it is, for a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Code {
    /// 401: no token, or an unknown one.
    AuthenticationFailed,
    /// 403: the token does not open this.
    AuthorizationDenied,
    /// 400, or a more precise status of that class: the request cannot be carried out as it is.
    InvalidParameters,
    /// 404: there is no such route, server, tool or resource, or the caller may not see it.
    ResourceNotFound,
    /// 503: the server behind the gateway cannot be reached.
    ServerUnavailable,
    /// 502: the server behind the gateway answered with an error.
    ToolExecutionFailed,
    /// 504: the server behind the gateway did not answer in time.
    TimeoutExceeded,
    /// 429: a limit of the gateway is reached.
    RateLimitExceeded,
    /// 500: the gateway failed.
    ServerError,
}

/// The body of every answer that is an error.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Error")]
pub(crate) struct ErrorBody {
    /// The error.
    error: ErrorMembers,
}

/// What is wrong.
#[derive(Debug, Serialize, JsonSchema)]
struct ErrorMembers {
    /// What kind of error it is.
    code: Code,
    /// What is wrong, for a person.
    message: String,
    /// More for a program: `code` is the number under which `gantry explain` tells the cause, `rpc` the
    /// JSON-RPC error of the server.
    details: Map<String, Value>,
    /// The name of the request, as in the header `X-Request-Id` and in the log.
    request_id: String,
    /// What the request is a part of, as its header `X-Correlation-ID` says, where that is not its own
    /// name.
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
    /// When, as RFC 3339 in UTC.
    timestamp: String,
}

/// Why a request to the API has no other answer.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    code: Code,
    status: StatusCode,
    message: String,
    details: Map<String, Value>,
    denied: Option<Denied>,
    challenge: Option<HeaderValue>,
    allow: Option<HeaderValue>,
    waiting: Option<Waiting>,
}

// === impl Code ===

impl Code {
    /// The table of our own causes.
    fn of(cause: ErrorCode) -> Self {
        match cause {
            ErrorCode::TokenWrong
            | ErrorCode::AdminTokenWrong
            | ErrorCode::TokenExpired
            | ErrorCode::TokenForOthers
            | ErrorCode::TokenNotYet => Self::AuthenticationFailed,
            ErrorCode::IssuerUnreachable => Self::ServerUnavailable,
            ErrorCode::UnknownServer
            | ErrorCode::UnknownTool
            | ErrorCode::UnknownSession
            | ErrorCode::UnknownKey
            | ErrorCode::UnknownBreaker => Self::ResourceNotFound,
            ErrorCode::UpstreamCallTimeout | ErrorCode::UpstreamProbeTimeout => {
                Self::TimeoutExceeded
            }
            ErrorCode::CallbackNotBridged => Self::ToolExecutionFailed,
            ErrorCode::Overloaded | ErrorCode::RateLimited => Self::RateLimitExceeded,
            ErrorCode::CommandsNotAllowed => Self::AuthorizationDenied,
            other => match other.category() {
                Category::Access => Self::AuthorizationDenied,
                Category::Upstream => Self::ServerUnavailable,
                Category::Request => Self::InvalidParameters,
                Category::Config
                | Category::Start
                | Category::Storage
                | Category::Command
                | Category::Internal => Self::ServerError,
            },
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::AuthenticationFailed => StatusCode::UNAUTHORIZED,
            Self::AuthorizationDenied => StatusCode::FORBIDDEN,
            Self::InvalidParameters => StatusCode::BAD_REQUEST,
            Self::ResourceNotFound => StatusCode::NOT_FOUND,
            Self::ServerUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::ToolExecutionFailed => StatusCode::BAD_GATEWAY,
            Self::TimeoutExceeded => StatusCode::GATEWAY_TIMEOUT,
            Self::RateLimitExceeded => StatusCode::TOO_MANY_REQUESTS,
            Self::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

// === impl ApiError ===

impl ApiError {
    /// Makes an error of one of our causes.
    pub(crate) fn new(cause: ErrorCode, message: impl Into<String>) -> Self {
        let code = Code::of(cause);
        // Where a cause asks for a more precise status than its kind of error, it gets it.
        let own = cause.http().and_then(|status| StatusCode::from_u16(status).ok());
        let own = own.filter(|_| code == Code::InvalidParameters);
        let mut details = Map::new();
        details.insert("code".to_owned(), cause.code().into());
        Self {
            code,
            status: own.unwrap_or(code.status()),
            message: message.into(),
            details,
            denied: None,
            challenge: None,
            allow: None,
            waiting: None,
        }
    }

    /// The request is not as the API wants it.
    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ApiRequestInvalid, message)
    }

    /// There is no such server, or the caller may not see it.
    pub(crate) fn no_server(name: &str) -> Self {
        let shown: String = name.chars().take(100).collect();
        let message = format!("no server has the name `{shown}`; `GET /api/servers` lists them");
        Self::new(ErrorCode::UnknownServer, message)
    }

    /// Reads the error with which a request was answered.
    pub(crate) fn of_rpc(error: &RpcError) -> Self {
        let member = |name: &str| error.data.as_ref().and_then(|data| data.get(name));
        let text = |name: &str| member(name).and_then(Value::as_str);
        let message = || shortened(&error.message);
        if let Some(cause) = text("code").and_then(ErrorCode::find) {
            let own = Self::new(cause, message());
            return match Waiting::of(error) {
                Some(waiting) => own.come_again(waiting),
                None => own,
            };
        }
        let unreachable = text("reason").is_some_and(|reason| UNAVAILABLE.contains(&reason));
        // Several servers could read it: that is for the caller to decide.
        let is_unknown = member("uri").is_some() && member("candidates").is_none();
        let code = match error.code {
            code::RESOURCE_NOT_FOUND | code::METHOD_NOT_FOUND => Code::ResourceNotFound,
            code::INVALID_PARAMS if is_unknown => Code::ResourceNotFound,
            code::INVALID_PARAMS | code::INVALID_REQUEST | code::PARSE_ERROR => {
                Code::InvalidParameters
            }
            code::INTERNAL_ERROR if unreachable => Code::ServerUnavailable,
            _ => Code::ToolExecutionFailed,
        };
        let mut rpc = json!({ "code": error.code, "message": message() });
        if let Some(data) = &error.data
            && data.to_string().len() <= MOST_TEXT
        {
            rpc["data"] = data.clone();
        }
        Self {
            code,
            status: code.status(),
            message: message(),
            details: Map::from_iter([("rpc".to_owned(), rpc)]),
            denied: None,
            challenge: None,
            allow: None,
            waiting: None,
        }
    }

    /// Takes another status than the code's own.
    #[must_use]
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Adds more for a program.
    #[must_use]
    pub(crate) fn with_detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// Adds what RFC 6750 wants a client to be told.
    #[must_use]
    pub(crate) fn denied(mut self, denied: Option<Denied>) -> Self {
        let challenge = denied.and_then(|denied| denied.challenge(None));
        self.challenge = challenge.and_then(|challenge| HeaderValue::try_from(challenge).ok());
        self.denied = denied;
        self
    }

    /// The same, with a challenge that says more.
    #[must_use]
    pub(crate) fn challenged(
        mut self,
        denied: Option<Denied>,
        challenge: Option<HeaderValue>,
    ) -> Self {
        (self.denied, self.challenge) = (denied, challenge);
        self
    }

    /// Says when to come again.
    #[must_use]
    pub(crate) fn come_again(mut self, waiting: Waiting) -> Self {
        self.waiting = Some(waiting);
        self.with_detail("retryAfter", waiting.seconds)
    }

    /// Another method is asked for than there are.
    pub(crate) fn wrong_method(allowed: &str) -> Self {
        let mut error = Self::malformed(format!("this route answers {allowed} alone"))
            .with_status(StatusCode::METHOD_NOT_ALLOWED);
        error.allow = HeaderValue::from_str(allowed).ok();
        error
    }

    /// Returns our own cause, if there is one.
    pub(crate) fn cause(&self) -> Option<ErrorCode> {
        self.details.get("code").and_then(Value::as_str).and_then(ErrorCode::find)
    }

    /// Returns what is wrong with the credential, if that is why.
    pub(crate) fn why_denied(&self) -> Option<Denied> {
        self.denied
    }

    /// What is asked for is not done, because it could not be recorded.
    pub(crate) fn unrecorded(cause: ErrorCode) -> Self {
        Self::new(cause, format!("{}; the log says why", cause.title()))
            .with_status(StatusCode::SERVICE_UNAVAILABLE)
    }

    /// Returns the members of the error, for an answer that holds several.
    pub(crate) fn to_value(&self) -> Value {
        json!({ "code": self.code, "message": self.message, "details": self.details })
    }

    /// Makes the answer.
    pub(crate) fn into_response(self, request_id: &str, clock: &dyn Clock) -> Response<ReplyBody> {
        let body = ErrorBody {
            error: ErrorMembers {
                code: self.code,
                message: self.message,
                details: self.details,
                request_id: request_id.to_owned(),
                correlation_id: whole(request_id),
                timestamp: timestamp(clock),
            },
        };
        let mut text = serde_json::to_vec(&body).unwrap_or_default();
        text.push(b'\n');
        let mut response = full(self.status, Bytes::from(text));
        let headers = response.headers_mut();
        if let Some(challenge) = self.challenge {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(allow) = self.allow {
            headers.insert(ALLOW, allow);
        }
        if let Some(waiting) = self.waiting {
            waiting.write(headers);
        }
        response
    }
}

/// Returns the present second as RFC 3339 in UTC.
pub(crate) fn timestamp(clock: &dyn Clock) -> String {
    humantime::format_rfc3339_seconds(clock.now()).to_string()
}

/// Returns what the present request is a part of, if its client says so and it is not the request
/// itself.
pub(crate) fn whole(request_id: &str) -> Option<String> {
    let names = correlation::current()?;
    (*names.part_of != *request_id).then(|| names.part_of.to_string())
}

fn shortened(text: &str) -> String {
    if text.len() <= MOST_TEXT {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(MOST_TEXT);
    format!("{}...", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use gantry_core::clock::FixedClock;

    use super::*;

    fn of(error: &RpcError) -> (Code, u16) {
        let error = ApiError::of_rpc(error);
        (error.code, error.status.as_u16())
    }

    #[test]
    fn errors_of_servers_get_the_code_that_a_caller_can_act_on() {
        let coded = |code: &str| {
            RpcError::internal("x", "y").with_data(json!({ "reason": "x", "code": code }))
        };
        for (error, expected) in [
            (RpcError::invalid_params("no"), (Code::InvalidParameters, 400)),
            (RpcError::method_not_found("x"), (Code::ResourceNotFound, 404)),
            (RpcError::new(-32002, "gone"), (Code::ResourceNotFound, 404)),
            (
                RpcError::invalid_params("unknown").with_data(json!({ "uri": "a://b" })),
                (Code::ResourceNotFound, 404),
            ),
            (
                RpcError::invalid_params("many").with_data(json!({ "uri": "a", "candidates": [] })),
                (Code::InvalidParameters, 400),
            ),
            (coded("E0302"), (Code::ResourceNotFound, 404)),
            (coded("E0202"), (Code::ServerUnavailable, 503)),
            (coded("E0210"), (Code::TimeoutExceeded, 504)),
            (coded("E0309"), (Code::RateLimitExceeded, 429)),
            (coded("E0430"), (Code::RateLimitExceeded, 429)),
            (coded("E0431"), (Code::ServerUnavailable, 503)),
            (coded("E0432"), (Code::ServerUnavailable, 503)),
            (coded("E0303"), (Code::ToolExecutionFailed, 502)),
            (RpcError::internal("disabled", "off"), (Code::ServerUnavailable, 503)),
            (RpcError::internal("own", "its own"), (Code::ToolExecutionFailed, 502)),
            (RpcError::new(-1, "x".repeat(9000)), (Code::ToolExecutionFailed, 502)),
        ] {
            assert_eq!(of(&error), expected, "{error}");
        }
    }

    #[test]
    fn every_cause_has_a_code_and_a_status_of_an_error() {
        for cause in ErrorCode::ALL {
            let error = ApiError::new(*cause, "x");
            assert!(error.status.as_u16() >= 400, "{cause}");
        }
        assert_eq!(ApiError::new(ErrorCode::BodyTooLarge, "x").status.as_u16(), 413);
        assert_eq!(ApiError::new(ErrorCode::ServerInFile, "x").status.as_u16(), 409);
    }

    #[test]
    fn times_are_written_as_rfc_3339() {
        let clock = FixedClock(std::time::Duration::from_hours(500_000));
        assert_eq!(timestamp(&clock), "2027-01-15T08:00:00Z");
    }
}
