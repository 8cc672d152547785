import type { CommandIo } from '../shared/command.js';
import { bytes } from './units.js';
import { isTerminal } from './paint.js';

/** Shows how far a long piece of work is. */
export interface Progress {
  /** So many bytes more are done. */
  advance(amount: number): void;
  /** Takes the bar away, so that what follows starts on a clean line. */
  end(): void;
}

/** Work that is done sooner than this needs no bar. */
const PATIENCE_MS = 400;
const REDRAW_MS = 100;
const BAR = 24;

/** A bar on stderr, on a terminal only. */
export function progressBar(io: CommandIo, label: string, total: number): Progress {
  if (!isTerminal(io.stderr) || io.env['TERM'] === 'dumb')
    return { advance: () => undefined, end: () => undefined };
  const began = Date.now();
  let done = 0;
  let drawn = 0;

  const draw = (now: number) => {
    drawn = now;
    const part = total > 0 ? Math.min(1, done / total) : 0;
    const filled = Math.round(part * BAR);
    const rate = bytes(done / Math.max(0.001, (now - began) / 1000));
    const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)}`;
    const measure = total > 0 ? `${bar} ${String(Math.floor(part * 100)).padStart(3)}%` : bytes(done);
    io.stderr.write(`\r\u001b[2K${label} ${measure}  ${rate}/s`);
  };
  return {
    advance(amount) {
      done += amount;
      const now = Date.now();
      if (now - began > PATIENCE_MS && now - drawn > REDRAW_MS) draw(now);
    },
    end() {
      if (drawn > 0) io.stderr.write('\r\u001b[2K');
    },
  };
}
