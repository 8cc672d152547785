import type { AuditRecord } from '../../schema/record.js';
import { usageFailure } from '../shared/failure.js';

/** The fields that `--fields` names, dotted: `time,actor_id,mcp.tool_name`. */
export type FieldPath = readonly string[];

/**
 * Splits a list of field paths.
 *
 * @throws {CliFailure} when one is empty.
 */
export function parseFields(list: string): FieldPath[] {
  return list.split(',').map((text) => {
    const path = text.trim().split('.');
    if (path.some((part) => part === '')) throw usageFailure('--fields has an empty name in it');
    return path;
  });
}

/** What stands at a path of a record; undefined if nothing does. Own properties only. */
export function fieldAt(record: AuditRecord, path: FieldPath): unknown {
  let value: unknown = record;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key) as unknown;
  }
  return value;
}

/** The named fields alone, under their dotted names. */
export function project(record: AuditRecord, paths: readonly FieldPath[]): Record<string, unknown> {
  const result = Object.create(null) as Record<string, unknown>;
  for (const path of paths) {
    const value = fieldAt(record, path);
    if (value !== undefined) result[path.join('.')] = value;
  }
  return result;
}
