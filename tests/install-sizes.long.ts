import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { installSize } from '../scripts/install-sizes.mjs'
import type { Packed } from '../scripts/pack.mjs'
import { type Finished, type Stand, stand } from './processes.fixture.js'
import { packed } from './reader.fixture.js'

// What npx downloads before it runs a command.

let place: Stand
let tarballs: Packed[]

beforeAll(() => {
  place = stand()
  tarballs = packed(join(place.folder, 'tarballs'))
})
afterAll(() => place.stop())

/** Runs a command that is installed in a folder. */
function run(folder: string, command: string, args: readonly string[]): Finished {
  const { status, stdout, stderr } = spawnSync(join(folder, 'node_modules/.bin', command), args, { encoding: 'utf8' })
  return { code: status ?? 1, stdout, stderr }
}

test('fetch by npx is 40 packages and 15 MB at most, and runs with nothing else', () => {
  const ran: Finished[] = []
  const { names, bytes } = installSize({ name: '@countersign/fetch' }, tarballs, folder => {
    ran.push(run(folder, 'countersign-fetch', ['--version']))
    ran.push(run(folder, 'countersign-fetch', ['http://127.0.0.1:9/', '--as', 'pseudonym', '--development']))
    ran.push(run(folder, 'countersign-fetch', ['keys', 'new', '--id', 'https://me.example', '--state', folder]))
  })
  expect(names.length).toBeLessThanOrEqual(40)
  expect(bytes).toBeLessThanOrEqual(15e6)
  const [version, refused, keys] = ran
  expect(version?.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  expect([refused?.code, refused?.stderr]).toEqual([expect.any(Number), expect.stringMatching(/^countersign: /)])
  expect(refused?.code).not.toBe(0)
  expect(refused?.stderr).not.toMatch(/Cannot find|ERR_MODULE/)
  expect(keys?.stdout).toContain('"kty": "OKP"')
})

test('the bridge by npx is the MCP SDK, 7 packages of others, 9 of Countersign and 33 MB at most', () => {
  const ran: Finished[] = []
  const bridge = installSize({ name: '@countersign/mcp-bridge' }, tarballs, folder => {
    ran.push(run(folder, 'countersign-mcp-bridge', ['ftp://tools.example/mcp']))
    // Its input has ended, so that it ends as soon as it runs.
    ran.push(run(folder, 'countersign-mcp-bridge', ['http://127.0.0.1:9/mcp', '--development', '-v']))
  })
  const sdk = ['client', 'server'].flatMap(
    part => installSize({ name: `@modelcontextprotocol/${part}` }, tarballs).names,
  )
  expect(bridge.names).toEqual(expect.arrayContaining(sdk))
  const more = bridge.names.filter(name => !sdk.includes(name))
  const ours = more.filter(name => name.startsWith('@countersign/'))
  expect(ours.length).toBeLessThanOrEqual(9)
  expect(more.length - ours.length).toBeLessThanOrEqual(7)
  expect(bridge.bytes).toBeLessThanOrEqual(33e6)
  const heavy = [
    '@countersign/playground',
    '@countersign/cli',
    '@countersign/server',
    'oidc-provider',
    'libsql',
    'pino',
  ]
  expect(bridge.names.filter(name => heavy.includes(name))).toEqual([])
  const [wrong, ended] = ran
  expect([wrong?.code, wrong?.stderr]).toEqual([2, 'countersign: only http and https URLs can be fetched\n'])
  expect([ended?.code, ended?.stdout]).toEqual([0, ''])
  expect(ended?.stderr).toContain('* bridge to http://127.0.0.1:9/mcp as pseudonym')
})

test('the whole command says which part is missing where the playground was left out', () => {
  const ran: Finished[] = []
  const { names } = installSize({ name: '@countersign/cli', without: ['optional'] }, tarballs, folder => {
    ran.push(run(folder, 'countersign', ['playground']))
    ran.push(run(folder, 'countersign', ['schema', 'gateway']))
  })
  expect(names).not.toContain('@countersign/playground')
  expect(names).not.toContain('oidc-provider')
  const [playground, schema] = ran
  expect([schema?.code, schema?.stderr]).toEqual([0, ''])
  expect([playground?.code, playground?.stderr]).toEqual([
    2,
    'countersign: this command needs @countersign/playground, which is not installed here: npm install @countersign/playground\n',
  ])
  expect(JSON.parse(schema?.stdout ?? '')).toMatchObject({ type: 'object' })
})
