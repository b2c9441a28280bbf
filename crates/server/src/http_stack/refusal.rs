//! A request that is not served, as its sender is told: JSON-RPC on the MCP endpoints, a small JSON
//! object elsewhere. The same code, text and status in both.

use std::time::Duration;

use bytes::Bytes;
use gantry_core::ErrorCode;
use gantry_gateway::governance::traffic::{TooMany, Waiting};
use gantry_policy::{Denied, Invitation};
use gantry_protocol::{RpcError, code, message};
use gantry_transport::server::{ReplyBody, full};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;

use crate::api::{ApiError, whole};

const CORRELATION_ID: &str = "correlation_id";

/// Why a request is not served.
#[derive(Debug)]
pub(crate) struct Refusal {
    code: ErrorCode,
    message: String,
    status: Option<StatusCode>,
    denied: Option<Denied>,
    waiting: Option<Waiting>,
    invitation: Option<Invitation>,
}

impl Refusal {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, message, status: None, denied: None, waiting: None, invitation: None }
    }

    /// There is nothing at this path.
    pub(crate) fn nothing_at(path: &str) -> Self {
        let shown: String = path.chars().take(100).collect();
        let message = format!("there is nothing at `{shown}`; `/` says what is where");
        Self::new(ErrorCode::UnknownServer, message)
    }

    /// Adds what RFC 6750 wants a client to be told.
    #[must_use]
    pub(crate) fn denied(mut self, denied: Denied) -> Self {
        self.denied = Some(denied);
        self
    }

    /// Says where a token is to be had, if a better one would help.
    #[must_use]
    pub(crate) fn inviting(mut self, invitation: Option<&Invitation>) -> Self {
        self.invitation = invitation.cloned();
        self
    }

    /// Says when to come again.
    #[must_use]
    pub(crate) fn come_again(mut self, after: Duration) -> Self {
        self.waiting = Some(Waiting { seconds: after.as_secs().max(1), standing: None });
        self
    }

    /// A limit of rates is reached.
    pub(crate) fn too_many(too_many: &TooMany) -> Self {
        let refusal = Self::new(ErrorCode::RateLimited, too_many.text());
        Self { waiting: Some(too_many.waiting), ..refusal }
    }

    /// Takes another status than the code's own.
    #[must_use]
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    pub(crate) fn code(&self) -> ErrorCode {
        self.code
    }

    /// Returns what is wrong with the credential, if that is why.
    pub(crate) fn why_denied(&self) -> Option<Denied> {
        self.denied
    }

    /// What the caller is told.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Returns the same in the form of the HTTP API.
    pub(crate) fn into_api(self) -> ApiError {
        let challenge = self.challenge();
        let error = ApiError::new(self.code, self.message).challenged(self.denied, challenge);
        let error = match self.waiting {
            Some(waiting) => error.come_again(waiting),
            None => error,
        };
        match self.status {
            Some(status) => error.with_status(status),
            None => error,
        }
    }

    /// Returns the challenge that goes with the status.
    fn challenge(&self) -> Option<HeaderValue> {
        let challenge = self.denied?.challenge(self.invitation.as_ref())?;
        HeaderValue::try_from(challenge).ok()
    }

    /// Makes the response.
    pub(crate) fn into_response(self, is_mcp: bool, request_id: &str) -> Response<ReplyBody> {
        let challenge = self.challenge();
        let own = self.code.http().and_then(|status| StatusCode::from_u16(status).ok());
        let status = self.status.or(own).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let whole = whole(request_id);
        let body = if is_mcp {
            let number = self.code.json_rpc().unwrap_or(code::INVALID_REQUEST);
            let mut data = match self.waiting {
                Some(waiting) => waiting.to_data(self.code),
                None => json!({ "code": self.code.code() }),
            };
            data["request_id"] = request_id.into();
            if let Some(whole) = whole {
                data[CORRELATION_ID] = whole.into();
            }
            message::failure(None, &RpcError::new(number, self.message).with_data(data))
        } else {
            let mut error = json!({
                "code": self.code.code(),
                "message": self.message,
                "request_id": request_id,
            });
            if let Some(whole) = whole {
                error[CORRELATION_ID] = whole.into();
            }
            if let Some(waiting) = self.waiting {
                error["retryAfter"] = waiting.seconds.into();
            }
            Bytes::from(json!({ "error": error }).to_string())
        };
        let mut response = full(status, body);
        if let Some(challenge) = challenge {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(waiting) = self.waiting {
            waiting.write(response.headers_mut());
        }
        response
    }
}
