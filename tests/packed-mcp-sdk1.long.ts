import { join } from 'node:path'
import { generateSigningKey } from '@countersign/httpsig'
import { freePort } from '@countersign/testing/ports'
import { signedMessage } from '@countersign/testing/world/signed-message'
import { asKey } from '@countersign/testing/world/signer'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Packed } from '../scripts/pack.mjs'
import { compile, installAlone, packWithDependencies, passOn, sampleWith } from './packed-alone.fixture.js'
import { end, type Stand, stand } from './processes.fixture.js'
import { versioned } from './reader.fixture.js'

// The package for SDK 1, installed from its tarball without SDK 2.

const guard = ['@countersign/mcp-sdk1', '@countersign/resource', '@countersign/server']

let place: Stand
let tarballs: Packed[]

beforeAll(() => {
  place = stand()
  tarballs = packWithDependencies(place.folder, guard)
})
afterAll(() => place.stop())

const readme = 'packages/mcp-sdk1/README.md'

test('a server and a client of SDK 1 compile without SDK 2, and the server judges who calls', async () => {
  const folder = join(place.folder, 'server')
  const names = await installAlone(folder, guard, tarballs, versioned('@modelcontextprotocol/sdk'))
  expect([...names].filter(name => name.startsWith('@modelcontextprotocol/'))).toEqual(['@modelcontextprotocol/sdk'])
  const port = await freePort()
  const sample = sampleWith(readme, 'guardMcp', {
    '{ tools:': "{ session: { level: 'pseudonymous' }, tools:",
    'port: 8443': `port: ${port}`,
  })
  const client = `
import { agentTransport, elicitUrl } from '@countersign/mcp-sdk1/client'
import { createAgent, pseudonym } from '@countersign/agent'
export const transport = agentTransport('https://tools.example/mcp', createAgent({ identity: pseudonym() }))
export { elicitUrl }
`
  await compile(folder, { 'server.ts': sample, 'client.ts': client })
  const server = await place.start('mcp', ['server.js'], { program: [process.execPath], cwd: folder })
  const key = await generateSigningKey()
  const initialize = {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'client', version: '1' } },
  }
  const message = await signedMessage({
    as: asKey(key),
    origin: 'https://tools.example',
    target: '/mcp',
    method: 'POST',
    contentType: 'application/json',
    body: JSON.stringify(initialize),
  })
  const accept = ['accept', 'application/json, text/event-stream'] as const
  const ask = (headers: typeof message.headers) => passOn(port, { ...message, headers: [...headers, accept] })
  const unsigned = message.headers.filter(([name]) => !/^(?:signature|content-digest)/.test(name))
  expect((await ask(unsigned)).status).toBe(401)
  const opened = await ask(message.headers)
  expect([opened.status, opened.headers['mcp-session-id']]).toEqual([200, expect.stringMatching(/./)])
  await end(server, 'SIGTERM')
})

test('the bridge compiles and runs with no SDK and no guard beside it', async () => {
  const folder = join(place.folder, 'bridge')
  const names = await installAlone(folder, ['@countersign/mcp-sdk1'], tarballs)
  expect([...names].filter(name => /modelcontextprotocol|countersign\/resource/.test(name))).toEqual([])
  const program = `
import { bridge } from '@countersign/mcp-sdk1/bridge'
try {
  bridge({} as never)
} catch (error) {
  console.log('said ' + error)
}
setInterval(() => {}, 1000)
`
  await compile(folder, { 'bridge.ts': program })
  let said = ''
  const hear = (text: string): void => {
    said += text
  }
  const options = { program: [process.execPath], cwd: folder, ready: 'said ', hear }
  const running = await place.start('bridge', ['bridge.js'], options)
  expect(said).toContain('TypeError: bridge:')
  await end(running, 'SIGTERM')
})
