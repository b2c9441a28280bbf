//! `standardize_values`: dates, numbers, amounts, quantities, telephone numbers, names, addresses,
//! countries.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::text_within;
use crate::context::Context;
use crate::data_standardization::date::Order;
use crate::data_standardization::item::{MAX_ITEMS, round, share};
use crate::data_standardization::reading::Reading;
use crate::data_standardization::{
    address, amount, company, date, number, person, phone, places, quantity,
};
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The most bytes of one value.
const MAX_VALUE: usize = 1_000;

/// The tool.
pub(in crate::data_standardization) const TOOL: Tool = Tool {
    name: "standardize_values",
    alias: None,
    title: "Standardise values",
    description: "Brings dates, numbers, amounts of money, quantities, telephone numbers, names of \
                  people and companies, addresses and countries into one form, with their parts, \
                  confidence and reason.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Heavy,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "One value of several kinds",
        arguments: r#"{"values": [
            {"kind": "date", "value": "29. Februar 2024"},
            {"kind": "amount", "value": "1.299,00 €"},
            {"kind": "phone", "value": "030/123456", "region": "DE"},
            {"kind": "quantity", "value": "5 ft"},
            {"kind": "quantity", "value": "26.2 miles", "unit": "km"}]}"#,
        answer: r#"{"readings": [
            {"standard": "2024-02-29"},
            {"standard": "1299.00 EUR", "parts": {"amount": "1299.00", "currency": "EUR"}},
            {"standard": "+4930123456", "parts": {"region": "DE"}},
            {"standard": "5 foot", "parts": {"base_value": "1.524", "base_unit": "meter"}},
            {"standard": "42.1648128 kilometer"}],
            "success_rate": 1}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ValueKind {
    /// As ISO 8601.
    Date,
    /// As a plain decimal.
    Number,
    /// As a decimal with the code of ISO 4217.
    Amount,
    /// As a decimal with a unit of CLDR.
    Quantity,
    /// As E.164.
    Phone,
    /// As prefix, given, middle, family, suffix.
    Person,
    /// As a name with its legal form.
    Company,
    /// As number, street, unit, box, city, state, post code.
    Address,
    /// As its English name, with the codes of ISO 3166.
    Country,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The values.
    #[schemars(length(max = 10_000))]
    values: Vec<Written>,
    /// Whether the day comes before the month where a date can be read in two ways.
    #[serde(default)]
    day_first: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Written {
    /// What it is.
    kind: ValueKind,
    /// What is written.
    value: String,
    /// The country where it was written: ISO 3166, two letters. Telephone numbers without a
    /// country code, `$`, and addresses without a country need it.
    #[serde(default)]
    region: Option<String>,
    /// The unit to which a quantity is converted, such as `kilometer`.
    #[serde(default)]
    unit: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// The readings, in the order in which the values were given.
    readings: Vec<Reading>,
    /// The share of values that could be read.
    success_rate: f64,
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { values, day_first } = arguments;
    if values.len() > MAX_ITEMS {
        let problem = format!(
            "has {} values; at most {MAX_ITEMS} are taken, so give them in parts",
            values.len()
        );
        return Err(ToolError::argument("values", problem));
    }
    let order = if day_first { Order::DayFirst } else { Order::MonthFirst };
    let this_year = year(context.ports().clock.unix_seconds());
    let mut readings = Vec::with_capacity(values.len());
    for (at, written) in values.iter().enumerate() {
        if at % 64 == 0 {
            context.progress(at, values.len(), "standardising values")?;
        }
        text_within(&format!("values[{at}].value"), &written.value, MAX_VALUE)?;
        let region = region(at, written.region.as_deref())?;
        let reading = read(written, region.as_deref(), order, this_year);
        let reading = converted(at, written, reading)?;
        readings.push(Reading { confidence: round(reading.confidence), ..reading });
    }
    let n_read = readings.iter().filter(|reading| reading.standard.is_some()).count();
    Ok(Answer { success_rate: round(share(n_read, readings.len())), readings })
}

fn region(at: usize, region: Option<&str>) -> Result<Option<String>, ToolError> {
    let Some(region) = region else { return Ok(None) };
    let code = region.to_ascii_uppercase();
    // Kosovo and two islands have numbering plans and no code of ISO 3166 of their own.
    if places::by_code(&code).is_none() && !matches!(code.as_str(), "XK" | "AC" | "TA") {
        let problem = format!("`{region}` is no country; give a code of ISO 3166 such as DE");
        return Err(ToolError::argument(format!("values[{at}].region"), problem));
    }
    Ok(Some(code))
}

fn read(written: &Written, region: Option<&str>, order: Order, this_year: i16) -> Reading {
    let value = written.value.as_str();
    match written.kind {
        ValueKind::Date => date::read(value, order, this_year),
        ValueKind::Number => number::read(value),
        ValueKind::Amount => amount::read(value, region),
        ValueKind::Quantity => quantity::read(value),
        ValueKind::Phone => phone::read(value, region),
        ValueKind::Person => person::read(value),
        ValueKind::Company => company::read(value),
        ValueKind::Address => address::read(value, region),
        ValueKind::Country => match places::country_of(value) {
            Some(found) => {
                Reading::new(found.country.name.to_owned(), found.confidence, found.reason)
                    .with("alpha2", found.country.alpha2)
                    .with("alpha3", found.country.alpha3)
                    .with("region", found.country.region)
            }
            None => Reading::nothing("no country has a name like that"),
        },
    }
}

/// Converts a quantity to the unit that is wanted.
fn converted(at: usize, written: &Written, reading: Reading) -> Result<Reading, ToolError> {
    let Some(wanted) = &written.unit else { return Ok(reading) };
    let field = format!("values[{at}].unit");
    let Some(unit) = quantity::unit(wanted) else {
        return Err(ToolError::argument(
            field,
            format!("`{wanted}` is no unit that is known; give one such as kilometer"),
        ));
    };
    let (Some(base), Some(value)) =
        (reading.parts.get("base_unit"), reading.parts.get("base_value"))
    else {
        return Ok(reading);
    };
    if *base != unit.base {
        let problem = format!("`{wanted}` measures another thing than `{}`", written.value);
        return Err(ToolError::argument(field, problem));
    }
    let value: f64 = value.parse().unwrap_or_default();
    // The last digits of a conversion are those of the arithmetic, not of the value.
    let value = format!("{:.12e}", unit.of_base(value)).parse::<f64>().unwrap_or(value);
    let reading = Reading { standard: Some(format!("{value} {}", unit.name)), ..reading };
    Ok(reading.with("value", value.to_string()).with("unit", unit.name))
}

/// Returns the year of a time, which is enough to tell centuries apart.
fn year(unix_seconds: u64) -> i16 {
    let seconds = i64::try_from(unix_seconds).unwrap_or(0);
    jiff::Timestamp::from_second(seconds)
        .map_or(2000, |now| jiff::tz::Offset::UTC.to_datetime(now).year())
}
