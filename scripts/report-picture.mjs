// Writes docs/report-light.webp and docs/report-dark.webp: the top of the report page over a made-up, sealed log, as Chromium shows
// it. Run it by hand when the page changes: npm run build && node --import tsx scripts/report-picture.mjs
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchBrowser, openReport } from '../spec/support/browser.js';
import { runCli } from '../spec/support/builtCli.js';
import { writeSealedSampleLog } from '../spec/support/sealedSampleLog.js';

const docs = fileURLToPath(new URL('../docs/', import.meta.url));
/** Two weeks of work, one call every seven minutes. */
const LOG = { records: 3000, seed: 3, stepMs: 420_000, start: '2026-11-02T06:00:00.000Z' };
const VIEWPORT = { width: 1200, height: 930 };
/** Sharp on dense screens, and below 150 kB. */
const [SCALE, QUALITY] = [1.5, 80];

const folder = mkdtempSync(join(tmpdir(), 'report-picture-'));
const browser = await launchBrowser();
try {
  const log = join(folder, 'audit.jsonl');
  const page = join(folder, 'report.html');
  const key = await writeSealedSampleLog(log, LOG);
  await runCli(['report', log, '--vkey', key, '--title', 'What the agents did', '-o', page]);
  for (const colorScheme of ['light', 'dark'])
    writeFileSync(join(docs, `report-${colorScheme}.webp`), await picture(page, colorScheme));
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}

async function picture(path, colorScheme) {
  const page = await openReport(browser, path, {
    colorScheme,
    viewport: VIEWPORT,
    deviceScaleFactor: SCALE,
    timezoneId: 'UTC',
    locale: 'en-GB',
  });
  const devtools = await page.context().newCDPSession(page);
  const { data } = await devtools.send('Page.captureScreenshot', { format: 'webp', quality: QUALITY });
  return Buffer.from(data, 'base64');
}
