// Reads the declarations of options: interfaces of lib/ whose docstring names, by `@see`, the page that explains them.
// Each property is an option; its type and its docstring say all that there is to say of it:
//
//   @defaultValue  what it is where it is not given: a literal first (`10,000; the reason`), or words where it depends
//   @minimum, @maximum  bounds of a number, by the keywords of JSON Schema; @unit  what the number counts
//   @variable  the environment variable that sets it, and after that, in words, another default that it has there
//   @deprecated  an old name of the option that it links to
//   @see  its page, where that is not the page of its interface
import ts from 'typescript';

/** The longest delay of Node's timers (lib/internal/duration.ts): what bounds a duration that names no bound of its own. */
const LONGEST = { ms: 2 ** 31 - 1, s: Math.floor((2 ** 31 - 1) / 1000) };
/** A choice of more words than these is checked against the schema's own table. */
const MOST_CHOICES = 12;

/** Every set of options, by the name of its interface, in an order in which none stands before those that it extends. */
export function readDeclarations(program, root) {
  const checker = program.getTypeChecker();
  const declared = program
    .getSourceFiles()
    .filter(({ fileName, isDeclarationFile }) => fileName.startsWith(`${root}lib/`) && !isDeclarationFile)
    .flatMap(({ statements }) => statements.filter(ts.isInterfaceDeclaration))
    .map((declaration) => checker.getSymbolAtLocation(declaration.name))
    .map((symbol) => ({ symbol, page: tagOf(checker, symbol, 'see')?.replace(/\s/g, '') }))
    .filter(({ page }) => page !== undefined)
    .sort((a, b) => (a.symbol.name < b.symbol.name ? -1 : 1));
  const names = new Set(declared.map(({ symbol }) => symbol.name));
  const sets = declared.map(({ symbol, page }) => {
    const properties = checker.getDeclaredTypeOfSymbol(symbol).getProperties();
    const options = properties.map((property) => readOption(checker, property, symbol.name, page));
    return { name: symbol.name, page, options };
  });
  for (const option of sets.flatMap(({ options }) => options))
    if (!names.has(option.declaredBy)) option.declaredBy = undefined;
  const placed = new Set();
  const place = (set) => {
    for (const { declaredBy } of set.options)
      if (declaredBy !== undefined && declaredBy !== set.name)
        place(sets.find(({ name }) => name === declaredBy));
    placed.add(set);
  };
  sets.forEach(place);
  return [...placed];
}

function readOption(checker, property, set, setPage) {
  const [declaration] = property.declarations;
  const at = `${set}.${property.name}`;
  const tag = (name) => tagOf(checker, property, name);
  const type = checker.getNonNullableType(checker.getTypeOfSymbol(property));
  const optional = (property.flags & ts.SymbolFlags.Optional) !== 0;
  const foreign = declaration.getSourceFile().fileName.includes('node_modules');
  const old = property.getJsDocTags(checker).find(({ name }) => name === 'deprecated');
  const kind = kindOf(checker, type);
  const fallback = tag('defaultValue') ?? '';
  const [, variable, fallbackThere] =
    /^(?:OTEL_MCP_LOG_(\w+))[.;,]?\s*(.*)$/.exec(tag('variable') ?? '') ?? [];
  const form = variable === undefined ? undefined : formOf(checker, type);
  const option = {
    name: property.name,
    declaredBy: declaration.parent.name?.text ?? set,
    foreign,
    kind,
    optional,
    type: typeInWords(checker, property, type),
    meaning: inWords(property.getDocumentationComment(checker)),
    fallback,
    default: literal(form === 'list' ? 'text' : kind, fallback),
    choices: kind === 'choice' ? wordsOf(type, declaration, checker) : undefined,
    unit: tag('unit'),
    minimum: numberOf(tag('minimum')),
    maximum: numberOf(tag('maximum')) ?? LONGEST[tag('unit')],
    variable,
    fallbackThere,
    form,
    renamedTo: old && /`(\w+)`/.exec(inWords(old.text))?.[1],
    page: tag('see')?.replace(/\s/g, '') ?? setPage,
  };
  if (!foreign) requireWhole(option, at);
  return option;
}

/** A declaration that says too little, or contradicts itself, is a mistake of ours. */
function requireWhole(option, at) {
  if (option.renamedTo !== undefined) return;
  const fail = (what) => {
    throw new Error(`${at}: ${what}`);
  };
  if (option.meaning === '') fail('has no docstring');
  if (option.optional && option.fallback === '') fail('its docstring has no @defaultValue');
  if (option.kind === 'integer' && option.minimum === undefined) fail('a number needs a @minimum');
  if (option.kind === 'choice' && option.default !== undefined && !option.choices.includes(option.default))
    fail(`'${option.default}' is not among the words that it takes`);
  if (option.kind === 'integer' && option.default !== undefined)
    if (option.default < option.minimum || option.default > (option.maximum ?? Infinity))
      fail('its default is out of its bounds');
}

function tagOf(checker, symbol, name) {
  const tag = symbol.getJsDocTags(checker).find((each) => each.name === name);
  return tag && inWords(tag.text);
}

/** `{@link X.y}` as code, in one line. */
function inWords(parts = []) {
  return parts
    .map(({ kind, text }) => (kind === 'linkName' ? `\`${text}\`` : kind === 'link' ? '' : text))
    .join('')
    .replace(/\s+/g, ' ')
    .trim();
}

const numberOf = (text) => (text === undefined ? undefined : Number(text.replace(/,/g, '')));

/** The literal that a default begins with: alone, or before a comma, a semicolon or a bracket. */
function literal(kind, fallback) {
  const [, word] = /^(?:`'?|')?([\w.-]+)(?:'?`|')?(?=$|[,;])/.exec(fallback) ?? [];
  if (kind === 'boolean' || kind === 'value') return { true: true, false: false }[word];
  if (kind === 'choice' || kind === 'text') return /^`/.test(fallback) ? word : undefined;
  if (kind !== 'integer') return undefined;
  const [, digits, factor] = /^`?(\d{1,3}(?:,\d{3})+|\d+)(?: ([KM])iB)?`?(?=$|[,;]| \()/.exec(fallback) ?? [];
  return digits === undefined ? undefined : numberOf(digits) * ({ K: 2 ** 10, M: 2 ** 20 }[factor] ?? 1);
}

function kindOf(checker, type) {
  if (type.flags & ts.TypeFlags.Boolean) return 'boolean';
  if (type.flags & ts.TypeFlags.Number) return 'integer';
  if (type.flags & ts.TypeFlags.String) return 'text';
  if (type.getCallSignatures().length > 0) return 'function';
  if (isStrings(checker, type)) return 'texts';
  const words = type.isUnion() && type.types.every((each) => each.isStringLiteral());
  return words && type.types.length <= MOST_CHOICES ? 'choice' : 'value';
}

function isStrings(checker, type) {
  if (!checker.isArrayType(type)) return false;
  const [element] = checker.getTypeArguments(type);
  return (element.flags & ts.TypeFlags.String) !== 0;
}

/** How a text stands for a value of this type: by the first of its forms that a text can have. */
function formOf(checker, type) {
  const types = type.isUnion() ? type.types : [type];
  const some = (test) => types.some(test);
  if (some((each) => checker.isArrayType(each)) && !some(({ flags }) => flags & ts.TypeFlags.String))
    return 'list';
  if (some(({ flags }) => flags & (ts.TypeFlags.String | ts.TypeFlags.StringLiteral))) return 'text';
  if (some(({ flags }) => flags & ts.TypeFlags.BooleanLike)) return 'boolean';
  if (some(({ flags }) => flags & ts.TypeFlags.Number)) return 'integer';
  if (some((each) => checker.getIndexInfosOfType(each).length > 0)) return 'headers';
  throw new Error(`${checker.typeToString(type)}: no text can stand for it`);
}

/** The words of a union in the order in which they are written, which the compiler does not keep. */
function wordsOf(type, declaration, checker) {
  const written = (node) => {
    if (node === undefined) return [];
    if (ts.isUnionTypeNode(node)) return node.types.flatMap(written);
    if (ts.isLiteralTypeNode(node)) return [node.literal.text];
    if (!ts.isTypeReferenceNode(node)) return [];
    const symbol = checker.getSymbolAtLocation(node.typeName);
    const target = symbol && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    return (target?.declarations ?? [])
      .filter(ts.isTypeAliasDeclaration)
      .flatMap((each) => written(each.type));
  };
  const words = type.types.map(({ value }) => value);
  const order = written(declaration.type);
  return words.sort((a, b) => order.indexOf(a) - order.indexOf(b));
}

/** The words that an option takes, where those are few: more telling than the name of their type. */
function typeInWords(checker, property, type) {
  const [declaration] = property.declarations;
  if (type.isUnion() && type.types.length <= 5 && type.types.every((each) => each.isStringLiteral()))
    return wordsOf(type, declaration, checker)
      .map((word) => `'${word}'`)
      .join(' | ');
  return declaration.type
    .getText()
    .replace(/\breadonly /g, '')
    .replace(/\s+/g, ' ');
}
