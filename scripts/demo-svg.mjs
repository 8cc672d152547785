// Records the demo in a terminal of its own and writes it as docs/demo.svg: real output, line after line as it came.
// Needs `script` of util-linux, so it is run by hand when the demo changes: node scripts/demo-svg.mjs
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [CHARACTER, LINE, MARGIN] = [7.2, 17, 16];
const COLUMNS = 132;
const LONGEST_WAIT_MS = 400;
/** The second transport repeats the first one's lines; what is left out is said in its place. */
const REPEATED = {
  from: '  2  ',
  rows: 8,
  note: '     … the same eight lines, each with a trace id of its own',
};

/** What sets or ends a style of the terminal. */
const SGR = /\x1b\[(\d*)m/g;

/** SGR codes (ECMA-48, 8.3.117) that the demo uses, as classes; the rest end them. */
const CLASSES = { 1: 'b', 2: 'd', 31: 'r', 32: 'g', 36: 'c' };
const ENDS = { 0: 'bdrgc', 22: 'bd', 39: 'rgc' };

const lines = hurried(shorten(await record()));
writeFileSync(`${root}docs/demo.svg`, svg(lines));

/** Each line with the milliseconds after which it stood there. */
async function record() {
  const command = `stty cols ${COLUMNS}; node examples/demo/run.mjs`;
  const env = { ...process.env, OTEL_MCP_LOG_QUIET: '1', TERM: 'xterm-256color' };
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const began = performance.now();
  const recorded = [];
  let rest = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop();
    for (const text of parts) recorded.push({ text: text.replace(/\r$/, ''), at: performance.now() - began });
  }
  return recorded;
}

function shorten(recorded) {
  const bare = recorded.map(({ text }) => text.replace(SGR, ''));
  const start = bare.findIndex((text) => text.startsWith(REPEATED.from));
  const first = bare.findIndex((text, index) => index > start && /^\d\d:/.test(text));
  const end = bare.findIndex((text, index) => index > first && text === '');
  const operations = bare.slice(first, end).filter((text) => /^\d\d:/.test(text));
  if (operations.length !== REPEATED.rows)
    throw new Error(`the demo's second part has ${operations.length} records`);
  const note = { text: `\x1b[2m${REPEATED.note}\x1b[22m`, at: recorded[end - 1].at };
  return [...recorded.slice(0, first), note, ...recorded.slice(end)].map((line) => ({
    ...line,
    text: line.text.replace(/(trace [0-9a-f]{8})[0-9a-f]{24}/, '$1…'),
  }));
}

/** Waits of the demo itself (a server that starts, a kill) are cut to what a reader wants to wait. */
function hurried(recorded) {
  let [last, now] = [recorded[0]?.at ?? 0, 0];
  return recorded.map(({ text, at }) => {
    now += Math.min(at - last, LONGEST_WAIT_MS);
    last = at;
    return { text, at: now };
  });
}

function spans(text) {
  const on = new Set();
  return text
    .split(SGR)
    .map((part, index) => {
      if (index % 2 === 1) {
        for (const name of ENDS[part || 0] ?? '') on.delete(name);
        if (CLASSES[part] !== undefined) on.add(CLASSES[part]);
        return '';
      }
      const escaped = part.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
      return on.size === 0 || part === ''
        ? escaped
        : `<tspan class="${[...on].join(' ')}">${escaped}</tspan>`;
    })
    .join('');
}

function svg(shown) {
  const longest = Math.max(...shown.map(({ text }) => text.replace(SGR, '').length));
  const [width, height] = [longest * CHARACTER + 2 * MARGIN, shown.length * LINE + 2 * MARGIN];
  const rows = shown.map(
    ({ text, at }, index) =>
      `<text x="${MARGIN}" y="${(MARGIN + (index + 0.8) * LINE).toFixed(1)}" style="animation-delay:${Math.round(at)}ms">${spans(text)}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${Math.ceil(width)} ${height}" role="img" aria-label="The demo: operations of a real MCP client, each with its audit record and its trace id">
<style>
rect { fill: #0d1117 }
text { fill: #e6edf3; font: 12px ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace; white-space: pre; opacity: 0; animation: come 1ms forwards }
.b { font-weight: 700 } .d { fill: #8b949e } .r { fill: #ff7b72 } .g { fill: #56d364 } .c { fill: #79c0ff }
@keyframes come { to { opacity: 1 } }
@media (prefers-reduced-motion) { text { opacity: 1; animation: none } }
</style>
<rect width="100%" height="100%" rx="8"/>
${rows.join('\n')}
</svg>
`;
}
