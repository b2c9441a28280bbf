//! Arguments without what is left out of them, written down while they are read.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use serde::Deserialize as _;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{Keep, LONGEST_TEXT, Rules, push_plain, push_text};
use crate::redact::REDACTED;

/// Writes a value down as it is read, without what is left out of it: for every call there are
/// arguments, and a tree of them would cost more than all the rest of its entry.
pub(super) struct Cleaner<'r, 'o> {
    pub(super) rules: &'r Rules,
    pub(super) into: &'o mut String,
    /// Those that lead here, without the steps taken.
    pub(super) pointers: Vec<&'r [String]>,
    /// Whether it is the value of a member whose name says that it is left out.
    pub(super) is_hidden: bool,
    /// Bytes of the text at which reading ends: nothing of it is kept then.
    pub(super) most: usize,
}

/// The name of a member: written down, and what it says of its value.
struct Name<'r, 'o, 'p> {
    rules: &'r Rules,
    into: &'o mut String,
    pointers: &'p [&'r [String]],
}

// === impl Cleaner ===

impl Cleaner<'_, '_> {
    fn is_pointed_at(&self) -> bool {
        self.rules.keep != Keep::Full && self.pointers.iter().any(|rest| rest.is_empty())
    }

    /// Returns what is kept of a text.
    fn kept<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.is_hidden {
            return REDACTED.into();
        }
        self.rules.text(text, if self.rules.cuts { LONGEST_TEXT } else { usize::MAX })
    }

    /// Writes a value that is kept as it is, unless its name hides it.
    fn plain(self, value: impl fmt::Display) {
        if self.is_hidden {
            push_text(self.into, REDACTED);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(self.into, "{value}");
        }
    }
}

impl<'de> DeserializeSeed<'de> for Cleaner<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        if self.is_pointed_at() {
            push_text(self.into, REDACTED);
            return IgnoredAny::deserialize(value).map(|_| ());
        }
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Cleaner<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    // Truth values, nothing and objects are no secrets whatever they are called.
    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.into.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.into.push_str("null");
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.plain(value);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.plain(value);
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.plain(Value::from(value));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        push_text(self.into, &self.kept(text));
        Ok(())
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<(), E> {
        // It stood between quotes as it is, so that it may again, and so may what stands for a part of it.
        push_plain(self.into, &self.kept(text));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        if self.is_hidden {
            push_text(self.into, REDACTED);
            while entries.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        let Self { rules, into, pointers, most, .. } = self;
        into.push('[');
        for at in 0_usize.. {
            goes_on(into, most)?;
            let end = into.len();
            if at > 0 {
                into.push(',');
            }
            let further = further(&pointers, |step| step.parse() == Ok(at));
            let entry = Cleaner { rules, into, pointers: further, is_hidden: false, most };
            if entries.next_element_seed(entry)?.is_none() {
                into.truncate(end);
                break;
            }
        }
        into.push(']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self { rules, into, pointers, most, .. } = self;
        into.push('{');
        let mut is_first = true;
        loop {
            goes_on(into, most)?;
            let end = into.len();
            if !is_first {
                into.push(',');
            }
            let name = Name { rules, into, pointers: &pointers };
            let Some((is_hidden, further)) = members.next_key_seed(name)? else {
                into.truncate(end);
                break;
            };
            into.push(':');
            members.next_value_seed(Cleaner { rules, into, pointers: further, is_hidden, most })?;
            is_first = false;
        }
        into.push('}');
        Ok(())
    }
}

// === impl Name ===

impl<'r> Name<'r, '_, '_> {
    /// Returns what a name says of its value: whether it is left out, and the pointers that lead into it.
    fn says(&self, name: &str) -> (bool, Vec<&'r [String]>) {
        (self.rules.hides(name), further(self.pointers, |step| step == name))
    }
}

impl<'de, 'r> DeserializeSeed<'de> for Name<'r, '_, '_> {
    type Value = (bool, Vec<&'r [String]>);

    fn deserialize<D: Deserializer<'de>>(self, name: D) -> Result<Self::Value, D::Error> {
        name.deserialize_str(self)
    }
}

impl<'de, 'r> Visitor<'de> for Name<'r, '_, '_> {
    type Value = (bool, Vec<&'r [String]>);

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a member")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        push_text(self.into, name);
        Ok(self.says(name))
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        push_plain(self.into, name);
        Ok(self.says(name))
    }
}

/// Fails once more was written than is kept: a call waits for the entry of large arguments, too.
fn goes_on<E: Error>(into: &str, most: usize) -> Result<(), E> {
    if into.len() > most { Err(E::custom("too long")) } else { Ok(()) }
}

/// Returns the pointers that lead on by a step, without it.
fn further<'r>(pointers: &[&'r [String]], is_it: impl Fn(&str) -> bool) -> Vec<&'r [String]> {
    if pointers.is_empty() {
        return Vec::new();
    }
    let next = pointers.iter().filter_map(|pointer| pointer.split_first());
    next.filter(|(step, _)| is_it(step)).map(|(_, rest)| rest).collect()
}
