//! `test_mcp_reasoning`: the service tests itself.

use schemars::JsonSchema;
use serde::Serialize;

use crate::context::Context;
use crate::error::ToolError;
use crate::reasoning_agent::answer::answer;
use crate::reasoning_agent::bayes::{Evidence, Hypothesis, update};
use crate::reasoning_agent::contradict;
use crate::reasoning_agent::decompose::{Strategy, decompose};
use crate::reasoning_agent::patterns::{self, Area};
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, NoArguments, Tool};

/// The tool.
pub(in crate::reasoning_agent) const TOOL: Tool = Tool {
    name: "test_mcp_reasoning",
    alias: None,
    title: "Test the reasoning",
    description: "Runs each skill on a small case whose answer is known, and says which of them answer as they should.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Heavy,
    input_schema: schema::input::<NoArguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "All skills",
        arguments: "{}",
        answer: r#"{"passed": true, "n_passed": 6, "n_failed": 0}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// Whether all skills answer as they should.
    passed: bool,
    /// How many do.
    n_passed: usize,
    /// How many do not.
    n_failed: usize,
    /// Each case.
    cases: Vec<Case>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Case {
    /// The skill.
    skill: &'static str,
    /// What was asked of it.
    asked: &'static str,
    /// What it has to answer.
    expected: String,
    /// What it answered.
    found: String,
    /// Whether both are the same.
    passed: bool,
}

fn case(skill: &'static str, asked: &'static str, expected: &str, found: String) -> Case {
    Case { skill, asked, passed: found == expected, expected: expected.to_owned(), found }
}

fn carry_out(context: &Context<'_>, _: NoArguments) -> Result<Answer, ToolError> {
    let infer = |text: &'static str| -> Result<String, ToolError> {
        Ok(answer(context, text)?.map(|(answered, _)| answered.answer).unwrap_or_default())
    };
    let syllogism = "All men are mortal. Socrates is a man. Is Socrates mortal?";
    let chain = "Ann is taller than Bob. Bob is taller than Cleo. Who is taller than Cleo?";
    let compound = "Why did it fail, and who approved it?";
    let parts: Vec<String> = decompose(compound, Strategy::Structural, 5)
        .into_iter()
        .map(|part| part.question)
        .collect();
    let cause = "Why did sales fall?";
    let names: Vec<String> = patterns::find(cause, &[Area::Causal], 0.7)
        .into_iter()
        .map(|pattern| pattern.name)
        .collect();
    let statements = ["The shop is open.", "The shop is closed."].map(str::to_owned);
    let hypotheses =
        [("a", 0.5), ("b", 0.5)].map(|(name, prior)| Hypothesis { name: name.to_owned(), prior });
    let evidence = Evidence {
        name: "e".to_owned(),
        likelihoods: [("a".to_owned(), 0.75), ("b".to_owned(), 0.25)].into(),
    };
    let beliefs = update(&hypotheses, &[evidence])?;
    let cases = vec![
        case("inference", syllogism, "yes", infer(syllogism)?),
        case("inference", chain, "Bob, Ann", infer(chain)?),
        case(
            "question_decomposition",
            compound,
            "Why did it fail? Who approved it?",
            parts.join(" "),
        ),
        case("pattern_analysis", cause, "cause", names.join(" ")),
        case(
            "contradictions",
            "The shop is open. The shop is closed.",
            "1",
            contradict::find(&statements).len().to_string(),
        ),
        case(
            "bayes",
            "two hypotheses, and a finding three times as likely under one",
            "0.75",
            beliefs.posteriors["a"].to_string(),
        ),
    ];
    let n_passed = cases.iter().filter(|case| case.passed).count();
    Ok(Answer {
        passed: n_passed == cases.len(),
        n_passed,
        n_failed: cases.len() - n_passed,
        cases,
    })
}
