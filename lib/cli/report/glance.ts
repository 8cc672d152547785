import { count, plural } from '../term/units.js';
import { html, type Fragment, type Html } from './html.js';
import { OUTCOME_ORDER, type ReportModel } from './model.js';

/** How good or bad the answer of a card is. */
type Tone = 'calm' | 'good' | 'warn' | 'bad';

interface Card {
  readonly question: string;
  readonly tone: Tone;
  /** The answer in a word or a number. */
  readonly answer: string;
  readonly detail: Fragment;
  /** The section with the details. */
  readonly more: string;
}

const TONE_WORDS: Readonly<Record<Tone, string>> = {
  calm: '',
  good: 'good',
  warn: 'attention',
  bad: 'problem',
};

/** The number of operations with an outcome. */
export function outcomeCount(model: ReportModel, outcome: (typeof OUTCOME_ORDER)[number]): number {
  return model.totals.outcomes[OUTCOME_ORDER.indexOf(outcome)] ?? 0;
}

/** A part of a whole in per cent. A part is never shown as 0 %, and less than the whole never as 100 %. */
function percent(part: number, whole: number): string {
  if (whole === 0 || part === 0) return '0 %';
  const value = (part / whole) * 100;
  if (part === whole) return '100 %';
  if (value < 0.1) return '< 0.1 %';
  return `${value > 99.9 ? '> 99.9' : value < 10 ? value.toFixed(1) : value.toFixed(0)} %`;
}

/** The cards at the top of the page: the first questions of an auditor, each with its answer. */
export function glance(model: ReportModel): Html {
  const cards = [happened, who, failed, denied, data, changed, missing, intact].map((card) => card(model));
  return html`<section id="glance" aria-labelledby="glance-title">
    <h2 id="glance-title" class="visually-hidden">At a glance</h2>
    <div class="cards">
      ${cards.map(
        ({ question, tone, answer, detail, more }) =>
          html`<a class="card ${tone}" href="#${more}">
            <span class="question">${question}</span>
            <strong class="answer">${answer}</strong>
            <span class="detail">${detail}</span>
            ${tone !== 'calm' && html`<span class="tone">${TONE_WORDS[tone]}</span>`}
          </a>`,
      )}
    </div>
  </section>`;
}

function happened({ totals }: ReportModel): Card {
  return {
    question: 'What happened?',
    tone: 'calm',
    answer: plural(totals.operations, 'operation'),
    detail: `${plural(totals.sessions, 'session')} with ${plural(totals.servers, 'server')}, in ${plural(totals.traces, 'trace')}`,
    more: 'activity',
  };
}

function who({ totals, cube }: ReportModel): Card {
  const types = Object.entries(totals.actorTypes).map(([type, number]) => plural(number, type));
  return {
    question: 'Who did it?',
    tone: 'calm',
    answer: plural(totals.actors, 'actor'),
    detail: html`${types.join(', ')}${cube.actors.names[0] !== undefined && html`; busiest: <b>${cube.actors.names[0]}</b>`}`,
    more: 'facets',
  };
}

function failed(model: ReportModel): Card {
  const errors = outcomeCount(model, 'OUTCOME_FAILURE_ERROR');
  const [worst] = model.failures;
  return {
    question: 'What failed?',
    tone: errors === 0 ? 'good' : 'warn',
    answer: errors === 0 ? 'Nothing' : count(errors),
    detail:
      worst === undefined
        ? 'No operation ended in an error'
        : html`${percent(errors, model.totals.operations)} of operations; most: <b>${worst.type}</b> of
            ${worst.target}`,
    more: 'failures',
  };
}

function denied(model: ReportModel): Card {
  const refused = outcomeCount(model, 'OUTCOME_FAILURE_DENIED');
  const unauthorized = outcomeCount(model, 'OUTCOME_FAILURE_UNAUTHORIZED');
  const who = new Set(model.denials.flatMap(({ actors }) => actors));
  return {
    question: 'What was denied?',
    tone: refused + unauthorized === 0 ? 'good' : 'warn',
    answer: refused + unauthorized === 0 ? 'Nothing' : count(refused + unauthorized),
    detail:
      refused + unauthorized === 0
        ? 'Nobody was refused'
        : html`${count(refused)} denied, ${count(unauthorized)}
          unauthorized${who.size === 1 && html`; all by <b>${[...who][0]}</b>`}`,
    more: 'denials',
  };
}

function data({ touched, totals }: ReportModel): Card {
  const [first] = touched;
  return {
    question: 'Which data was touched?',
    tone: 'calm',
    answer: plural(totals.targets, 'target'),
    detail: first === undefined ? 'No tool or resource was used' : html`most sensitive: <b>${first.name}</b>`,
    more: 'touched',
  };
}

function changed({ changes }: ReportModel): Card {
  const tools = new Set(changes.map(({ tool, server }) => JSON.stringify([server, tool])));
  return {
    question: 'What changed?',
    tone: changes.length === 0 ? 'good' : 'warn',
    answer: changes.length === 0 ? 'Nothing' : plural(changes.length, 'tool change'),
    detail:
      changes.length === 0
        ? 'No tool definition changed while in use'
        : `${plural(tools.size, 'tool definition')} changed while in use`,
    more: 'changes',
  };
}

function missing(model: ReportModel): Card {
  const { places, admitted, unknown, disorder } = model.missing;
  const lost = Math.max(places, admitted);
  const nothing = lost + unknown + disorder + model.totals.problems === 0;
  return {
    question: 'What is missing?',
    tone: nothing ? 'good' : lost + disorder + model.totals.problems > 0 ? 'bad' : 'warn',
    answer: nothing
      ? 'Nothing'
      : lost > 0
        ? plural(lost, 'record')
        : plural(unknown + disorder + model.totals.problems, 'doubt'),
    detail: nothing
      ? 'No hole in the order, no gap record, no open end'
      : [
          places > 0 && `${plural(places, 'place')} missing in the order`,
          admitted > 0 && `${count(admitted)} owned up to by gap records`,
          unknown > 0 && plural(unknown, 'unknown outcome'),
          disorder > 0 && plural(disorder, 'fault of order', 'faults of order'),
          model.totals.problems > 0 && plural(model.totals.problems, 'unreadable line'),
        ]
          .filter((part) => part !== false)
          .join('; '),
    more: 'missing',
  };
}

const INTACT: Readonly<Record<ReportModel['integrity']['status'], Tone>> = {
  intact: 'good',
  unconfirmed: 'warn',
  'partly-sealed': 'warn',
  unwitnessed: 'warn',
  unsealed: 'warn',
  untrusted: 'bad',
  broken: 'bad',
  unchecked: 'calm',
};

function intact({ integrity: { status, title, findings } }: ReportModel): Card {
  return {
    question: 'Is it intact?',
    tone: INTACT[status],
    answer: title,
    detail: findings[0] ?? 'This report did not verify the log',
    more: 'integrity',
  };
}
