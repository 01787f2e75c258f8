import { rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { temporaryFolder } from '@countersign/testing/folders'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { main } from './index.js'
import { wholeProgram } from './program.js'

// Every mistake of a newcomer ends in one or two lines that name it and say what to change, with the documented exit code.

const isLong = process.env['COUNTERSIGN_LONG'] === '1'
const folder = temporaryFolder()
const aFile = join(folder, 'file')
const notPem = join(folder, 'cert.pem')
const aList = join(folder, 'list.yaml')
const levle = join(folder, 'levle.yaml')
/** It takes connections and says nothing. */
let silent: Server
/** Whose ports those are: one that answers nothing, and one where nothing listens. */
const ports = { silent: 0, closed: 0 }

beforeAll(async () => {
  writeFileSync(aFile, '')
  writeFileSync(notPem, 'no certificate')
  writeFileSync(aList, '- a\n')
  writeFileSync(levle, 'levle: identified\n')
  silent = createServer(socket => socket.on('error', () => undefined))
  await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
  ports.silent = Object(silent.address()).port
  const other = createServer()
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
  ports.closed = Object(other.address()).port
  await new Promise(resolve => other.close(resolve))
})
afterAll(() => {
  silent.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Ended {
  readonly code: unknown
  readonly out: string
  readonly err: string
}

/** Runs the command in this process. */
async function run(args: readonly string[]): Promise<Ended> {
  const [out, err]: [string[], string[]] = [[], []]
  const write = (to: string[]) => (text: unknown) => {
    to.push(String(text))
    return true
  }
  const line = (to: string[]) => (text: unknown) => void to.push(`${String(text)}\n`)
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(write(out) as typeof process.stdout.write),
    vi.spyOn(process.stderr, 'write').mockImplementation(write(err) as typeof process.stderr.write),
    vi.spyOn(console, 'log').mockImplementation(line(out)),
    vi.spyOn(console, 'error').mockImplementation(line(err)),
  ]
  const before = process.exitCode
  process.exitCode = undefined
  try {
    await main(['node', 'countersign', ...args])
    return { code: process.exitCode ?? 0, out: out.join(''), err: err.join('') }
  } finally {
    process.exitCode = before
    for (const spy of spies) spy.mockRestore()
  }
}

const own = (name: string): string[] => [
  name,
  '--development',
  '--id',
  'http://localhost:5990',
  '--port',
  '5990',
  '--data',
  join(folder, 'data'),
  ...(name === 'gateway' ? ['--upstream', 'http://127.0.0.1:5991'] : []),
]
const servers = ['auth-server', 'agent-server', 'gateway'] as const

type Mistake = readonly [what: string, args: () => readonly string[], told: RegExp]

const ofServer = (name: (typeof servers)[number]): readonly Mistake[] => [
  ['no options', () => [name], /--id is required.*COUNTERSIGN_ID.*\n.*--port is required/],
  ['a misspelt option', () => [name, '--idd', 'x'], /unknown option '--idd' \(did you mean --id\?\)/],
  [
    'an option of another command',
    () => [name, '--scenario', 'x'],
    /'--scenario' \(it is one of countersign playground\)/,
  ],
  ['an unknown command', () => [name, 'invte'], /countersign \S+ has no command 'invte'|unknown command 'invte'/],
  ['an option without its value', () => [name, '--id'], /option '--id <value>' argument missing/],
  ['a port that is not a number', () => [...own(name), '--port', 'http'], /--port: must be a number$/m],
  ['a port that is too high', () => [...own(name), '--port', '70000'], /--port: must be at most 65535$/m],
  ['a trailing slash', () => [...own(name), '--id', 'https://host.example/'], /did you mean https:\/\/host\.example\?/],
  ['no scheme', () => [name, '--id', 'host.example', '--port', '5990'], /did you mean https:\/\/host\.example\?/],
  ['http elsewhere', () => [...own(name), '--id', 'http://host.example'], /did you mean https:\/\/host\.example\?/],
  [
    'http without development',
    () => [name, '--id', 'http://localhost:5990', '--port', '5990'],
    /did you mean http:\/\/localhost:5990 with --development\?/,
  ],
  ['a file in place of a folder', () => [...own(name), '--data', aFile], /cannot make the folder .*: there is a file/],
  [
    'a folder that cannot be made',
    () => [...own(name), '--data', '/proc/none'],
    /cannot make the folder \/proc\/none: /,
  ],
  ['a missing file of options', () => [name, '--config', '/none.yaml'], /cannot open \/none\.yaml: there is no/],
  ['a file of options that is a list', () => [name, '--config', aList], /list\.yaml must hold one object/],
  ['a misspelt option in a file', () => [name, '--config', levle], /unknown option levle.* in \S+levle\.yaml/],
  ['a certificate without its key', () => [...own(name), '--tls-cert', notPem], /--tls-cert and --tls-key go together/],
  [
    'an invalid certificate',
    () => [...own(name), '--tls-cert', notPem, '--tls-key', notPem],
    /are not a PEM certificate and its private key/,
  ],
  [
    'a Redis without its scheme',
    () => [...own(name), '--replay', 'localhost:6379'],
    /--replay: must be a URL such as redis:/,
  ],
]

const ofDatabases = (name: 'auth-server' | 'agent-server'): readonly Mistake[] => [
  ['an unknown kind of database', () => [...own(name), '--database', 'mysql://x'], /a database URL is sqlite:FILE/],
  [
    'a database in a missing folder',
    () => [...own(name), '--data', join(folder, name), '--database', 'sqlite:/none/at/all.db'],
    /cannot open \/none\/at\/all\.db: there is no such file or folder/,
  ],
]

const ofGateways: readonly Mistake[] = [
  ['an unknown level', () => [...own('gateway'), '--level', 'authorised'], /\(did you mean authorized\?\)/],
  ['an unknown proxy', () => [...own('gateway'), '--check', 'apache'], /--check: must be one of nginx, envoy/],
  ['an API without its scheme', () => [...own('gateway'), '--upstream', '127.0.0.1:80'], /must be a URL such as http:/],
  [
    'an API with a path',
    () => [...own('gateway'), '--upstream', 'http://127.0.0.1:80/x'],
    /upstream must be an origin/,
  ],
  ['an invalid limit', () => [...own('gateway'), '--failure-limit', 'often'], /a limit must read like 10\/min/],
  [
    'a scope without an auth server',
    () => [...own('gateway'), '--scope', 'a'],
    /--auth-server must name an auth server whose tokens/,
  ],
  ['a misspelt command', () => ['gateway', 'reprot', 'x'], /has no command 'reprot' \(did you mean report\?\)/],
  ['an audit log without a key', () => ['audit', 'verify', folder], /--key is missing: the public key of the log/],
  ['a missing audit log', () => ['audit', 'verify', 'none', '--key', 'x'], /there is no folder none/],
  [
    'a key of an audit log that is none',
    () => ['audit', 'verify', folder, '--key', aFile],
    /not a public key of a log/,
  ],
  ['a missing proof', () => ['audit', 'proof', 'none.json', '--key', aFile], /there is no file none\.json/],
  ['a missing log', () => ['gateway', 'report', '/none.log'], /there is no file \/none\.log/],
]

const ofAgents: readonly Mistake[] = [
  ['a misspelt command', () => ['auth-serve'], /unknown command 'auth-serve' \(did you mean auth-server\?\)/],
  ['keys without an identity', () => ['keys', 'new'], /--id is required: the origin/],
  ['keys with a slash', () => ['keys', 'new', '--id', 'https://a.example/'], /did you mean https:\/\/a\.example\?/],
  [
    'an option of a sibling',
    () => ['keys', 'new', '--name', 'x'],
    /'--name' \(it is one of countersign keys publish\)/,
  ],
  [
    'a state folder that is a file',
    () => ['keys', 'new', '--id', 'https://a.example', '--state', aFile],
    /cannot make the folder \S+file: there is a file of that name/,
  ],
  [
    'a folder to publish that cannot be made',
    () => ['keys', 'publish', '/proc/none/x', '--id', 'https://a.example', '--state', join(folder, 'state')],
    /cannot make the folder \/proc\/none\/x/,
  ],
  ['enrolment without a code or token', () => ['enroll', 'https://a.example'], /one of --code CODE and --oidc-token/],
  ['a bridge to an invalid URL', () => ['mcp-bridge', 'mcp.example/x'], /did you mean https:\/\/mcp\.example\/x\?/],
  [
    'a bridge of an agent without --id',
    () => ['mcp-bridge', 'https://mcp.example', '--as', 'agent'],
    /--as agent needs --id/,
  ],
  ['inspect without an argument', () => ['inspect'], /missing required argument 'what'/],
  ['a missing file to inspect', () => ['inspect', 'none.txt'], /there is no such file, and the argument is neither/],
  ['an invalid time', () => ['inspect', aFile, '--now', 'never'], /--now must be Unix seconds or a date/],
  ['a missing key file', () => ['inspect', aFile, '--key', '/none.json'], /--key: cannot read JSON from \/none\.json/],
  ['an unknown scheme', () => ['inspect', aFile, '--scheme', 'ftp'], /Allowed choices are https, http/],
  ['a missing log', () => ['trace', 'x', '/none.log'], /there is no file \/none\.log/],
  ['a missing policy', () => ['policy', 'explain', 'none.yaml'], /there is no such file, and the argument is no token/],
  ['a policy that is none', () => ['policy', 'explain', levle], /must hold a list of conditions, or one object with/],
  ['an unknown language', () => ['policy', 'explain', aFile, '--lang', 'fr'], /Allowed choices are en, de/],
  ['an unknown scenario', () => ['playground', '--scenario', 'none'], /there is no scenario of that name; use/],
  ['a first port that is not a number', () => ['playground', '--port', 'x'], /--port must be a number between 1 and/],
  [
    'a first port in use',
    () => ['playground', '--port', String(ports.silent)],
    /ports? \d+.* in use: .* another first --port/,
  ],
  ['an unknown shell', () => ['completion', 'powershell'], /bash, zsh and fish; got "powershell"/],
  ['an unknown configuration', () => ['schema', 'none'], /there is no configuration of that name; use agent-server/],
]

/** What it says, which is a log line of a first start at most, and then one or two lines without a stack. */
function lines({ err }: Ended): readonly string[] {
  const said = err
    .trimEnd()
    .split('\n')
    .filter(one => !one.startsWith('{'))
  expect(said.length, err).toBeLessThanOrEqual(2)
  expect(said[0], err).toMatch(/^countersign: /)
  expect(err).not.toMatch(/^\s+at /m)
  return said
}

describe.each([
  ...servers.map(name => [name, ofServer(name)] as const),
  ['auth-server with a database', ofDatabases('auth-server')] as const,
  ['agent-server with a database', ofDatabases('agent-server')] as const,
  ['gateway alone', ofGateways] as const,
  ['the commands of agents', ofAgents] as const,
])('a wrong start ends with 2: %s', (_, mistakes) => {
  test.each(mistakes)('%s', async (_what, args, told) => {
    const ended = await run(args())
    expect(lines(ended).join('\n')).toMatch(told)
    expect(ended.code).toBe(2)
  })
})

describe('no answer ends with 3, and names the server and the cause, without the password', () => {
  const at = (kind: string, port: number): string => `${kind}://user:hunter2@127.0.0.1:${port}`
  test.each([
    ['auth-server', '--database', 'postgres'],
    ['agent-server', '--database', 'postgres'],
  ])('%s with %s', async (name, option, kind) => {
    const ended = await run([...own(name), option, at(kind, ports.closed)])
    expect(lines(ended)).toEqual([
      expect.stringMatching(
        new RegExp(
          `^countersign: ${option}: \\w+ at 127\\.0\\.0\\.1:${ports.closed} could not be reached: nothing listens`,
        ),
      ),
    ])
    expect([ended.code, ended.err.includes('hunter2')]).toEqual([3, false])
  })
})

test('--help of each command ends with 0', async () => {
  for (const name of [
    ...servers,
    'playground',
    'keys',
    'enroll',
    'mcp-bridge',
    'fetch',
    'inspect',
    'trace',
    'policy',
    'audit',
  ]) {
    const { code, out, err } = await run([name, '--help'])
    expect([code, err], name).toEqual([0, ''])
    expect(out).toContain(`Usage: countersign ${name}`)
  }
})

test('a slip in any option of any command is an error with 2 and the option that was probably meant', async () => {
  const all = (command: Command, path: readonly string[]): Array<readonly [readonly string[], Command]> => [
    [path, command],
    ...command.commands.flatMap(one => all(one, [...path, one.name()])),
  ]
  let slips = 0
  for (const [path, { options }] of all(await wholeProgram('0'), [])) {
    const known = options.flatMap(({ long }) => long ?? [])
    for (const long of isLong ? known : known.slice(0, 2)) {
      const slip = `${long}x`
      if (known.includes(slip)) continue
      const { code, err } = await run([...path, slip])
      expect([code, err], `${path.join(' ')} ${slip}`).toEqual([
        2,
        expect.stringMatching(
          new RegExp(`^countersign: unknown option '${slip}' \\(did you mean (?:one of )?--.*\\n$`),
        ),
      ])
      slips++
    }
  }
  expect(slips).toBeGreaterThan(isLong ? 150 : 40)
})
