import type { Sample } from './judge.js';

const [WIDTH, HEIGHT, LEFT, TOP] = [720, 110, 110, 24];

/** The samples as small multiples, one line each, from zero. Readable on light and on dark ground. */
export function plot(samples: readonly Sample[]): string {
  const names = Object.keys(samples[0] ?? {}).filter((name) => name !== 'second') as (keyof Sample)[];
  const last = samples.at(-1)?.second ?? 1;
  const panels = names.map((name, index) => {
    const most = Math.max(1, ...samples.map((sample) => sample[name]));
    const points = samples.map(
      (sample) =>
        `${((sample.second / last) * WIDTH).toFixed(1)},${(HEIGHT - 30 - (sample[name] / most) * (HEIGHT - 40)).toFixed(1)}`,
    );
    return `<g transform="translate(${LEFT} ${TOP + index * HEIGHT})"><text x="-8" y="14" text-anchor="end">${name}</text>
<text x="-8" y="30" text-anchor="end">≤ ${most.toLocaleString('en-US')}</text>
<path d="M0 ${HEIGHT - 30}H${WIDTH}" stroke="#888"/><polyline points="${points.join(' ')}" fill="none" stroke="#3b82f6" stroke-width="1.5"/></g>`;
  });
  const height = TOP + names.length * HEIGHT;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LEFT + WIDTH + 20} ${height}" font-family="system-ui" font-size="12" fill="#888">
<text x="${LEFT}" y="14">${last} seconds</text>
${panels.join('\n')}
</svg>
`;
}
