import type { ChainLink } from '../schema/record.js';
import { isEnd, stepInto, type PathState } from './policy/fields.js';
import { REDACTED } from './text/replacement.js';
import type { Pass } from './walk/pass.js';
import { GONE, hideValue } from './walk/values.js';
import { capLabel, keepString, LABEL_BYTES } from './walk/strings.js';

/** The most bytes of a link's other members: their names, their fixed values and the punctuation. */
const LINK_BYTES = 160;

/**
 * The links of a chain, with their names treated as `actor_id` is: kept, and hidden where paths hide that. A name that a caller has made
 * up is searched for secrets.
 *
 * @param paths the paths to fields of the record.
 */
export function keepChain(
  links: readonly ChainLink[],
  pass: Pass,
  paths: PathState | undefined,
): readonly object[] {
  const isHidden = hidesActors(paths);
  return links.map((link, index) => {
    pass.path.push(String(index));
    pass.slack += LINK_BYTES;
    const { id, issuer, source } = link;
    // A copy first, so that the members keep their order.
    const kept: Record<string, unknown> = { ...link };
    kept['id'] = isHidden ? hiddenName(id, pass) : keepName(id, source, pass);
    if (issuer !== undefined) kept['issuer'] = keepString(issuer, 'issuer', pass, LABEL_BYTES);
    pass.path.pop();
    return kept;
  });
}

function keepName(id: string, source: ChainLink['source'], pass: Pass): string {
  return source === 'caller' ? keepString(id, 'id', pass, LABEL_BYTES) : capLabel(id, 'id', pass);
}

/** A link must have a name, so that it is masked even if the policy drops values. */
function hiddenName(id: string, pass: Pass): unknown {
  const hidden = hideValue(id, pass, false);
  return hidden === GONE ? REDACTED : hidden;
}

/** Whether paths hide who acts, or for whom. */
function hidesActors(paths: PathState | undefined): boolean {
  if (paths === undefined) return false;
  return ['actor_id', 'on_behalf_of'].some((name) => {
    const state = stepInto(paths, name);
    return state !== undefined && isEnd(state);
  });
}

/** Hides secrets that were found later, again only in names that a caller has made up. */
export function sweepChain(value: unknown, { secrets }: Pass): unknown {
  if (!Array.isArray(value)) return secrets.hideWithin(value);
  return value.map((link: ChainLink) => (link.source === 'caller' ? secrets.hideWithin(link) : link));
}
