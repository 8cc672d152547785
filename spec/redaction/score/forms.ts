type Place = readonly [name: string, put: (secret: string) => unknown];
type Form = readonly [name: string, write: (name: string, secret: string) => string];

const camel = (name: string): string =>
  name.replace(/[_ -](\w)/g, (_, letter: string) => letter.toUpperCase());
const upper = (name: string): string => name.replace(/[ -]/g, '_').toUpperCase();
const pascal = (name: string): string => camel(name).replace(/^./, (letter) => letter.toUpperCase());

/** Where a key can stand with nothing that names it. */
export const PLACES: readonly Place[] = [
  ['a value', (key) => ({ text: key })],
  ['deep in a value', (key) => ({ a: { b: [{ c: key }] } })],
  ['a key', (key) => ({ map: { [key]: 1 } })],
  ['JSON in a text', (key) => ({ body: JSON.stringify({ n: 1, x: key }) })],
  ['JSON in JSON', (key) => ({ body: JSON.stringify({ outer: JSON.stringify({ x: key }) }) })],
  ['Base64', (key) => ({ text: Buffer.from(`the value ${key} end`).toString('base64') })],
  ['a query', (key) => ({ url: `https://api.example.com/items?x=${encodeURIComponent(key)}&y=2` })],
  ['a log line', (key) => ({ text: `2026-01-02T03:04:05Z INFO used ${key} (200 OK)` })],
  ['a call', (key) => ({ code: `client = Client("${key}", timeout=3)` })],
  ['Markdown', (key) => ({ text: `Set it to \`${key}\` in the settings.` })],
  ['CSV', (key) => ({ text: `id,name,value\n1,ada,${key},x\n` })],
  ['SQL', (key) => ({ query: `INSERT INTO t VALUES (1, '${key}')` })],
  ['XML', (key) => ({ body: `<config><value>${key}</value></config>` })],
  ['a sentence', (key) => ({ text: `The value for production is ${key}.` })],
];

/** How texts give a name its value. */
export const FORMS: readonly Form[] = [
  ['shell', (name, secret) => `export ${upper(name)}="${secret}"`],
  ['.env', (name, secret) => `A=1\n${upper(name)}=${secret}\nB=2`],
  ['properties', (name, secret) => `app.${name.replace(/_/g, '.')}=${secret}\nother=1`],
  ['INI', (name, secret) => `[main]\nuser = ada\n${name} = ${secret}\n`],
  ['TOML', (name, secret) => `[main]\n${name} = '${secret}'\n`],
  ['YAML', (name, secret) => `main:\n  ${name}: ${secret}\n  on: true\n`],
  ['YAML block', (name, secret) => `${name}: |\n  ${secret}\nnext: 1`],
  ['YAML pair', (name, secret) => `env:\n  - name: ${upper(name)}\n    value: "${secret}"\n`],
  ['JSON', (name, secret) => `{\n  "${name}": "${secret}"\n}`],
  ['JSON, cut', (name, secret) => `{"a": 1, "${camel(name)}": "${secret}", "b`],
  ['JSON, escaped', (name, secret) => `{\\"${camel(name)}\\": \\"${secret}\\"}`],
  ['JavaScript', (name, secret) => `const ${camel(name)} = '${secret}';`],
  ['JavaScript template', (name, secret) => `const ${camel(name)} = \`${secret}\`;`],
  ['TypeScript', (name, secret) => `const ${camel(name)}: string = '${secret}';`],
  ['Go', (name, secret) => `${camel(name)} := "${secret}"`],
  ['Go, typed', (name, secret) => `var ${camel(name)} string = \`${secret}\``],
  ['Java', (name, secret) => `private static final String ${upper(name)} = "${secret}";`],
  ['Java property', (name, secret) => `System.setProperty("${upper(name)}", "${secret}");`],
  ['C#', (name, secret) => `string ${camel(name)} = @"${secret}";`],
  ['C', (name, secret) => `char ${name}[64] = "${secret}";`],
  ['Rust', (name, secret) => `let ${name}: &str = "${secret}";`],
  ['PHP', (name, secret) => `$config['${name}'] = '${secret}';`],
  ['PHP array', (name, secret) => `'${name}' => '${secret}',`],
  ['Python', (name, secret) => `${name} = b'${secret}'`],
  ['Python index', (name, secret) => `os.environ["${upper(name)}"] = "${secret}"`],
  ['Python type', (name, secret) => `${name}: SecretStr = SecretStr("${secret}")`],
  ['Python triple', (name, secret) => `${name} = """${secret}"""`],
  ['Python call', (name, secret) => `connect(host='db', ${name}='${secret}')`],
  ['Ruby', (name, secret) => `:${name} => "${secret}",`],
  ['Makefile', (name, secret) => `${upper(name)} ?= ${secret}`],
  ['added', (name, secret) => `${upper(name)} += ${secret}`],
  ['compared', (name, secret) => `if ${name} == "${secret}":`],
  ['compared, turned', (name, secret) => `if ("${secret}" === ${camel(name)}) {`],
  ['Dockerfile', (name, secret) => `FROM a\nENV ${upper(name)} ${secret}\n`],
  ['docker run', (name, secret) => `docker run -e ${upper(name)}=${secret} img`],
  ['kubectl', (name, secret) => `kubectl create secret generic x --from-literal=${name}=${secret}`],
  ['helm', (name, secret) => `helm upgrade x ./c --set main.${camel(name)}=${secret} --wait`],
  ['PowerShell', (name, secret) => `$env:${upper(name)} = '${secret}'`],
  ['setx', (name, secret) => `setx ${upper(name)} ${secret}`],
  ['fish', (name, secret) => `set -gx ${upper(name)} ${secret}`],
  ['flag', (name, secret) => `run --${name.replace(/_/g, '-')} ${secret} now`],
  [
    'header',
    (name, secret) => `GET / HTTP/1.1\r\nHost: a\r\nX-${name.replace(/_/g, '-')}: ${secret}\r\n\r\n`,
  ],
  ['query', (name, secret) => `https://a.example/v1?${name}=${secret}&x=1`],
  ['form', (name, secret) => `grant_type=x&${name}=${secret}&scope=a`],
  ['percent-encoded', (name, secret) => `%22${name}%22%3A%22${secret}%22`],
  [
    'multipart',
    (name, secret) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${secret}\r\n--b--`,
  ],
  ['XML', (name, secret) => `<${camel(name)}>${secret}</${camel(name)}>`],
  ['XML, on lines', (name, secret) => `<${camel(name)}>\n    ${secret}\n</${camel(name)}>`],
  ['XML attribute', (name, secret) => `<add key="${pascal(name)}" value="${secret}"/>`],
  ['property list', (name, secret) => `<key>${pascal(name)}</key>\n<string>${secret}</string>`],
  [
    'connection string',
    (name, secret) => `Server=db;Database=app;User Id=sa;${pascal(name)}=${secret};Encrypt=True`,
  ],
  ['workflow', (name, secret) => `::set-output name=${name}::${secret}`],
  ['full-width', (name, secret) => `${name}：${secret}`],
  ['Markdown', (name, secret) => `**${name}:** ${secret}`],
  ['table', (name, secret) => `| ${name} | ${secret} |`],
  ['sentence', (name, secret) => `the ${name} is ${secret}`],
];

/** Arguments of tools in which one property says what another holds. */
export const OBJECTS: readonly Place[] = [
  ['a key', (secret) => ({ user: 'ada', password: secret })],
  ['name and value', (secret) => ({ env: [{ name: 'DB_PASSWORD', value: secret }] })],
  ['Name and Value', (secret) => ({ env: [{ Name: 'DB_PASSWORD', Value: secret }] })],
  [
    'ParameterKey',
    (secret) => ({ parameters: [{ ParameterKey: 'MasterPassword', ParameterValue: secret }] }),
  ],
  ['element and text', (secret) => ({ element: 'Password field', ref: 'e12', text: secret })],
  ['selector and value', (secret) => ({ selector: '#password', value: secret })],
  ['another selector', (secret) => ({ selector: 'input[name="user_password"]', value: secret })],
  ['label and value', (secret) => ({ fields: [{ label: 'API key', value: secret }] })],
  ['id and value', (secret) => ({ id: 'password-input', value: secret })],
  ['type and value', (secret) => ({ type: 'password', value: secret })],
  ['question and answer', (secret) => ({ question: 'What is your password?', answer: secret })],
  ['raw headers', (secret) => ({ rawHeaders: ['Host', 'a', 'X-Api-Key', secret] })],
  ['pairs', (secret) => ({ headers: [['authorization', secret]] })],
  ['flag', (secret) => ({ args: ['--password', secret] })],
  ['argument vector', (secret) => ({ argv: ['docker', 'login', '-u', 'ada', '-p', secret] })],
  ['command and arguments', (secret) => ({ command: 'mysql', args: ['-u', 'root', `-p${secret}`] })],
  ['table', (secret) => ({ columns: ['user', 'password'], rows: [['ada', secret]] })],
  ['Kubernetes', (secret) => ({ kind: 'Secret', data: { db: Buffer.from(secret).toString('base64') } })],
  ['echo', (secret) => ({ note: `it was ${secret}.`, password: secret })],
  [
    'zero-width characters',
    (secret) => ({ text: `password: ${secret.slice(0, 6)}\u200b${secret.slice(6)}` }),
  ],
];
