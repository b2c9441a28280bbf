//! `_validate_data_with_mcp`: whether records are what the hierarchies want.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::context::Context;
use crate::data_standardization::hierarchy::Kind;
use crate::data_standardization::item::MAX_ITEMS;
use crate::data_standardization::quality;
use crate::data_standardization::table::{ACCOUNTS, COUNTRIES, PRODUCTS, Row, rows};
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The tool.
pub(in crate::data_standardization) const TOOL: Tool = Tool {
    name: "_validate_data_with_mcp",
    alias: None,
    title: "Validate standardised records",
    description: "Says whether records have the fields of their hierarchy, whether their levels \
                  belong together in the tables, and whether their values can be what they claim.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Heavy,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "A level that does not belong to the other",
        arguments: r#"{"kind": "account", "data": [{"account_id": "1", "l1_category": "Equity", "l2_subcategory": "Current Assets",
            "l3_classification": "Receivables", "l4_specific": "Trade Receivables"}]}"#,
        answer: r#"{"valid": false, "n_valid": 0, "problems": [{"place": "data[0].l2_subcategory",
            "problem": "`Current Assets` is not below `Equity`"}]}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

/// The most problems that are told.
const MAX_PROBLEMS: usize = 100;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What the records are.
    kind: Kind,
    /// The records, with the id and the four levels of their hierarchy.
    #[schemars(length(max = 10_000))]
    data: Vec<Map<String, Value>>,
    /// Whether levels that no table has are refused; a vocabulary of your own may have more.
    #[serde(default)]
    strict: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// Whether no record has a problem.
    valid: bool,
    /// How many records have none.
    n_valid: usize,
    /// What is wrong, the first hundred.
    problems: Vec<Problem>,
    /// How many problems there are, told or not.
    n_problems: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Problem {
    /// Where: `data[3].l1_category`.
    place: String,
    /// What is wrong, and what to do.
    problem: String,
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { kind, data, strict } = arguments;
    if data.len() > MAX_ITEMS {
        let problem = format!(
            "has {} records; at most {MAX_ITEMS} are taken, so give them in parts",
            data.len()
        );
        return Err(ToolError::argument("data", problem));
    }
    let known = Known::of(kind);
    let mut ids = BTreeSet::new();
    let mut problems = Vec::new();
    let (mut n_valid, mut n_problems) = (0, 0);
    for (at, record) in data.iter().enumerate() {
        if at % 256 == 0 {
            context.check()?;
        }
        let found = check(kind, record, &known, strict, &mut ids);
        n_valid += usize::from(found.is_empty());
        n_problems += found.len();
        let told = found
            .into_iter()
            .map(|(field, problem)| Problem { place: format!("data[{at}].{field}"), problem });
        problems.extend(told.take(MAX_PROBLEMS.saturating_sub(problems.len())));
    }
    Ok(Answer { valid: n_problems == 0, n_valid, problems, n_problems })
}

/// The levels of the tables, with the one above each.
#[derive(Debug)]
struct Known {
    pairs: [BTreeSet<(&'static str, &'static str)>; 3],
    terms: [BTreeSet<&'static str>; 4],
}

impl Known {
    fn of(kind: Kind) -> Self {
        let (table, cells): (&'static str, [usize; 4]) = match kind {
            Kind::Account => (ACCOUNTS, [0, 1, 2, 3]),
            Kind::Product => (PRODUCTS, [0, 1, 2, 3]),
            // Parts of countries and cities are too many to be complete.
            Kind::Location => (COUNTRIES, [3, 2, usize::MAX, usize::MAX]),
        };
        let mut known = Self { pairs: Default::default(), terms: Default::default() };
        let depth = if kind == Kind::Location { 2 } else { 4 };
        for row in rows(table) {
            let cell = |level: usize| Row::cell(row, cells[level]);
            for level in 0..depth {
                known.terms[level].insert(cell(level));
                if level > 0 {
                    known.pairs[level - 1].insert((cell(level - 1), cell(level)));
                }
            }
        }
        known
    }
}

fn check(
    kind: Kind,
    record: &Map<String, Value>,
    known: &Known,
    strict: bool,
    ids: &mut BTreeSet<String>,
) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    let mut problem = |field: &str, text: String| problems.push((field.to_owned(), text));
    match record.get(kind.id_field()) {
        None | Some(Value::Null) => {
            problem(kind.id_field(), "is required and is not there".to_owned());
        }
        Some(id) => {
            if !ids.insert(id.to_string()) {
                problem(kind.id_field(), format!("{id} is there twice; give every record its own"));
            }
        }
    }
    let fields = kind.level_fields();
    let mut above: Option<&str> = None;
    let mut missing_above = None;
    for (level, field) in fields.into_iter().enumerate() {
        let value = match record.get(field) {
            None => {
                problem(field, "is required and is not there".to_owned());
                None
            }
            Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.as_str()),
            Some(_) => {
                problem(field, "is not a text".to_owned());
                None
            }
        };
        match (value, missing_above) {
            (Some(_), Some(missing)) => {
                problem(field, format!("is there without `{missing}` above it"));
            }
            (None, None) if level < 2 => missing_above = Some(field),
            _ => {}
        }
        if let Some(text) = value {
            if let Some(fault) = quality::problem(field, &Value::String(text.to_owned())) {
                problem(field, fault);
            } else if known.terms[level].contains(text) {
                let pairs = level.checked_sub(1).map(|level| &known.pairs[level]);
                if let (Some(above), Some(pairs)) = (above, pairs)
                    && !pairs.contains(&(above, text))
                {
                    problem(field, format!("`{text}` is not below `{above}`"));
                }
            } else if strict && !known.terms[level].is_empty() {
                problem(field, format!("`{text}` is in no table"));
            }
        }
        above = value;
    }
    problems
}
