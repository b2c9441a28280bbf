//! Tests of the language of rules.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::Expression;

fn data() -> Map<String, Value> {
    let data = json!({
        "amount": 120, "net": 100.5, "name": "Ada", "tags": ["new", "paid"], "closed": false,
        "note": null, "address": { "city": "Oslo" },
    });
    data.as_object().unwrap().clone()
}

fn holds(source: &str) -> Result<bool, String> {
    let expression = Expression::parse(source).map_err(|mistake| mistake.to_string())?;
    expression.holds(&data()).map_err(|mistake| mistake.to_string())
}

#[test]
fn conditions_are_read_as_python_reads_them() {
    for (source, expected) in [
        ("amount > 100", true),
        ("100 < amount <= 120", true),
        ("100 < amount < 120", false),
        ("amount > 100 and not closed", true),
        ("closed or amount == 120.0", true),
        ("not closed and closed", false),
        ("not (closed and closed)", true),
        ("not not name", true),
        ("not not not name", false),
        ("'new' in tags and 'old' not in tags", true),
        ("'d' in name", true),
        ("'city' in address", true),
        ("name in ['Ada', \"Bob\"]", true),
        ("name in ('Bob',)", false),
        ("amount in (1, 2, 120,)", true),
        ("1 in []", false),
        ("1 in ()", false),
        ("note == null", true),
        ("note == None and closed == False and True", true),
        ("amount == '120'", false),
        ("2 + 3 * 4 == 14", true),
        ("(2 + 3) * 4 == 20", true),
        ("7 - 2 - 1 == 4", true),
        ("-2 - -3 == 1", true),
        ("-7 % 3 == 2 and 7 % -3 == -2", true),
        ("1e2 / 4 == 25", true),
        ("name + '!' == 'Ada!'", true),
        ("name < 'Bob'", true),
        ("'it\\'s' == \"it's\"", true),
        // What is not needed is not looked at.
        ("closed and missing", false),
        ("amount or 1 / 0", true),
    ] {
        assert_eq!(holds(source), Ok(expected), "{source}");
    }
}

#[test]
fn what_has_no_value_says_why() {
    for (source, expected) in [
        ("", "has nothing more at 0, where a value is expected"),
        ("amount >", "has nothing more at 8, where a value is expected"),
        ("amount > 1 2", "has `2` at 11, where the end is expected"),
        ("len(name)", "has `(` at 3, where the end is expected; there are no calls here"),
        ("tags[0]", "has `[` at 4, where the end is expected; there are no subscripts here"),
        ("name.upper", "has `.` at 4, which means nothing here; there are no attributes here"),
        ("amount = 1", "has `=` at 7, which means nothing here; compare with `==`"),
        ("amount; 1", "has `;` at 6, which means nothing here"),
        ("'open", "has a text at 0 that does not end"),
        ("1.2.3", "has `1.2.3` at 0, which is no number"),
        ("(1", "has nothing more at 2, where `)` is expected"),
        ("amount not 1", "has `1` at 11, where `in` is expected"),
        ("missing > 1", "asks for `missing`, which the data does not have"),
        ("amount / 0", "divides by zero"),
        ("amount % 0", "divides by zero"),
        ("1e308 * 10", "comes to more than a number can hold"),
        ("amount + name", "calculates with a number and a text"),
        ("amount < name", "asks whether a number or a text is less"),
        ("1 in 2", "asks whether a number is in a number"),
        ("-name", "takes the negative of a text"),
        ("__import__('os')", "has `(` at 10, where the end is expected; there are no calls here"),
    ] {
        assert_eq!(holds(source), Err(expected.to_owned()), "{source}");
    }
}

#[test]
fn an_expression_has_bounds() {
    let deep = format!("{}1{}", "(".repeat(31), ")".repeat(31));
    assert_eq!(holds(&deep), Ok(true));
    let deeper = format!("{}1{}", "(".repeat(32), ")".repeat(32));
    assert!(holds(&deeper).unwrap_err().contains("more than 32 deep"));
    assert!(holds(&"(".repeat(4000)).unwrap_err().contains("more than 32 deep"));
    assert_eq!(holds(&format!("{}1", "-".repeat(4000))), Ok(true));
    assert_eq!(holds(&format!("{}1", "not ".repeat(1000))), Ok(true));
    assert!(holds(&"1".repeat(4097)).unwrap_err().contains("at most 4096"));
}

proptest! {
    #[test]
    fn whatever_is_written_ends_without_a_panic(source in "\\PC{0,60}") {
        let _ = holds(&source);
    }

    #[test]
    fn whatever_looks_like_a_rule_ends_without_a_panic(
        parts in proptest::collection::vec(
            prop::sample::select(vec![
                "amount", "name", "tags", "1", "0", "'a'", "+", "-", "*", "/", "%", "==", "<",
                "in", "not", "and", "or", "(", ")", "[", "]", ",", "missing",
            ]),
            0..20,
        ),
    ) {
        let _ = holds(&parts.join(" "));
    }

    #[test]
    fn arithmetic_is_that_of_doubles(left in -1e6..1e6, right in -1e6..1e6) {
        for (sign, expected) in
            [("+", left + right), ("-", left - right), ("*", left * right), ("/", left / right)]
        {
            prop_assume!(right != 0.0);
            let source = format!("({left:?}) {sign} ({right:?})");
            let found = Expression::parse(&source).unwrap().number(&Map::new()).unwrap();
            prop_assert!(found.total_cmp(&expected).is_eq(), "{source}: {found}");
        }
    }
}
