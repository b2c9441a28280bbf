//! Rows as JSON: an array for each, in the order of the columns; bytes in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::header::{Header, Kind, TableHeader};

/// Bytes of rows after which a part ends.
const PART: usize = 1024 * 1024;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// One row.
pub(super) type Row = Vec<Cell>;

/// What a backup is read as, piece by piece.
#[derive(Debug)]
pub(super) enum Part {
    Header(Header),
    Rows { table: String, rows: Vec<Row> },
    File { name: String, bytes: Vec<u8> },
}

/// Rows on their way into a part.
#[derive(Debug, Default)]
pub(super) struct Lines {
    text: Vec<u8>,
}

impl Lines {
    /// Adds a row, and returns the part if it is full.
    pub(super) fn push(&mut self, row: Row) -> Option<Vec<u8>> {
        let cells: Vec<Value> = row.into_iter().map(to_json).collect();
        // Writing to memory cannot fail.
        let _ = serde_json::to_writer(&mut self.text, &cells);
        self.text.push(b'\n');
        (self.text.len() >= PART).then(|| self.take())
    }

    /// Returns what there is.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.text)
    }
}

fn to_json(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Integer(number) => number.into(),
        Cell::Text(text) => text.into(),
        Cell::Bytes(bytes) => STANDARD.encode(bytes).into(),
    }
}

/// Reads the rows of a part; `None` if they are not what the table's columns say.
pub(super) fn read(table: &TableHeader, bytes: &[u8]) -> Option<Vec<Row>> {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| read_row(table, line)).collect()
}

fn read_row(table: &TableHeader, line: &[u8]) -> Option<Row> {
    let values: Vec<Value> = serde_json::from_slice(line).ok()?;
    if values.len() != table.columns.len() {
        return None;
    }
    let cells = values.into_iter().zip(&table.columns);
    cells.map(|(value, (_, kind))| from_json(value, *kind)).collect()
}

fn from_json(value: Value, kind: Kind) -> Option<Cell> {
    match (value, kind) {
        (Value::Null, _) => Some(Cell::Null),
        (Value::Number(number), Kind::Integer) => number.as_i64().map(Cell::Integer),
        (Value::String(text), Kind::Text) => Some(Cell::Text(text)),
        (Value::String(text), Kind::Bytes) => STANDARD.decode(text).ok().map(Cell::Bytes),
        _ => None,
    }
}

/// Names in statements are quoted; our own have no quotes in them.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Writes a list of columns.
pub(super) fn columns(table: &TableHeader) -> String {
    let names: Vec<_> = table.columns.iter().map(|(name, _)| quoted(name)).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> TableHeader {
        let columns = [("a", Kind::Integer), ("b", Kind::Text), ("c", Kind::Bytes)];
        let columns = columns.map(|(name, kind)| (name.to_owned(), kind)).to_vec();
        TableHeader { name: "t".to_owned(), columns }
    }

    #[test]
    fn rows_come_back_as_they_were() {
        let rows = vec![
            vec![Cell::Integer(i64::MIN), Cell::Text("a\n\"\0é".into()), Cell::Bytes(vec![0, 255])],
            vec![Cell::Null, Cell::Text(String::new()), Cell::Bytes(Vec::new())],
        ];
        let mut lines = Lines::default();
        for row in &rows {
            assert_eq!(lines.push(row.clone()), None);
        }
        assert_eq!(read(&table(), &lines.take()), Some(rows));
        assert_eq!(read(&table(), b""), Some(Vec::new()));
    }

    #[test]
    fn a_part_ends_when_it_is_large() {
        let mut lines = Lines::default();
        let large = || vec![Cell::Integer(1), Cell::Null, Cell::Bytes(vec![7; PART])];
        assert!(lines.push(large()).is_some_and(|part| part.len() > PART));
        assert!(lines.take().is_empty());
    }

    #[test]
    fn what_is_no_row_of_the_table_is_refused() {
        for text in ["[1,2,3]", "[1,\"a\"]", "{}", "[1,\"a\",\"*\"]", "[1.5,null,null]", "["] {
            assert_eq!(read(&table(), text.as_bytes()), None, "{text}");
        }
    }
}
