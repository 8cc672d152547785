// A Stryker plugin: no mutants of the texts of error messages. They are for people and may change in any release; programs
// branch on classes and codes, which stay mutated. Nor of `true` in a Record<..., true>, whose keys alone are read: the compiler
// accepts no other value there.
const TEXTS = new Set(['StringLiteral', 'TemplateLiteral']);

function isMessage(path) {
  if (!TEXTS.has(path.node.type)) return false;
  const made = path.findParent((parent) => parent.isNewExpression());
  return made?.node.callee.type === 'Identifier' && made.node.callee.name.endsWith('Error');
}

function isUnit(path) {
  if (path.node.type !== 'BooleanLiteral' || !path.parentPath?.isObjectProperty()) return false;
  const variable = path.findParent((parent) => parent.isVariableDeclarator());
  const type = variable?.node.id.typeAnnotation?.typeAnnotation;
  const value = type?.typeParameters?.params[1] ?? type?.typeArguments?.params[1];
  return value?.type === 'TSLiteralType' && value.literal.value === true;
}

function reasonFor(path) {
  if (isMessage(path)) return 'the text of an error message';
  return isUnit(path) ? 'the compiler accepts no other value' : undefined;
}

export const strykerPlugins = [
  {
    kind: 'Ignore',
    name: 'messages',
    value: { shouldIgnore: reasonFor },
  },
];
