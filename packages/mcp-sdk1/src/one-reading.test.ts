import { checkOrigin, readRpc } from '@countersign/mcp/internal'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { findSession } from './enter-session.js'
import { lastEventOf } from './stream/event-streams.js'

type Lines = ReadonlyArray<readonly [string, string]>

const message = (method: string, headers: Lines, body?: unknown) => ({
  method,
  target: '/mcp',
  headers,
  ...(body === undefined ? {} : { body: new TextEncoder().encode(JSON.stringify(body)) }),
})
const json: Lines = [['content-type', 'application/json']]

test.each([undefined, null, 'ref/prompt', 1, ['ref/prompt']])(
  verifies('mcp.one-reading', 'a completion is about a prompt or a resource, not about %j'),
  ref => {
    const completion = (params: unknown) =>
      readRpc(message('POST', json, { jsonrpc: '2.0', id: 1, method: 'completion/complete', params }))
    expect(() => completion({ ref })).toThrow(
      expect.objectContaining({ reason: 'rpc_malformed', message: expect.stringMatching(/: ref must be an object$/) }),
    )
    const prompt = completion({ ref: { type: 'ref/prompt', name: 'greet' } })
    expect(prompt.subject).toEqual({ kind: 'prompt', name: 'greet' })
  },
)

test(verifies('mcp.stream-resumed', 'a stream is resumed after one event, not after two'), () => {
  const one = ['last-event-id', 'a'] as const
  expect(lastEventOf(message('GET', [one]))).toBe('a')
  for (const lines of [
    [one, one],
    [one, ['Last-Event-Id', 'b']],
  ] as const)
    expect(() => lastEventOf(message('GET', lines))).toThrow(expect.objectContaining({ reason: 'event_unknown' }))
})

const rpc = (value: unknown) => readRpc(message('POST', json, value))
const malformed = (text: RegExp) =>
  expect.objectContaining({ reason: 'rpc_malformed', message: expect.stringMatching(text) })

test(verifies('mcp.one-reading', 'a batch is told as that'), () => {
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
  expect(() => rpc([ping])).toThrow(malformed(/not a batch$/))
  expect(rpc(ping).subject).toEqual({ kind: 'session' })
})

test.each([null, 'params', 1, ['a']])(verifies('mcp.one-reading', 'params are an object, not %j'), params => {
  for (const method of ['ping', 'tools/call'])
    expect(() => rpc({ jsonrpc: '2.0', id: 1, method, params })).toThrow(malformed(/: params must be an object$/))
})

test(verifies('mcp.one-reading', 'a completion is about a prompt or a resource, and nothing else'), () => {
  const about = (type: string) => {
    const params = { ref: { type, name: 'greet', uri: 'file:///a' } }
    return rpc({ jsonrpc: '2.0', id: 1, method: 'completion/complete', params })
  }
  expect(about('ref/resource').subject).toEqual({ kind: 'resource', name: 'file:///a' })
  for (const type of ['ref/tool', '', 'ref/Resource']) expect(() => about(type)).toThrow(malformed(/must be of type/))
})

test(verifies('mcp.origin', 'a request comes from one page, not from two'), () => {
  const site = { id: 'https://calendar.example' }
  const from = (...origins: readonly string[]) =>
    checkOrigin(
      message(
        'POST',
        origins.map(origin => ['origin', origin] as const),
      ),
      site,
    )
  from()
  from(site.id)
  for (const origins of [['https://evil.example'], [site.id, site.id], [site.id, 'https://evil.example']])
    expect(() => from(...origins)).toThrow(expect.objectContaining({ reason: 'origin_not_allowed' }))
})

test(verifies('mcp.session-owner', 'a request names one session, not two'), async () => {
  const refused: unknown[] = []
  const endpoint = { sessions: new Map(), resource: { refused: (_: unknown, error: unknown) => refused.push(error) } }
  const aauth = { level: 'identified', agent: 'https://agent.example', key: 'k' }
  const find = (...ids: readonly string[]) =>
    findSession(
      message(
        'POST',
        ids.map(id => ['mcp-session-id', id] as const),
      ),
      aauth as never,
      endpoint as never,
    )
  for (const ids of [[], ['a', 'a'], ['a', 'b']])
    await expect(find(...ids)).rejects.toMatchObject({ reason: 'session_id_invalid' })
  expect(await find('a')).toMatchObject({ status: 404 })
})
