import { count, plural } from '../term/units.js';
import { none, outcomeCount, refusals, SENSITIVE, type Phrase, type View } from './views.js';
import type { ReportModel } from './model.js';

/** How good or bad the answer of a card is. */
export type Tone = 'calm' | 'good' | 'warn' | 'bad';

/** One of an auditor's first questions, with its answer. */
export interface Card {
  readonly question: string;
  readonly tone: Tone;
  /** The answer in a word or a number. */
  readonly answer: string;
  readonly detail: Phrase;
  /** The section with the details. */
  readonly more: string;
  /** Whether the answer is about the whole log, whatever is chosen. */
  readonly whole?: true;
}

/** What the mark of a card says. */
export const TONE_WORDS: Readonly<Record<Tone, string>> = {
  calm: '',
  good: 'good',
  warn: 'attention',
  bad: 'problem',
};

/** A part of a whole in per cent. A part is never shown as 0 %, and less than the whole never as 100 %. */
export function percent(part: number, whole: number): string {
  if (whole === 0 || part === 0) return '0 %';
  const value = (part / whole) * 100;
  if (part === whole) return '100 %';
  if (value < 0.1) return '< 0.1 %';
  return `${value > 99.9 ? '> 99.9' : value < 10 ? value.toFixed(1) : value.toFixed(0)} %`;
}

/** The cards at the top of the page. */
export function cardsOf(view: View): Card[] {
  const sides = view.model.bothSides === undefined ? [] : [agree];
  return [happened, who, failed, denied, data, changed, missing, ...sides, intact].map((card) => card(view));
}

/** The answer where nothing was found, and how good that is. */
function nothing(view: View): Pick<Card, 'tone' | 'answer'> {
  return view.atLeast ? { tone: 'calm', answer: 'None found' } : { tone: 'good', answer: 'Nothing' };
}

/** `≥ 12`, where it may be more. */
function atLeast(text: string, view: View): string {
  if (view.atLeast && text.startsWith('0 ')) return 'None found';
  return view.atLeast ? `≥ ${text}` : text;
}

function happened(view: View): Card {
  const { summary, model, narrowed } = view;
  const { totals } = model;
  const servers = `${plural(summary.servers, 'server')}`;
  return {
    question: 'What happened?',
    tone: 'calm',
    answer: atLeast(plural(summary.operations, 'operation'), view),
    detail: [
      narrowed
        ? `of ${count(totals.operations)}, with ${servers}`
        : `${plural(totals.sessions, 'session')} with ${servers}, in ${plural(totals.traces, 'trace')}`,
    ],
    more: 'activity',
  };
}

function who(view: View): Card {
  const { summary, model, narrowed } = view;
  const types = Object.entries(model.totals.actorTypes).map(([type, number]) => plural(number, type));
  const busiest: Phrase = summary.busiest === '' ? [] : ['busiest: ', { strong: summary.busiest }];
  return {
    question: 'Who did it?',
    tone: 'calm',
    answer: atLeast(plural(summary.actors, 'actor'), view),
    detail: narrowed || types.length === 0 ? busiest : [`${types.join(', ')}; `, ...busiest],
    more: 'facets',
  };
}

function failed(view: View): Card {
  const { summary } = view;
  const errors = outcomeCount(summary, 'OUTCOME_FAILURE_ERROR');
  const [worst] = summary.failures;
  return {
    question: 'What failed?',
    ...(errors === 0 ? nothing(view) : { tone: 'warn', answer: atLeast(count(errors), view) }),
    detail:
      worst === undefined
        ? [none(view, 'No operation ended in an error', 'None of the chosen operations')]
        : [
            `${percent(errors, summary.operations)} of operations; most: `,
            { strong: worst.target },
            `, ${worst.reason}`,
          ],
    more: 'failures',
  };
}

function denied(view: View): Card {
  const { summary } = view;
  const refused = refusals(summary);
  const acting = new Set(summary.denials.flatMap(({ actors }) => actors));
  const alone = acting.size === 1 && summary.denials.length === summary.denialKinds;
  return {
    question: 'What was denied?',
    ...(refused === 0 ? nothing(view) : { tone: 'warn', answer: atLeast(count(refused), view) }),
    detail:
      refused === 0
        ? [none(view, 'Nobody was refused', 'None of the chosen operations')]
        : [
            `${count(outcomeCount(summary, 'OUTCOME_FAILURE_DENIED'))} denied, ${count(outcomeCount(summary, 'OUTCOME_FAILURE_UNAUTHORIZED'))} unauthorized`,
            ...(alone ? ['; all by ', { strong: [...acting][0]! }] : []),
          ],
    more: 'denials',
  };
}

function data(view: View): Card {
  const { summary } = view;
  const [first] = summary.touched;
  return {
    question: 'Which data was touched?',
    tone: 'calm',
    answer: atLeast(plural(summary.targets, 'target'), view),
    detail:
      first === undefined
        ? [none(view, 'No tool or resource was used', 'None of the chosen operations')]
        : [first.sensitivity >= SENSITIVE ? 'most sensitive: ' : 'most used: ', { strong: first.name }],
    more: 'touched',
  };
}

function changed(view: View): Card {
  const { all, listed } = view.changes;
  const tools = new Set(listed.map(({ tool, server }) => JSON.stringify([server, tool])));
  return {
    question: 'What changed?',
    ...(all === 0 ? nothing(view) : { tone: 'warn', answer: atLeast(plural(all, 'tool change'), view) }),
    detail:
      all === 0
        ? [none(view, 'No tool definition changed while in use', 'None of the chosen records')]
        : [`${plural(tools.size, 'tool definition')} changed while in use`],
    more: 'changes',
  };
}

function missing({ model }: View): Card {
  const { places, admitted, unknown, disorder } = model.missing;
  const { problems } = model.totals;
  const lost = Math.max(places, admitted);
  const whole = lost + unknown + disorder + problems === 0;
  const parts = [
    places > 0 && `${plural(places, 'place')} missing in the order`,
    admitted > 0 && `${count(admitted)} owned up to by gap records`,
    unknown > 0 && plural(unknown, 'unknown outcome'),
    disorder > 0 && plural(disorder, 'fault of order', 'faults of order'),
    problems > 0 && plural(problems, 'unreadable line'),
  ].filter((part) => part !== false);
  return {
    question: 'What is missing?',
    tone: whole ? 'good' : lost + disorder + problems > 0 ? 'bad' : 'warn',
    answer: whole
      ? 'Nothing'
      : lost > 0
        ? plural(lost, 'record')
        : plural(unknown + disorder + problems, 'doubt'),
    detail: [whole ? 'No hole in the order, no gap record, no open end' : parts.join('; ')],
    more: 'missing',
    whole: true,
  };
}

function agree({ model: { bothSides } }: View): Card {
  const card = { question: 'Do both sides agree?', more: 'both-sides', whole: true } as const;
  if (bothSides === undefined || 'not_compared' in bothSides)
    return { ...card, tone: 'calm', answer: 'Not compared', detail: ['Clients and servers are on record'] };
  const { pairs, different, unexplained } = bothSides;
  const wrong = different + unexplained;
  const parts = [
    different > 0 && `${count(different)} of ${plural(pairs, 'request')} on both sides differ`,
    unexplained > 0 && `${plural(unexplained, 'record')} of one side missing on the other`,
  ].filter((part) => part !== false);
  if (wrong > 0)
    return {
      ...card,
      tone: 'bad',
      answer: `${plural(wrong, 'request')} ${wrong === 1 ? 'does' : 'do'} not`,
      detail: [parts.join('; ')],
    };
  return pairs === 0
    ? { ...card, tone: 'calm', answer: 'Nothing in common', detail: ['No request is on both sides'] }
    : {
        ...card,
        tone: 'good',
        answer: 'Yes',
        detail: [`${plural(pairs, 'request')} on both sides, all alike`],
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

function intact({ model: { integrity } }: View): Card {
  const { status, title, findings } = integrity;
  return {
    question: 'Is it intact?',
    tone: INTACT[status],
    answer: title,
    detail: [findings[0] ?? 'This report did not verify the log'],
    more: 'integrity',
    whole: true,
  };
}
