import { expect } from 'chai';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launchBrowser, noBrowser, openReport } from '../support/browser.js';
import { runCli } from '../support/builtCli.js';
import { everything, recordBothSides } from '../support/reconciled.js';
import { sampleLog } from '../support/sampleLog.js';
import { writeSampleLog } from '../support/sampleLogFiles.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const OPTIONS = { records: 2000, gaps: true, stepMs: 300_000 };
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

describe(`the report in a browser${noBrowser ?? ''} @slow`, function () {
  this.timeout(120_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let browser: Browser;
  const at = (name: string) => join(folder.path, name);
  const records = [...sampleLog(OPTIONS)];
  const operations = records.filter(({ resource }) => !resource.startsWith('audit/'));

  const open = (name: string, context?: BrowserContextOptions) => openReport(browser, at(name), context);
  const count = (value: number) => value.toLocaleString('en-US');
  const text = (page: Page, selector: string) => page.locator(selector).first().innerText();

  /** What axe finds. */
  async function faults(page: Page): Promise<string[]> {
    await page.evaluate(axe);
    return page.evaluate(async () => {
      const { violations } = await (
        globalThis as unknown as {
          axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
        }
      ).axe.run();
      return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`);
    });
  }

  before(async function () {
    if (noBrowser !== undefined) this.skip();
    folder = temporaryFolder();
    browser = await launchBrowser();
    writeSampleLog(at('audit.jsonl'), OPTIONS);
    expect((await runCli(['report', at('audit.jsonl'), '-o', at('r.html')])).code).to.equal(0);
  });
  // A page that is no longer looked at would still take its share of the machine.
  afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
  after(async () => {
    await browser?.close();
    folder?.remove();
  });

  it('loads from disk without a request, and answers at a glance', async () => {
    const page = await open('r.html');
    const cards = await page.locator('.card').allInnerTexts();
    expect(cards).to.have.length(8);
    expect(cards[0]).to.include(`${count(operations.length)} operations`);
    expect(cards[6]).to.include('10 records');
    expect(await page.locator('canvas').count()).to.equal(3);
  });

  it('filters by outcome and by actor, and lets go again', async () => {
    const page = await open('r.html');
    const failed = operations.filter(({ outcome }) => outcome === 'OUTCOME_FAILURE_ERROR');
    await page.click('.outcome.failed');
    expect(await text(page, '#filters .status')).to.equal(
      `${count(failed.length)} of ${count(operations.length)} operations`,
    );
    await page.click('#facet-actor .entry:has-text("alice@example.com")');
    const hers = failed.filter(({ actor_id }) => actor_id === 'alice@example.com').length;
    expect(await text(page, '#filters .status')).to.include(`${count(hers)} of`);
    expect(await text(page, '.pager .status')).to.match(new RegExp(`of ${count(hers)}$`));
    expect(new Set(await page.locator('table.records tbody td:nth-child(3)').allInnerTexts())).to.deep.equal(
      new Set(['alice@example.com']),
    );
    await page.click('text=Clear all');
    expect(await text(page, '#filters .status')).to.equal(`All ${count(operations.length)} operations`);
  });

  it('narrows to a range of time that is dragged across the chart', async () => {
    const page = await open('r.html');
    const over = page.locator('#charts .u-over').first();
    await over.scrollIntoViewIfNeeded();
    const box = (await over.boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.25, box.y + 50);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 50, { steps: 5 });
    await page.mouse.up();
    const chip = await text(page, '.chip');
    const [, from, to] = /^time(.*) to (.*) ×$/s.exec(chip.replaceAll('\n', ''))!;
    const wanted = operations.filter(
      ({ time }) => time >= `${from!.replace(' ', 'T')}.000Z` && time < `${to!.replace(' ', 'T')}.000Z`,
    ).length;
    expect(wanted).to.be.within(1, operations.length - 1);
    expect(await text(page, '#filters .status')).to.include(`${count(wanted)} of`);
  });

  it('searches, opens a record by keyboard with its trace id, and closes it again', async () => {
    const page = await open('r.html');
    const record = operations[500]!;
    await page.fill('#search', record.trace_id);
    const same = records.filter(({ trace_id }) => trace_id === record.trace_id).length;
    await page.waitForFunction(
      (wanted) => document.querySelector('.pager .status')?.textContent?.endsWith(`of ${wanted}`),
      same,
    );
    await page.focus('table.records tbody tr:first-child button');
    await page.keyboard.press('Enter');
    expect(await text(page, 'dialog .trace-id')).to.equal(record.trace_id);
    expect(await page.locator('dialog .trace li').count()).to.equal(same);
    expect(await text(page, 'dialog .raw')).to.include('"record_id":"');
    await page.keyboard.press('Escape');
    expect(await page.locator('dialog').isVisible()).to.equal(false);
    expect(await page.evaluate(() => document.activeElement?.closest('table.records') !== null)).to.equal(
      true,
    );
  });

  it('leads from a failure to the records of its trace', async () => {
    const page = await open('r.html');
    const id = await text(page, '#failures tbody tr:first-child code');
    await page.click('#failures tbody tr:first-child code');
    expect(await page.inputValue('#search')).to.equal(id);
    expect(await page.locator('table.records tbody tr').count()).to.equal(
      records.filter(({ trace_id }) => trace_id === id).length,
    );
  });

  it('turns pages and orders', async () => {
    const page = await open('r.html');
    expect(await text(page, '.pager .status')).to.equal('1 to 50 of 2,000');
    await page.click('[aria-label="Next page"]');
    expect(await text(page, '.pager .status')).to.equal('51 to 100 of 2,000');
    await page.selectOption('#order', 'oldest');
    expect(await text(page, 'table.records tbody tr:first-child td:first-child')).to.equal(
      records[0]!.time.slice(0, 19).replace('T', ' '),
    );
  });

  it('is light or dark as the reader has it, and the other way at a click', async () => {
    const background = (page: Page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const [light, dark] = [
      await open('r.html', { colorScheme: 'light' }),
      await open('r.html', { colorScheme: 'dark' }),
    ];
    const [white, black] = [await background(light), await background(dark)];
    expect(white).not.to.equal(black);
    await dark.click('#theme');
    expect(await background(dark)).to.equal(white);
  });

  it('prints: charts within the paper, no controls, in light', async () => {
    const page = await open('r.html', { colorScheme: 'dark' });
    await page.emulateMedia({ media: 'print' });
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    expect(await page.locator('#filters').isVisible()).to.equal(false);
    for (const chart of await page.locator('.uplot').all())
      expect((await chart.boundingBox())!.width).to.be.at.most(670);
    const pdf = await page.pdf({ format: 'A4', printBackground: true });
    expect(pdf.subarray(0, 5).toString()).to.equal('%PDF-');
    expect(pdf.length).to.be.greaterThan(20_000);
    expect((pdf.toString('latin1').match(/\/Type \/Page\b/g) ?? []).length).to.be.within(3, 12);
  });

  it('reads without script', async () => {
    const page = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
    await page.goto(`file://${at('r.html')}`);
    expect(await text(page, '.card')).to.include('operations');
    expect(await page.locator('#failures tbody tr').count()).to.be.greaterThan(3);
    expect(await page.locator('noscript').innerText()).to.include('need JavaScript');
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`has no fault that axe finds, ${colorScheme}, with whatever is open`, async () => {
      const page = await open('r.html', { colorScheme, bypassCSP: true });
      for (const step of [
        async () => undefined,
        () => page.fill('#search', 'alice'),
        () => page.click('text=The first half and the second'),
        () => page.click('.as-table summary'),
        () => page.click('table.records tbody tr:first-child'),
        () => page.click('text=Show its session'),
      ]) {
        await step();
        expect(await faults(page)).to.deep.equal([]);
      }
    });
  }

  it('says where both sides disagree, leads to the records, and fits a phone', async () => {
    await recordBothSides(folder.path, 'v1', everything);
    const lines = readFileSync(at('server.jsonl'), 'utf8').replace(
      /"OUTCOME_SUCCESS"(?=.*"tool_name":"consent")/,
      '"OUTCOME_PARTIAL"',
    );
    writeFileSync(at('server.jsonl'), lines);
    await runCli(['report', at('client.jsonl'), at('server.jsonl'), '-o', at('both.html')]);
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open('both.html', {
        colorScheme,
        bypassCSP: true,
        viewport: { width: 390, height: 844 },
      });
      expect(await page.locator('.card').allInnerTexts()).to.have.length(9);
      expect(await text(page, '.card[href="#both-sides"]')).to.include('1 request does not');
      expect(await faults(page)).to.deep.equal([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).to.equal(390);
      const id = await text(page, '#both-sides td button.link');
      await page.click('#both-sides td button.link');
      expect(await text(page, 'dialog[open] .fields')).to.include(id);
      await page.keyboard.press('Escape');
      await page.fill('#search', 'consent');
      await page.waitForSelector('.card[href="#both-sides"] .scope');
      expect(await page.locator('#both-sides.whole').count()).to.equal(1);
    }
  });

  it('shows hostile values as text, wherever one looks', async () => {
    writeSampleLog(at('hostile.jsonl'), { records: 300, hostile: true });
    await runCli([
      'report',
      at('hostile.jsonl'),
      '-o',
      at('h.html'),
      '--title',
      '<img src=x onerror="window.__pwned=0">',
    ]);
    const page = await open('h.html');
    const elements = () =>
      page.evaluate(
        () =>
          document.querySelectorAll('img, svg, iframe, script:not([id]), [onerror], [onload], [onmouseover]')
            .length,
      );
    const usual = await elements();
    for (const row of (await page.locator('table.records tbody tr').all()).slice(0, 30)) {
      await row.click();
      await page.keyboard.press('Escape');
    }
    for (const entry of await page.locator('#facet-actor .entry').all()) {
      await entry.hover();
      await entry.click();
      await entry.click();
    }
    await page.fill('#search', '<img src=x onerror="window.__pwned=8">');
    await page.waitForFunction(() => document.querySelector('.chip')?.textContent?.includes('__pwned=8'));
    expect(await elements()).to.equal(usual);
    expect(await page.evaluate(() => Reflect.get(window, '__pwned') as unknown)).to.equal(undefined);
    expect(await page.evaluate(() => document.body.innerText)).not.to.match(
      /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/,
    );
  });

  it('runs nothing that might get into it all the same: the content policy forbids it', async () => {
    const page = await open('r.html');
    const ran = await page.evaluate(async () => {
      const script = document.createElement('script');
      script.textContent = 'window.__pwned = true';
      document.body.append(script);
      const holder = document.createElement('div');
      holder.innerHTML = '<img src="data:," onerror="window.__pwned = true">';
      document.body.append(holder);
      const reached = await fetch('http://127.0.0.1:9/').then(
        () => true,
        () => false,
      );
      await new Promise((resolve) => setTimeout(resolve, 200));
      return [Reflect.get(window, '__pwned') as unknown, reached];
    });
    expect(ran).to.deep.equal([undefined, false]);
  });
});
