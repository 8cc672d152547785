// From Stryker's report to figures a file, and from all figures to the tables of spec/mutation/README.md.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const KEYS = { Killed: 'killed', Timeout: 'timeout', Survived: 'survived', NoCoverage: 'noCoverage' };

/** The figures of each file of a report, and the mutants that lived, as lines to read. */
export function digest(report) {
  const figures = {};
  const lived = [];
  for (const [file, { mutants, source }] of Object.entries(report.files)) {
    const counts = { killed: 0, timeout: 0, survived: 0, noCoverage: 0, leftOut: 0 };
    for (const mutant of mutants) {
      counts[KEYS[mutant.status] ?? 'leftOut'] += 1;
      if (mutant.status === 'Survived' || mutant.status === 'NoCoverage')
        lived.push(lineOf(file, source, mutant));
    }
    if (mutants.length > 0) figures[file] = counts;
  }
  return { figures, lived };
}

function lineOf(file, source, { status, location, replacement, static: isStatic }) {
  const { start, end } = location;
  const lines = source.split('\n').slice(start.line - 1, end.line);
  const last = lines.length - 1;
  lines[last] = lines[last].slice(0, end.column - 1);
  lines[0] = lines[0].slice(start.column - 1);
  const short = (text) => text.replace(/\s+/g, ' ').slice(0, 100);
  const marks = `${status === 'NoCoverage' ? ' [not run]' : ''}${isStatic ? ' [static]' : ''}`;
  return `${file}:${start.line}:${start.column}${marks}  ${short(lines.join('\n'))}  ->  ${short(replacement ?? '')}`;
}

/** Merges figures into the file of them, and writes the tables of the summary anew. */
export function record(figures, scoresFile, summaryFile) {
  const known = existsSync(scoresFile) ? JSON.parse(readFileSync(scoresFile, 'utf8')) : {};
  const all = Object.entries({ ...known, ...figures })
    .filter(([file]) => existsSync(file))
    .sort(([one], [other]) => (one < other ? -1 : 1));
  writeFileSync(
    scoresFile,
    `{\n${all.map(([file, counts]) => `  ${JSON.stringify(file)}: ${JSON.stringify(counts)}`).join(',\n')}\n}\n`,
  );
  const summary = readFileSync(summaryFile, 'utf8');
  const [before, after] = [summary.split('<!-- figures -->')[0], summary.split('<!-- /figures -->')[1]];
  writeFileSync(summaryFile, `${before}<!-- figures -->\n\n${tables(all)}\n<!-- /figures -->${after}`);
}

function tables(all) {
  const groups = new Map();
  for (const entry of all) {
    const folder = entry[0].split('/')[1];
    groups.set(folder, [...(groups.get(folder) ?? []), entry]);
  }
  const totals = [...groups].map(([folder, files]) => [`lib/${folder}`, total(files)]);
  return [table('folder', totals), ...[...groups.values()].map((files) => table('file', files))].join('\n');
}

function total(files) {
  const sum = {};
  for (const [, counts] of files) {
    for (const [key, count] of Object.entries(counts)) sum[key] = (sum[key] ?? 0) + count;
  }
  return sum;
}

function table(title, rows) {
  const head = [title, 'killed', 'timeout', 'survived', 'not run by a test', 'left out', 'score'];
  const body = rows.map(([name, { killed, timeout, survived, noCoverage, leftOut }]) => {
    const caught = killed + timeout;
    const score = (100 * caught) / (caught + survived + noCoverage);
    return [`\`${name}\``, killed, timeout, survived, noCoverage, leftOut, `${score.toFixed(1)}%`];
  });
  const lines = [head, ['---', ...Array(6).fill('---:')], ...body];
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
}
