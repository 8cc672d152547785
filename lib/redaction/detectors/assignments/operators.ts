/** What may close a name: its quote (escaped or not), the bracket of an index or an array, the end of bold or of code. */
const CLOSE =
  /(?:\\{0,8}["'`]|%22|%27|&quot;|&#34;|&#39;|[”’»」』])?(?:\]|%5[Dd]|\[\d{0,6}\])?(?:\*\*|__|<\/(?:b|strong|code|em|i|label|span)>)?[?!]?/y;
const BLANKS = /[ \t\u00a0\u3000]{0,64}/y;
const OPERATOR =
  /===?|!==?|<>|::=|:=|=>|->|\+=|\?\?=|\|\|=|&&=|\?=|\.=|<-|=~|::(?=\S)|=|:(?!:)|[：＝﹕∶]|%3[DdAa]|&#(?:61|58);/y;
const AFTER = /(?:>|3D)?(?:\*\*|__|<\/(?:b|strong|code|em|i|label|span)>)?[ \t\u00a0\u3000]{0,64}/y;
/** `: string = `, `: &str = `, `: Optional[str] = `: the type between a name and its value. */
const TYPE =
  /&?(?:'\w{1,16} )?(?:mut )?[A-Za-z_][\w.:]{0,64}(?:<[^<>\n=]{0,64}>|\[[^\]\n]{0,64}\])?\??(?:\s?\|\s?[\w."']{1,32}){0,4}[ \t]{0,8}=(?![=>])[ \t]{0,8}/y;
/** `password string = "x"` (Go), `@password varchar(20) = 'x'` (SQL). */
const TYPE_AFTER_BLANK =
  /[ \t]{1,8}[*[\]]{0,3}[A-Za-z_][\w.]{0,32}(?:\(\d{1,5}\))?[ \t]{0,8}:?=(?!=)[ \t]{0,8}(?=[bru@]?["'`])/y;

const COMPARISONS = new Set(['==', '===', '!=', '!==', '<>', '=~']);

/** What follows a name. */
export interface Operator {
  /** Where the value begins. */
  readonly at: number;
  readonly sign: string;
  /** Whether the two sides are compared, so that a bare word is a name as well. */
  readonly compares: boolean;
}

function matchAt(expression: RegExp, text: string, at: number): string {
  expression.lastIndex = at;
  return expression.exec(text)?.[0] ?? '';
}

/** Past what closes a name that ends at `at`. */
export function pastName(text: string, at: number): number {
  return at + matchAt(CLOSE, text, at).length;
}

/** The operator behind a name that is closed at `closed`; undefined where there is none. */
export function operatorAt(text: string, closed: number): Operator | undefined {
  const typed = matchAt(TYPE_AFTER_BLANK, text, closed);
  if (typed !== '') return { at: closed + typed.length, sign: '=', compares: false };
  const from = closed + matchAt(BLANKS, text, closed).length;
  const sign = matchAt(OPERATOR, text, from);
  if (sign === '' || (sign === ':' && text.startsWith('//', from + 1))) return undefined;
  let at = from + sign.length;
  at += matchAt(AFTER, text, at).length;
  if (sign === ':') at += matchAt(TYPE, text, at).length;
  return { at, sign, compares: COMPARISONS.has(sign) };
}
