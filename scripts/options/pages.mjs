// The tables of the documentation.

/** The rows of some sets, e.g. of `FileSinkOptions, RotationOptions as rotate.`: each name with what stands before its options. */
export function optionsTable(sets, names) {
  const rows = names.split(',').flatMap((part) => {
    const [, name, prefix = ''] = /^(\w+)(?: as (\S+))?$/.exec(part.trim()) ?? [];
    const set = sets.find((each) => each.name === name);
    if (set === undefined) throw new Error(`${part}: no such interface of options`);
    return shown(set).map((option) => [
      `\`${prefix}${option.name}\``,
      typeOf(option),
      option.optional ? option.fallback : 'required',
      option.meaning,
    ]);
  });
  return table([['option', 'type', 'default', 'meaning'], ...rows]);
}

/** Whose options have variables, in the order of the table. */
const WITH_VARIABLES = [
  'AuditOptions',
  'ApprovalOptions',
  'RegisterOptions',
  'FileSinkOptions',
  'RotationOptions',
  'ArchiveOptions',
  'RetainOptions',
  'RetainAtLeastOptions',
  'RetainAtMostOptions',
  'IntegrityOptions',
  'ErasureOptions',
  'SpoolOptions',
  'HttpSinkOptions',
  'SyslogSinkOptions',
  'PostgresSinkOptions',
];

/** A row for each variable of the zero-code entry. */
export function variablesTable(sets) {
  const rows = new Map();
  for (const name of WITH_VARIABLES)
    for (const option of shown(sets.find((set) => set.name === name)))
      if (option.variable !== undefined && !rows.has(option.variable))
        rows.set(option.variable, variableRow(option));
  return table([['variable', 'what it sets', 'default'], ...rows.values()]);
}

/** A variable has what can be written as text: of its option's docstring, the first sentence. */
function variableRow({ variable, meaning, fallback, fallbackThere, unit }) {
  const [sentence] = /^.*?\.(?= [A-Z]|$)/.exec(meaning) ?? [meaning];
  return [
    `\`OTEL_MCP_LOG_${variable}\``,
    sentence,
    fallbackThere || [fallback, unit].filter(Boolean).join(' '),
  ];
}

/** What users are to write: no old names, nothing of other packages. */
function shown({ options }) {
  return options.filter(({ foreign, renamedTo }) => !foreign && renamedTo === undefined);
}

/** The type of an option, with the unit and the bounds of a number. */
function typeOf({ type, kind, unit, minimum, maximum }) {
  if (kind !== 'integer') return `\`${type}\``;
  const bounds =
    maximum === undefined || maximum >= 2 ** 31 - 1
      ? `≥ ${grouped(minimum)}`
      : `${grouped(minimum)} to ${grouped(maximum)}`;
  return [`\`${type}\` ${bounds}`, unit].filter(Boolean).join(' ');
}

const grouped = (value) => value.toLocaleString('en-US');

function table([head, ...rows]) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
