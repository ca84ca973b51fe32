import tseslint from 'typescript-eslint'

/** Forbids imports that would turn an arrow of the dependency rule round, and says where the code belongs. */
const layer = (files, forbidden, instead) => ({
  files,
  rules: {
    'no-restricted-imports': ['error', { patterns: [{ regex: forbidden, message: instead }] }],
  },
})

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.cache/', 'data/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { allowDefaultCaseForExhaustiveSwitch: false, requireDefaultForNonUnion: true },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true },
      ],
      'max-lines-per-function': [
        'error',
        { max: 90, skipBlankLines: true, skipComments: true },
      ],
      eqeqeq: 'error',
    },
  },
  {
    files: ['gateway/**/*.ts', 'backends/**/*.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        {
          object: 'AbortSignal',
          property: 'any',
          message: 'It leaks on a signal that lives long; use gateway/either-signal.ts.',
        },
      ],
    },
  },
  {
    files: ['fencing/**/*.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'fencing/ is handed a Clock; use it.' },
        { object: 'Math', property: 'random', message: 'fencing/ is handed a Random; use it.' },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: "NewExpression[callee.name='Date'][arguments.length=0]",
          message: 'fencing/ is handed a Clock; use it.',
        },
      ],
      'no-restricted-globals': ['error', 'setTimeout', 'setInterval', 'process', 'performance'],
    },
  },
  layer(
    ['fencing/**/*.ts'],
    '(\\.\\./)+(gateway|backends|formats|config)/|^node:(fs|http|net|os|path)|^(fastify|pino|better-sqlite3)',
    'fencing/ imports only itself: put a port into fencing/ports.ts and hand the thing in.',
  ),
  layer(
    ['backends/**/*.ts'],
    '(\\.\\./)+(gateway|config)/',
    'backends/ knows bytes and names only; it may import the ports of fencing/.',
  ),
  layer(
    ['formats/**/*.ts'],
    '(\\.\\./)+(gateway|backends|fencing|config)/|^node:(fs|http|net|os|path)|^(fastify|pino|better-sqlite3)',
    "formats/ knows restic's bytes and names only: it reads through its own ports.ts.",
  ),
  layer(
    ['rest', 'webdav', 'fuse', 'browse'].map((door) => `gateway/${door}/**/*.ts`),
    'backends/',
    'A door receives the gate, never a backend.',
  ),
  { files: ['test/**/*.ts'], rules: { 'max-lines-per-function': 'off' } },
)
