//! Which schemas a release may run on.
//!
//! A schema has the numbers of the migrations that were applied. The database names the oldest
//! schema that a release must know to run on it: migrations that only add leave that number alone,
//! so that the release before goes on with the new schema, beside the new one or after a rollback.
//! Only when that release is not supported any more, a migration takes away, and raises the number.

/// The oldest schema that a release must know to run on what this one makes. Whoever adds a
/// migration that the release before cannot live with sets it to that migration's number.
pub(crate) const OLDEST: i64 = 6;
/// The release that brought it.
pub(crate) const OLDEST_RELEASE: &str = "0.1.0";

/// Names in the table `meta`.
pub(crate) const OLDEST_NAME: &str = "oldest_schema";
pub(crate) const OLDEST_RELEASE_NAME: &str = "oldest_release";

pub(crate) const META: &str = "SELECT name, value FROM meta";

pub(crate) const PUT_META: &str = "\
    INSERT INTO meta (name, value) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value";

pub(crate) const APPLIED: &str = "SELECT version FROM migrations ORDER BY version";

pub(crate) const RECORD: &str =
    "INSERT INTO migrations (version, name, applied_at) VALUES ($1, $2, $3)";

/// What a database says of its schema.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// The migrations that were applied.
    pub(crate) applied: Vec<i64>,
    /// What it requires of a release, if it says so.
    pub(crate) oldest: Option<i64>,
    /// The release that brought that.
    pub(crate) oldest_release: Option<String>,
}

/// A schema that this release cannot run on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TooNew {
    /// The schema of the database.
    pub(crate) found: i64,
    /// The first release that can, if it is known.
    pub(crate) needs: String,
}

impl Found {
    /// Puts together what was read.
    pub(crate) fn new(applied: Vec<i64>, meta: Vec<(String, String)>) -> Self {
        let mut found = Self { applied, ..Self::default() };
        for (name, value) in meta {
            match name.as_str() {
                OLDEST_NAME => found.oldest = value.parse().ok(),
                OLDEST_RELEASE_NAME => found.oldest_release = Some(value),
                _ => {}
            }
        }
        found
    }

    /// Returns the last migration that was applied; 0 in a new database.
    pub(crate) fn last(&self) -> i64 {
        self.applied.iter().copied().max().unwrap_or(0)
    }

    /// Says that a migration was applied: of a new database only to whoever wants to know everything.
    pub(crate) fn tell_of(&self, version: i64, name: &str) {
        if self.last() == 0 {
            gantry_core::log::debug!(version, name, "Applied a migration to a new database.");
        } else {
            gantry_core::log::info!(version, name, "Applied a migration of the database.");
        }
    }

    /// Tells whether a release that knows schemas up to `known` may run here.
    pub(crate) fn check(&self, known: i64) -> Result<(), TooNew> {
        let last = self.last();
        if last <= known || self.oldest.is_some_and(|oldest| oldest <= known) {
            return Ok(());
        }
        let needs = self.oldest_release.clone();
        Err(TooNew { found: last, needs: needs.unwrap_or_else(|| "the newer release".to_owned()) })
    }

    /// Returns which of the migrations that this release knows are to be applied. A schema that a
    /// later release has made is left as it is.
    pub(crate) fn missing(&self, known: &[i64]) -> Vec<i64> {
        let most = known.iter().copied().max().unwrap_or(0);
        if self.last() > most {
            return Vec::new();
        }
        known.iter().copied().filter(|version| !self.applied.contains(version)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(applied: &[i64], oldest: Option<i64>) -> Found {
        Found { applied: applied.to_vec(), oldest, oldest_release: Some("0.9.0".to_owned()) }
    }

    #[test]
    fn a_release_runs_on_what_it_knows_and_on_what_was_only_added_to() {
        for (applied, oldest, expected) in [
            (&[][..], None, true),
            (&[1, 2, 3], None, true),
            (&[1, 2, 3, 6], Some(6), true),
            // A later release that only added.
            (&[1, 2, 3, 6, 7, 8], Some(6), true),
            // One that took away.
            (&[1, 2, 3, 6, 7, 8], Some(7), false),
            // One that does not say what it did.
            (&[1, 2, 3, 6, 7], None, false),
        ] {
            let outcome = found(applied, oldest).check(6);
            assert_eq!(outcome.is_ok(), expected, "{applied:?} {oldest:?}");
            if let Err(error) = outcome {
                assert_eq!(
                    (error.needs.as_str(), error.found),
                    ("0.9.0", found(applied, None).last())
                );
            }
        }
    }

    #[test]
    fn what_is_missing_is_applied_and_a_later_schema_is_left_alone() {
        assert_eq!(found(&[], None).missing(&[1, 2]), [1, 2]);
        assert_eq!(found(&[1], None).missing(&[1, 2]), [2]);
        assert_eq!(found(&[1, 3], None).missing(&[1, 2, 3]), [2], "numbers may come out of order");
        assert_eq!(found(&[1, 2], None).missing(&[1, 2]), [0; 0]);
        assert_eq!(found(&[1, 9], Some(1)).missing(&[1, 2]), [0; 0]);
    }

    #[test]
    fn what_is_no_number_is_no_promise() {
        let meta = vec![(OLDEST_NAME.to_owned(), "soon".to_owned())];
        assert!(Found::new(vec![7], meta).check(6).is_err());
    }
}
