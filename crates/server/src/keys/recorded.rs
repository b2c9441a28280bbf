//! Changes of keys with their entries in the audit trail, over the HTTP API and by a command beside no
//! gateway.
//!
//! An entry names a key by its public part, and says whom it stands for; never the key.

use gantry_core::ErrorCode;
use gantry_core::audit::{Audit, Event};

use super::model::{KeyView, MadeKey, NewKey, Rotation};
use super::{KeyError, StoredKeys, public_part};
use crate::api::Caller;
use crate::audit::seen::Changing;

/// A change has no entry.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub enum Unrecorded {
    /// So it was not made.
    #[error(
        "the audit trail takes no more entries, so the keys are not changed; `/ready` and the log say why"
    )]
    Full,
    /// It was made all the same.
    #[error(
        "the keys are changed, but the audit trail did not keep the entry in time; the log says why"
    )]
    Unwritten,
}

/// Who makes a change, and where it is recorded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Witness<'a> {
    pub(crate) audit: &'a Audit,
    /// `None` for somebody at the machine itself.
    pub(crate) caller: Option<&'a Caller>,
}

// === impl Unrecorded ===

impl Unrecorded {
    /// Returns the code of the cause.
    pub fn code(self) -> ErrorCode {
        match self {
            Self::Full => ErrorCode::AuditFull,
            Self::Unwritten => ErrorCode::AuditUnwritten,
        }
    }
}

// === impl Witness ===

impl Witness<'_> {
    /// Takes room for the entry of a change of one key, named as it may be shown.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn begin(&self, event: Event, key: &str) -> Result<Changing, KeyError> {
        let changing = Changing::begin(self.audit, event, &public_part(key));
        let changing = changing.map_err(|_| Unrecorded::Full)?;
        Ok(match self.caller {
            Some(caller) => changing.by(caller),
            None => changing.by_local(),
        })
    }
}

/// Makes a key.
pub(crate) async fn make(
    keys: &StoredKeys,
    changing: Changing,
    wanted: NewKey,
) -> Result<MadeKey, KeyError> {
    let made = keys.make(wanted).await;
    end(changing, made, |changing, made| {
        changing.about(&made.about.id).saying(format!("for `{}`", made.about.name))
    })
    .await
}

/// Makes a key in the place of another.
pub(crate) async fn rotate(
    keys: &StoredKeys,
    changing: Changing,
    (id, wanted): (&str, Rotation),
) -> Result<MadeKey, KeyError> {
    let made = keys.rotate(id, wanted).await;
    end(changing, made, |changing, made| {
        changing.saying(format!("replaced by `{}`, for `{}`", made.about.id, made.about.name))
    })
    .await
}

/// Takes a key back.
pub(crate) async fn revoke(
    keys: &StoredKeys,
    changing: Changing,
    id: &str,
) -> Result<KeyView, KeyError> {
    let revoked = keys.revoke(id).await;
    end(changing, revoked, |changing, key| changing.saying(format!("of `{}`", key.name))).await
}

/// Forgets a key that opens nothing any more.
pub(crate) async fn forget(
    keys: &StoredKeys,
    changing: Changing,
    id: &str,
) -> Result<(), KeyError> {
    let forgotten = keys.forget(id).await;
    end(changing, forgotten, |changing, ()| changing).await
}

/// Records what became of a change.
async fn end<T>(
    changing: Changing,
    made: Result<T, KeyError>,
    tell: impl FnOnce(Changing, &T) -> Changing,
) -> Result<T, KeyError> {
    let (changing, ended) = match &made {
        Ok(made) => (tell(changing, made), Ok(())),
        Err(error) => (changing, Err(Some(error.code()))),
    };
    let recorded = changing.end(ended).await;
    let made = made?;
    recorded.map_err(|_| Unrecorded::Unwritten)?;
    Ok(made)
}
