/** A file before and after the change; `before` is undefined where the file does not exist yet. */
export interface Change {
  /** The path relative to the project, with forward slashes, or an absolute one. */
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string;
}

/** How many unchanged lines are shown around a change: as many as `diff -u` shows. */
const CONTEXT = 3;

/** One change as a unified diff that `patch` can apply: one hunk from the first line that differs to the last. */
export function unifiedDiff({ path, before, after }: Change): string {
  const name = path.replace(/^\//, '');
  const [old, now] = [linesOf(before ?? ''), linesOf(after)];
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head++;
  let tail = 0;
  const room = Math.min(old.length, now.length) - head;
  while (tail < room && old[old.length - 1 - tail] === now[now.length - 1 - tail]) tail++;
  const from = Math.max(0, head - CONTEXT);
  const until = old.length - Math.max(0, tail - CONTEXT);
  const shown = [
    ...old.slice(from, head).map((line) => ` ${line}`),
    ...old.slice(head, old.length - tail).map((line) => `-${line}`),
    ...now.slice(head, now.length - tail).map((line) => `+${line}`),
    ...old.slice(old.length - tail, until).map((line) => ` ${line}`),
  ];
  const range = (length: number) => `${length === 0 ? 0 : from + 1},${length}`;
  const oldLength = until - from;
  const newLength = oldLength - old.length + now.length;
  return [
    `--- ${before === undefined ? '/dev/null' : `a/${name}`}`,
    `+++ b/${name}`,
    `@@ -${range(oldLength)} +${range(newLength)} @@`,
    ...shown,
    '',
  ].join('\n');
}

/** The lines of a text. As in `diff`, a last line without a line end differs from the same line with one. */
function linesOf(text: string): string[] {
  const lines = text.split('\n');
  const last = lines.pop();
  return last === '' || last === undefined ? lines : [...lines, `${last}\n\\ No newline at end of file`];
}
