/** What stands in a record for values that JSON has no word for, or that could not be read. */
export const Marker = {
  circular: '[Circular]',
  threw: '[Threw]',
  depth: '[Too deep]',
  full: '[Record full]',
  function: '[Function]',
  symbol: '[Symbol]',
  invalidDate: '[Invalid Date]',
} as const;

/** Stands at the end of a container that was cut. */
export function moreMarker(entries: number): string {
  return `…[${entries} more]`;
}

/** Whether a value is such an end, of a container that has been redacted before. */
export function isMoreMarker(value: unknown): boolean {
  return typeof value === 'string' && /^…\[\d{1,15} more\]$/.test(value);
}
