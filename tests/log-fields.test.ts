import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { type Agent, agentServer, createAgent } from '@countersign/agent'
import { createAgentServer } from '@countersign/agent-server'
import { generateSigningKey, signRequest } from '@countersign/httpsig'
import { serve } from '@countersign/server'
import { listenOn } from '@countersign/testing/listening'
import { freePort } from '@countersign/testing/ports'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inlineCode, readPages } from './pages.fixture.js'
import { type LogRecord, logOf, root, type Stand, stand } from './processes.fixture.js'

// What the pages say of the log of a server, held against the log of one that runs.

let place: Stand
let upstream: Server
let api: string
let records: readonly LogRecord[] = []
const ends: Array<() => Promise<unknown>> = []

beforeAll(async () => {
  place = stand()
  // An MCP server with one tool, `send_email`.
  upstream = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const { id } = text === '' ? {} : JSON.parse(text)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { tools: [{ name: 'send_email' }] } }))
  })
  const port = await freePort()
  api = `http://localhost:${port}`
  const known = { level: 'identified' }
  const gateway = await place.start(
    'gateway',
    place.config('gateway', {
      id: api,
      port,
      upstream: `http://127.0.0.1:${await listenOn(upstream)}`,
      routes: [
        { path: '/known', ...known },
        // A slip: the tool is named `send_email`.
        { path: '/mcp', ...known, mcp: { tools: { send_mail: { level: 'identified' }, '*': known } } },
      ],
    }),
  )
  records = logOf(gateway)
}, 60_000)
afterAll(async () => {
  for (const end of ends) await end()
  await place.stop()
  upstream.close()
})

/** An agent that says who it is; where its documents are not served, nobody can find its keys. */
async function namedAgent({
  isServed,
}: {
  readonly isServed: boolean
}): Promise<{ readonly id: string; readonly agent: Agent }> {
  const port = await freePort()
  const id = `http://localhost:${port}`
  const server = await createAgentServer({ id, development: true })
  if (isServed) {
    const served = { name: 'agent', id, port, participant: server, development: true, signals: false } as const
    const running = await serve({ ...served, level: 'error', announce: () => undefined })
    ends.push(() => running.close())
  }
  const identity = agentServer({ id, key: server.signingKey })
  return { id, agent: createAgent({ identity, identifyTo: 'any', development: true }) }
}

/** The newest record that has these members. */
async function record(members: LogRecord): Promise<LogRecord> {
  const find = (): LogRecord | undefined =>
    records.findLast(each => Object.entries(members).every(([name, value]) => each[name] === value))
  await expect.poll(find).toBeDefined()
  return find() ?? {}
}

/** That a page says this, in these words. */
function says(page: string, words: string): void {
  expect(readFileSync(join(root, page), 'utf8'), page).toContain(words)
}

test('a request has a record of its own, beside that of the decision', async () => {
  const { id, agent } = await namedAgent({ isServed: true })
  expect((await agent.fetch(`${api}/known`)).status).toBe(200)
  const passed = await record({ event: 'passed' })
  expect(passed).toMatchObject({ agent: id, aauth_level: 'identified', resource: api, route: '/known', msg: 'passed' })
  says('docs/operations.md', '`event` names the record. Records of requests have none: `msg` is `request`.')
  const { request_id } = passed
  const request = await record({ msg: 'request', request_id })
  expect(request).toMatchObject({ method: 'GET', path: '/known', status: 200 })
  expect(request).not.toHaveProperty('event')
})

test('differing clocks, and documents that cannot be fetched, stand in the refusal', async () => {
  const key = await generateSigningKey()
  const now = Math.floor(Date.now() / 1000)
  const headers = await signRequest({
    method: 'GET',
    url: `${api}/known`,
    now: () => now - 300,
    key,
    signatureKey: { scheme: 'hwk', jwk: key.publicJwk },
  })
  expect((await fetch(`${api}/known`, { headers: headers.map(([name, value]) => [name, value]) })).status).toBe(401)
  says(
    'docs/operations.md',
    "A refusal for differing clocks has `skew`: by how many seconds the signer's clock is ahead of this one.",
  )
  const { skew } = await record({ event: 'refused', reason: 'created_too_old' })
  expect(skew).toBeGreaterThan(-310)
  expect(skew).toBeLessThan(-290)

  const { id, agent } = await namedAgent({ isServed: false })
  await agent.fetch(`${api}/known`).catch(() => undefined)
  says('docs/operations.md', 'If a document of another party could not be fetched, the record has its `url` and `why`.')
  expect(await record({ event: 'refused', code: 'discovery_failed' })).toMatchObject({
    claimed: id,
    url: `${id}/.well-known/aauth-agent`,
    why: 'connection refused',
  })
})

test('a failure of the server itself has its cause, and a rule for a tool that is not there its name', async () => {
  const { agent } = await namedAgent({ isServed: true })
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'send_email' } })
  const call = { method: 'POST', headers: { 'content-type': 'application/json' }, body }
  expect((await agent.fetch(`${api}/mcp`, call)).status).toBe(500)
  says(
    'docs/gateway.md',
    'the gateway refuses the call with 500, and the log names the rule (`why` of the record `refused`).',
  )
  says(
    'docs/operations.md',
    '`description` and `why` say what is away or wrong; with 500, `cause` has the kind of the error and its place in the code',
  )
  const refused = await record({ event: 'refused', status: 500 })
  expect(refused['why']).toBe(
    "a rule is for the tool 'send_mail', which the server does not have; did you mean 'send_email'?",
  )
  const { type, stack } = refused['cause'] as { readonly type: string; readonly stack: readonly string[] }
  expect([type, stack[0]]).toEqual(['TypeError', expect.stringMatching(/^at .*\.[jt]s:\d+:\d+\)?$/)])
  // Of what a message quotes nothing stands in a log.
  expect(JSON.stringify(refused['cause'])).not.toContain('send_mail')
})

test('the records and reasons that pages name are written somewhere', () => {
  const code = readdirSync(join(root, 'packages'))
    .flatMap(room =>
      readdirSync(join(root, 'packages', room, 'src'), { recursive: true, encoding: 'utf8' }).map(
        file => `${room}/src/${file}`,
      ),
    )
    .filter(file => /(?<!\.test)\.ts$/.test(file))
    .map(file => readFileSync(join(root, 'packages', file), 'utf8'))
    .join('\n')
  const named = readPages().flatMap(page =>
    inlineCode(page).flatMap(text =>
      [...text.matchAll(/^(?:event|reason): ([a-z][a-z_-]+)$/g)].map(([, name = '']) => ({ file: page.file, name })),
    ),
  )
  expect(named.length).toBeGreaterThan(8)
  expect(named.filter(({ name }) => !code.includes(`'${name}'`))).toEqual([])
})
