import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser, noBrowser, openReport } from '../support/browser.js';
import { runCli } from '../support/builtCli.js';
import { sampleLog } from '../support/sampleLog.js';
import { encodeLine } from '../../lib/codecs/json.js';
import { pasted } from '../support/shell.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const OPTIONS = { records: 6000, stepMs: 60_000 };
const ROWS = 500;

describe(`search in the report of a log that does not fit into its page${noBrowser ?? ''} @slow`, function () {
  this.timeout(120_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let browser: Browser;
  const records = [...sampleLog(OPTIONS)].map((record, index) =>
    index % 3 === 0 ? { ...record, resource: `notes://shelf/${index}/It's "it" & more` } : record,
  );
  const isOperation = ({ resource }: { resource: string }) => !resource.startsWith('audit/');
  const operations = records.filter(isOperation);
  const count = (value: number) => value.toLocaleString('en-US');

  before(async function () {
    if (noBrowser !== undefined) this.skip();
    folder = temporaryFolder();
    browser = await launchBrowser();
    writeFileSync(
      join(folder.path, 'my log.jsonl'),
      records.map((record) => `${encodeLine(record)}\n`).join(''),
    );
    const args = ['report', 'my log.jsonl', '--rows', String(ROWS), '-o', 'r.html'];
    expect((await runCli(args, { cwd: folder.path })).code).to.equal(0);
  });
  afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
  after(async () => {
    await browser?.close();
    folder?.remove();
  });

  const open = (hash: string) => openReport(browser, `${join(folder.path, 'r.html')}#${hash}`);
  const status = (page: Page) => page.locator('#filters .status').innerText();
  /** The records that the command in the page gives. */
  const given = async (page: Page) => {
    const command = await page.locator('#record-browser .command pre').first().innerText();
    return pasted(command, folder.path)
      .trimEnd()
      .split('\n')
      .filter((line) => line !== '');
  };

  it('counts a name as the lists count it, over the whole log', async () => {
    const page = await open('q=ALICE@example');
    const hers = operations.filter(({ actor_id }) => actor_id === 'alice@example.com').length;
    expect(await status(page)).to.equal(`At least ${count(hers)} of ${count(operations.length)} operations`);
    expect(await page.locator('#facet-actor .sum').first().innerText()).to.equal(count(hers));
    expect(await page.locator('.scope-note').innerText()).to.include(`only in the ${ROWS} records`);
  });

  it('does not find the names of fields', async () => {
    const page = await open('q=session_id');
    expect(await status(page)).to.equal(`None found of ${count(operations.length)} operations`);
    expect(await given(page)).to.have.length(0);
  });

  it('says that it has not searched everything, and shows the command that does', async () => {
    const [{ mcp }] = records.filter((record) => record.mcp?.tool_arguments !== undefined) as [
      (typeof records)[0],
    ];
    const word = (mcp?.tool_arguments as { path: string }).path;
    const wanted = records.filter((record) => JSON.stringify(record).includes(word));
    expect(wanted.length).to.be.greaterThan(0);
    const page = await open(`q=${word}`);
    expect(await status(page)).to.match(/^(None found|At least \d+) of/);
    expect(await given(page)).to.deep.equal(wanted.map((record) => encodeLine(record)));
    const cards = await page.locator('.card .answer').allInnerTexts();
    for (const answer of cards.slice(0, 6)) expect(answer).to.match(/^(≥|None found)/);
  });

  it('is exact where every record in question is in the page', async () => {
    const page = await open('outcome=refused&q=insufficient scope');
    const refused = operations.filter(({ error }) => error?.message === 'Insufficient scope').length;
    expect(await status(page)).to.equal(`${count(refused)} of ${count(operations.length)} operations`);
    expect(await page.locator('.scope-note').innerText()).to.equal('');
  });

  for (const [what, hash, fits] of [
    ['an outcome', 'outcome=failed', (r) => r.outcome === 'OUTCOME_FAILURE_ERROR'],
    [
      'several filters, and words in quotation marks',
      'actor=bob%40example.com&outcome=success&q=%22called tool%22 READ_FILE&time=2026-01-06T00:00:00Z~2026-01-08T00:00:00Z',
      (r) =>
        r.actor_id === 'bob@example.com' &&
        r.outcome === 'OUTCOME_SUCCESS' &&
        JSON.stringify(r).includes('read_file') &&
        r.time >= '2026-01-06' &&
        r.time < '2026-01-08',
    ],
    [
      'a template of names',
      'target=notes://shelf/{n}/It%27s "it" %26 more',
      (r) => r.resource.startsWith('notes:'),
    ],
    ['a server', 'server=billing', (r) => r.server_id === 'billing'],
  ] as const satisfies readonly (readonly [string, string, (record: (typeof records)[number]) => boolean])[])
    it(`shows the command that gives all records of ${what}`, async () => {
      const page = await open(hash);
      const wanted = records.filter(fits);
      expect(wanted.length).to.be.greaterThan(10);
      expect(await given(page)).to.deep.equal(wanted.map((record) => encodeLine(record)));
      if (hash.includes('q=')) return;
      const chosen = count(wanted.filter(isOperation).length);
      expect(await status(page)).to.match(new RegExp(`^${chosen} of`));
      expect(await page.locator('.pager .status').innerText()).to.match(
        new RegExp(`of ${count(wanted.length)}$`),
      );
    });
});
