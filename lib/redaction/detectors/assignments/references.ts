import { splitWords } from '../../keys/keyNames.js';
import { looksRandom } from '../../text/random.js';

/** Values in lower case that mean that there is no secret, name its type, or ask for it. */
const WORDS = new Set(
  (
    'any array bool boolean buffer byte bytes char cryptokey date default empty enum false float function hidden include ' +
    'int integer interface keyobject keylike list long map masked never nil no none null number object off omit on ' +
    'optional promise read readonly record redacted required same-origin securestring secret secretstr short str string ' +
    'symbol text true type uint8array uuid undefined unknown unset varchar void write yes n/a tbd todo nullptr self this ' +
    // The mechanisms of SASL, which follow `AUTH=` (IANA's registry).
    'anonymous cram-md5 digest-md5 external gssapi ntlm oauthbearer plain scram-sha-1 scram-sha-256 xoauth2'
  ).split(' '),
);
/** A character class of a regular expression, a colour, and what a manual writes instead of a secret. */
const NOT_ONE =
  /\[\^?(?:A-Z|a-z|0-9|\\[wd])|^\^.*\$$|^#(?:[\da-f]{3}|[\da-f]{6}|[\da-f]{8})$|^(?:your|enter|insert|replace|example|placeholder|dummy|fake|mock)(?:[-_ ][a-z]+){1,5}$/i;
const PLACEHOLDER =
  /^(?:[*•●.…xX_-]{3,}|[~^<>=v]{0,2}\d{1,4}\.\d{1,4}\.\d{1,4}[\w.+-]{0,40}|(?:\$\{[^}]*\}|[\s.:/_-])+|<[^<>]*>|\[[A-Za-z][\w. -]{2,40}\]|\$\{[^}]*\}|\$\(.*|\$[A-Za-z_]\w*|\$env:\w+|\$\{\{.*\}\}|%[A-Za-z_]\w*%|\{\{.*\}\}|\{%.*%\}|<%.*%>|#\{[^}]*\}|@\{[^}]*\}|\(\([\w.-]+\)\)|!(?:Ref|Sub|GetAtt|ImportValue|vault)\b.*|ENC\[.*\])$/s;
/** The address of a secret in a store, by its scheme. */
const KEPT_ELSEWHERE =
  /^(?:op|vault|ssm|secretsmanager|gcp-?secretmanager|awssm|doppler|keychain|keyvault|env|secretref|projects\/[\w-]+\/secrets|arn:aws:(?:secretsmanager|ssm)|@Microsoft\.KeyVault)[:(/]/i;
/** Names of the objects in which programs keep settings and arguments. */
const ROOTS =
  /^(?:process|import\.meta|os|env|ENV|System|self|this|config|cfg|conf|settings|options|opts|args|argv|params|props|state|data|var|vars|local|module|secrets|inputs|github|context|ctx|app|req|request|res|response|body|user|event|session|credentials?|creds|auth|t|z|yup|Joi|types?|schema|\$_(?:POST|GET|ENV|SERVER|REQUEST|SESSION))$/;
const CHAIN = /^[&*]?\$?[A-Za-z_]\w*(?:(?:\.|\?\.|->|::)\$?[A-Za-z_]\w*)*/;
/** What occurs only in a program: a keyword, a call, an arrow. */
const CODE =
  /^(?:void|await|new|yield|typeof|keyof|readonly|function|async|lambda|class|not|return|if|else|case|import|throw|delete)\b|^\(|=>|^&'?\w/;

/** Two operands with an operator between them, or a union of types. */
const OPERATION =
  /^[\w$.!([\]'"<>]{1,128}\s(?:[-+*/%|&?<>]|\|\||&&|\?\?|[!=]==?|instanceof|in|as|extends|satisfies|and|or)\s/;
/** The scheme before a reference: `Bearer ${token}`. */
const SCHEME = /^(?:Bearer|Basic|Token|Bot)\s+/i;

/** What surrounds a value, as far as it tells what the value is. */
export interface Place {
  readonly quoted: boolean;
  /** The name that the value has. */
  readonly name: string;
  /** Whether the text is a program, not settings or prose. */
  readonly code: boolean;
  /** The text after the value. */
  readonly after: string;
}

/**
 * Whether the value of a secret name is not the secret itself: empty, a placeholder, a type, a boolean, the name repeated as a
 * label, or a reference to where the secret is.
 */
export function isReference(value: string, place: Place): boolean {
  const text = value.trim().replace(SCHEME, '');
  if (text === '' || WORDS.has(text.toLowerCase())) return true;
  if (PLACEHOLDER.test(text) || KEPT_ELSEWHERE.test(text) || NOT_ONE.test(text)) return true;
  if (isLabel(text, place.name)) return true;
  return !place.quoted && isExpression(text, place);
}

/** Whether the value only repeats the name: `jwt: "JWT"`, `password: "Your Password"`. */
function isLabel(text: string, name: string): boolean {
  if (text.length > 64 || /\d/.test(text)) return false;
  const said = splitWords(text).join('');
  return said === splitWords(name).join('') || said === splitWords(name.replace(/^.*\./, '')).join('');
}

function isExpression(text: string, { code, after, name }: Place): boolean {
  // The value of a command-line option is a word, even one that would be an expression in a program.
  if (name.startsWith('-')) return false;
  if (CODE.test(text) || OPERATION.test(text)) return true;
  if (/^&?\w[\w.]*(?:<.*>?|\[\]|\?)$/.test(text) && !/\d/.test(text)) return true;
  const bare = text.replace(/^[!~+-]{1,3}/, '');
  const chain = CHAIN.exec(bare)?.[0] ?? '';
  if (chain === '') return code && /^-?\d{1,3}[;,)]*$/.test(text);
  const rest = bare.slice(chain.length);
  if (WORDS.has(chain.toLowerCase()) && /^[^\w@#$%^&*+=~-]/.test(rest)) return true;
  const called = /^(?:\(|\[|\?\.\[|!?\.)/.test(rest) || (rest === '' && /^[ \t]?[([]/.test(after));
  const steps = chain.split(/\.|\?\.|->|::/);
  const random = looksRandom(chain);
  if (called) return !random;
  if (rest !== '' && !/^[;:,)}\]!?|]+$/.test(rest)) return false;
  if (steps.length > 1 && steps.at(-1) === name) return true;
  const closed = rest !== '' || /^[;,)]/.test(after);
  if (steps.length > 1 && (ROOTS.test(steps[0] ?? '') || code || closed)) return !random;
  if (closed && /^(?:[a-z]+(?:[A-Z][a-z]+){2,}|[A-Z]+[a-z]*(?:[A-Z]+[a-z]+)+)$/.test(chain)) return true;
  const operand = rest.includes(')') || /^\s(?:[-+*/?]|[=!]==?|&&|\|\|)\s/.test(after);
  if (operand && /^[A-Za-z_$]+$/.test(chain)) return true;
  // A type with its parameters: `Get<T>`.
  if (rest === '' && after.startsWith('<') && /^[A-Z][A-Za-z]*$/.test(chain)) return true;
  if (/^[A-Z][a-z]+(?:[A-Z][a-z]+)+$/.test(chain)) return true;
  return code && !random && splitWords(name).length > 0;
}
