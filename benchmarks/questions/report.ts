import { statSync } from 'node:fs';
import { join } from 'node:path';
import { launchBrowser, noBrowser } from '../../spec/support/browser.js';
import { builtBinary } from '../../spec/support/builtCli.js';
import { streamSampleLog } from '../../spec/support/sampleLogFiles.js';
import type { Figures, Question } from '../harness/question.js';
import { run } from '../tools/command.js';
import { scratch } from '../tools/measure.js';

/** Seconds until the page can be used, and until a filter shows. */
async function inBrowser(path: string): Promise<Figures> {
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    const began = performance.now();
    await page.goto(`file://${path}`);
    await page.waitForSelector('html[data-ready=true]', { state: 'attached' });
    const usable = performance.now();
    await page.click('.outcome.refused');
    await page.waitForSelector('.chip');
    return { 'usable, s': (usable - began) / 1e3, 'a filter shows, s': (performance.now() - usable) / 1e3 };
  } finally {
    await browser.close();
  }
}

const CASE = 'report';
const aim = (name: string, unit: string, atMost: number) => ({
  name,
  of: (round: { of(name: string, unit: string): number }) => round.of(CASE, unit),
  atMost,
});

/** Needs Chromium. */
export const report: Question = {
  name: 'report',
  asks: 'What does a report of a million records take, and when can its page be used, in Chromium?',
  rounds: 3,
  quick: false,
  ratios: [
    aim('seconds to make it', 'seconds', 60),
    aim('peak memory, MB', 'peak, MB', 1000),
    aim('its size, MB', 'page, MB', 15),
    aim('seconds until it can be used', 'usable, s', 2),
  ],
  prepare: async ({ quick }) => {
    if (noBrowser !== undefined) throw new Error(noBrowser);
    const folder = scratch();
    const [log, page] = [join(folder.path, 'audit.jsonl'), join(folder.path, 'report.html')];
    await streamSampleLog(log, { records: quick ? 50_000 : 1_000_000 });
    const measure = async () => {
      const { wall, peak } = await run(`node ${builtBinary()} report ${log} -o ${page} > /dev/null`);
      const size = statSync(page).size;
      return { seconds: wall, 'peak, MB': peak / 1e6, 'page, MB': size / 1e6, ...(await inBrowser(page)) };
    };
    return { cases: [{ name: CASE, measure }], close: () => folder.remove() };
  },
};
