"use strict";
// The cleaned text and the patch. Offsets are those of the text's 16-bit units.

// A cell as it is written in the place of another: its range, and the characters that go there.
// A field in quotes stays in quotes; others get them where a reader needs them.
function replacement(layout, finding, value) {
  const separator = layout.separator;
  const empty = value === "" && (separator === " " || layout.columns.length === 1);
  const marked = [separator, '"', "\r", "\n"].some((mark) => value.includes(mark));
  const { start, first, last, end, quoted } = finding.field;
  if (!(quoted || empty || marked || /^[ \t]|[ \t]$/.test(value))) return [first, last, value];
  const written = '"' + value.replaceAll('"', '""') + '"';
  return quoted ? [first, last, written] : [start, end, written];
}

// The parts of the text with other values in the cells of these findings.
function spliced(data, changes) {
  const edits = changes.map(({ finding, value }) => replacement(data, finding, value));
  edits.sort((a, b) => a[0] - b[0]);
  const parts = data.bom ? ["\ufeff"] : [];
  let done = 0;
  for (const [start, end, written] of edits) {
    parts.push(data.text.slice(done, start), written);
    done = end;
  }
  parts.push(data.text.slice(done));
  return parts;
}

// The patch: a CSV of row, column, old, new, why.
function patch(data, changes) {
  const quoted = (cell) =>
    /[",\r\n]/.test(cell) || cell.trim() !== cell ? '"' + cell.replaceAll('"', '""') + '"' : cell;
  const lines = changes.map(({ finding, value, why }) =>
    [String(finding.row), data.columns[finding.column], finding.old, value, why]);
  lines.sort((a, b) => a[0] - b[0]);
  return [["row", "column", "old", "new", "why"], ...lines]
    .map((line) => line.map(quoted).join(",") + "\n").join("");
}
