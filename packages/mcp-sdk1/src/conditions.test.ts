import { verifies } from '@countersign/requirements'
import { asHolder } from '@countersign/testing/world/signer'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { calendarId, makeWorld } from '../../resource/src/world.test.fixture.js'
import { guardMcp } from './index.js'
import { initialize, rpc } from './tools.test.fixture.js'

// What goes out of a server of tools, and which arguments come in, under conditions.

const mail = { items: [{ id: 1, title: 'a', body: 'hidden' }], next: 12 }
const twin = JSON.stringify(mail)
const content = {
  text: { type: 'text', text: twin },
  image: { type: 'image', data: 'aGlkZGVu', mimeType: 'image/png' },
} as const
const link = { type: 'resource_link', uri: 'file:///hidden', name: 'hidden' } as const

/** What the tool `read` returns, by its argument. */
const results: Readonly<Record<string, object>> = {
  twin: { structuredContent: mail, content: [content.text] },
  alone: { structuredContent: mail, content: [] },
  reordered: {
    structuredContent: mail,
    content: [{ type: 'text', text: '{"next":12, "items":[{"body":"hidden","id":1,"title":"a"}]}' }],
  },
  meta: { structuredContent: mail, content: [content.text], _meta: { total: 'hidden' } },
  text: { content: [content.text] },
  other: { structuredContent: mail, content: [{ type: 'text', text: '{"items":[]}' }] },
  image: { structuredContent: mail, content: [content.text, content.image] },
  link: { structuredContent: mail, content: [link] },
  failed: { structuredContent: mail, content: [{ type: 'text', text: 'hidden' }], isError: true },
}

async function serving() {
  const world = await makeWorld()
  const ran: unknown[] = []
  const build = (): McpServer => {
    const server = new McpServer({ name: 'mail', version: '1' }, { capabilities: { logging: {} } })
    server.registerTool('read', { inputSchema: { what: z.string() } }, async ({ what }, extra) => {
      ran.push(what)
      await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data: 'hidden' } })
      return results[what] as never
    })
    server.registerTool('send', { inputSchema: z.looseObject({}) }, async given => {
      ran.push(given)
      return { structuredContent: { sent: true }, content: [] }
    })
    server.registerResource('note', 'note://one', {}, async () => ({
      contents: [{ uri: 'note://one', text: 'hidden' }],
    }))
    return server
  }
  const participant = guardMcp(build, world.calendar(), {
    now: () => world.clock.now,
    session: { scope: 'events.read' },
    tools: { '*': { scope: 'events.read' } },
  })
  const caller = async (...constraints: object[]) => {
    const as = asHolder(world.delegateKey, await world.authToken({ sub: 'alice', constraints }))
    const send = async (body: string | undefined, id?: string): Promise<Response> => {
      const more = id === undefined ? {} : { 'mcp-session-id': id }
      const headers = Object.entries({ accept: 'application/json, text/event-stream', ...more })
      const method = body === undefined ? 'GET' : 'POST'
      const sent = body === undefined ? {} : { body }
      return participant.handle(
        await world.request({ as, method, target: '/mcp', headers, additionalComponents: Object.keys(more), ...sent }),
      ) as Promise<Response>
    }
    const opened = await send(initialize)
    const id = opened.headers.get('mcp-session-id') ?? ''
    const call = (name: string, given: object) => send(rpc('tools/call', { name, arguments: given }, 7), id)
    return { opened, call, send: (body?: string) => send(body, id) }
  }
  return { world, ran, caller }
}

const data = (...fields: string[]) => ({ type: 'data', resource: calendarId, fields })

describe('answers of tools under data', () => {
  test(
    verifies(
      'DEL-65',
      'DEL-54',
      'DEL-58',
      'DEL-63',
      'structured content and its twin go out in part, and all else is withheld',
    ),
    async () => {
      const { ran, caller, world } = await serving()
      const { opened, call, send } = await caller(data('/items/*/title'))
      expect([
        opened.status,
        opened.headers.get('content-type'),
        Object(await opened.json()).result.serverInfo.name,
      ]).toEqual([200, 'application/json', 'mail'])
      const left = '{"items":[{"title":"a"}]}'
      const shown = (text: string) =>
        `{"jsonrpc":"2.0","id":7,"result":{"content":${text},"structuredContent":${left}}}`
      const both = shown(`[{"type":"text","text":${JSON.stringify(left)}}]`)
      for (const [what, expected] of [
        ['twin', both],
        ['reordered', both],
        ['meta', both],
        ['alone', shown('[]')],
      ] as const) {
        const answer = await call('read', { what })
        expect([answer.status, answer.headers.get('content-type'), await answer.text()], what).toEqual([
          200,
          'application/json',
          expected,
        ])
      }
      for (const what of ['text', 'other', 'image', 'link', 'failed', 'nothing']) {
        const before = ran.length
        world.events.length = 0
        const answer = await call('read', { what })
        expect([answer.status, await answer.json()], what).toEqual([
          403,
          expect.objectContaining({ error: 'policy_denied', reason: 'answer_withheld' }),
        ])
        expect([ran.length, world.events.map(({ type }) => type)], what).toEqual([before + 1, ['passed', 'refused']])
      }
      const listed = await send(rpc('tools/list', {}, 8))
      expect(Object(await listed.json()).result.tools.map(({ name }: { name: string }) => name)).toEqual([
        'read',
        'send',
      ])
      expect(Object(await (await send(rpc('ping', {}, 9))).json()).result).toEqual({})
      const note = await send(rpc('resources/read', { uri: 'note://one' }, 10))
      expect([note.status, Object(await note.json()).reason]).toEqual([403, 'answer_withheld'])
      expect((await send(rpc('notifications/initialized'))).status).toBe(202)
      const stream = await send()
      expect([stream.status, Object(await stream.json()).reason]).toEqual([403, 'condition_data'])
      const twinCall = await (await (await caller()).call('read', { what: 'twin' })).text()
      expect(twinCall).toContain('hidden')
    },
  )

  test(verifies('DEL-55', 'a pointer names what it says in structured content'), async () => {
    const { caller } = await serving()
    const shown = async (...fields: string[]) => {
      const { call } = await caller(data(...fields))
      return JSON.stringify(Object(await (await call('read', { what: 'alone' })).json()).result.structuredContent)
    }
    expect(await shown('/items/0/title')).toBe('{"items":[{"title":"a"}]}')
    expect(await shown('/items/-')).toBe('{"items":[null]}')
    expect(await shown('/items/00')).toBe('{"items":[null]}')
    expect(await shown('/next/b')).toBe('{}')
  })
})

describe('arguments of tools', () => {
  test(verifies('DEL-69', 'policy.arguments', 'are judged, and not the message around them'), async () => {
    const { ran, caller } = await serving()
    const where = [{ at: '/to', in: ['bob'] }, { at: '/text' }]
    const { opened, call, send } = await caller({ type: 'arguments', resource: calendarId, of: 'send', where })
    expect(opened.status).toBe(200)
    expect((await call('send', { to: 'bob', text: 'hi' })).status).toBe(200)
    expect((await call('read', { what: 'twin' })).status).toBe(200)
    ran.length = 0
    const bodies = [
      '{"to":"bob","bcc":"eve"}',
      '{"to":"eve"}',
      '{"to":"bob","cc":[]}',
      '[]',
      '{"to":"bob","__proto__":{"a":1}}',
    ]
    for (const given of bodies) {
      const answer = await send(
        `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"send","arguments":${given}}}`,
      )
      expect([answer.status, Object(await answer.json()).reason], given).toEqual([403, 'condition_arguments'])
    }
    const none = await send(rpc('tools/call', { name: 'send' }, 7))
    expect([none.status, Object(await none.json()).reason]).toEqual([403, 'condition_arguments'])
    const escaped = await send(
      '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"send","\\u0061rguments":{"to":"bob"}}}',
    )
    expect([escaped.status, Object(await escaped.json()).reason]).toEqual([403, 'condition_arguments'])
    expect(ran).toEqual([])
  })

  test(
    verifies('DEL-69', 'policy.arguments', 'have one spelling: a server that ignores case would read others'),
    async () => {
      const { ran, caller } = await serving()
      const { send } = await caller({
        type: 'arguments',
        resource: calendarId,
        of: 'send',
        where: [{ at: '/to', in: ['bob'] }],
      })
      const calls = (more: string): string =>
        `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"send","arguments":{"to":"bob"}${more}}}`
      for (const name of ['Arguments', 'ARGUMENTS', 'argument\u017f']) {
        const answer = await send(calls(`,"${name}":{"to":"eve"}`))
        expect([answer.status, Object(await answer.json()).reason], name).toEqual([400, 'rpc_malformed'])
      }
      expect(ran).toEqual([])
      expect((await send(calls(''))).status).toBe(200)
      expect(ran).toEqual([{ to: 'bob' }])
    },
  )

  test(verifies('policy.arguments', 'are not led round by a method that the server has added'), async () => {
    const { caller } = await serving()
    const { send } = await caller({ type: 'arguments', resource: calendarId, of: 'send', where: [{ at: '/to' }] })
    for (const method of ['mail/send', 'notifications/mail/send']) {
      const answer = await send(rpc(method, { to: 'eve' }, 7))
      expect([answer.status, Object(await answer.json()).reason], method).toEqual([403, 'operation_unnamed'])
    }
    expect((await send(rpc('prompts/list', {}, 8))).status).toBe(200)
    const free = await (await caller()).send(rpc('mail/send', { to: 'eve' }, 7))
    expect(free.status).toBe(200)
  })

  /** Which of these arguments, as written, a tool runs with. */
  async function passing(where: readonly object[], written: readonly string[]): Promise<readonly string[]> {
    const { caller } = await serving()
    const { send } = await caller({ type: 'arguments', resource: calendarId, of: 'send', where })
    const outcomes = await Promise.all(
      written.map(async (given, i) => {
        const answer = await send(
          `{"jsonrpc":"2.0","id":${i + 10},"method":"tools/call","params":{"name":"send","arguments":${given}}}`,
        )
        if (answer.status !== 200) expect(Object(await answer.json()).reason, given).toBe('condition_arguments')
        else await answer.text()
        return answer.status === 200
      }),
    )
    return written.filter((_, i) => outcomes[i])
  }

  test(verifies('DEL-71', 'a message that names an argument twice is refused, and no tool runs'), async () => {
    const { ran, caller } = await serving()
    const where = [{ at: '/to', in: ['bob'] }]
    const { send } = await caller({ type: 'arguments', resource: calendarId, of: 'send', where })
    const said = (given: string) =>
      send(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"send","arguments":${given}}}`)
    for (const given of ['{"to":"bob","to":"eve"}', '{"to":"bob","\\u0074o":"eve"}']) {
      const answer = await said(given)
      expect([answer.status, Object(await answer.json()).reason], given).toEqual([400, 'rpc_malformed'])
    }
    expect(ran).toEqual([])
    expect((await said('{"to":"bob"}')).status).toBe(200)
  })

  test(verifies('DEL-72', 'max: numbers by value'), async () => {
    const good = ['{"n":100}', '{"n":100.0}', '{"n":1e2}']
    const bad = ['100.5', '"100"', '1e400', '9007199254740993', 'true', 'null', '[100]'].map(n => `{"n":${n}}`)
    expect(await passing([{ at: '/n', max: 100 }, { at: '/note' }], [...good, ...bad, '{"note":1}'])).toEqual(good)
  })

  test(verifies('DEL-73', 'in compares type and value'), async () => {
    const good = ['{"x":1.0}', '{"x":"a"}', '{"x":null}']
    expect(
      await passing([{ at: '/x', in: [1, 'a', null] }, { at: '/y' }], [...good, '{"x":"1"}', '{"x":"A"}', '{"y":1}']),
    ).toEqual(good)
  })

  test(verifies('DEL-74', 'prefix and maxLength: code points'), async () => {
    const face = '\u{1f600}'
    const good = [`{"u":"https://bob.example/x","t":"${face.repeat(20)}"}`]
    const bad = [
      `{"u":"https://bob.example/x","t":"${face.repeat(21)}"}`,
      '{"u":"https://bob.example.evil/","t":"a"}',
      '{"u":5,"t":"a"}',
    ]
    const where = [
      { at: '/u', prefix: 'https://bob.example/' },
      { at: '/t', maxLength: 20 },
    ]
    expect(await passing(where, [...good, ...bad])).toEqual(good)
  })
})
