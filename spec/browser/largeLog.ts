import { expect } from 'chai';
import { appendFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { launchBrowser, noBrowser, openReport } from '../support/browser.js';
import { runCli } from '../support/builtCli.js';
import { sampleLog } from '../support/sampleLog.js';
import { sampleLogText } from '../support/sampleLogFiles.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** Records of one part; the log is the same part again and again. */
const PART = 20_000;
/** Records that a report holds one by one unless told otherwise. */
const ROWS = 10_000;

/** The tests of a report of a log that is larger than what a page can hold. */
export function describeLargeLog(parts: number): void {
  const total = (PART * parts).toLocaleString('en-US');

  describe(`the report of ${total} records in a browser${noBrowser ?? ''}`, function () {
    this.timeout(300_000);
    let folder: ReturnType<typeof temporaryFolder>;
    let browser: Browser;
    before(async function () {
      if (noBrowser !== undefined) this.skip();
      folder = temporaryFolder();
      browser = await launchBrowser();
      const log = join(folder.path, 'large.jsonl');
      const part = sampleLogText({ records: PART });
      for (let copy = 0; copy < parts; copy++) appendFileSync(log, part);
      expect((await runCli(['report', log, '-o', join(folder.path, 'r.html')])).code).to.equal(0);
    });
    after(async () => {
      await browser?.close();
      folder?.remove();
    });

    it('counts all, holds some, says which, and filters', async () => {
      expect(statSync(join(folder.path, 'r.html')).size).to.be.below(15_000_000);
      const page = await openReport(browser, join(folder.path, 'r.html'));
      const status = () => page.locator('#filters .status').innerText();
      const count = (value: number) => (value * parts).toLocaleString('en-US');
      const operations = [...sampleLog({ records: PART })].filter(
        ({ resource }) => !resource.startsWith('audit/'),
      );
      expect(await status()).to.equal(`All ${count(operations.length)} operations`);
      expect(await page.locator('#records .lead').innerText()).to.include(
        `${ROWS.toLocaleString('en-US')} of ${total} records can be looked at here`,
      );
      await page.click('.outcome.refused');
      const refused = operations.filter(({ outcome }) => /DENIED|UNAUTHORIZED/.test(outcome)).length;
      expect(await status()).to.equal(`${count(refused)} of ${count(operations.length)} operations`);
      await page.click('table.records tbody tr:first-child');
      expect(await page.locator('dialog .trace-id').innerText()).to.match(/^[0-9a-f]{32}$/);
    });
  });
}
