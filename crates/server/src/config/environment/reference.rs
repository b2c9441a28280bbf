//! The table as a part of the reference page of the environment.

use std::fmt::Write as _;

use super::super::shape;
use super::table::{Effect, ROWS};

const PREFACE: &str = "
## Variables of other systems

Where Gantry takes another system's place, that one's variables may stay. They fill what the file does not say; the file
wins over them, because names such as `PORT` may stand in a shell for another program. Variables whose feature is still
to come are named once in the log at the start and by `gantry check`; a name that programs of all kinds use is named at
the start only beside one that is not. An empty variable is the same as none. All since 0.1.

| variable | of | state | key | default | meaning |
|---|---|---|---|---|---|
";

/// Returns the section as Markdown.
pub fn markdown() -> String {
    let schema = shape::inlined_schema();
    let mut page = PREFACE.to_owned();
    for row in ROWS {
        let (state, reason) = row.state(&schema);
        let key = match row.effect {
            Effect::Fills { key, .. } => format!("`{key}`"),
            _ => String::new(),
        };
        let default = match row.effect {
            Effect::Fills { key, .. } => shape::default_of(&schema, key).unwrap_or_default(),
            _ => String::new(),
        };
        let systems: Vec<_> = row.systems.iter().map(|system| system.0).collect();
        let systems = systems.join(", ");
        let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(
            page,
            "| `{}` | {systems} | {}{reason} | {key} | {default} | {} |",
            row.name,
            state.word(),
            row.meaning
        );
    }
    page
}
