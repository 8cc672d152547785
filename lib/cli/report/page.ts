import { gzipSync } from 'fflate';
import { createHash } from 'node:crypto';
import { PAGE_SCRIPT, PAGE_STYLE } from './assets.js';
import { glance } from './glance.js';
import { html, Html } from './html.js';
import type { ReportModel } from './model.js';
import { changes, denials, failures, integrity, missing, touched } from './findings.js';
import { latency, masthead, records, sources } from './sections.js';

/**
 * Nothing is loaded from anywhere, and no script runs but the one whose hash stands here: should a value ever break out of
 * its place, it still could not run.
 */
function contentPolicy(): string {
  const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  return [
    "default-src 'none'",
    `script-src ${hash(PAGE_SCRIPT)}`,
    `style-src ${hash(PAGE_STYLE)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

/** The model as base64 of gzip: letters, digits, `+`, `/` and `=` are all that a value can become in the page. */
function embed(model: ReportModel): string {
  const bytes = gzipSync(Buffer.from(JSON.stringify(model)), { mtime: 0, level: 9 });
  return Buffer.from(bytes).toString('base64');
}

/** An element whose content must stand as it is, to the byte: its hash is in the content policy. */
function element(tag: 'script' | 'style', attributes: string, content: string): Html {
  return new Html(`<${tag}${attributes}>${content}</${tag}>`);
}

/** The whole page: reads without script, and becomes searchable with it. */
export function reportPage(model: ReportModel): string {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${contentPolicy()}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <title>${model.title}</title>
        ${element('style', '', PAGE_STYLE)}
      </head>
      <body>
        <a class="skip" href="#records">Skip to the records</a>
        ${masthead(model)}
        <main>
          ${glance(model)}
          <section id="filters" class="filters" aria-label="Filters" hidden></section>
          <section id="activity" aria-labelledby="activity-title">
            <h2 id="activity-title">Activity</h2>
            <div id="charts" hidden></div>
            <div id="facets" class="facets"></div>
            <noscript
              ><p class="note">
                Charts, filters and single records need JavaScript; what follows does not.
              </p></noscript
            >
          </section>
          ${latency(model)} ${failures(model)} ${denials(model)} ${touched(model)} ${changes(model)}
          ${missing(model)} ${integrity(model)} ${records(model)} ${sources(model)}
        </main>
        ${element('script', ' type="application/octet-stream" id="model"', embed(model))}
        ${element('script', '', PAGE_SCRIPT)}
      </body>
    </html> `;
  return page.text;
}
