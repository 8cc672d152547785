import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser, noBrowser, openReport } from '../support/browser.js';
import { runCli } from '../support/builtCli.js';
import { sampleLog } from '../support/sampleLog.js';
import { sampleLogText, writeSampleLog } from '../support/sampleLogFiles.js';
import { writeSealedSampleLog } from '../support/sealedSampleLog.js';
import { pasted } from '../support/shell.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const OPTIONS = { records: 1200, stepMs: 300_000 };

describe(`where one is in the report, and what one takes from it${noBrowser ?? ''} @slow`, function () {
  this.timeout(120_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let browser: Browser;
  const at = (name: string) => join(folder.path, name);
  const records = [...sampleLog(OPTIONS)];
  const operations = records.filter(({ resource }) => !resource.startsWith('audit/'));
  const status = (page: Page) => page.locator('#filters .status').innerText();
  const here = (page: Page) => page.evaluate(() => location.href);

  before(async function () {
    if (noBrowser !== undefined) this.skip();
    folder = temporaryFolder();
    browser = await launchBrowser();
    await writeSealedSampleLog(at('sealed.jsonl'), OPTIONS);
    writeSampleLog(at('plain.jsonl'), { records: 100 });
    for (const name of ['sealed', 'plain'])
      expect(
        (await runCli(['report', `${name}.jsonl`, '-o', `${name}.html`], { cwd: folder.path })).code,
      ).to.equal(0);
  });
  afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
  after(async () => {
    await browser?.close();
    folder?.remove();
  });

  it('keeps all of it in the address: a second page from there shows the same', async () => {
    const page = await openReport(browser, at('sealed.html'));
    await page.fill('#search', 'file:///srv');
    await page.waitForFunction(() => location.hash.includes('q='));
    await page.click('#facet-actor .entry:has-text("alice@example.com")');
    await page.click('.outcome.success');
    await page.click('text=The first half and the second');
    await page.click('#theme');
    await page.click('table.records tbody tr:first-child');
    const [text, chips, id] = [
      await status(page),
      await page.locator('.chips').innerText(),
      await page.locator('dialog dd').first().innerText(),
    ];
    const wanted = operations.filter(
      (record) =>
        record.actor_id === 'alice@example.com' &&
        record.outcome === 'OUTCOME_SUCCESS' &&
        record.resource.startsWith('file:///srv'),
    ).length;
    expect(text).to.equal(`${wanted} of 1,199 operations`);
    const second = await openReport(browser, (await here(page)).replace('file://', ''));
    expect([
      await status(second),
      await second.locator('.chips').innerText(),
      await second.locator('dialog dd').first().innerText(),
      await second.evaluate(() => document.documentElement.dataset['theme']),
      await second.locator('.compared .stacks').count(),
    ]).to.deep.equal([text, chips, id, 'dark', 2]);
  });

  it('goes back and forward, one step for a whole word', async () => {
    const page = await openReport(browser, at('sealed.html'));
    const all = await status(page);
    await page.click('.outcome.failed');
    const failed = await status(page);
    await page.focus('#search');
    await page.keyboard.type('timeout', { delay: 200 });
    await page.waitForFunction(() => location.hash.includes('q=timeout'));
    await page.click('table.records tbody tr:first-child');
    await page.goBack();
    expect(await page.locator('dialog').isVisible()).to.equal(false);
    await page.goBack();
    expect([await status(page), await page.inputValue('#search')]).to.deep.equal([failed, '']);
    await page.goBack();
    expect(await status(page)).to.equal(all);
    await page.goForward();
    expect(await status(page)).to.equal(failed);
  });

  it('moves to a section and leaves the address', async () => {
    const page = await openReport(browser, at('sealed.html'));
    await page.click('.outcome.failed');
    const before = await here(page);
    await page.click('.card:has-text("What failed")');
    expect(await here(page)).to.equal(before);
    expect(await page.evaluate(() => document.activeElement?.id)).to.equal('failures');
  });

  it('changes every number and chart with what is chosen', async () => {
    const page = await openReport(browser, at('sealed.html'));
    const cards = () => page.locator('.card .answer').allInnerTexts();
    const picture = () =>
      page.evaluate(() => [...document.querySelectorAll('canvas')].map((canvas) => canvas.toDataURL()));
    const tables = () => page.locator('.changing tbody').allInnerTexts();
    const before = { cards: await cards(), pictures: await picture(), tables: await tables() };
    await page.fill('#search', 'alice timeout');
    await page.waitForFunction(() => location.hash.includes('timeout'));
    const hers = operations.filter((r) => r.actor_id.startsWith('alice') && r.error?.type === 'timeout');
    expect(hers.length).to.be.greaterThan(0);
    const [happened, who, failed, denied, data] = await cards();
    expect([happened, who, failed, denied, data]).to.deep.equal([
      `${hers.length} operation${hers.length === 1 ? '' : 's'}`,
      '1 actor',
      String(hers.length),
      'Nothing',
      `${new Set(hers.map(({ resource }) => resource)).size} target${hers.length === 1 ? '' : 's'}`,
    ]);
    const pictures = await picture();
    pictures.forEach((one, index) => expect(one).not.to.equal(before.pictures[index]));
    expect(await page.locator('#failures tbody tr').count()).to.be.at.most(hers.length);
    expect((await tables()).join()).not.to.equal(before.tables.join());
  });

  it('saves what is chosen as it was logged, and as CSV', async () => {
    const page = await openReport(browser, at('sealed.html'));
    await page.click('.outcome.refused');
    const refused = records.filter(({ outcome }) => /DENIED|UNAUTHORIZED/.test(outcome));
    const save = async (id: string) => {
      const [download] = await Promise.all([page.waitForEvent('download'), page.click(id)]);
      return { name: download.suggestedFilename(), text: readFileSync(await download.path(), 'utf8') };
    };
    const jsonl = await save('#save-jsonl');
    const wanted = sampleLogText(OPTIONS)
      .split('\n')
      .filter((line) => /DENIED|UNAUTHORIZED/.test(line));
    expect(jsonl).to.deep.equal({
      name: `sealed.jsonl-${refused.length}-records.jsonl`,
      text: `${wanted.join('\n')}\n`,
    });
    const csv = await save('#save-csv');
    const exported = pasted(
      'npx otel-mcp-log query --outcome denied,unauthorized -f csv sealed.jsonl',
      folder.path,
    );
    expect(csv.text).to.equal(exported);
  });

  it('proves a record of a sealed log by the commands that it shows, and says so of one that is not sealed', async () => {
    const page = await openReport(browser, at('sealed.html'));
    await page.click('table.records tbody tr:nth-child(7)');
    const commands = await page.locator('dialog h3:has-text("Prove it") ~ .command pre').allInnerTexts();
    expect(commands).to.have.length(2);
    const said = commands.map((command) => pasted(command, folder.path));
    expect(said[1]).to.match(/^ok: the record is at index \d+ of the log audit\.example\.com\/desk/);
    const plain = await openReport(browser, at('plain.html'));
    await plain.click('table.records tbody tr:first-child');
    expect(await plain.locator('dialog').innerText()).to.include('This log is not sealed');
  });

  it('leads to a record by its id, and says where one is that it does not hold', async () => {
    const page = await openReport(browser, `${at('plain.html')}#record=01900000-0000-7000-8000-000000000000`);
    expect(await page.locator('dialog').innerText())
      .to.include('not in the page')
      .and.to.include('query --id 01900000');
    const [, second] = sampleLog({ records: 100 });
    await page.evaluate((id) => (location.hash = `record=${id}`), second!.record_id);
    await page.waitForFunction(
      (id) => document.querySelector('dialog')?.textContent?.includes(id),
      second!.record_id,
    );
  });

  it('tells a session in its order: who asked what, when and for how long', async () => {
    const page = await openReport(browser, at('sealed.html'));
    const { session_id: id } = records[700]!;
    await page.evaluate((session) => (location.hash = `session=${session}`), id);
    await page.waitForSelector('#sequence[open] .steps li');
    const own = records.filter(({ session_id }) => session_id === id);
    const steps = await page.locator('#sequence .steps li').allInnerTexts();
    expect(steps).to.have.length(own.length);
    steps.forEach((step, index) => {
      const { actor_id: who, server_id: whom, resource } = own[index]!;
      expect(step)
        .to.include(who)
        .and.to.include(whom ?? 'itself')
        .and.to.include(resource);
    });
    await page.click('#sequence .steps li:nth-child(3) button');
    expect(await page.locator('#detail h2').innerText()).to.equal(own[2]!.resource);
  });

  it('compares two days', async () => {
    const [a, b] = ['2026-01-06', '2026-01-07'];
    const of = (day: string) => operations.filter(({ time }) => time.startsWith(day));
    const page = await openReport(
      browser,
      `${at('sealed.html')}#a=${a}T00:00:00Z~${b}T00:00:00Z&b=${b}T00:00:00Z~2026-01-08T00:00:00Z`,
    );
    const rows = await page.locator('.compared table').first().locator('tbody tr').allInnerTexts();
    const figures = (name: string) =>
      rows
        .find((row) => row.startsWith(name))!
        .split('\t')
        .slice(1, 3);
    const failed = (day: string) => of(day).filter(({ outcome }) => outcome === 'OUTCOME_FAILURE_ERROR');
    expect(figures('Operations')).to.deep.equal([a, b].map((day) => String(of(day!).length)));
    expect(figures('Failed')).to.deep.equal([a, b].map((day) => String(failed(day!).length)));
    expect(await page.locator('.compared canvas').count()).to.equal(1);
  });
});
