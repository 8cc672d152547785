let second = Number.NaN;
let prefix = '';

/**
 * A time in the form of RFC 3339: UTC, with milliseconds. Many records come in one second, so the text of a second is made once for
 * all of them: `Date.prototype.toISOString` costs a tenth of a whole record.
 *
 * @throws RangeError for a second that no `Date` can hold.
 */
export function toTimestamp(milliseconds: number): string {
  const time = Math.trunc(milliseconds);
  const whole = Math.floor(time / 1000);
  if (whole !== second) {
    prefix = new Date(whole * 1000).toISOString().slice(0, -4);
    second = whole;
  }
  const rest = time - whole * 1000;
  return `${prefix}${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}Z`;
}
