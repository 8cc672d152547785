// What the demo says between the records, which StdoutSink prints itself.
const colours = process.stdout.isTTY && process.stdout.hasColors();
const paint = (code) => (text) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);

export const bold = paint('1');
export const dim = paint('2');
export const green = paint('32');
const cyan = paint('36');

export const title = (name, claim) => process.stdout.write(`\n  ${bold(cyan(name))}  ${dim(claim)}\n`);

export function heading(number, text, detail) {
  process.stdout.write(`\n  ${cyan(number)}  ${bold(text)}\n     ${dim(detail)}\n\n`);
}

export const note = (text) => process.stdout.write(`  ${text}\n`);
