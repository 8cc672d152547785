import type { Answer, Spread } from './answer.js';
import { number } from './tables.js';

const [WIDTH, HEIGHT, LEFT, TOP, PANEL] = [560, 150, 120, 30, 200];

interface Point {
  readonly x: number;
  readonly y: Spread;
}

/** Each figure of an answer over `x`, a panel each; both axes logarithmic, so that what grows in proportion is a straight line. */
export function plot(title: string, over: string, { cases }: Answer): string {
  const units = Object.keys(cases[0]?.figures ?? {});
  const panels = units.map((unit, index) => {
    const points = cases.flatMap(({ x, figures }): Point[] =>
      x === undefined || figures[unit] === undefined ? [] : [{ x, y: figures[unit] }],
    );
    return `<g transform="translate(${LEFT} ${TOP + 24 + index * PANEL})">${panel(unit, points)}</g>`;
  });
  const height = TOP + 24 + units.length * PANEL + 10;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LEFT + WIDTH + 40} ${height}" font-family="system-ui" font-size="12" fill="#808080">
<title>${text(title)}</title>
<text x="${LEFT}" y="20" font-size="14">${text(title)}</text>
${panels.join('\n')}
<text x="${LEFT + WIDTH}" y="${height - 4}" text-anchor="end">${text(over)}</text>
</svg>
`;
}

function panel(unit: string, points: readonly Point[]): string {
  const across = axis(points.map(({ x }) => x));
  const up = axis(points.flatMap(({ y }) => [...y]));
  const place = (x: number, y: number) =>
    `${(across.at(x) * WIDTH).toFixed(1)},${((1 - up.at(y)) * HEIGHT).toFixed(1)}`;
  const marks = points.map(({ x, y: [median, least, most] }) => {
    const [cx = '0', cy = '0'] = place(x, median).split(',');
    return `<path d="M${place(x, least)}L${place(x, most)}" stroke="#3b82f6"/><circle cx="${cx}" cy="${cy}" r="3" fill="#3b82f6"/>`;
  });
  const grid = up.ticks.map(
    (tick) =>
      `<path d="M${place(across.least, tick)}H${WIDTH}" stroke="#80808040"/><text x="-8" y="${((1 - up.at(tick)) * HEIGHT + 4).toFixed(1)}" text-anchor="end">${number(tick)}</text>`,
  );
  const feet = across.ticks.map(
    (tick) =>
      `<text x="${(across.at(tick) * WIDTH).toFixed(1)}" y="${HEIGHT + 18}" text-anchor="middle">${number(tick)}</text>`,
  );
  const line = points.map(({ x, y }) => place(x, y[0])).join(' ');
  return `<text x="0" y="-6">${text(unit)}</text>${grid.join('')}${feet.join('')}<polyline points="${line}" fill="none" stroke="#3b82f6" stroke-width="1.5"/>${marks.join('')}`;
}

/** From the power of ten below the least value to the one above the most. */
function axis(values: readonly number[]): {
  readonly least: number;
  readonly ticks: readonly number[];
  at(value: number): number;
} {
  const positive = values.filter((value) => value > 0);
  const from = Math.floor(Math.log10(Math.min(...positive)));
  const to = Math.max(from + 1, Math.ceil(Math.log10(Math.max(...positive))));
  return {
    least: 10 ** from,
    ticks: Array.from({ length: to - from + 1 }, (_, index) => 10 ** (from + index)),
    at: (value) => (Math.log10(Math.max(value, 10 ** from)) - from) / (to - from),
  };
}

function text(value: string): string {
  return value.replace(/&/g, '&amp;').replace(/</g, '&lt;');
}
