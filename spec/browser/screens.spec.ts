import { expect } from 'chai';
import fc from 'fast-check';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { encodeLine } from '../../lib/codecs/json.js';
import { launchBrowser, noBrowser, openReport } from '../support/browser.js';
import { runCli } from '../support/builtCli.js';
import { sampleLog } from '../support/sampleLog.js';
import { HOSTILE_VALUES } from '../support/sampleWorld.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const PHONE = { viewport: { width: 390, height: 844 } };

describe(`the report on a phone, on paper, of little and of hostile logs${noBrowser ?? ''} @slow`, function () {
  this.timeout(120_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let browser: Browser;
  const at = (name: string) => join(folder.path, name);
  const report = async (name: string) => {
    const { code } = await runCli(['report', at(`${name}.jsonl`), '-o', at(`${name}.html`)]);
    expect(code).to.be.oneOf([0, 3]);
  };

  before(async function () {
    if (noBrowser !== undefined) this.skip();
    folder = temporaryFolder();
    browser = await launchBrowser();
    const failing = [...sampleLog({ records: 600, stepMs: 60_000 })].map((record, index) =>
      index % 4 !== 1
        ? record
        : {
            ...record,
            resource: `file:///srv/shared/department-${index % 9}/quarterly-report-number-${index}.pdf`,
            outcome: 'OUTCOME_FAILURE_ERROR' as const,
            error: {
              type: '-32602',
              message: `Resource file:///srv/shared/quarterly-report-number-${index}.pdf not found`,
            },
          },
    );
    writeFileSync(at('failing.jsonl'), failing.map((record) => `${encodeLine(record)}\n`).join(''));
    await report('failing');
  });
  afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
  after(async () => {
    await browser?.close();
    folder?.remove();
  });

  it('fits a phone: nothing is wider than the screen, and failures are a few cards', async () => {
    const page = await openReport(browser, at('failing.html'), PHONE);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).to.equal(390);
    const first = await page.locator('#failures tbody tr').first().innerText();
    expect(first).to.include('quarterly-report-number-{n}.pdf').and.to.include('Resource {…} not found');
    expect((await page.locator('#failures').boundingBox())!.height).to.be.below(2000);
    const wide = await page.evaluate(() =>
      [...document.querySelectorAll('main *')]
        .filter(
          (element) =>
            element.getBoundingClientRect().right > 391 &&
            element.closest('pre, .visually-hidden, thead') === null,
        )
        .map((element) => element.outerHTML.slice(0, 80)),
    );
    expect(wide).to.deep.equal([]);
    await page.click('table.records tbody tr:first-child');
    expect(await page.evaluate(() => document.querySelector('dialog')!.scrollWidth)).to.be.at.most(390);
  });

  it('cuts no placeholder and no label of an axis', async () => {
    for (const width of [390, 1024, 1440]) {
      const page = await openReport(browser, at('failing.html'), { viewport: { width, height: 900 } });
      const cut = await page.evaluate(() =>
        [...document.querySelectorAll<HTMLInputElement>('input')]
          .filter((input) => {
            const text = input.placeholder;
            const context = document.createElement('canvas').getContext('2d')!;
            context.font = getComputedStyle(input).font;
            return context.measureText(text).width + 26 > input.clientWidth;
          })
          .map(({ id }) => id),
      );
      expect(cut).to.deep.equal([]);
      // A label that is cut has ink in the outermost column of pixels.
      const inked = await page.evaluate(() =>
        [...document.querySelectorAll('canvas')].map((canvas) =>
          [0, canvas.width - 1].some((x) =>
            canvas
              .getContext('2d')!
              .getImageData(x, 0, 1, canvas.height)
              .data.some((value) => value > 0),
          ),
        ),
      );
      expect(inked).to.deep.equal([false, false, false]);
    }
  });

  it('shows a single record in every chart', async () => {
    const [, record] = sampleLog({ records: 2 });
    const failed = { ...record!, outcome: 'OUTCOME_FAILURE_ERROR' as const, error: { type: 'timeout' } };
    writeFileSync(at('one.jsonl'), `${encodeLine(failed)}\n`);
    await report('one');
    const page = await openReport(browser, at('one.html'));
    expect(await colouredPixels(page)).to.satisfy(
      (counts: number[]) => counts.length === 3 && counts.every((n) => n > 400),
    );
    expect(await page.locator('.u-legend').first().innerText()).to.include('1');
  });

  it('shows a lone record beside thousands', async () => {
    const many = [...sampleLog({ records: 5000, stepMs: 100 })].filter(
      ({ resource }) => !resource.startsWith('audit/'),
    );
    const lone = {
      ...many[0]!,
      time: '2026-01-09T12:00:00.000Z',
      outcome: 'OUTCOME_FAILURE_ERROR' as const,
      duration_ms: 900_000,
    };
    writeFileSync(at('lone.jsonl'), [...many, lone].map((record) => `${encodeLine(record)}\n`).join(''));
    await report('lone');
    const page = await openReport(browser, at('lone.html'));
    const right = await colouredPixels(page, 0.5);
    for (const coloured of right) expect(coloured).to.be.greaterThan(1);
  });

  it('says of an empty log that there is nothing', async () => {
    writeFileSync(at('empty.jsonl'), '');
    await report('empty');
    const page = await openReport(browser, at('empty.html'));
    expect(await page.locator('canvas').count()).to.equal(0);
    expect(await page.locator('.nothing').count()).to.equal(3);
    expect(await page.locator('#records').innerText()).to.include('There is no record.');
  });

  it('prints which filter is on and how many records it holds', async () => {
    const page = await openReport(browser, `${at('failing.html')}#outcome=failed`);
    await page.emulateMedia({ media: 'print' });
    const number = await page.locator('.pager .status').innerText();
    expect(await page.locator('#chosen').innerText()).to.equal(
      `Filter: outcome: Failed. It holds ${/of (\d+)$/.exec(number)![1]} of 600 records, ${/^\d+/.exec((await page.locator('#filters .status').textContent()) ?? '')![0]} of 599 operations.`,
    );
    const plain = await openReport(browser, at('failing.html'));
    await plain.emulateMedia({ media: 'print' });
    expect(await plain.locator('#chosen').innerText()).to.equal(
      'No filter: all 600 records, 599 operations.',
    );
  });

  it('runs nothing that any field of a record holds, whatever is opened', async () => {
    const text = fc.oneof(fc.constantFrom(...HOSTILE_VALUES), fc.string({ unit: 'binary', maxLength: 40 }));
    const record = fc.record({
      actor_id: text,
      resource: text,
      message: text,
      session_id: text,
      server_id: text,
      component: text,
      data: fc.json().map((json) => JSON.parse(json) as unknown),
      type: text,
      said: text,
    });
    const records = [...sampleLog({ records: 60 })];
    const drawn = fc.sample(record, { numRuns: records.length, seed: 7 });
    const lines = records.map((base, index) => {
      const { type, said, ...fields } = drawn[index]!;
      const error =
        index % 2 === 0 ? {} : { outcome: 'OUTCOME_FAILURE_ERROR', error: { type, message: said } };
      return JSON.stringify({ ...base, ...fields, ...error });
    });
    writeFileSync(at('fuzzed.jsonl'), `${lines.join('\n')}\n`);
    await report('fuzzed');
    const page = await openReport(browser, at('fuzzed.html'));
    const trouble: string[] = [];
    page.on('console', (message) => trouble.push(message.text()));
    page.on('pageerror', (error) => trouble.push(error.message));
    const foreign = () =>
      page.evaluate(
        () =>
          document.querySelectorAll(
            'img, svg, iframe, object, script:not([id]), [onerror], [onload], [onmouseover], style:not(:first-of-type)',
          ).length,
      );
    const usual = await foreign();
    for (const { actor_id: actor, session_id: session } of drawn.slice(0, 25)) {
      const hash = new URLSearchParams({ actor, session, q: '' }).toString();
      await page.evaluate((to) => (location.hash = to), hash);
      await page.keyboard.press('Escape');
    }
    for (const { record_id: id } of records.slice(0, 25))
      await page.evaluate((to) => (location.hash = `record=${to}`), id);
    expect(await foreign()).to.equal(usual);
    expect(await page.evaluate(() => Reflect.get(window, '__pwned') as unknown)).to.equal(undefined);
    expect(trouble).to.deep.equal([]);
    expect(await page.evaluate(() => document.body.innerText)).not.to.match(
      /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/,
    );
  });
});

/** For each chart, the pixels that have a colour, right of a part of its width. */
function colouredPixels(page: Page, from = 0): Promise<number[]> {
  return page.evaluate(
    (part) =>
      [...document.querySelectorAll('canvas')].map((canvas) => {
        const { data } = canvas
          .getContext('2d')!
          .getImageData(canvas.width * part, 0, canvas.width, canvas.height);
        let coloured = 0;
        for (let at = 0; at < data.length; at += 4) {
          const [r, g, b] = [data[at]!, data[at + 1]!, data[at + 2]!];
          if (data[at + 3] === 255 && Math.max(r, g, b) - Math.min(r, g, b) > 60) coloured++;
        }
        return coloured;
      }),
    from,
  );
}
