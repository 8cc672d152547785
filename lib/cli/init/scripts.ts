/** Scripts of package.json that start an application, by custom; others (tests, builds) are left alone. */
const STARTS = /^(?:start|dev|serve)(?:[:-].*)?$/;

/** Node or tsx as the command of a script or of a part of it, after variables that are set for it. */
const RUNS = /(^|&&|;|\|\|)(\s*(?:cross-env\s+)?(?:[A-Za-z_]\w*=\S*\s+)*(?:node|tsx(?:\s+watch)?))(?=\s)/g;

/** A start script: as it would be (as it is, where it preloads the file already), or undefined where it runs something that we do not know. */
export interface StartScript {
  readonly name: string;
  readonly before: string;
  readonly after: string | undefined;
}

/**
 * The start scripts of a project with a file preloaded, first of all that they preload.
 *
 * @param flag - `--import` or `--require`.
 */
export function startScripts(
  scripts: Readonly<Record<string, string>>,
  flag: string,
  preload: string,
): StartScript[] {
  return Object.entries(scripts)
    .filter(([name]) => STARTS.test(name))
    .map(([name, before]) => {
      if (before.includes(` ${preload} `)) return { name, before, after: before };
      const after = before.replace(
        RUNS,
        (_, separator: string, command: string) => `${separator}${command} ${flag} ${preload}`,
      );
      return { name, before, after: after === before ? undefined : after };
    });
}

/**
 * Puts scripts into the text of a package.json and leaves everything else in it as it is.
 *
 * @returns undefined where a script's text is not found just once, as in a file with escapes that nobody writes by hand.
 */
export function withScripts(manifest: string, scripts: readonly StartScript[]): string | undefined {
  let text = manifest;
  for (const { name, before, after } of scripts) {
    if (after === undefined) continue;
    const [key, old] = [JSON.stringify(name), JSON.stringify(before)];
    const found = [...text.matchAll(new RegExp(`${escaped(key)}(\\s*:\\s*)${escaped(old)}`, 'g'))];
    const [match] = found;
    if (match === undefined || found.length > 1) return undefined;
    const end = match.index + match[0].length;
    text = `${text.slice(0, match.index)}${key}${match[1]}${JSON.stringify(after)}${text.slice(end)}`;
  }
  return text;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
