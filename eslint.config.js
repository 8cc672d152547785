import jsdoc from 'eslint-plugin-jsdoc';
import tseslint from 'typescript-eslint';

// The house rules that a machine can check: no `any`, short files, short functions, documented public symbols. The rules that need
// types are oxlint's (`.oxlintrc.json`), which asks the native compiler and takes a tenth of the time.
const size = {
  'max-lines': ['error', { max: 350 }],
  'max-lines-per-function': ['error', { max: 50, skipComments: true, skipBlankLines: true, IIFEs: false }],
};

export default tseslint.config(
  { ignores: ['dist/', 'docs/api/', 'lib/codecs/gen/', 'node_modules/'] },
  ...tseslint.configs.strict,
  {
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
      eqeqeq: ['error', 'always'],
      'no-console': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['lib/**/*.ts'],
    plugins: { jsdoc },
    rules: {
      ...size,
      'jsdoc/require-jsdoc': [
        'error',
        {
          publicOnly: true,
          contexts: ['TSInterfaceDeclaration', 'TSTypeAliasDeclaration'],
          require: { ClassDeclaration: true },
        },
      ],
    },
  },
  {
    files: ['lib/**/*.{ts,mts,cts}'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'node:module',
              importNames: ['createRequire'],
              message: 'Bundles often declare this name themselves: see lib/internal/runtime.ts.',
            },
          ],
        },
      ],
    },
  },
  { files: ['lib/**/*.ts', 'spec/**/*.ts'], rules: { '@typescript-eslint/no-non-null-assertion': 'error' } },
  {
    files: ['spec/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      'max-lines': size['max-lines'],
    },
  },
  { files: ['**/*.cjs'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
  {
    files: ['examples/**', 'benchmarks/**', 'scripts/**', 'lib/cli/**', 'web/**'],
    rules: { 'no-console': 'off', '@typescript-eslint/no-non-null-assertion': 'off' },
  },
);
