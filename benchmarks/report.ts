// What does a report of a million records take: time (aim: 60 s), memory (aim: 1 GB), and its page: size (aim: 15 MB) and
// the time until it can be used (aim: 2 s), in Chromium? Records as the argument, a million unless told otherwise.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { launchBrowser, noBrowser } from '../spec/support/browser.js';
import { builtBinary } from '../spec/support/builtCli.js';
import { streamSampleLog } from '../spec/support/sampleLogFiles.js';
import { inFolder, measure, megabytes, printTable, seconds } from './desk/measure.js';

const records = Number(process.argv[2] ?? 1_000_000);

/** Seconds until the page can be used, by the clock and by its main thread's processor time; and until a filter shows. */
async function inBrowser(path: string): Promise<string[]> {
  if (noBrowser !== undefined) return [noBrowser];
  const browser = await launchBrowser();
  try {
    const context = await browser.newContext();
    const page = await context.newPage();
    const devtools = await context.newCDPSession(page);
    await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
    const began = performance.now();
    await page.goto(`file://${path}`);
    await page.waitForSelector('html[data-ready=true]', { state: 'attached' });
    const usable = performance.now() - began;
    const { metrics } = await devtools.send('Performance.getMetrics');
    const clicked = performance.now();
    await page.click('.outcome.refused');
    await page.waitForSelector('.chip');
    const filtered = performance.now() - clicked;
    const thread = metrics.find(({ name }) => name === 'TaskDuration')?.value ?? NaN;
    return [seconds(usable / 1000), seconds(thread), seconds(filtered / 1000)];
  } finally {
    await browser.close();
  }
}

await inFolder(async (folder) => {
  const log = join(folder, 'audit.jsonl');
  await streamSampleLog(log, { records });
  const page = join(folder, 'report.html');
  console.log(`a log of ${records.toLocaleString('en-US')} records, ${megabytes(statSync(log).size)}`);
  const rows: string[][] = [];
  for (let round = 0; round < 3; round++) {
    const { wall, cpu, peak } = await measure(`node ${builtBinary()} report ${log} -o ${page} > /dev/null`);
    rows.push([
      String(round + 1),
      seconds(wall),
      seconds(cpu),
      megabytes(peak),
      megabytes(statSync(page).size),
      ...(await inBrowser(page)),
    ]);
  }
  printTable(['round', 'report s', 'cpu s', 'peak', 'page', 'usable s', 'cpu s', 'filter s'], rows);
});
