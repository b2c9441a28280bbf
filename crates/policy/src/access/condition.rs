//! Conditions in CEL, the Common Expression Language: compiled and checked when the configuration is
//! read, evaluated in bounded time.
//!
//! What bounds it: the length of the text, its nesting, the nodes of its tree; macros do not stand inside each other, and
//! there are few; patterns of `matches` are literals; and the arguments are bounded
//! ([`Arguments`]).

use std::fmt;
use std::sync::{Arc, LazyLock};

use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::parser::PrattParser;
use cel::{Context, Env, IdedExpr, Value};

use super::rule::Facts;
use super::{Arguments, Asker, Kind, Thing, types};

/// Longest text, bytes.
const MOST_TEXT: usize = 2048;
/// Deepest nesting that the parser follows.
const MOST_NESTING: u16 = 24;
/// Most nodes of the tree.
const MOST_NODES: usize = 400;

/// The names that a condition can use.
pub(super) const VARIABLES: [&str; 9] =
    ["principal", "tool", "prompt", "resource", "server", "view", "arguments", "address", "time"];

static ENVIRONMENT: LazyLock<Arc<Env>> =
    LazyLock::new(|| Arc::new(Env::stdlib().with_optional_support(false)));

/// A condition that can be asked.
pub struct Condition {
    expression: IdedExpr,
    looks_at: [bool; VARIABLES.len()],
}

/// Why a text is no condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// It is too long.
    #[error("it has {found} bytes, and may have {MOST_TEXT}")]
    TooLong {
        /// Bytes.
        found: usize,
    },
    /// It is no expression.
    #[error("line {line}, column {column}: {message}")]
    Syntax {
        /// Within the text, from 1.
        line: isize,
        /// From 1.
        column: isize,
        /// What the parser says.
        message: String,
    },
    /// It is an expression that could never be evaluated.
    #[error("{0}")]
    Meaning(String),
}

impl Condition {
    /// Compiles and checks a text.
    ///
    /// # Errors
    ///
    /// The text is no condition, or one that could not be evaluated in bounded time.
    pub fn compile(text: &str) -> Result<Self, ConditionError> {
        if text.len() > MOST_TEXT {
            return Err(ConditionError::TooLong { found: text.len() });
        }
        let parser = PrattParser::new()
            .max_recursion_depth(MOST_NESTING)
            .max_expression_node_count(MOST_NODES);
        let expression = parser.parse(text).map_err(|errors| syntax(&errors))?;
        types::check(&expression).map_err(ConditionError::Meaning)?;
        let used = expression.references();
        let looks_at = VARIABLES.map(|name| used.has_variable(name));
        Ok(Self { expression, looks_at })
    }

    /// Tells whether it uses a variable.
    pub fn looks_at(&self, variable: &str) -> bool {
        VARIABLES.iter().zip(self.looks_at).any(|(name, used)| used && *name == variable)
    }

    /// Tells whether it can be told only when the arguments are known.
    pub fn needs_arguments(&self) -> bool {
        self.looks_at("arguments")
    }

    /// Evaluates it for somebody who asks for something; the error is for people.
    pub(crate) fn asks(
        &self,
        asker: &Asker<'_>,
        thing: &Thing<'_>,
        arguments: &Arguments,
    ) -> Result<bool, String> {
        self.holds(&Facts { asker, thing, arguments: Some(arguments) })
    }

    /// Evaluates it; the error is for people.
    pub(super) fn holds(&self, facts: &Facts<'_>) -> Result<bool, String> {
        let variables = Variables::new(self, facts);
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.set_variable_resolver(&variables);
        match Value::resolve(&self.expression, &context) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(_) => Err("it is neither true nor false".to_owned()),
            Err(error) => Err(shortened(&error.to_string())),
        }
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = VARIABLES.iter().zip(self.looks_at).filter(|(_, used)| *used);
        formatter.debug_tuple("Condition").field(&used.map(|(name, _)| name)).finish()
    }
}

/// What the names stand for in one evaluation. Only what is used is made.
struct Variables<'a> {
    own: Vec<(&'static str, Box<dyn Val>)>,
    arguments: Option<&'a Arguments>,
}

impl<'a> Variables<'a> {
    fn new(condition: &Condition, facts: &Facts<'a>) -> Self {
        let used = VARIABLES.into_iter().zip(condition.looks_at).filter(|(_, used)| *used);
        let own = used.filter_map(|(name, _)| Some((name, value(name, facts)?.try_into().ok()?)));
        Self { own: own.collect(), arguments: facts.arguments }
    }
}

impl VariableResolver for Variables<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        if variable == "arguments" {
            return self.arguments.map(|arguments| CowVal::Borrowed(arguments.value()));
        }
        let found = self.own.iter().find(|(name, _)| *name == variable);
        found.map(|(_, value)| CowVal::Borrowed(&**value))
    }
}

/// Returns what a name stands for; `None` for the arguments, which are not copied.
fn value(name: &str, facts: &Facts<'_>) -> Option<Value> {
    let (asker, thing) = (facts.asker, facts.thing);
    let named = |kind| if thing.kind == kind { thing.name } else { "" };
    Some(match name {
        "principal" => principal(facts),
        "tool" => named(Kind::Tool).into(),
        "prompt" => named(Kind::Prompt).into(),
        "resource" => named(Kind::Resource).into(),
        "server" => thing.server.into(),
        "view" => thing.view.into(),
        "address" => {
            asker.address.map(|at| at.to_canonical().to_string()).unwrap_or_default().into()
        }
        "time" => time(asker.unix_seconds),
        _ => return None,
    })
}

fn principal(facts: &Facts<'_>) -> Value {
    let principal = facts.asker.principal;
    let list =
        |texts: &[Box<str>]| Value::from(texts.iter().map(|text| &**text).collect::<Vec<_>>());
    // Whoever is not limited has every scope.
    let scopes = match &principal.grants.scopes {
        Some(scopes) => list(scopes),
        None => Value::from(vec!["*:*"]),
    };
    map([
        ("issuer", (&*principal.issuer).into()),
        ("subject", (&*principal.subject).into()),
        ("roles", list(&principal.grants.roles)),
        ("scopes", scopes),
        ("tier", principal.grants.tier.as_deref().unwrap_or_default().into()),
    ])
}

/// Time in UTC; the first day of the week is Monday, with the number 1.
fn time(unix_seconds: u64) -> Value {
    let number = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    // The first of January 1970 was a Thursday.
    let weekday = (unix_seconds / 86_400 + 3) % 7 + 1;
    map([
        ("unix", number(unix_seconds)),
        ("hour", number(unix_seconds / 3600 % 24)),
        ("minute", number(unix_seconds / 60 % 60)),
        ("weekday", number(weekday)),
    ])
}

fn map<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::from(members.into_iter().collect::<std::collections::HashMap<_, _>>())
}

fn syntax(errors: &cel::ParseErrors) -> ConditionError {
    let Some(first) = errors.errors.first() else {
        return ConditionError::Meaning("it is no expression".to_owned());
    };
    let (line, column) = first.pos;
    ConditionError::Syntax { line, column, message: shortened(&first.msg) }
}

/// Errors of the evaluation repeat values; a short piece is enough to tell.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 160;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let cut: String = text.chars().take(LONGEST).collect();
    format!("{cut}...")
}
