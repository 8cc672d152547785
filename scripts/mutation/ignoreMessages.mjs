// A Stryker plugin: no mutants of the texts of error messages. They are for people and may change in any release; programs
// branch on classes and codes, which stay mutated.
const TEXTS = new Set(['StringLiteral', 'TemplateLiteral']);

function isMessage(path) {
  if (!TEXTS.has(path.node.type)) return false;
  const made = path.findParent((parent) => parent.isNewExpression());
  return made?.node.callee.type === 'Identifier' && made.node.callee.name.endsWith('Error');
}

export const strykerPlugins = [
  {
    kind: 'Ignore',
    name: 'messages',
    value: {
      shouldIgnore: (path) => (isMessage(path) ? 'the text of an error message' : undefined),
    },
  },
];
