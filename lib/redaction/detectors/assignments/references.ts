import { splitWords } from '../../keys/keyNames.js';
import { looksRandom } from '../../text/random.js';

/** What says that there is no secret, or which type it will have, or that it is asked for; in lower case. */
const WORDS = new Set(
  (
    'any array bool boolean buffer byte bytes char cryptokey date default empty enum false float function hidden include ' +
    'int integer interface keyobject keylike list long map masked never nil no none null number object off omit on ' +
    'optional promise read readonly record redacted required same-origin securestring secret secretstr short str string ' +
    'symbol text true type uint8array uuid undefined unknown unset varchar void write yes n/a tbd todo nullptr self this ' +
    // The mechanisms of SASL, which stand behind `AUTH=` (IANA's registry).
    'anonymous cram-md5 digest-md5 external gssapi ntlm oauthbearer plain scram-sha-1 scram-sha-256 xoauth2'
  ).split(' '),
);
/** A class of characters of a regular expression, a colour, and what a manual puts into the place of a secret. */
const NOT_ONE =
  /\[\^?(?:A-Z|a-z|0-9|\\[wd])|^\^.*\$$|^#(?:[\da-f]{3}|[\da-f]{6}|[\da-f]{8})$|^(?:your|enter|insert|replace|example|placeholder|dummy|fake|mock)(?:[-_ ][a-z]+){1,5}$/i;
const PLACEHOLDER =
  /^(?:[*•●.…xX_-]{3,}|[~^<>=v]{0,2}\d{1,4}\.\d{1,4}\.\d{1,4}[\w.+-]{0,40}|(?:\$\{[^}]*\}|[\s.:/_-])+|<[^<>]*>|\[[A-Za-z][\w. -]{2,40}\]|\$\{[^}]*\}|\$\(.*|\$[A-Za-z_]\w*|\$env:\w+|\$\{\{.*\}\}|%[A-Za-z_]\w*%|\{\{.*\}\}|\{%.*%\}|<%.*%>|#\{[^}]*\}|@\{[^}]*\}|\(\([\w.-]+\)\)|!(?:Ref|Sub|GetAtt|ImportValue|vault)\b.*|ENC\[.*\])$/s;
/** A place where a secret is kept, by the scheme that says so. */
const KEPT_ELSEWHERE =
  /^(?:op|vault|ssm|secretsmanager|gcp-?secretmanager|awssm|doppler|keychain|keyvault|env|secretref|projects\/[\w-]+\/secrets|arn:aws:(?:secretsmanager|ssm)|@Microsoft\.KeyVault)[:(/]/i;
/** Names that programs keep their settings and arguments under. */
const ROOTS =
  /^(?:process|import\.meta|os|env|ENV|System|self|this|config|cfg|conf|settings|options|opts|args|argv|params|props|state|data|var|vars|local|module|secrets|inputs|github|context|ctx|app|req|request|res|response|body|user|event|session|credentials?|creds|auth|t|z|yup|Joi|types?|schema|\$_(?:POST|GET|ENV|SERVER|REQUEST|SESSION))$/;
const CHAIN = /^[&*]?\$?[A-Za-z_]\w*(?:(?:\.|\?\.|->|::)\$?[A-Za-z_]\w*)*/;
/** What only a program goes on with: a call, an index, an arrow. */
const CODE =
  /^(?:void|await|new|yield|typeof|keyof|readonly|function|async|lambda|class|not|return|if|else|case|import|throw|delete)\b|^\(|=>|^&'?\w/;

/** Two operands with an operator between them, or a union of types. */
const OPERATION =
  /^[\w$.!([\]'"<>]{1,128}\s(?:[-+*/%|&?<>]|\|\||&&|\?\?|[!=]==?|instanceof|in|as|extends|satisfies|and|or)\s/;
/** The scheme before a reference: `Bearer ${token}`. */
const SCHEME = /^(?:Bearer|Basic|Token|Bot)\s+/i;

/** Where a value stands, as far as it says what the value is. */
export interface Place {
  readonly quoted: boolean;
  /** The name that the value has. */
  readonly name: string;
  /** Whether a program is read, and not settings or prose. */
  readonly code: boolean;
  /** The text after the value. */
  readonly after: string;
}

/**
 * Whether what stands as the value of a secret name is none: nothing at all, a placeholder, a type, a boolean, the name again as
 * a label, or a reference to where the secret is.
 */
export function isReference(value: string, place: Place): boolean {
  const text = value.trim().replace(SCHEME, '');
  if (text === '' || WORDS.has(text.toLowerCase())) return true;
  if (PLACEHOLDER.test(text) || KEPT_ELSEWHERE.test(text) || NOT_ONE.test(text)) return true;
  if (isLabel(text, place.name)) return true;
  return !place.quoted && isExpression(text, place);
}

/** `jwt: "JWT"`, `password: "Your Password"`: a label says the name again, and nothing that could be a secret. */
function isLabel(text: string, name: string): boolean {
  if (text.length > 64 || /\d/.test(text)) return false;
  const said = splitWords(text).join('');
  return said === splitWords(name).join('') || said === splitWords(name.replace(/^.*\./, '')).join('');
}

function isExpression(text: string, { code, after, name }: Place): boolean {
  // An option of a command line has words for its value, whatever a program would make of them.
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
