import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { exitCode } from '@countersign/fetch'
import { requirements } from '@countersign/requirements'
import type { Command, Option } from 'commander'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { agentServerOptions } from '../packages/cli/src/commands/agent-server/agent-server-options.js'
import { authServerOptions } from '../packages/cli/src/commands/auth-server/auth-server-options.js'
import { gatewayOptions } from '../packages/cli/src/commands/gateway/gateway-options.js'
import { variableOf } from '../packages/cli/src/flags/option-names.js'
import { wholeProgram } from '../packages/cli/src/program.js'
import { benchNames, codeBlocks, inlineCode, type Page, readPages, typedLines, wordsOf } from './pages.fixture.js'
import { root } from './processes.fixture.js'

// What the pages say of the program, held against the program: commands, flags, variables, options, files, exit codes.

const pages = readPages()
const program = await wholeProgram('0.0.0')

/** What is wrong with a command line of `countersign`, by the program's own tables; undefined for nothing. */
function faultOf(words: readonly string[], { isWhole = true } = {}): string | undefined {
  let command: Command = program
  let rest = [...words]
  for (;;) {
    const found = command.commands.find(each => each.name() === rest[0] || each.aliases().includes(rest[0] ?? ''))
    if (found === undefined) break
    command = found
    rest = rest.slice(1)
  }
  let given = 0
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at] ?? ''
    // What follows is the command of another program.
    if (word === '--') {
      given++
      break
    }
    if (/^-./.test(word) && !(command === program && given > 0)) {
      const name = word.replace(/=.*/, '')
      const option = optionOf(command, name)
      if (option === undefined) return `${command.name()} has no ${name}`
      if (option.required && !word.includes('=')) at++
    } else if (!/^(?:…|\.\.\.|\[.*)$/.test(word)) given++
  }
  const { registeredArguments: known } = command
  if (given > known.length && !known.at(-1)?.variadic)
    return `${command.name() || 'countersign'} takes no ${rest.find(word => !word.startsWith('-'))}`
  const needed = known.filter(({ required }) => required).length
  if (isWhole && given < needed && !words.includes('…')) return `${command.name()} needs ${needed} arguments`
  return undefined
}

function optionOf(command: Command, name: string): Pick<Option, 'required'> | undefined {
  if (['--help', '--version', '-h', '-V'].includes(name)) return { required: false }
  const found = command.options.find(({ long, short }) => long === name || short === name)
  if (found !== undefined || !/^-[a-zA-Z]{2,}$/.test(name)) return found
  // `-si` is `-s -i`.
  return [...name.slice(1)].every(letter => command.options.some(({ short }) => short === `-${letter}`))
    ? { required: false }
    : undefined
}

/** The packages that are a command of their own, named as that of `countersign`. */
const ownPackages = ['fetch', 'mcp-bridge', 'conformance']

/** The command lines of `countersign` in a line, as its arguments. */
function commandsIn(line: string): string[][] {
  // A command ends at the next one, or where its output goes; behind ` -- ` stands one that may get further arguments.
  return line
    .replace(/ -- (?=\S)/g, ' -- it ;… ')
    .split(/\s*(?:&&|\|\||[;|()]|\d?>>?|<(?=\s))\s*/)
    .flatMap(part => {
      const words = wordsOf(part)
      const at = words.findIndex(
        (word, index) =>
          (word === 'countersign' && isNamed(words[index + 1])) ||
          (word.startsWith('@countersign/') && words[index - 1] === '-y'),
      )
      if (at === -1) return []
      const rest = [...words.slice(at + 1), ...(part.startsWith('…') ? ['…'] : [])]
      const [, own] = /^@countersign\/([a-z-]+)/.exec(words[at] ?? '') ?? []
      if (own === undefined) return [rest]
      const isOther = own === 'fetch' && ['enroll', 'keys', 'completion'].includes(rest[0] ?? '')
      return [isOther ? rest : [ownPackages.includes(own) ? own : `@countersign/${own}`, ...rest]]
    })
}

/** Whether what follows `countersign` is the name of a command, and not that of an image, user or database. */
function isNamed(word = ''): boolean {
  return /^(?:[a-z][a-z-]*|--[a-z]+)$/.test(word) && word !== '--group'
}

describe('the commands of a page', () => {
  test('are commands of the program, with flags that it has', () => {
    const typed = pages.flatMap(page =>
      typedLines(page)
        .flatMap(commandsIn)
        .map(words => ({ file: page.file, words })),
    )
    expect(typed.length).toBeGreaterThan(90)
    const faults = typed.flatMap(({ file, words }) => {
      const fault = faultOf(words)
      return fault === undefined ? [] : [`${file}: countersign ${words.join(' ')}: ${fault}`]
    })
    expect(faults).toEqual([])
  })

  test('in sentences and tables are, too', () => {
    const named = pages.flatMap(page => [
      ...inlineCode(page).flatMap(code => {
        const [first = '', second = ''] = wordsOf(code)
        const isServer = ['agent-server', 'auth-server', 'gateway'].includes(first) && /^[a-z]+$/.test(second)
        return commandsIn(isServer ? `countersign ${code}` : code).map(words => ({ file: page.file, words }))
      }),
      ...relativeCommands(page).map(words => ({ file: page.file, words })),
    ])
    expect(named.length).toBeGreaterThan(60)
    const faults = named.flatMap(({ file, words }) => {
      const fault = faultOf(words, { isWhole: false })
      return fault === undefined ? [] : [`${file}: countersign ${words.join(' ')}: ${fault}`]
    })
    expect(faults).toEqual([])
  })

  test('of configurations of other programs are, too', () => {
    const lists = pages.flatMap(page =>
      codeBlocks(page, 'json').flatMap(block =>
        [...block.matchAll(/\[\s*"-y",[^\]]*\]|\["countersign",[^\]]*\]/g)].map(
          ([list]) => JSON.parse(list) as string[],
        ),
      ),
    )
    expect(lists.length).toBeGreaterThan(3)
    for (const list of lists) {
      const [words = []] = commandsIn(list.map(word => `"${word}"`).join(' '))
      expect(faultOf(words, { isWhole: false }), list.join(' ')).toBe(undefined)
    }
  })

  test.each([
    ['gatewya --id x', 'countersign takes no gatewya'],
    ['gateway --upstraem x', 'gateway has no --upstraem'],
    ['audit verfy folder', 'audit takes no verfy'],
    ['auth-server keys lst', 'keys takes no lst'],
    ['inspect', 'inspect needs 1 arguments'],
    ['inspect a b', 'inspect takes no a'],
  ])('%s would be noticed', (line, fault) => {
    expect(commandsIn(`npx countersign ${line}`).map(words => faultOf(words))).toEqual([fault])
  })
})

/** The commands of a table whose head names the command before them, as `countersign auth-server …`. */
function relativeCommands({ text }: Page): string[][] {
  return [...text.matchAll(/^\| (.*`countersign [a-z-]+ …`.*) \|.*\|\n\|[-|]+\n((?:\|.*\n)+)/gm)].flatMap(
    ([, head = '', rows = '']) => {
      const [, first = ''] = /`countersign ([a-z-]+) …`/.exec(head) ?? []
      return rows
        .trimEnd()
        .split('\n')
        .flatMap(row =>
          [...(row.split(' | ')[0] ?? '').matchAll(/`([a-z][^`]*)`/g)].map(([, code = '']) => [
            first,
            ...wordsOf(code),
          ]),
        )
    },
  )
}

/** Every option of the program and of its commands. */
function allOptions(command: Command): Option[] {
  return [...command.options, ...command.commands.flatMap(allOptions)]
}

/** The sources of what is started beside the program: scripts, benches, chaos, tests and their settings. */
const beside = [
  'scripts',
  'bench',
  'chaos',
  'model',
  'tests',
  'testing',
  'packages/conformance/src',
  'packages/conformance/action',
  'vitest.config.ts',
]
  .flatMap(sourcesIn)
  .join('\n')

function sourcesIn(place: string): string[] {
  if (/\.[a-z]+$/.test(place)) return [readFileSync(join(root, place), 'utf8')]
  return readdirSync(join(root, place), { recursive: true, encoding: 'utf8' })
    .filter(
      file =>
        /\.(?:ts|mjs|yml)$/.test(file) &&
        !/(?:^|\/)(?:dist|node_modules)\//.test(file) &&
        file !== 'pages-and-program.test.ts',
    )
    .map(file => readFileSync(join(root, place, file), 'utf8'))
}

test('the flags that a page names are flags of the program, or of a script here', () => {
  const known = new Set(allOptions(program).flatMap(({ long }) => (long === undefined ? [] : [long])))
  /** Flags of Docker, Node, V8 and Deno that the pages name. */
  const others = new Set([
    '--build-arg',
    '--max-http-header-size',
    '--max-semi-space-size',
    '--single-threaded-gc',
    '--unstable-no-legacy-abort',
    '--v8-pool-size',
  ])
  const named = pages.flatMap(page =>
    inlineCode(page)
      .filter(code => !/^(?:docker|helm|npm|npx|node|psql|pg_\w+|git|ssh|curl|install|runuser|kubectl)\b/.test(code))
      .flatMap(code =>
        [...code.matchAll(/(?<![\w-])--[a-z][a-z0-9-]*/g)].map(([flag]) => ({ file: page.file, flag, code })),
      ),
  )
  expect(named.length).toBeGreaterThan(150)
  const unknown = named.filter(
    ({ flag }) =>
      !known.has(flag) && !others.has(flag) && !beside.includes(flag) && !beside.includes(`'${flag.slice(2)}'`),
  )
  expect(unknown).toEqual([])
})

test('the variables that a page names are read', () => {
  const options = [agentServerOptions, authServerOptions, gatewayOptions].flatMap(({ shape }) => Object.keys(shape))
  const known = new Set(options.map(variableOf))
  const named = pages.flatMap(({ file, text }) =>
    [...text.matchAll(/\bCOUNTERSIGN_[A-Z0-9_]*[A-Z0-9]\b/g)].map(([name]) => ({ file, name })),
  )
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter(({ name }) => !known.has(name) && !beside.includes(name))).toEqual([])
})

test('the settings in YAML that a page shows are settings of a server, with values that it takes', () => {
  const schemas = [agentServerOptions, authServerOptions, gatewayOptions]
  /** First names of files for other programs: GitHub, Kubernetes, Envoy, and files that commands are given. */
  const others = ['on', 'volumes', 'typed_config', 'route_config', 'groups', 'conditions', 'receivers']
  const shown = pages.flatMap(page =>
    codeBlocks(page, 'yaml').flatMap(block => {
      const value: unknown = parse(block)
      if (typeof value !== 'object' || value === null || others.some(name => Object.hasOwn(value, name))) return []
      return Array.isArray(value) ? [] : [{ file: page.file, value }]
    }),
  )
  expect(shown.length).toBeGreaterThan(8)
  const isTaken = (value: object): boolean => schemas.some(schema => schema.partial().safeParse(value).success)
  expect(shown.filter(({ value }) => !isTaken(value))).toEqual([])
  expect(isTaken({ limits: { anonymus: '10/min' } })).toBe(false)
})

test('the scripts and files that a page has a reader start exist', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const started = pages.flatMap(page =>
    [...typedLines(page), ...inlineCode(page)].flatMap(line => {
      const [, script] = /\bnpm run ([\w:-]+)/.exec(line) ?? []
      const [, file] = /\bnode ((?:scripts|examples|bench|site|packages)\/[\w./-]+)/.exec(line) ?? []
      const made = file?.replace(/^(bench|chaos)\/dist\/(\w+)\.js$/, '$1/$2.ts')
      return [
        ...(script === undefined ? [] : [{ line, is: Object.hasOwn(scripts, script) }]),
        ...(made === undefined ? [] : [{ line, is: existsSync(join(root, made)) }]),
      ]
    }),
  )
  expect(started.length).toBeGreaterThan(40)
  expect(started.filter(({ is }) => !is)).toEqual([])
})

test('the benches that a page names exist', () => {
  const benches = benchNames()
  const named = pages.flatMap(({ text }) => [...text.matchAll(/bench -- ([a-z][\w-]*)/g)].map(([, name = '']) => name))
  expect(named.length).toBeGreaterThan(3)
  expect(named.filter(name => !benches.includes(name))).toEqual([])
})

test('each shell block is one that a shell can read', () => {
  const isRead = (block: string): boolean => spawnSync('bash', ['-n'], { input: block }).status === 0
  // All of a page at once: each start of a shell takes its time.
  const ofPage = (page: Page) => {
    const block = codeBlocks(page, 'sh').join('\n')
    return block === '' ? [] : [{ file: page.file, block }]
  }
  const blocks = pages.flatMap(page => ofPage(page))
  expect(blocks.length).toBeGreaterThan(30)
  expect(blocks.filter(({ block }) => !isRead(block))).toEqual([])
  expect(isRead('echo "')).toBe(false)
})

describe('while the packages are not on npm', () => {
  /** Once they are published: true. Then the notes of the pages must go. */
  const isPublished = false
  const notes = /not on npm yet|once (?:it is|they are|the package is) (?:on npm|published)/i

  test('each page that installs one from there says so, and how to go without', () => {
    const installing = pages.filter(page =>
      [...typedLines(page), ...inlineCode(page), ...codeBlocks(page, 'json')].some(isFromNpm),
    )
    expect(installing.length).toBeGreaterThan(15)
    expect(installing.filter(({ text }) => notes.test(text) === isPublished).map(({ file }) => file)).toEqual([])
    const leading = installing.filter(({ text }) =>
      /#install\)|tarballs|#4-a-client-without-aauth|in a clone/.test(text),
    )
    expect(installing.filter(page => !leading.includes(page)).map(({ file }) => file)).toEqual([])
  })

  function isFromNpm(line: string): boolean {
    return /\bnpm (?:install|i|exec|pack)\b.*@countersign\/|"?-y"?,? "?@countersign\//.test(line)
  }
})

test('a page that types `countersign` by itself says how to get it: a local installation is found by npx only', () => {
  const bare = pages.filter(page => typedLines(page).some(line => /^countersign (?!@)/.test(line)))
  expect(bare.length).toBeGreaterThan(5)
  const saying = bare.filter(({ text }) =>
    /npm install (?:-g|--global)|global installation\]\(\S*README\.md#install\)/.test(text),
  )
  expect(bare.filter(page => !saying.includes(page)).map(({ file }) => file)).toEqual([])
})

test('who opens port 443 has TLS there', () => {
  const opening = pages
    .flatMap(page => [...typedLines(page), ...inlineCode(page)])
    .filter(line => /--port[= ]443\b/.test(line))
  expect(opening.length).toBeGreaterThan(1)
  expect(opening.filter(line => !line.includes('--tls-cert') || !line.includes('--tls-key'))).toEqual([])
})

test('the exit codes that pages name are those of the commands', () => {
  const known = new Set<number>(Object.values(exitCode))
  const named = pages.flatMap(({ file, text }) =>
    [...text.matchAll(/\bexit(?:s with| code|:) (\d+)\b|\bends? with (?:exit code )?(\d)\b/g)].map(([, code, end]) => ({
      file,
      code: Number(code ?? end),
    })),
  )
  expect(named.length).toBeGreaterThan(8)
  expect(named.filter(({ code }) => !known.has(code))).toEqual([])
  // The table that all commands keep has each of them, and 141, which is the system's.
  const table = pages.find(({ file }) => file === 'packages/fetch/README.md')?.text ?? ''
  const rows = [...table.matchAll(/^\| (\d+) \| .* \|$/gm)].map(([, code]) => Number(code))
  expect(rows).toEqual([...known, 141])
})

test('what README says of our own results is what the page of results says', () => {
  const results = readFileSync(join(root, 'docs/conformance-results.md'), 'utf8')
  const missing = [...results.matchAll(/^\| \d+ \| (.+?) \| [\w-]+ \| \*\*no\*\* \|/gm)].map(([, name]) => name)
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  expect(missing).toEqual(['guard on fetch', 'countersign gateway, MCP', 'countersign fetch'])
  expect(readme).toContain(
    'all reach its level *core* but the guard of a Fetch handler, the gateway before an MCP server, and `countersign fetch`',
  )
})

test('the options, functions and fields that a page names stand in the sources', () => {
  const sources = [
    'packages',
    'apps',
    'scripts',
    'bench',
    'model',
    'chaos',
    'testing',
    'requirements',
    'tests',
    'deploy',
    'site',
    'docs/figures',
  ]
    .flatMap(place =>
      readdirSync(join(root, place), { recursive: true, encoding: 'utf8' }).map(file => join(root, place, file)),
    )
    .filter(
      file =>
        !file.endsWith('pages-and-program.test.ts') &&
        /\.(?:tsx?|mjs|ya?ml|json|pml)$/.test(file) &&
        !/[/\\](?:dist|node_modules|page-dist|\.pages|\.api|cache)[/\\]/.test(file),
    )
    .map(file => readFileSync(file, 'utf8'))
    .join('\n')
  const words = new Set(sources.match(/[A-Za-z]\w*/g))
  const named = pages.flatMap(page =>
    inlineCode(page)
      .filter(code => /^[a-z]+[A-Z]\w*(?:\(.*\))?$/.test(code))
      .map(code => ({ file: page.file, name: code.replace(/\(.*/, '') })),
  )
  expect(named.length).toBeGreaterThan(500)
  expect(named.filter(({ name }) => !words.has(name))).toEqual([])
  expect(words.has('trustedProxie')).toBe(false)
})

test('a default beside an option in YAML is the one that the program has', () => {
  const shapes = [agentServerOptions, authServerOptions, gatewayOptions].map(
    ({ shape }) => shape as Record<string, { meta(): { description?: string } | undefined }>,
  )
  const said = pages.flatMap(page =>
    codeBlocks(page, 'yaml').flatMap(block =>
      [...block.matchAll(/^(\w+): .*#.*\b[Dd]efault:? ([^;#\n]+)$/gm)].map(([, name = '', value = '']) => ({
        name,
        value: value.trim(),
      })),
    ),
  )
  expect(said.length).toBeGreaterThan(1)
  const descriptions = (name: string): string[] => shapes.flatMap(shape => shape[name]?.meta()?.description ?? [])
  for (const { name, value } of said) {
    const [word = ''] = /[\w/]+$/.exec(value.replace(/[.)].*$/, '')) ?? []
    expect(
      descriptions(name).some(text => new RegExp(`default:?.*\\b${word}\\b`).test(text)),
      `${name}: ${value}`,
    ).toBe(true)
  }
})

test('what README and SECURITY.md call not built is what the list of requirements calls so', () => {
  /** The words for each clause that is not built; undefined for one that users do not see. */
  const words: Readonly<Record<string, string | undefined>> = {
    'sig.key.x509': '`x509` certificates',
    'sig.covered.token-endpoints': undefined,
    'resource-token-endpoint.auth-request': 'auth request documents',
    'auth-request.document': 'auth request documents',
    'auth-request.encrypted': 'encrypted tokens',
  }
  const later = requirements.filter(one => one.status === 'later' && !('clause' in one)).map(({ id }) => id)
  expect(new Set(later)).toEqual(new Set(Object.keys(words)))
  const [, notYet = ''] =
    /^\| works \| not yet \|\n([\s\S]*?)\n\n/m.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? []
  const cells = notYet
    .split('\n')
    .slice(1)
    .map(row => row.split(' | ').at(-1)?.replace(/ \|$/, '').trim() ?? '')
  const [, unbuilt = ''] = /^## Not built yet\n\n(.*)$/m.exec(readFileSync(join(root, 'SECURITY.md'), 'utf8')) ?? []
  for (const word of new Set(Object.values(words).filter(each => each !== undefined))) {
    expect(cells.join('\n')).toContain(word)
    expect(unbuilt).toContain(word)
  }
  // Nothing else stands there.
  expect(cells.filter(cell => cell !== '' && cell !== '|')).toHaveLength(1)
})
