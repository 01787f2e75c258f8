import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { freePort } from '@countersign/testing/ports'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startEverything } from './everything.fixture.js'
import { run, type Stand, stand } from './processes.fixture.js'

// The main job, on parts that are not ours: an MCP server over Streamable HTTP, behind gateways that ask for each level.

const initialize = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'countersign', version: '1' } },
})
const call = [
  '-X',
  'POST',
  '-d',
  initialize,
  '-H',
  'Content-Type: application/json',
  '-H',
  'Accept: application/json, text/event-stream',
]

interface Answer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: string
  readonly level?: string
  readonly outcome?: string
  readonly reason?: string
  readonly steps?: ReadonlyArray<{ readonly what: string }>
}

let place: Stand
let agentServer: string
let authServer: string
let state: string
const gateways: Record<string, string> = {}

async function gateway(name: string, config: object): Promise<void> {
  const port = await freePort()
  gateways[name] = `http://localhost:${port}`
  const file = join(place.folder, `${name}.json`)
  writeFileSync(file, JSON.stringify(config))
  const data = join(place.folder, name)
  await place.start(name, [
    'gateway',
    '--id',
    gateways[name],
    '--port',
    String(port),
    '--data',
    data,
    '--development',
    '--config',
    file,
  ])
}

beforeAll(async () => {
  place = stand()
  state = mkdtempSync(join(place.folder, 'state-'))
  const upstream = await startEverything(place)
  const [agentPort, authPort] = [await freePort(), await freePort()]
  agentServer = `http://localhost:${agentPort}`
  authServer = `http://localhost:${authPort}`
  await place.start('agent-server', [
    'agent-server',
    '--id',
    agentServer,
    '--port',
    String(agentPort),
    '--data',
    join(place.folder, 'agent-server'),
    '--development',
  ])
  await gateway('anonymous', { upstream, level: 'anonymous', limits: { anonymous: '2/min', pseudonymous: '60/min' } })
  await gateway('pseudonymous', { upstream, level: 'pseudonymous' })
  await gateway('identified', { upstream, level: 'identified', agents: [agentServer] })
  await gateway('others', { upstream, level: 'identified', agents: ['https://someone.example'] })
  await gateway('authorized', { upstream, authServer, scope: 'tools.call', scopes: { 'tools.call': 'Call its tools' } })
  const grants = [{ agent: agentServer, delegates: 'any', resource: gateways['authorized'], scopes: ['tools.call'] }]
  const config = join(place.folder, 'auth.json')
  writeFileSync(config, JSON.stringify({ grants }))
  await place.start('auth-server', [
    'auth-server',
    '--id',
    authServer,
    '--port',
    String(authPort),
    '--data',
    join(place.folder, 'auth-server'),
    '--development',
    '--config',
    config,
  ])
  const invited = await run([
    'agent-server',
    'invite',
    '--id',
    agentServer,
    '--data',
    join(place.folder, 'agent-server'),
    '--development',
  ])
  const { code } = JSON.parse(invited.stdout) as { code: string }
  const enrolled = await run(['enroll', agentServer, '--code', code, '--state', state, '--development'])
  expect(enrolled.stderr).toBe('')
  expect(enrolled.code).toBe(0)
})

afterAll(() => place.stop())

async function fetchAs(
  who: string,
  gatewayName: string,
  more: readonly string[] = [],
): Promise<{ answer: Answer; code: number }> {
  const url = `${gateways[gatewayName]}/mcp`
  const { stdout, stderr, code } = await run([
    'fetch',
    url,
    ...call,
    '--as',
    who,
    '--state',
    state,
    '--development',
    '--json',
    ...more,
  ])
  if (stdout === '') throw new Error(stderr)
  return { answer: JSON.parse(stdout) as Answer, code }
}

const asDelegate = (): string[] => ['--id', agentServer, '--auth-server', authServer]

test(
  verifies(
    'RAT-03',
    'anonymous passes until its limit; then 429 names the level that goes further, and a signature passes',
  ),
  async () => {
    for (let i = 0; i < 2; i++) expect((await fetchAs('anonymous', 'anonymous')).answer.status).toBe(200)
    const { answer: over, code } = await fetchAs('anonymous', 'anonymous')
    expect(code).toBe(1)
    expect(over.status).toBe(429)
    expect(over.headers['agent-auth']).toBe('httpsig')
    expect(Number(over.headers['retry-after'])).toBeGreaterThan(0)
    const { answer: signed } = await fetchAs('pseudonym', 'anonymous')
    expect(signed.status).toBe(200)
    expect(signed.level).toBe('pseudonymous')
  },
)

test(verifies('SIG-01', 'unsigned at a pseudonymous route is challenged; an ephemeral inline key passes'), async () => {
  const { answer } = await fetchAs('anonymous', 'pseudonymous')
  expect(answer.status).toBe(401)
  expect(answer.headers['agent-auth']).toBe('httpsig')
  const { answer: signed } = await fetchAs('pseudonym', 'pseudonymous')
  expect(signed.status).toBe(200)
  expect(signed.body).toContain('"serverInfo":{"name":"mcp-servers/everything"')
})

test('an identified gateway without any auth server lets in the delegate of a listed agent, and no other', async () => {
  const { answer: stranger } = await fetchAs('pseudonym', 'identified')
  expect(stranger.status).toBe(401)
  expect(stranger.headers['agent-auth']).toBe('httpsig; identity=?1')
  const { answer } = await fetchAs('delegate', 'identified', asDelegate())
  expect(answer.status).toBe(200)
  expect(answer.body).toContain('mcp-servers/everything')
  const { answer: denied, code } = await fetchAs('delegate', 'others', asDelegate())
  expect(code).toBe(1)
  expect(denied.status).toBe(403)
  expect(denied.headers['agent-auth']).toBeUndefined()
  expect(JSON.parse(denied.body)).toMatchObject({ error: 'policy_denied' })
})

test('an authorized gateway: one command climbs from unsigned to a token, the next goes on from saved state', async () => {
  const { answer } = await fetchAs('delegate', 'authorized', asDelegate())
  expect(answer.status).toBe(200)
  expect(answer.level).toBe('authorized')
  expect(answer.steps?.map(step => step.what)).toContain('authorize')
  const { answer: next } = await fetchAs('delegate', 'authorized', asDelegate())
  expect(next.status).toBe(200)
  expect(next.steps?.map(step => step.what)).not.toContain('authorize')
})

test('an auth server that was not named is not asked, not even for a saved grant, and the command says why', async () => {
  const stranger = ['--id', agentServer, '--auth-server', 'http://localhost:1']
  const { answer, code } = await fetchAs('delegate', 'authorized', stranger)
  expect([code, answer.status, answer.outcome]).toEqual([1, 401, 'gave_up'])
  expect(answer.reason).toContain('acceptAuthServer does not list')
  const spoken = [
    'fetch',
    `${gateways['authorized']}/mcp`,
    ...call,
    '--as',
    'delegate',
    '--state',
    state,
    '--development',
  ]
  const { stderr } = await run([...spoken, ...stranger])
  expect(stderr).toContain(`(add --auth-server ${authServer} to get tokens there)`)
  const { answer: named } = await fetchAs('delegate', 'authorized', asDelegate())
  expect(named.status).toBe(200)
})

test('the MCP answer streams through the gateway as it came', async () => {
  const { answer } = await fetchAs('pseudonym', 'pseudonymous')
  expect(answer.headers['content-type']).toBe('text/event-stream')
  expect(answer.headers['mcp-session-id']).toMatch(/^[\w-]{36}$/)
  expect(answer.headers['cache-control']).toContain('private')
  expect(String(answer.headers['vary']).toLowerCase()).toContain('signature-key')
})
