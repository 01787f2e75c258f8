import type { IncomingMessage, ServerResponse } from 'node:http'
import { verifies } from '@countersign/requirements'
import { createResource, type Describe, describeBy } from '@countersign/resource'
import type { Signer } from '@countersign/testing/world/signer'
import { startedReplaySet } from '@countersign/testing/world/started-replay-set'
import { beforeAll, describe, expect, test } from 'vitest'
import { proxiesOf } from './check.test.fixture.js'
import { createCheck, type GatewayRoute } from './index.js'
import { call, stage, valuesOf } from './stage.test.fixture.js'
import { makeWorld, resourceId, type World } from './world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})
const start = stage(() => world)
const data = (...fields: string[]) => ({ type: 'data', resource: resourceId, fields })

const rpc = (method: string, params: object = {}): string => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })

const mail = '{"items":[{"id":12345678901234567890,"body":"hidden"}],"n":1.10}'
const twin = JSON.stringify([{ type: 'text', text: mail }])

/** What an MCP server answers to a call of a tool, and in which form. */
const results: Readonly<Record<string, string>> = {
  twin: `{"content":${twin},"structuredContent":${mail},"_meta":{"a":"hidden"}}`,
  alone: `{"structuredContent":${mail}}`,
  text: `{"content":${twin}}`,
  failed: `{"content":[{"type":"text","text":"hidden"}],"structuredContent":${mail},"isError":true}`,
}

function answer({ method: by }: IncomingMessage, response: ServerResponse, body: string): void {
  if (by !== 'POST')
    return void response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: hidden\n\n')
  const { method, id, params } = JSON.parse(body)
  if (method === 'initialize') response.setHeader('mcp-session-id', 's1')
  const result = method === 'tools/call' ? results[params.arguments.what] : '{"tools":[]}'
  const message = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`
  if (!String(params.name).startsWith('stream'))
    return void response.setHeader('content-type', 'application/json').end(message)
  response.writeHead(200, { 'content-type': 'text/event-stream', 'x-total': 'hidden' })
  const log = '{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"hidden"}}'
  // In pieces that end within a line, and open for longer than the answer.
  response.write(`id: 0\ndata: \n\ndata: ${log}\r\n\r`)
  setTimeout(() => response.write(`\nevent: message\ndata: ${message.slice(0, 40)}`), 5)
  setTimeout(() => response.write(`${message.slice(40)}\n\n`), 10)
}

const routes: ReadonlyArray<GatewayRoute<'read'>> = [
  { path: '/mcp', requirement: { scope: 'read' }, mcp: { tools: { '*': { scope: 'read' } } } },
  { path: '/*', requirement: { scope: 'read' } },
]

describe('an MCP server behind the gateway', () => {
  async function serving(...constraints: object[]) {
    const { port, upstream } = await start(answer, routes)
    const as: Signer = await world.holder({ sub: 'alice', constraints })
    const send = async (body: string | undefined) => {
      const method = body === undefined ? 'GET' : 'POST'
      const own =
        body === undefined ? {} : { body, headers: [['content-type', 'application/json']] as Array<[string, string]> }
      return call(port, {
        method,
        target: '/mcp',
        headers: await world.sign({ as, method, target: '/mcp', ...own }),
        ...(body === undefined ? {} : { body }),
      })
    }
    return {
      send,
      upstream,
      tool: (name: string, what: string) => send(rpc('tools/call', { name, arguments: { what } })),
    }
  }

  test(
    verifies(
      'DEL-65',
      'DEL-54',
      'DEL-57',
      'results go out in part, whether as JSON or in a stream, and all else is withheld',
    ),
    async () => {
      const { send, tool, upstream } = await serving(data('/items/*/id', '/n'))
      const left = '{"items":[{"id":12345678901234567890}],"n":1.10}'
      const shown = (content: string) =>
        `{"jsonrpc":"2.0","id":1,"result":{"content":${content},"structuredContent":${left}}}`
      for (const name of ['read', 'stream']) {
        const answered = await tool(name, 'twin')
        expect([answered.status, answered.body], name).toEqual([
          200,
          shown(`[{"type":"text","text":${JSON.stringify(left)}}]`),
        ])
        expect([answered.headers['content-type'], answered.headers['x-total']]).toEqual(['application/json', undefined])
        expect((await tool(name, 'alone')).body).toBe(shown('[]'))
        for (const what of ['text', 'failed', 'nothing']) {
          const refused = await tool(name, what)
          expect([refused.status, JSON.parse(refused.body).reason, refused.headers['agent-auth']], what).toEqual([
            403,
            'answer_withheld',
            undefined,
          ])
        }
      }
      expect(valuesOf(upstream.seen.at(-1), 'accept-encoding')).toEqual(['identity'])
      const opened = await send(rpc('initialize'))
      expect([opened.status, opened.headers['mcp-session-id'], JSON.parse(opened.body).result]).toEqual([
        200,
        's1',
        { tools: [] },
      ])
      expect(JSON.parse((await send(rpc('tools/list'))).body).result).toEqual({ tools: [] })
      expect(JSON.parse((await send(rpc('resources/read', { uri: 'a:b' }))).body).reason).toBe('answer_withheld')
      const before = upstream.seen.length
      expect(JSON.parse((await send(undefined)).body).reason).toBe('condition_data')
      expect(upstream.seen.length).toBe(before)
      expect((await (await serving()).tool('read', 'twin')).body).toContain('hidden')
    },
  )

  test(
    verifies('DEL-69', 'policy.arguments', 'the arguments of the tool are judged, and not the message around them'),
    async () => {
      const where = [{ at: '/what', in: ['alone'] }]
      const { tool, upstream } = await serving({ type: 'arguments', resource: resourceId, of: 'read', where })
      expect((await tool('read', 'alone')).status).toBe(200)
      expect((await tool('other', 'twin')).status).toBe(200)
      const before = upstream.seen.length
      const refused = await tool('read', 'twin')
      expect([refused.status, JSON.parse(refused.body).reason]).toEqual([403, 'condition_arguments'])
      expect(upstream.seen.length).toBe(before)
    },
  )

  test(verifies('DEL-71', 'a message that names an argument twice is refused, and not forwarded'), async () => {
    const where = [{ at: '/what', in: ['alone'] }]
    const { send, upstream } = await serving({ type: 'arguments', resource: resourceId, of: 'read', where })
    const said = (given: string) =>
      send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":${given}}}`)
    for (const given of ['{"what":"alone","what":"twin"}', '{"what":"alone","\\u0077hat":"twin"}']) {
      const { status, body } = await said(given)
      expect([status, JSON.parse(body).error.data.reason], given).toEqual([400, 'rpc_malformed'])
    }
    expect(upstream.seen.length).toBe(0)
    expect((await said('{"what":"alone"}')).status).toBe(200)
  })

  test(verifies('mcp.params-judged', 'DEL-76', 'what a server could take for an argument is refused'), async () => {
    const where = [{ at: '/what', in: ['alone'] }, { at: '' }]
    const { send, upstream } = await serving({ type: 'arguments', resource: resourceId, of: 'read', where })
    const said = (given: string, more = '') =>
      send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":${given}${more}}}`)
    const alone = '{"what":"alone"}'
    const twice = '{"what":"alone","What":"twin"}'
    for (const answer of [
      await said(alone, ',"what":"twin"'),
      await said(alone, ',"_meta":{"what":"twin"}'),
      await said(twice),
    ])
      expect([answer.status, JSON.parse(answer.body).reason]).toEqual([403, 'condition_arguments'])
    expect(upstream.seen.length).toBe(0)
    expect((await said(alone, ',"_meta":{"progressToken":1}')).status).toBe(200)
  })

  test(
    verifies('DEL-72', 'DEL-73', 'DEL-74', 'each kind of rule is judged by the value that the tool gets'),
    async () => {
      const rows = [
        [{ max: 100 }, ['100', '100.0', '1e2'], ['100.5', '"100"', '1e400', '9007199254740993', 'null']],
        [{ in: [1, 'a', null] }, ['1.0', '"a"', 'null'], ['"1"', '"A"', 'false']],
        [{ prefix: 'https://bob.example/' }, ['"https://bob.example/x"'], ['"https://bob.example.evil/"', '5']],
        [{ maxLength: 2 }, ['"\u{1f600}\u{1f600}"'], ['"abc"', '5']],
      ] as const
      for (const [rule, good, bad] of rows) {
        const where = [{ at: '/x', ...rule }, { at: '/what' }]
        const { send } = await serving({ type: 'arguments', resource: resourceId, of: 'read', where })
        const status = async (x: string) =>
          (
            await send(
              `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{"what":"alone","x":${x}}}}`,
            )
          ).status
        for (const x of good) expect(await status(x), x).toBe(200)
        for (const x of bad) expect(await status(x), x).toBe(403)
      }
    },
  )
})

test(
  verifies(
    'DEL-60',
    'DEL-58',
    'policy.data.whole',
    'the API behind the gateway is asked for the whole, in no content coding',
  ),
  async () => {
    const { signed, upstream } = await start((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'br' }).end('hidden')
    }, routes)
    const as = await world.holder({ constraints: [data('/a')] })
    const headers: Array<[string, string]> = [
      ['accept-encoding', 'br'],
      ['if_none_match', '"hidden"'],
      ['range', 'bytes=0-1'],
    ]
    const answered = await signed({ as, target: '/inbox', headers })
    expect([answered.status, JSON.parse(answered.body).reason]).toEqual([403, 'answer_withheld'])
    const names = upstream.seen.at(-1)?.headers.map(([name]) => name) ?? []
    expect(names.filter(name => /^if|range/.test(name))).toEqual([])
    expect(valuesOf(upstream.seen.at(-1), 'accept-encoding')).toEqual(['identity'])
  },
)

describe('a check, which sees no answers', () => {
  const proxies = proxiesOf(() => world)
  const where = [{ at: '/a' }]
  const listed = async (options: { readonly proxy: 'nginx' | 'envoy'; readonly bodies?: 'seen' | 'unseen' }) => {
    const resource = createResource({ ...world.settings, replay: startedReplaySet() })
    const check = createCheck({ resource, routes: [{ path: '/*', requirement: { scope: 'read' } }], ...options })
    const asked = { method: 'GET', target: '/.well-known/aauth-resource', headers: [] }
    const { constraints_supported: supported } = (await ((await check.handle(asked)) as Response).json()) as {
      constraints_supported: string[]
    }
    return ['data', 'arguments', 'approval', 'until'].filter(type => supported.includes(type))
  }

  test(verifies('policy.supported', 'lists no condition that it can only refuse'), async () => {
    expect(await listed({ proxy: 'envoy', bodies: 'seen' })).toEqual(['arguments', 'approval', 'until'])
    expect(await listed({ proxy: 'envoy', bodies: 'unseen' })).toEqual(['until'])
    expect(await listed({ proxy: 'nginx' })).toEqual(['until'])
  })

  test(verifies('policy.data', 'policy.unknown', 'refuses callers under data'), async () => {
    for (const ask of [proxies.nginx(), proxies.envoy()]) {
      const refused = await ask({ as: await world.holder({ constraints: [data('/a')] }), target: '/scoped' })
      expect([refused.error, refused.reason]).toEqual(['policy_denied', 'conditions_unsupported'])
      expect((await ask({ as: await world.holder({ constraints: [] }), target: '/scoped' })).status).toBe(200)
    }
  })

  test(
    verifies('policy.arguments', 'policy.unjudged', 'refuses a body that it does not see under arguments'),
    async () => {
      const settings = { ...world.settings, operations: { send: 'Send' } }
      const ask = async (bodies: 'seen' | 'unseen', constraints: object[]) => {
        const resource = createResource({ ...settings, replay: startedReplaySet() })
        const unshown = ['path', 'body']
        const routes = [{ path: '/*', requirement: { scope: 'read', operation: 'send', unshown } as const }]
        const body = '{"a":1}'
        const headers: Array<[string, string]> = [['content-type', 'application/json']]
        const as = await world.holder({ constraints })
        const message = {
          method: 'POST',
          target: '/check/a',
          headers: await world.sign({ as, method: 'POST', target: '/a', headers, body }),
        }
        const sent = bodies === 'seen' ? { body: new TextEncoder().encode(body) } : {}
        return (
          (await createCheck({ resource, routes, proxy: 'envoy', bodies }).handle({ ...message, ...sent })) as Response
        ).status
      }
      const constraints = [{ type: 'arguments', resource: resourceId, of: 'send', where }]
      expect([await ask('unseen', constraints), await ask('unseen', []), await ask('seen', constraints)]).toEqual([
        403, 200, 200,
      ])
      const approval = [{ type: 'approval', resource: resourceId, of: ['send'] }]
      // Where it sees the body it asks for the approval.
      expect([await ask('unseen', approval), await ask('seen', approval)]).toEqual([403, 401])
    },
  )
})

describe(
  verifies('APR-39', 'approval.shown', 'a user who approves a request sees all that a prefix leaves open:'),
  () => {
    const ask = async (
      path: string,
      target: string,
      more: { readonly describe?: Describe; readonly unshown?: string[] },
    ) => {
      const resource = createResource({
        ...world.settings,
        operations: { purge: 'Delete' },
        replay: startedReplaySet(),
      })
      const requirement = { scope: 'read', operation: 'purge', approve: true, ...more } as const
      const { handle } = createCheck({
        resource,
        proxy: 'envoy',
        bodies: 'seen',
        routes: [{ path, methods: ['DELETE'], requirement }],
      })
      const headers = await world.sign({ as: await world.holder({ sub: 'alice' }), method: 'DELETE', target })
      const body = new Uint8Array()
      const response = (await handle({ method: 'DELETE', target: `/check${target}`, headers, body })) as Response
      return [response.status, Object(await response.json()).reason]
    }
    const [asked, unshowable] = [
      [401, 'approval_needed'],
      [403, 'approval_unshowable'],
    ]

    test('the segment that is described, and none after it', async () => {
      const describe = describeBy('Delete {path/2}')
      expect(await ask('/messages/*', '/messages/5', { describe })).toEqual(asked)
      for (const target of ['/messages/5/attachments', '/messages/5/', '/messages/5?all=1'])
        expect(await ask('/messages/*', target, { describe }), target).toEqual(unshowable)
      expect(await ask('/messages/*', '/messages/5/now', { describe, unshown: ['path/3'] })).toEqual(asked)
      // Of `/mess*`, the first segment is open, too.
      expect(await ask('/mess*', '/messages/5', { describe })).toEqual(unshowable)
      expect(await ask('/mess*', '/messages/5', { describe: describeBy('Delete {path/2} of {path/1}') })).toEqual(asked)
    })

    test('a route lists its methods: a DELETE would be described as a payment', () => {
      const make = (more: Partial<GatewayRoute<'read'>>, requirement: object) => () => {
        const resource = createResource({ ...world.settings, operations: { pay: 'Pay' }, replay: startedReplaySet() })
        const own = { scope: 'read', operation: 'pay', ...requirement } as const
        createCheck({ resource, routes: [{ path: '/payments', requirement: own, ...more }], proxy: 'envoy' })
      }
      for (const asked of [{ approve: true }, { describe: describeBy('Pay') }]) {
        expect(make({}, asked)).toThrow(/\/payments.*methods/)
        expect(make({ methods: ['POST'] }, asked)).not.toThrow()
      }
      expect(make({}, {})).not.toThrow()
    })

    test('nothing is described: only a route of one path passes', async () => {
      expect(await ask('/messages/*', '/messages/5', {})).toEqual(unshowable)
      expect(await ask('/messages/*', '/messages/5', { unshown: ['path'] })).toEqual(asked)
      expect(await ask('/messages', '/messages', {})).toEqual(asked)
    })
  },
)
