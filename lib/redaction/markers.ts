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
