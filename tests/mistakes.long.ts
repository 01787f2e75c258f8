import type { ChildProcess } from 'node:child_process'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer as createHttp } from 'node:http'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { listenOn } from '@countersign/testing/listening'
import { freeBase, freePort } from '@countersign/testing/ports'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { countersign, type Finished, type Stand, stand } from './processes.fixture.js'

// Mistakes that show only between processes: clocks that differ, servers that do not answer. The side that must act reads one sentence.

let place: Stand
const servers: Server[] = []
let [home, auth, api] = ['', '', '']
let clock = ''
let ports: readonly number[] = []
const off = 300

async function listening(server: Server): Promise<number> {
  servers.push(server)
  const portOfServer = await listenOn(server)
  return portOfServer
}

beforeAll(async () => {
  place = stand()
  ports = await Promise.all([1, 2, 3].map(() => freePort()))
  ;[home, auth, api] = ports.map(port => `http://localhost:${port}`) as [string, string, string]
  clock = join(place.folder, 'clock.mjs')
  writeFileSync(clock, `const { now } = Date; Date.now = () => now() + Number(process.env.CLOCK_OFF) * 1000`)
})
afterAll(async () => {
  for (const server of servers) server.close()
  await place.stop()
})

/** With a clock that is this many seconds ahead. */
const ahead = (seconds: number) => ({
  NODE_OPTIONS: `--import ${clock}`,
  CLOCK_OFF: String(seconds),
})

async function start(name: string, settings: object, seconds = 0): Promise<{ child: ChildProcess; log: () => string }> {
  const file = join(place.folder, `${name}-${Object(settings).port}.json`)
  const data = join(place.folder, `${name}-${Object(settings).port}`)
  writeFileSync(file, JSON.stringify({ data, development: true, ...settings }))
  const child = await place.start(name, [name, '--config', file], { env: ahead(seconds) })
  let log = ''
  const take = (chunk: unknown): void => {
    log += String(chunk)
  }
  child.stdout?.on('data', take)
  child.stderr?.on('data', take)
  return { child, log: () => log }
}

function run(args: readonly string[], seconds = 0): Promise<Finished> {
  return new Promise(resolve => {
    const env = { ...process.env, ...ahead(seconds) }
    execFile(process.execPath, [countersign, ...args], { env, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
    )
  })
}

const state = (): string[] => ['--state', join(place.folder, 'state'), '--development']

describe('a clock that is off', () => {
  let agents: Awaited<ReturnType<typeof start>>
  let gateway: Awaited<ReturnType<typeof start>>
  let late: Awaited<ReturnType<typeof start>>
  let code = ''
  beforeAll(async () => {
    const [homePort = 0, authPort = 0, apiPort = 0] = ports
    const upstream = await listening(createHttp((_, response) => response.end('the API')))
    ;[agents, late, gateway] = await Promise.all([
      start('agent-server', { id: home, port: homePort }),
      start('auth-server', { id: auth, port: authPort, ask: [{ agents: 'any', resources: 'any' }] }, off),
      start('gateway', {
        id: api,
        port: apiPort,
        upstream: `http://127.0.0.1:${upstream}`,
        authServer: [auth],
        scopes: { read: 'Read it' },
        routes: [
          { path: '/open', level: 'pseudonymous' },
          { path: '/read', scope: ['read'] },
        ],
      }),
    ])
    const config = ['--config', join(place.folder, `agent-server-${homePort}.json`)]
    code = JSON.parse((await run(['agent-server', 'invite', ...config])).stdout).code
  })

  test.each([
    [off, 'ahead of'],
    [-off, 'behind'],
  ])('by %i s is told to the user whose it is, by how much, and to the operator', async (seconds, side) => {
    const about = new RegExp(`(?:299|300|301|302) s ${side} its own`)
    const fetched = await run(['fetch', `${api}/open`, '--development'], seconds)
    expect([fetched.code, fetched.stderr]).toEqual([1, expect.stringMatching(about)])
    const enrolled = await run(['enroll', home, '--code', code, ...state()], seconds)
    expect([enrolled.code, enrolled.stderr]).toEqual([1, expect.stringMatching(about)])
    const skew = new RegExp(`"skew":${seconds < 0 ? '-' : ''}(?:298|299|300|301|302),`)
    for (const { log } of [gateway, agents]) await expect.poll(log).toMatch(skew)
  })

  test('of an auth server is reported in its own words, and no user is asked', async () => {
    const right = await run(['fetch', `${api}/open`, '--development'])
    expect([right.code, right.stdout]).toEqual([0, 'the API'])
    const enrolled = await run(['enroll', home, '--code', code, ...state()])
    expect([enrolled.code, enrolled.stderr]).toEqual([0, ''])
    const flags = ['--as', 'delegate', '--id', home, '--auth-server', auth, ...state()]
    const { code: ended, stderr } = await run(['fetch', `${api}/read`, ...flags])
    expect(stderr).toMatch(
      /this clock is \d+ s behind its own; .*says: created is older than the verifier accepts\.?\n$/,
    )
    expect(ended).toBe(1)
    await expect.poll(late.log).toMatch(/"skew":-(?:298|299|300|301|302),/)
    // The code was used up.
    const again = await run(['enroll', home, '--code', code, '--state', join(place.folder, 'other'), '--development'])
    expect([again.code, again.stderr]).toEqual([
      1,
      expect.stringMatching(/does not take this code: .*agent-server invite/),
    ])
  })
})

test('a gateway that cannot fetch the keys of an agent logs the document and the cause; the agent learns whose keys', async () => {
  const port = await freePort()
  const id = `http://localhost:${port}`
  const upstream = await listening(createHttp((_, response) => response.end('the API')))
  const { log } = await start('gateway', { id, port, upstream: `http://127.0.0.1:${upstream}`, level: 'identified' })
  const silent = await listening(createServer(socket => socket.on('error', () => undefined)))
  const missing = await listening(createHttp((_, response) => response.writeHead(404).end()))
  for (const [agent, why, hasUrl] of [
    [`http://localhost:${await freePort()}`, 'connection refused', true],
    [`http://localhost:${silent}`, 'no answer in time', true],
    [`https://localhost:${missing}`, 'TLS: ', true],
    ['https://nowhere.invalid', 'no address in DNS', true],
    [`http://localhost:${missing}`, 'status 404', false],
  ] as const) {
    await run(['keys', 'new', '--id', agent, ...state()])
    const { code } = await run(['fetch', `${id}/`, '--as', 'agent', '--id', agent, ...state()])
    expect([agent, code]).toEqual([agent, 1])
    const record = await expect
      .poll(
        () =>
          log()
            .split('\n')
            .findLast(line => line.includes(`"claimed":"${agent}"`)) ?? '',
      )
      .toContain('discovery_failed')
      .then(() =>
        JSON.parse(
          log()
            .split('\n')
            .findLast(line => line.includes(`"claimed":"${agent}"`)) ?? '{}',
        ),
      )
    expect(record.why, agent).toContain(why)
    if (hasUrl) expect(record.url).toBe(`${agent}/.well-known/aauth-agent`)
  }
})

test('a command that enrols at an unreachable agent server says what failed', async () => {
  const plain = await listening(createHttp((_, response) => response.end('<h1>')))
  for (const [server, code, told] of [
    [`http://localhost:${await freePort()}`, 3, /could not be reached \(http:\S+: connection refused\)/],
    [`https://localhost:${plain}`, 3, /could not be reached \(https:\S+: TLS: none is spoken on that port\)/],
    ['https://nowhere.invalid', 3, /could not be reached \(https:\S+: no address in DNS\)/],
    [
      `http://localhost:${plain}`,
      1,
      /gave a wrong answer \(discovery_failed: The document is not JSON of the required form: its media type\)/,
    ],
  ] as const) {
    const ended = await run(['enroll', server, '--code', 'x', ...state()])
    expect([ended.code, ended.stderr]).toEqual([code, expect.stringMatching(told)])
  }
})

test.each(['--replay', '--counter'])(
  'a Redis of %s that is away is told without its password, with 3',
  async option => {
    const port = await freePort()
    const { code, stderr } = await run([
      'gateway',
      '--id',
      `http://localhost:${port}`,
      '--port',
      String(port),
      '--development',
      '--level',
      'anonymous',
      '--upstream',
      'http://127.0.0.1:1',
      '--data',
      join(place.folder, 'redis'),
      option,
      `redis://user:hunter2@127.0.0.1:${await freePort()}`,
    ])
    expect(code).toBe(3)
    expect(stderr).toMatch(
      new RegExp(`countersign: ${option}: Redis at 127\\.0\\.0\\.1:\\d+ could not be reached: nothing`),
    )
    expect(stderr).not.toContain('hunter2')
  },
)

test('a playground one of whose ports is in use starts nothing, and says which', async () => {
  const base = await freeBase()
  const other = createServer()
  servers.push(other)
  await new Promise<void>(resolve => other.listen(base + 21, 'localhost', resolve))
  const { code, stdout, stderr } = await run(['playground', '--port', String(base)])
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(new RegExp(`^countersign: port ${base + 21} is in use: .* another first --port\\n$`))
})
