//! Records that live as long as the process.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use gantry_core::Clock;
use parking_lot::Mutex;

use super::{PortError, Record, Records};

/// The most records of all kinds and owners.
const MAX_RECORDS: usize = 10_000;
/// The most bytes of all of them, keys and values.
const MAX_BYTES: usize = 64 << 20;

/// Keeps records in memory; where there is no room, the oldest make some.
#[derive(Debug)]
pub struct MemoryRecords {
    clock: Arc<dyn Clock>,
    // Protects both maps, which name the same records.
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_key: BTreeMap<Place, Entry>,
    /// The same in the order in which they were put.
    by_age: BTreeMap<u64, Place>,
    next: u64,
    bytes: usize,
}

/// Kind, owner, key.
type Place = (String, String, String);

#[derive(Debug)]
struct Entry {
    record: Record,
    put: u64,
}

// === impl MemoryRecords ===

impl MemoryRecords {
    /// Makes an empty store.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, kept: Mutex::default() }
    }
}

impl Records for MemoryRecords {
    fn get(&self, kind: &str, owner: &str, key: &str) -> Result<Option<Record>, PortError> {
        let now = self.clock.unix_seconds();
        let kept = self.kept.lock();
        let entry = kept.by_key.get(&place(kind, owner, key));
        Ok(entry.map(|entry| &entry.record).filter(|record| is_alive(record, now)).cloned())
    }

    fn put(&self, kind: &str, owner: &str, record: Record) -> Result<(), PortError> {
        let place = place(kind, owner, &record.key);
        let size = size(&place, &record);
        if size > MAX_BYTES {
            return Err(PortError::new(format!("{size} bytes; at most {MAX_BYTES} can be kept")));
        }
        let mut kept = self.kept.lock();
        kept.remove(&place);
        while kept.by_key.len() >= MAX_RECORDS || kept.bytes + size > MAX_BYTES {
            kept.remove_oldest();
        }
        let put = kept.next;
        kept.next += 1;
        kept.bytes += size;
        kept.by_age.insert(put, place.clone());
        kept.by_key.insert(place, Entry { record, put });
        Ok(())
    }

    fn remove(&self, kind: &str, owner: &str, key: &str) -> Result<bool, PortError> {
        let now = self.clock.unix_seconds();
        let removed = self.kept.lock().remove(&place(kind, owner, key));
        Ok(removed.is_some_and(|record| is_alive(&record, now)))
    }

    fn list(&self, kind: &str, owner: &str, most: usize) -> Result<Vec<Record>, PortError> {
        let now = self.clock.unix_seconds();
        let first = place(kind, owner, "");
        let kept = self.kept.lock();
        let mut found: Vec<&Entry> = kept
            .by_key
            .range((Bound::Included(&first), Bound::Unbounded))
            .take_while(|(place, _)| place.0 == kind && place.1 == owner)
            .map(|(_, entry)| entry)
            .filter(|entry| is_alive(&entry.record, now))
            .collect();
        found.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.put));
        Ok(found.into_iter().take(most).map(|entry| entry.record.clone()).collect())
    }
}

// === impl Kept ===

impl Kept {
    fn remove(&mut self, place: &Place) -> Option<Record> {
        let entry = self.by_key.remove(place)?;
        self.by_age.remove(&entry.put);
        self.bytes -= size(place, &entry.record);
        Some(entry.record)
    }

    fn remove_oldest(&mut self) {
        if let Some((_, place)) = self.by_age.pop_first() {
            self.remove(&place);
        }
    }
}

fn place(kind: &str, owner: &str, key: &str) -> Place {
    (kind.to_owned(), owner.to_owned(), key.to_owned())
}

fn size((kind, owner, key): &Place, record: &Record) -> usize {
    kind.len() + owner.len() + key.len() + record.value.len()
}

fn is_alive(record: &Record, now: u64) -> bool {
    record.expires_at.is_none_or(|at| now < at)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::{Duration, SystemTime};

    use bytes::Bytes;
    use gantry_core::Clock;

    use super::{MAX_BYTES, MAX_RECORDS, MemoryRecords};
    use crate::ports::{Record, Records as _};

    #[derive(Debug, Default)]
    struct Hand(AtomicU64);

    impl Clock for Hand {
        fn now(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::Relaxed))
        }
    }

    fn record(key: &str, value: &'static str) -> Record {
        Record {
            key: key.to_owned(),
            value: Bytes::from_static(value.as_bytes()),
            expires_at: None,
        }
    }

    fn keys(records: &MemoryRecords, owner: &str) -> Vec<String> {
        let listed = records.list("kind", owner, 10).unwrap();
        listed.into_iter().map(|record| record.key).collect()
    }

    #[test]
    fn a_record_is_its_owners_alone() {
        let records = MemoryRecords::new(Arc::new(Hand::default()));
        records.put("kind", "ada", record("b", "1")).unwrap();
        records.put("kind", "ada", record("a", "2")).unwrap();
        records.put("kind", "bob", record("a", "3")).unwrap();
        records.put("other", "ada", record("c", "4")).unwrap();
        assert_eq!(keys(&records, "ada"), ["a", "b"]);
        records.put("kind", "ada", record("b", "5")).unwrap();
        assert_eq!(keys(&records, "ada"), ["b", "a"]);
        assert_eq!(records.get("kind", "ada", "b").unwrap(), Some(record("b", "5")));
        assert!(records.remove("kind", "ada", "b").unwrap());
        assert!(!records.remove("kind", "ada", "b").unwrap());
        assert_eq!(keys(&records, "ada"), ["a"]);
        assert_eq!(keys(&records, "bob"), ["a"]);
    }

    #[test]
    fn a_record_is_gone_when_its_time_has_come() {
        let clock = Arc::new(Hand::default());
        let records = MemoryRecords::new(Arc::clone(&clock) as Arc<dyn Clock>);
        records.put("kind", "ada", Record { expires_at: Some(10), ..record("a", "1") }).unwrap();
        clock.0.store(9, Ordering::Relaxed);
        assert!(records.get("kind", "ada", "a").unwrap().is_some());
        clock.0.store(10, Ordering::Relaxed);
        assert_eq!(records.get("kind", "ada", "a").unwrap(), None);
        assert!(keys(&records, "ada").is_empty());
        assert!(!records.remove("kind", "ada", "a").unwrap());
    }

    #[test]
    fn the_oldest_make_room() {
        let records = MemoryRecords::new(Arc::new(Hand::default()));
        for n in 0..=MAX_RECORDS {
            records.put("kind", "ada", record(&n.to_string(), "x")).unwrap();
        }
        assert_eq!(records.get("kind", "ada", "0").unwrap(), None);
        assert!(records.get("kind", "ada", "1").unwrap().is_some());
        let large = Bytes::from(vec![b'x'; MAX_BYTES - 100]);
        records.put("kind", "ada", Record { value: large, ..record("large", "") }).unwrap();
        assert!(records.kept.lock().bytes <= MAX_BYTES);
        assert!(records.get("kind", "ada", "1").unwrap().is_none());
        assert!(records.get("kind", "ada", &MAX_RECORDS.to_string()).unwrap().is_some());
        let huge = Bytes::from(vec![b'x'; MAX_BYTES + 1]);
        let error = records.put("kind", "ada", Record { value: huge, ..record("huge", "") });
        assert!(error.unwrap_err().to_string().contains("at most"));
        assert!(records.get("kind", "ada", "large").unwrap().is_some());
    }
}
