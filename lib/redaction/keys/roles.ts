/** What a property can be to its neighbours, by its name alone; bits, so that those of an object add up. */
export const Role = {
  none: 0,
  /** It says whose value stands beside it: `name`, `selector`, `label`. */
  names: 1,
  /** It holds what another names: `value`, `text`. */
  value: 2,
  /** It is the tool of a command line. */
  tool: 4,
  /** It is the words of a command line. */
  words: 8,
  /** It is the names of the columns of a table. */
  columns: 16,
  /** It is the rows of a table. */
  rows: 32,
  /** It says what kind of thing the object is, as in Kubernetes. */
  kind: 64,
  /** It holds the data of such a thing. */
  data: 128,
} as const;

const ROLES: readonly (readonly [role: number, names: string])[] = [
  [
    Role.names,
    'name key header field label id type selector element placeholder locator xpath css target parameterkey paramname ' +
      'parametername variable variablename varname param parameter property option fieldname inputname attribute ' +
      'question prompt title setting env keyname headername aria ref',
  ],
  [
    Role.value,
    'value text val content contents input parametervalue paramvalue newvalue fieldvalue answer response securevalue ' +
      'currentvalue string keys data default defaultvalue',
  ],
  [Role.tool, 'command cmd program executable exe binary file tool'],
  [Role.words, 'args arguments argv params parameters'],
  [Role.columns, 'columns headers fields header columnnames schema'],
  [Role.rows, 'rows data values records'],
  [Role.kind, 'kind'],
  [Role.data, 'data stringdata'],
];
const byName = new Map<string, number>();
for (const [role, names] of ROLES)
  for (const name of names.split(' ')) byName.set(name, (byName.get(name) ?? 0) | role);

/** The roles of a property of this name, in any spelling. */
export function roleOf(key: string): number {
  return key.length > 24 ? Role.none : (byName.get(key.toLowerCase().replace(/[_-]/g, '')) ?? Role.none);
}
