import { existsSync } from 'node:fs';
import { expect } from 'chai';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

/** Where Debian puts it. */
const CHROMIUM = '/usr/bin/chromium';

/** Why browser tests cannot run here; undefined if they can. Meant for titles. */
export const noBrowser: string | undefined = existsSync(CHROMIUM) ? undefined : ` [skipped: no ${CHROMIUM}]`;

/** A browser with a profile of its own, that calls nobody. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** Opens a report from disk, and waits until it is ready; whatever it complains of, asks for or pops up meanwhile fails. */
export async function openReport(
  browser: Browser,
  path: string,
  context: BrowserContextOptions = {},
): Promise<Page> {
  const own = await browser.newContext({ viewport: { width: 1300, height: 900 }, ...context });
  const page = await own.newPage();
  const trouble: string[] = [];
  page.on('console', (message) => trouble.push(message.text()));
  page.on('pageerror', (error) => trouble.push(error.message));
  page.on('dialog', (dialog) => trouble.push(`dialog: ${dialog.message()}`));
  page.on('request', (request) => request.url().startsWith('file://') || trouble.push(request.url()));
  await page.goto(`file://${path}`);
  await page.waitForSelector('html[data-ready=true]', { state: 'attached' });
  expect(trouble).to.deep.equal([]);
  return page;
}
