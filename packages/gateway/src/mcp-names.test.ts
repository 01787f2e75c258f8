import type { IncomingMessage, ServerResponse } from 'node:http'
import { beforeAll, describe, expect, test } from 'vitest'
import type { GatewayRoute } from './index.js'
import { call, stage, valuesOf } from './stage.test.fixture.js'
import { makeWorld, type World } from './world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})
const start = stage(() => world)

type Mcp = NonNullable<GatewayRoute<'read'>['mcp']>

const all = { level: 'identified' } as const

function asJson(response: ServerResponse, list: object): void {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(list))
}

/** How an MCP server that has one tool, `send_email`, says what it has. */
const lists: Readonly<Record<string, (response: ServerResponse, list: object) => void>> = {
  JSON: asJson,
  'a stream of events, which stays open': (response, list) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('event: message\ndata: {"jsonrpc":"2.0","method":"notifications/message"}\n\n')
    response.write(`event: message\ndata: ${JSON.stringify(list)}\n\n`)
  },
}

async function running(mcp: Mcp, list = asJson, status = 200) {
  const answer = (_: IncomingMessage, response: ServerResponse, body: string): void => {
    const { method, id } = JSON.parse(body)
    if (method !== 'tools/list') {
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id, result: {} }))
      return
    }
    response.statusCode = status
    if (status === 200) list(response, { jsonrpc: '2.0', id, result: { tools: [{ name: 'send_email' }] } })
    else response.end()
  }
  const { port, upstream } = await start(answer, [{ path: '/mcp', requirement: all, mcp }])
  const refusals: string[] = []
  const send = async (name: string) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } })
    const headers: Array<[string, string]> = [['content-type', 'application/json']]
    const signed = await world.sign({ as: world.agent, method: 'POST', target: '/mcp', headers, body })
    const { status = 0, body: text } = await call(port, { method: 'POST', target: '/mcp', headers: signed, body })
    if (status >= 400) refusals.push(JSON.parse(text).reason)
    return status
  }
  const asked = () => upstream.seen.map(({ body }) => JSON.parse(body).method)
  return { send, asked, upstream, refusals }
}

describe.each(Object.keys(lists))('a server that lists its tools as %s', kind => {
  test('a rule for a tool that it does not have: the tool it was meant for does not go by the rule for all others', async () => {
    // The slip: `send_mail` for `send_email`.
    const slipped = await running({ tools: { send_mail: { scope: 'read' }, '*': all } }, lists[kind])
    expect(await slipped.send('send_email')).toBe(500)
    expect(slipped.asked()).toEqual(['tools/list'])

    const right = await running({ tools: { send_email: { scope: 'read' }, '*': all } }, lists[kind])
    expect(await right.send('send_email')).toBe(401)
    expect(await right.send('look')).toBe(200)
    expect(await right.send('look')).toBe(200)
    expect(right.asked()).toEqual(['tools/list', 'tools/call', 'tools/call'])
  })
})

test('the gateway asks in the name of the caller', async () => {
  const { send, upstream } = await running({ tools: { send_email: { scope: 'read' }, '*': all } })
  expect(await send('look')).toBe(200)
  const [list] = upstream.seen
  expect(valuesOf(list, 'aauth-agent')).toEqual(['https://agent.example'])
  expect(valuesOf(list, 'content-digest')).toEqual([])
  expect(valuesOf(list, 'signature')).toEqual([])
})

test('when the server lists nothing, only names under the rule for all others are refused as unavailable', async () => {
  const away = await running({ tools: { look: all, send_mail: { scope: 'read' }, '*': all } }, undefined, 500)
  expect([await away.send('send_email'), await away.send('look')]).toEqual([503, 200])
  expect(away.refusals).toEqual(['dependency_unavailable'])
  expect(away.asked()).toEqual(['tools/list', 'tools/call'])
})

test('a session that has ended there is unknown here as well', async () => {
  const ended = await running({ tools: { send_mail: { scope: 'read' }, '*': all } }, undefined, 404)
  expect(await ended.send('send_email')).toBe(404)
  expect(ended.refusals).toEqual(['session_unknown'])
})

test('tools that are not there for every caller are named in `optional`', async () => {
  const later = await running({ tools: { later: { scope: 'read' }, '*': all }, optional: ['later'] })
  expect([await later.send('look'), await later.send('later')]).toEqual([200, 401])
  expect(later.asked()).toEqual(['tools/call'])
})
