//! Columns under one another, as a person reads them at a terminal.

use comfy_table::{CellAlignment, Table, presets};

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Column {
    /// Words.
    Text(&'static str),
    /// Numbers, whose last digits stand under one another.
    Number(&'static str),
}

/// The lines of a table with a head.
pub(crate) fn lines(columns: &[Column], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(columns.iter().map(|column| match column {
            Column::Text(title) | Column::Number(title) => *title,
        }))
        .add_rows(rows);
    for (column, kind) in table.column_iter_mut().zip(columns) {
        if matches!(kind, Column::Number(_)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_end_under_one_another() {
        let rows = [["lineitem", "60,175"], ["nation", "25"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        let columns = [Column::Text("stream"), Column::Number("rows")];
        let expected = ["stream      rows", "lineitem  60,175", "nation        25"];
        let lines = lines(&columns, rows);
        let lines: Vec<&str> = lines.lines().map(str::trim_end).collect();
        assert_eq!(lines, expected);
    }
}
