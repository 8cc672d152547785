import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

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
