import { commandLine, patternFor, type CommandLine } from '../../lib/cli/report/commandLine.js';
import type { LogSummary, QueryOptions, ReportModel } from '../../lib/cli/report/model.js';
import { NO_SERVER, OTHER } from '../../lib/cli/report/names.js';
import { copyButton, h, lines } from './dom.js';
import type { Row } from './records.js';
import { OUTCOME_GROUPS, type Choice } from './state.js';

/** Option of `query` for each field. */
const OPTIONS = { actor: 'actor', target: 'resource', server: 'server' } as const;

const FAILURE = ['error', 'denied', 'unauthorized'];

/** The words of the outcomes that the report was made with, for an intersection with those of a choice. */
function outcomesOf(model: ReportModel): readonly string[] | undefined {
  const given = model.options['outcome'];
  if (given === undefined || given === true) return undefined;
  return given
    .flatMap((list) => list.toLowerCase().split(','))
    .flatMap((word) => {
      const plain = word
        .trim()
        .replaceAll('-', '_')
        .replace(/^outcome_/, '')
        .replace(/^failure_/, '');
      if (plain === 'other') return ['partial'];
      if (plain === 'unspecified') return ['unknown'];
      return plain === 'failure' ? FAILURE : [plain];
    });
}

/**
 * A choice as options of `query`, within the filter of the report itself, and why they may give more than was chosen. A value of
 * the page replaces a pattern of the report, which it fulfils.
 */
function optionsOf(model: ReportModel, choice: Choice): { options: QueryOptions; wider: string[] } {
  const options: Record<string, readonly string[] | true> = { ...model.options };
  const wider: string[] = [];
  for (const [facet, option] of Object.entries(OPTIONS) as [keyof typeof OPTIONS, string][]) {
    const value = choice[facet];
    if (value === undefined) continue;
    if (value === OTHER || (facet === 'server' && value === NO_SERVER)) {
      wider.push(
        value === OTHER ? 'it cannot ask for all other names' : 'it cannot ask for records without a server',
      );
      continue;
    }
    const { names } = model.cube[`${facet}s`];
    const isTemplate = !names.slice(0, model.cube[`${facet}s`].exact).includes(value);
    if (isTemplate) wider.push('its pattern may hold for names of another form');
    options[option] = [isTemplate ? patternOfTemplate(value) : patternFor(value)];
  }
  const group = OUTCOME_GROUPS.find(({ key }) => key === choice.outcome);
  if (group !== undefined) {
    const within = outcomesOf(model);
    const words = group.words.filter((word) => within?.includes(word) ?? true);
    if (words.length > 0) options['outcome'] = [words.join(',')];
    else wider.push('the report itself was made without these outcomes');
  }
  const { range } = choice;
  if (range !== undefined) {
    const [from, to] = range.map((ms) => new Date(ms).toISOString());
    options['since'] = [latest(model.options['since'], from!)];
    options['until'] = [earliest(model.options['until'], to!)];
  }
  const text = choice.text.trim();
  if (text !== '') options['search'] = [...asList(model.options['search']), text];
  return { options, wider };
}

function asList(value: QueryOptions[string] | undefined): readonly string[] {
  return value === undefined || value === true ? [] : value;
}

function latest(given: QueryOptions[string] | undefined, time: string): string {
  return [...asList(given), time].sort().at(-1)!;
}

function earliest(given: QueryOptions[string] | undefined, time: string): string {
  return [...asList(given), time].sort()[0]!;
}

function patternOfTemplate(template: string): string {
  return template
    .split(/\{(?:n|id|date|name|value)\}/)
    .map(patternFor)
    .join('*');
}

function pathsOf(model: ReportModel): string[] {
  return model.logs.map(({ name }) => name);
}

/** The command that gives all the records of a choice, in the page or not. */
export function queryCommand(model: ReportModel, choice: Choice): CommandLine {
  const { options, wider } = optionsOf(model, choice);
  return commandLine('query', options, pathsOf(model), wider);
}

/** The command that makes a page of a choice alone. */
export function reportCommand(model: ReportModel, choice: Choice): CommandLine {
  const { options, wider } = optionsOf(model, choice);
  return commandLine('report', { ...options, output: ['narrowed.html'] }, pathsOf(model), wider);
}

/** The command that gives single records by an id. */
export function idCommand(model: ReportModel, name: 'id' | 'session' | 'trace', id: string): CommandLine {
  return commandLine('query', { [name]: [patternFor(id)] }, pathsOf(model));
}

/** The log that a row is of. */
export function logOf(model: ReportModel, { file }: Row): LogSummary | undefined {
  return model.logs.find((log) => log.name === file || log.files.includes(file));
}

/** The commands that prove a record to somebody who has not the log; undefined where its log is not sealed. */
export function proofCommands(log: LogSummary, id: string): string[] | undefined {
  const { vkey, name } = log;
  if (vkey === undefined || !/^[\w-]{1,64}$/.test(id)) return undefined;
  const proof = `${id}.tlog-proof`;
  const key = { vkey: [vkey] };
  const prove = { 'record-id': [id], 'with-record': true as const, ...key, output: [proof] };
  return [commandLine('prove', prove, [name]).text, commandLine('check-proof', key, [proof]).text];
}

/** A command to copy, with what it gives too many of. */
export function commandBlock({ text, wider }: CommandLine): HTMLElement {
  return h(
    'div',
    { class: 'command' },
    h('pre', { class: 'block', tabindex: 0 }, lines(text)),
    copyButton('Copy the command', () => text),
    wider !== '' && h('p', { class: 'note' }, `It gives these and some more: ${wider}.`),
  );
}
