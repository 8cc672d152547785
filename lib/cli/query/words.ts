import type { AuditRecord } from '../../schema/record.js';

/** Between two values of a haystack: no word holds it. */
const BETWEEN = '\n';

/** The words of a search, in lower case. Words in quotation marks are one. */
export function searchWords(text: string): string[] {
  return [...text.toLowerCase().matchAll(/"([^"]+)"|(\S+)/g)].map(([, phrase, word]) => phrase ?? word ?? '');
}

/**
 * The values of a record in lower case, decoded, without the names of its fields: `session` finds a tool of that name, and not
 * every record that has a `session_id`. `metadata`, which is alike in all records, is left out.
 */
export function haystackOf(record: AuditRecord): string {
  const values: string[] = [];
  for (const [name, value] of Object.entries(record)) if (name !== 'metadata') gather(value, values);
  return values.join(BETWEEN).toLowerCase();
}

function gather(value: unknown, values: string[]): void {
  if (typeof value !== 'object') values.push(String(value));
  else if (value !== null) for (const part of Object.values(value)) gather(part, values);
}
