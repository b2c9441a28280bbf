//! `validate_business_rules`: data against conditions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::expression::Expression;
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The most rules of a call.
const MAX_RULES: usize = 1000;
/// The most violations that are told.
const MAX_VIOLATIONS: usize = 1000;

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "validate_business_rules",
    alias: None,
    title: "Check data against rules",
    description: "Checks an object, or each object of an array, against rules. The condition of a \
                  rule has to hold; it may use the names of the data, constants, + - * / %, \
                  comparisons, and, or, not, in, not in and lists, and nothing else: no calls, no \
                  attributes, no subscripts.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Heavy,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[
        Example {
            title: "An order",
            arguments: r#"{"data": {"net": 100, "tax": 25, "total": 120, "country": "NO"},
                "rules": [
                    {"rule_id": "sum", "condition": "net + tax == total",
                     "action": "have the order checked"},
                    {"rule_id": "country", "condition": "country in ['NO', 'SE']",
                     "severity": "warning"}]}"#,
            answer: r#"{"is_valid": false, "rules_evaluated": 2, "records_checked": 1,
                "violation_count": 1, "violations": [{"rule_id": "sum", "severity": "error",
                    "action": "have the order checked", "reason": "does not hold"}]}"#,
        },
        Example {
            title: "A warning is no reason to refuse, unless that is asked for",
            arguments: r#"{"data": [{"age": 15}, {"age": 30}], "enforcement_level": "error",
                "rules": [{"rule_id": "adult", "condition": "age >= 18", "severity": "warning"}]}"#,
            answer: r#"{"is_valid": true, "violations": [{"rule_id": "adult", "record": 0}]}"#,
        },
    ],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// An object, or an array of objects.
    data: Records,
    /// The rules.
    #[schemars(length(max = 1000))]
    rules: Vec<Rule>,
    /// The least severity for which data is not valid.
    #[serde(default)]
    enforcement_level: Severity,
}

/// Objects that are checked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected an object, or an array of objects")]
enum Records {
    /// One.
    One(Map<String, Value>),
    /// Several.
    Many(Vec<Map<String, Value>>),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "clients know these names")]
struct Rule {
    /// Its name.
    rule_id: String,
    /// What it is about; told with its violations.
    #[serde(default)]
    rule_type: Option<String>,
    /// What has to hold.
    condition: String,
    /// What is to be done if it does not; told with its violations.
    #[serde(default)]
    action: Option<String>,
    /// How bad it is if it does not hold.
    #[serde(default)]
    severity: Severity,
}

/// How bad something is.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
enum Severity {
    /// Good to know.
    Info,
    /// Worth a look.
    Warning,
    /// Wrong.
    #[default]
    Error,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// Whether nothing is violated that is as bad as the enforcement level.
    is_valid: bool,
    /// The least severity for which data is not valid.
    enforcement_level: Severity,
    /// How many rules there are.
    rules_evaluated: usize,
    /// How many objects were checked.
    records_checked: usize,
    /// How many violations there are.
    violation_count: usize,
    /// The violations, at most 1000.
    violations: Vec<Violation>,
    /// The share of checks that were passed.
    compliance_score: f64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Violation {
    /// The rule.
    rule_id: String,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_type: Option<String>,
    /// How bad it is.
    severity: Severity,
    /// The position of the object, from 0.
    record: usize,
    /// Why: it does not hold, or has no value for this object.
    reason: String,
    /// What is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<String>,
}

#[expect(clippy::cast_precision_loss, reason = "there are not 2^53 checks")]
fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { data, rules, enforcement_level } = arguments;
    if rules.len() > MAX_RULES {
        let problem = format!("has {} rules; give at most {MAX_RULES}", rules.len());
        return Err(ToolError::argument("rules", problem));
    }
    let mut conditions = Vec::with_capacity(rules.len());
    for (at, rule) in rules.iter().enumerate() {
        let condition = Expression::parse(&rule.condition).map_err(|mistake| {
            ToolError::argument(format!("rules[{at}].condition"), mistake.to_string())
        })?;
        conditions.push(condition);
    }
    let records = match data {
        Records::One(record) => vec![record],
        Records::Many(records) => records,
    };
    let mut violations = Vec::new();
    let (mut violation_count, mut is_valid) = (0, true);
    for (record, data) in records.iter().enumerate() {
        context.progress(record, records.len(), "checking records")?;
        for (rule, condition) in rules.iter().zip(&conditions) {
            let reason = match condition.holds(data) {
                Ok(true) => continue,
                Ok(false) => "does not hold".to_owned(),
                Err(mistake) => mistake.to_string(),
            };
            violation_count += 1;
            is_valid &= rule.severity < enforcement_level;
            if violations.len() < MAX_VIOLATIONS {
                violations.push(rule.violation(record, reason));
            }
        }
    }
    let n_checks = (records.len() * rules.len()).max(1);
    Ok(Answer {
        is_valid,
        enforcement_level,
        rules_evaluated: rules.len(),
        records_checked: records.len(),
        violation_count,
        violations,
        compliance_score: 1.0 - violation_count as f64 / n_checks as f64,
    })
}

impl Rule {
    fn violation(&self, record: usize, reason: String) -> Violation {
        Violation {
            rule_id: self.rule_id.clone(),
            rule_type: self.rule_type.clone(),
            severity: self.severity,
            record,
            reason,
            action: self.action.clone(),
        }
    }
}
