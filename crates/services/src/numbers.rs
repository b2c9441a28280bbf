//! Vectors of numbers as arguments.
//!
//! Millions of numbers may come in one call, so they are read straight into one block of memory.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{DeserializeSeed, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Vectors of one length.
///
/// Invariant: there is at least one row, and each has `columns` numbers, which is not zero.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Matrix {
    columns: usize,
    numbers: Vec<f64>,
}

impl Matrix {
    /// Returns how many vectors there are.
    pub(crate) fn n_rows(&self) -> usize {
        self.numbers.len() / self.columns
    }

    /// Returns the length of each vector.
    pub(crate) fn n_columns(&self) -> usize {
        self.columns
    }

    /// Returns the vectors.
    pub(crate) fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.numbers.chunks_exact(self.columns)
    }

    /// Returns the vectors to be changed.
    pub(crate) fn rows_mut(&mut self) -> impl ExactSizeIterator<Item = &mut [f64]> {
        self.numbers.chunks_exact_mut(self.columns)
    }

    /// Returns the vectors one after another.
    pub(crate) fn numbers(&self) -> &[f64] {
        &self.numbers
    }
}

impl<'de> Deserialize<'de> for Matrix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Rows)
    }
}

impl JsonSchema for Matrix {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Matrix".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "minItems": 1,
            "items": { "type": "array", "minItems": 1, "items": { "type": "number" } },
        })
    }
}

/// Reads all vectors.
struct Rows;

impl<'de> Visitor<'de> for Rows {
    type Value = Matrix;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of vectors")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Matrix, A::Error> {
        let mut matrix = Matrix { columns: 0, numbers: Vec::new() };
        while rows.next_element_seed(Row(&mut matrix))?.is_some() {}
        if matrix.numbers.is_empty() {
            return Err(A::Error::custom("is empty; give at least one vector"));
        }
        Ok(matrix)
    }
}

/// Reads one vector behind those that are there.
struct Row<'a>(&'a mut Matrix);

impl<'de> DeserializeSeed<'de> for Row<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<(), A::Error> {
        let Self(matrix) = self;
        let before = matrix.numbers.len();
        while let Some(number) = numbers.next_element()? {
            matrix.numbers.push(number);
        }
        let length = matrix.numbers.len() - before;
        if length == 0 {
            return Err(A::Error::custom("is empty; give at least one number"));
        }
        if before == 0 {
            matrix.columns = length;
        } else if length != matrix.columns {
            let columns = matrix.columns;
            return Err(A::Error::custom(format!(
                "has {length} numbers and the first has {columns}; give vectors of the same length"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::Matrix;
    use crate::arguments::parse;
    use crate::error::ToolError;

    #[derive(Debug, Deserialize)]
    struct Arguments {
        vectors: Matrix,
    }

    #[test]
    fn vectors_lie_one_after_another() {
        let Arguments { vectors } = parse(br#"{"vectors":[[1,2],[3,4],[5,6]]}"#).unwrap();
        assert_eq!((vectors.n_rows(), vectors.n_columns()), (3, 2));
        assert_eq!(vectors.numbers(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(vectors.rows().nth(2), Some(&[5.0, 6.0][..]));
    }

    #[test]
    fn what_is_no_matrix_is_refused_where_it_is() {
        for (raw, field, problem) in [
            ("[]", "vectors", "is empty; give at least one vector"),
            ("[[1],[]]", "vectors[1]", "is empty; give at least one number"),
            (
                "[[1,2],[3]]",
                "vectors[1]",
                "has 1 numbers and the first has 2; give vectors of the same length",
            ),
            ("[[1,null]]", "vectors[0][1]", "invalid type: null, expected f64"),
            ("[[1],2]", "vectors[1]", "invalid type: integer `2`, expected an array of numbers"),
            ("1", "vectors", "invalid type: integer `1`, expected an array of vectors"),
        ] {
            let raw = format!(r#"{{"vectors":{raw}}}"#);
            let error = parse::<Arguments>(raw.as_bytes()).unwrap_err();
            assert_eq!(error, ToolError::argument(field, problem), "{raw}");
        }
    }
}
