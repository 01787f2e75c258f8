import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { asAgent, asHolder, asKey, type Signer } from '@countersign/testing/world/signer'
import { beforeAll, describe, expect, test } from 'vitest'
import { askOf, makeTools, messagesOf, rpc, type Tools } from './tools.test.fixture.js'

let tools: Tools
let pseudonym: Signer
let reader: Signer
beforeAll(async () => {
  tools = await makeTools()
  pseudonym = asKey(await generateSigningKey())
  reader = asHolder(tools.world.delegateKey, await tools.world.authToken({ sub: 'alice' }))
})

const textOf = (result: unknown): unknown => Object(result).content?.[0]?.text
const echo = { method: 'tools/call', params: { name: 'echo', arguments: { text: 'hi' } } }

describe.each([
  ['2026-07-28', { versionNegotiation: { mode: { pin: '2026-07-28' } } }],
  ['2025-11-25', {}],
] as const)('a client of the SDK at %s', (version, options) => {
  test(
    verifies('mcp.subject-decides', 'climbs through all levels: the tool that a request names decides'),
    async () => {
      const { world, client, calls } = tools
      let as = asKey(world.delegateKey)
      const connected = await client(() => as, options)
      expect(connected.client.getNegotiatedProtocolVersion()).toBe(version)
      const call = async (name: string) =>
        connected.client.callTool({ name, arguments: { text: 'hi' } }).then(textOf, () => connected.statuses.at(-1))
      expect(await call('echo')).toBe(401)
      as = asHolder(world.delegateKey, await world.agentToken({ sub: 'phone' }))
      expect(await call('echo')).toBe('echo hi')
      expect(await call('add')).toBe(401)
      as = asHolder(world.delegateKey, await world.authToken({ sub: 'alice' }))
      expect(await call('add')).toBe(403)
      as = asHolder(world.delegateKey, await world.authToken({ sub: 'alice', scope: 'events.write' }))
      expect(await call('add')).toBe('add hi')
      expect(await call('secret')).toBe(403)
      expect(calls.splice(0)).toEqual([
        { tool: 'echo', by: 'identified https://agent.example phone' },
        { tool: 'add', by: 'authorized https://agent.example phone alice' },
      ])
      await connected.client.close()
    },
  )

  test('gets progress before the answer, and reads resources and prompts by their own rules', async () => {
    const { client, world } = tools
    let as = asAgent(world.agent)
    const connected = await client(() => as, options)
    const seen: number[] = []
    const onprogress = ({ progress }: { progress: number }): void => void seen.push(progress)
    await connected.client.callTool({ name: 'slow', _meta: { progressToken: 'p' } }, { onprogress }).catch(() => {})
    const read = async (uri: string) =>
      connected.client.readResource({ uri }).then(
        ({ contents }) => Object(contents[0]).text,
        () => connected.statuses.at(-1),
      )
    expect([await read('note://public/one'), await read('note://private/two')]).toEqual(['one', 401])
    as = reader
    expect(await read('note://private/two')).toBe('two')
    expect((await connected.client.getPrompt({ name: 'greet' })).messages).toHaveLength(1)
    await connected.client.close()
  })

  test('sees in the list what each tool needs, and whether it has it', async () => {
    const { client, world } = tools
    const listed = async (as: Signer) => {
      const connected = await client(() => as, options)
      const all = (await connected.client.listTools()).tools.map(({ name, _meta }) => [
        name,
        _meta?.['aauth/requires'],
        _meta?.['aauth/allowed'],
      ])
      await connected.client.close()
      return all.filter(([name]) => ['echo', 'add', 'secret'].includes(String(name)))
    }
    const said = (echo: boolean, add: boolean) => [
      ['echo', { level: 'identified' }, echo],
      ['add', { level: 'authorized', scope: 'events.write' }, add],
      // A tool without a rule is never allowed.
      ['secret', undefined, false],
    ]
    expect(await listed(pseudonym)).toEqual(said(false, false))
    expect(await listed(asAgent(world.agent))).toEqual(said(true, false))
    const writer = asHolder(world.delegateKey, await world.authToken({ sub: 'alice', scope: 'events.write' }))
    expect(await listed(writer)).toEqual(said(true, true))
  })
})

test(
  verifies('mcp.private-lists', 'a list that says what its caller may use is kept for no other caller'),
  async () => {
    const [list] = await messagesOf(await tools.say(pseudonym, { method: 'tools/list' }))
    expect(Object(list).result).toMatchObject({ cacheScope: 'private', resultType: 'complete' })
  },
)

test(verifies('mcp.announced', 'the server announces AAuth among its extensions'), async () => {
  const [discovered] = await messagesOf(await tools.say(pseudonym, { method: 'server/discover' }))
  expect(Object(discovered).result.capabilities.extensions).toEqual({
    'io.github.countersign-dev/aauth': { edition: '2026-01', authorization: 'Agent-Auth' },
  })
})

test(
  verifies('mcp.name-spellings', 'mcp.method-spellings', 'other spellings of a tool or method run nothing'),
  async () => {
    const lax = { level: 'pseudonymous' } as const
    const rules = { session: lax, tools: { add: { scope: 'events.write' }, '*': lax } } as const
    const open = await makeTools({ options: rules, world: tools.world })
    const statusOf = async (method: string, name: string): Promise<number> => {
      const response = await open.say(pseudonym, { method, params: { name, arguments: {} } })
      await response.text()
      return response.status
    }
    for (const name of ['ADD', 'add\u00a0', 'a\u200bdd', '\uff41dd'])
      expect(await statusOf('tools/call', name), JSON.stringify(name)).toBe(403)
    for (const method of ['Tools/Call', 'tools//call']) expect(await statusOf(method, 'secret'), method).toBe(400)
    expect(open.calls).toEqual([])
    expect([await statusOf('tools/call', 'add'), await statusOf('tools/call', 'secret')]).toEqual([401, 200])
    expect(open.calls.map(({ tool }) => tool)).toEqual(['secret'])
  },
)

test('a refusal is a challenge for what the tool needs', async () => {
  const refused = await tools.say(asAgent(tools.world.agent), { method: 'tools/call', params: { name: 'add' } })
  expect([refused.status, refused.headers.get('agent-auth')]).toEqual([
    401,
    expect.stringMatching(/^httpsig; auth-token; resource_token="[^"]+"; auth_server="https:\/\/auth.example"$/),
  ])
})

test('what the server itself refuses keeps its status', async () => {
  const answers = await Promise.all(
    [{ method: 'tools/none' }, { method: 'tools/call', params: { name: 'echo', arguments: { text: 5 } } }].map(said =>
      tools.say(asAgent(tools.world.agent), said),
    ),
  )
  expect(answers.map(({ status }) => status)).toEqual([404, 200])
})

describe('headers and body', () => {
  const table: ReadonlyArray<readonly [string, Readonly<Record<string, string | undefined>>]> = [
    ['name different tools', { 'mcp-name': 'add' }],
    ['name different methods', { 'mcp-method': 'tools/list' }],
    ['name different revisions', { 'mcp-protocol-version': '2025-11-25' }],
    ['differ in case', { 'mcp-name': 'Echo' }],
    ['have no name', { 'mcp-name': undefined }],
    ['have no method', { 'mcp-method': undefined }],
    ['have no revision', { 'mcp-protocol-version': undefined }],
    ['have a name whose base64 cannot be read', { 'mcp-name': '=?base64?ZWNob?=' }],
    ['have a name for a method without names', { 'mcp-name': 'echo', 'mcp-method': 'tools/call' }],
  ]
  test.each(table)(verifies('mcp.headers', 'that %s are refused, and no tool runs'), async (why, headers) => {
    const { say, calls, world } = tools
    const list = why.endsWith('without names')
    const said = list
      ? { method: 'tools/list', headers: { ...headers, 'mcp-method': 'tools/list' } }
      : { ...echo, headers }
    const refused = await say(asAgent(world.agent), said)
    expect([refused.status, await refused.json()]).toEqual([
      400,
      {
        jsonrpc: '2.0',
        id: 1,
        error: {
          code: -32_020,
          message: expect.stringContaining('disagrees with the body'),
          data: { error: 'invalid_request', reason: 'mcp_headers_mismatched' },
        },
      },
    ])
    expect(calls).toEqual([])
  })

  test(verifies('mcp.headers', 'a header that is there twice is refused'), async () => {
    const { world, participant } = tools
    const { body = '', headers = {} } = askOf(echo)
    for (const name of ['mcp-method', 'mcp-name', 'mcp-protocol-version']) {
      const lines: Array<[string, string]> = [...Object.entries(headers), [name, headers[name] ?? '']]
      const message = await world.request({
        as: asAgent(world.agent),
        method: 'POST',
        target: '/mcp',
        body,
        contentType: 'application/json',
        headers: lines,
        additionalComponents: Object.keys(headers),
      })
      const response = (await participant.handle(message)) as Response
      expect([response.status, Object(await response.json()).error.code], name).toEqual([400, -32_020])
    }
  })

  test('a name may be written in base64', async () => {
    const { say, calls, world } = tools
    const answer = await say(asAgent(world.agent), { ...echo, headers: { 'mcp-name': '=?base64?ZWNobw==?=' } })
    expect([answer.status, calls.splice(0).length]).toEqual([200, 1])
  })

  test.each(['mcp-method', 'mcp-name', 'mcp-protocol-version'])(
    verifies('mcp.covered', '%s must be covered by the signature'),
    async name => {
      const { say, calls, world } = tools
      const refused = await say(asAgent(world.agent), { ...echo, uncovered: [name] })
      expect([refused.status, await refused.json()]).toEqual([
        401,
        expect.objectContaining({ error: 'invalid_signature', reason: 'component_not_covered' }),
      ])
      expect(calls).toEqual([])
    },
  )
})

describe('there are no sessions', () => {
  test(verifies('mcp.no-session', 'a session id under the new revision is refused'), async () => {
    const { say, calls, world } = tools
    const refused = await say(asAgent(world.agent), { ...echo, headers: { 'mcp-session-id': 'old' } })
    expect([refused.status, Object(await refused.json()).error.data.reason]).toEqual([400, 'session_id_invalid'])
    expect(calls).toEqual([])
  })

  test.each(['GET', 'DELETE', 'PUT'])('%s is not allowed', async method => {
    const refused = await tools.send(asAgent(tools.world.agent), { method })
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'POST'])
  })

  test('old clients can be refused', async () => {
    const strict = await makeTools({ options: { legacy: 'reject', session: { level: 'pseudonymous' } } })
    const initialize = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } }
    const refused = await strict.send(pseudonym, { body: rpc('initialize', initialize, 0) })
    expect([refused.status, Object(await refused.json()).error.code]).toEqual([400, -32_022])
  })
})

test.each([
  ['a batch', `[${rpc('tools/call', { name: 'echo' }, 1)},${rpc('tools/call', { name: 'echo' }, 2)}]`],
  ['a member twice', '{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call","params":{"name":"echo"}}'],
  ['a member in another case', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"Name":"echo","name":"echo"}}'],
  [
    'a state in another case',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"RequestState":"a","name":"ask"}}',
  ],
  ['no JSON', '{"jsonrpc":"2.0"'],
])(verifies('mcp.one-reading', '%s is refused, and no tool runs'), async (_, body) => {
  const { send, calls, world } = tools
  const refused = await send(asAgent(world.agent), { body })
  expect([refused.status, Object(await refused.json()).error.data]).toEqual([
    400,
    { error: 'invalid_request', reason: 'rpc_malformed' },
  ])
  expect(calls).toEqual([])
})
