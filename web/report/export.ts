import { CSV_FIELDS, csvHead, csvRecord } from '../../lib/cli/formats/csv.js';
import type { ReportModel } from '../../lib/cli/report/model.js';
import { button, h } from './dom.js';
import type { Row } from './records.js';
import type { Selection } from './selection.js';

const FORMATS = {
  csv: {
    type: 'text/csv;charset=utf-8',
    write: (rows: readonly Row[]) =>
      csvHead(CSV_FIELDS) + rows.map(({ record }) => csvRecord(record, CSV_FIELDS)).join(''),
  },
  jsonl: {
    type: 'application/x-ndjson',
    write: (rows: readonly Row[]) => rows.map(({ text }) => `${text}\n`).join(''),
  },
} as const;

/** Buttons that save the chosen records of the page as files, in the order of the log. A file of a part says so in its name. */
export function exportButtons(model: ReportModel, selection: () => Selection): HTMLElement {
  const save = (format: keyof typeof FORMATS) => () => {
    const { rows, summary, atLeast } = selection();
    const { type, write } = FORMATS[format];
    const part = atLeast
      ? `${rows.length}-of-at-least-${summary.records}`
      : rows.length < summary.records
        ? `${rows.length}-of-${summary.records}`
        : String(rows.length);
    const title = model.title.replace(/[^\w.-]+/g, '-').slice(0, 60);
    const url = URL.createObjectURL(new Blob([write(rows)], { type }));
    const link = h('a', { download: `${title}-${part}-records.${format}` });
    link.href = url;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };
  return h(
    'span',
    { class: 'exports' },
    button('soft', save('csv'), { id: 'save-csv' }, 'Save as CSV'),
    button('soft', save('jsonl'), { id: 'save-jsonl' }, 'Save as JSONL'),
  );
}
