/** The page's script and style, made from `web/report/` when the package is built (see scripts/build/page.mjs). */

/** The script, minified, with the chart library in it. */
export declare const PAGE_SCRIPT: string;
/** The style sheet, minified. */
export declare const PAGE_STYLE: string;
