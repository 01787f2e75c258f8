import { generateSigningKey } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { asAgent, asHolder, asKey, type Signer } from '@countersign/testing/world/signer'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { beforeAll, expect, test } from 'vitest'
import { makeWorld } from '../../resource/src/world.test.fixture.js'
import { guardMcp } from './index.js'
import { initialize, makeTools, messagesOf, openSession, rpc, type Tools } from './tools.test.fixture.js'

let tools: Tools
let pseudonym: Signer
beforeAll(async () => {
  tools = await makeTools()
  pseudonym = asKey(await generateSigningKey())
})

const textOf = (result: unknown): unknown => Object(result).content?.[0]?.text

test(
  verifies(
    'mcp.subject-decides',
    'mcp.session-levels',
    'the tool that a message names decides its requirement; one session continues through all levels',
  ),
  async () => {
    const { world, client, calls } = tools
    let as = asKey(world.delegateKey)
    const connected = await client(() => as)
    const { sessionId } = connected.transport
    expect(sessionId).toMatch(/^[\w-]{43}$/)
    const call = async (name: string) =>
      connected.client.callTool({ name, arguments: { text: 'hi' } }).then(textOf, error => error.code)
    expect(await call('echo')).toBe(401)
    as = asHolder(world.delegateKey, await world.agentToken({ sub: 'phone' }))
    expect(await call('echo')).toBe('echo hi')
    expect(await call('add')).toBe(401)
    as = asHolder(world.delegateKey, await world.authToken({ sub: 'alice' }))
    expect(await call('add')).toBe(403)
    as = asHolder(world.delegateKey, await world.authToken({ sub: 'alice', scope: 'events.write' }))
    expect(await call('add')).toBe('add hi')
    expect(calls.splice(0)).toEqual([
      { tool: 'echo', by: 'identified https://agent.example phone' },
      { tool: 'add', by: 'authorized https://agent.example phone alice' },
    ])
    expect(connected.transport.sessionId).toBe(sessionId)
    await connected.client.close()
  },
)

test('a refusal is a challenge for what the tool needs', async () => {
  const { world, send } = tools
  const as = asAgent(world.agent)
  const id = await openSession(tools, as)
  const refused = await send(as, { body: rpc('tools/call', { name: 'add' }, 1), headers: { 'mcp-session-id': id } })
  expect([refused.status, refused.headers.get('agent-auth')]).toEqual([
    401,
    expect.stringMatching(/^httpsig; auth-token; resource_token="[^"]+"; auth_server="https:\/\/auth.example"$/),
  ])
  const [, token = ''] = /resource_token="[^.]+\.([^.]+)/.exec(refused.headers.get('agent-auth') ?? '') ?? []
  expect(JSON.parse(Buffer.from(token, 'base64url').toString()).scope).toBe('events.write')
})

test('a list of tools has the requirement of each tool, and whether the caller meets it', async () => {
  const { world, client } = tools
  const listed = async (as: Signer) => {
    const connected = await client(() => as)
    const all = (await connected.client.listTools()).tools.map(({ name, _meta }) => [
      name,
      _meta?.['aauth/requires'],
      _meta?.['aauth/allowed'],
    ])
    await connected.client.close()
    return all.filter(([name]) => ['echo', 'add', 'secret'].includes(String(name)))
  }
  const asks = {
    echo: { level: 'identified' },
    add: { level: 'authorized', scope: 'events.write' },
    secret: { level: 'pseudonymous' },
  }
  const said = (echo: boolean, add: boolean) => [
    ['echo', asks.echo, echo],
    ['add', asks.add, add],
    // A tool without a rule is never allowed.
    ['secret', undefined, false],
  ]
  expect(await listed(pseudonym)).toEqual(said(false, false))
  expect(await listed(asAgent(world.agent))).toEqual(said(true, false))
  const reader = asHolder(world.delegateKey, await world.authToken({ sub: 'alice' }))
  expect(await listed(reader)).toEqual(said(true, false))
  const writer = asHolder(world.delegateKey, await world.authToken({ sub: 'alice', scope: 'events.write' }))
  expect(await listed(writer)).toEqual(said(true, true))
})

test(
  verifies(
    'mcp.subject-decides',
    'resources have the rule of the longest prefix of their URI; prompts without rules have that of the session',
  ),
  async () => {
    const { world, client, send } = tools
    const connected = await client(() => pseudonym)
    const read = async (uri: string) =>
      connected.client.readResource({ uri }).then(
        ({ contents }) => Object(contents[0]).text,
        error => error.code,
      )
    expect([await read('note://public/one'), await read('note://private/two')]).toEqual(['one', 401])
    expect((await connected.client.getPrompt({ name: 'greet' })).messages).toHaveLength(1)
    await connected.client.close()
    const reader = asHolder(world.delegateKey, await world.authToken({ sub: 'alice' }))
    const id = await openSession(tools, reader)
    const headers = { 'mcp-session-id': id }
    const answer = await send(reader, { body: rpc('resources/read', { uri: 'note://private/two' }, 1), headers })
    expect(await messagesOf(answer)).toMatchObject([{ id: 1, result: { contents: [{ text: 'two' }] } }])
    // Completions and subscriptions have the rule of the resource.
    const as = pseudonym
    const own = { 'mcp-session-id': await openSession(tools, as) }
    for (const [method, params] of [
      ['resources/subscribe', { uri: 'note://private/two' }],
      [
        'completion/complete',
        { ref: { type: 'ref/resource', uri: 'note://private/two' }, argument: { name: 'a', value: '' } },
      ],
    ] as const)
      expect((await send(as, { body: rpc(method, params, 2), headers: own })).status).toBe(401)
  },
)

test(
  verifies(
    'mcp.subject-decides',
    'mcp.no-rule',
    'prompts and their completions have the rule of the name; a prompt without a rule is refused',
  ),
  async () => {
    const { world } = tools
    const asking = async (prompts: NonNullable<Parameters<typeof makeTools>[0]>['prompts'], as: Signer) => {
      const open = await makeTools({ session: { level: 'pseudonymous' }, ...(prompts && { prompts }) }, {}, world)
      open.servers.length = 0
      const headers = { 'mcp-session-id': await openSession(open, as) }
      open.servers[0]?.registerPrompt('other', {}, () => ({ messages: [] }))
      const statusOf = async (method: string, params: object): Promise<number> => {
        const response = await open.send(as, { body: rpc(method, params, 1), headers })
        await response.body?.cancel()
        return response.status
      }
      const argument = { name: 'a', value: '' }
      return {
        got: async (name: string) => statusOf('prompts/get', { name }),
        completed: async (name: string) =>
          statusOf('completion/complete', { ref: { type: 'ref/prompt', name }, argument }),
      }
    }
    const greet = { greet: { scope: 'events.read' } } as const
    const reader = asHolder(world.delegateKey, await world.authToken({ sub: 'alice' }))
    const strict = await asking(greet, pseudonym)
    expect([await strict.got('greet'), await strict.got('other')]).toEqual([401, 403])
    expect([await strict.completed('greet'), await strict.completed('other')]).toEqual([401, 403])
    const read = await asking(greet, reader)
    expect([await read.got('greet'), await read.completed('greet'), await read.got('other')]).toEqual([200, 200, 403])
    const open = await asking({ ...greet, '*': { level: 'pseudonymous' } }, pseudonym)
    expect([await open.got('greet'), await open.got('other'), await open.completed('other')]).toEqual([401, 200, 200])
    const none = await asking(undefined, pseudonym)
    expect([await none.got('greet'), await none.completed('greet')]).toEqual([200, 200])
  },
)

/** What servers that fold names would take for `add` and `greet`. */
const spellings = (name: string): string[] => [
  name.toUpperCase(),
  `${name} `,
  `${name}\0`,
  `\u200b${name}`,
  name.replace('e', '\uff45').replace('a', '\uff41'),
]

test(
  verifies('mcp.name-spellings', 'no other spelling of a tool or prompt goes by the rule of all others'),
  async () => {
    const lax = { level: 'pseudonymous' } as const
    const strict = { scope: 'events.write' } as const
    const rules = { session: lax, tools: { add: strict, '*': lax }, prompts: { greet: strict, '*': lax } }
    const open = await makeTools(rules, {}, tools.world)
    const headers = { 'mcp-session-id': await openSession(open, pseudonym) }
    const statusOf = async (method: string, params: object): Promise<number> => {
      const response = await open.send(pseudonym, { body: rpc(method, params, 1), headers })
      await response.body?.cancel()
      return response.status
    }
    for (const name of spellings('add')) {
      expect(await statusOf('tools/call', { name, arguments: {} }), JSON.stringify(name)).toBe(403)
    }
    for (const name of spellings('greet')) {
      expect(await statusOf('prompts/get', { name }), JSON.stringify(name)).toBe(403)
      const completed = { ref: { type: 'ref/prompt', name }, argument: { name: 'a', value: '' } }
      expect(await statusOf('completion/complete', completed), JSON.stringify(name)).toBe(403)
    }
    expect(open.calls.splice(0)).toEqual([])
    expect([await statusOf('tools/call', { name: 'add' }), await statusOf('prompts/get', { name: 'greet' })]).toEqual([
      401, 401,
    ])
    expect(await statusOf('tools/call', { name: 'secret', arguments: {} })).toBe(200)
    expect(open.calls.splice(0).map(({ tool }) => tool)).toEqual(['secret'])
    const twice = { tools: { add: strict, ADD: lax } }
    await expect(makeTools(twice, {}, tools.world)).rejects.toThrow('two rules are for one tool in different spellings')
  },
)

test(verifies('mcp.method-spellings', 'no other spelling of a method goes by the rule of the session'), async () => {
  const headers = { 'mcp-session-id': await openSession(tools, pseudonym) }
  const answerTo = async (method: string): Promise<unknown> => {
    const body = rpc(method, { name: 'echo', arguments: {}, uri: 'note://private/two' }, 1)
    const response = await tools.send(pseudonym, { body, headers })
    return [response.status, Object(JSON.parse((await response.text()).replace(/^[^{]*/, ''))).reason]
  }
  for (const method of [
    'Tools/Call',
    'tools/call ',
    'tools//call',
    'Resources/Read',
    'tools/call\0',
    'tool\u017f/call',
  ])
    expect(await answerTo(method), JSON.stringify(method)).toEqual([400, 'rpc_malformed'])
  // One that a server has added goes on by the rule of the session, as a ping does.
  expect(await answerTo('vendor/call')).toEqual([200, undefined])
  expect(await answerTo('ping')).toEqual([200, undefined])
  expect(tools.calls.splice(0)).toEqual([])
})

test(verifies('mcp.uri-spellings', 'no other spelling of a URI reaches a resource under a laxer rule'), async () => {
  const open = await makeTools(
    {
      session: { level: 'pseudonymous' },
      resources: { '*': { level: 'pseudonymous' }, 'note://private/*': { scope: 'events.read' } },
    },
    {},
    tools.world,
  )
  const headers = { 'mcp-session-id': await openSession(open, pseudonym) }
  const read = async (uri: string) => {
    const response = await open.send(pseudonym, { body: rpc('resources/read', { uri }, 1), headers })
    return [response.status, (await response.text()).includes('"two"')]
  }
  for (const uri of ['NOTE://private/two', ' note://private/two', 'note://private:/two', 'note://@private/two'])
    expect(await read(uri), uri).toEqual([403, false])
  for (const uri of ['note://me@private/two', 'note://private:1/two', 'note://private?x', 'note://private'])
    expect(await read(uri), uri).toEqual([403, false])
  for (const uri of ['note://priv\tate/two', 'note://%70rivate/two']) expect(await read(uri), uri).toEqual([403, false])
  // No parser reads the other host in this.
  expect(await read('note://public%2f%2e./private:/two')).toEqual([200, false])
  for (const [uri, status] of [
    ['note://private/two', 401],
    ['note://private/../two', 401],
    ['note://public/one', 200],
    ['note://public/a%2Fb', 200],
    ['NOTE://public/one', 200],
    ['https://site.example', 200],
    ['no uri', 200],
  ] as const)
    expect((await read(uri))[0], uri).toBe(status)
})

test(
  verifies(
    'mcp.uri-spellings',
    'a URI that is not ASCII has one rule in every encoding, and none if it could be another text',
  ),
  async () => {
    const scope = 'events.read' as const
    const resources = {
      '*': { level: 'pseudonymous' },
      'file:///priv\u00e9/*': { scope },
      'file:///cle%CC%81/*': { scope },
      'file:///latin%E9': { level: 'pseudonymous' },
    } as const
    const open = await makeTools({ session: { level: 'pseudonymous' }, resources }, {}, tools.world)
    const headers = { 'mcp-session-id': await openSession(open, pseudonym) }
    for (const [uri, status] of [
      ['file:///priv\u00e9/x', 401],
      ['file:///priv%C3%A9/x', 401],
      ['file:///cle\u0301/x', 401],
      // Other bytes that some server takes for the same: in lower case, in another normal form, in Latin-1, cut off.
      ['file:///priv%c3%a9/x', 403],
      ['file:///cl\u00e9/x', 403],
      ['file:///prive\u0301/x', 403],
      ['file:///prive%CC%81/x', 403],
      ['file:///priv%E9/x', 403],
      ['file:///public/%C3', 403],
      ['file:///public/%C3%A9', 200],
      ['file:///publi\u00e9', 200],
      ['file:///publie%CC%81', 200],
      ['file:///latin%E9', 200],
      ['file:///public/100%25', 200],
    ] as const) {
      const response = await open.send(pseudonym, { body: rpc('resources/read', { uri }, 1), headers })
      await response.text()
      expect(response.status, uri).toBe(status)
    }
    const twice = { 'note://\u00e9': { level: 'anonymous' }, 'note://%C3%A9': { level: 'identified' } } as const
    await expect(makeTools({ resources: twice }, {}, tools.world)).rejects.toThrow(TypeError)
  },
)

test(
  verifies(
    'mcp.no-rule',
    'a name that every object has is refused even when all tools are open; so is one without a rule',
  ),
  async () => {
    const open = await makeTools({ tools: { '*': { level: 'identified' } } }, {}, tools.world)
    const connected = await open.client(() => asAgent(open.world.agent))
    const call = (name: string) => connected.client.callTool({ name }).then(textOf, error => error.code)
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty'])
      expect(await call(name), name).toBe(400)
    const as = asAgent(open.world.agent)
    const headers = { 'mcp-session-id': await openSession(open, as) }
    const refused = await open.send(as, { body: rpc('tools/call', { name: 'constructor' }, 1), headers })
    expect(await refused.json()).toMatchObject({ error: 'invalid_request', reason: 'subject_unknown' })
    expect(await call('secret')).toBe('secret ')
    expect(open.calls.map(({ tool }) => tool)).toEqual(['secret'])
    await connected.client.close()
    const strict = await tools.client(() => asAgent(tools.world.agent))
    expect(await strict.client.callTool({ name: 'secret' }).catch(error => error.code)).toBe(403)
    expect(tools.calls.splice(0)).toEqual([])
    await strict.client.close()
  },
)

test(verifies('mcp.no-credentials', 'the server never sees a signature or a token'), async () => {
  const { world } = tools
  const token = await world.agentToken({ sub: 'phone' })
  let seen: unknown
  const open = await makeTools({ tools: { '*': { level: 'identified' } } }, {}, world)
  const other = await open.client(() => asHolder(world.delegateKey, token))
  open.servers.at(-1)?.registerTool('see', {}, async extra => {
    seen = { authInfo: extra.authInfo, requestInfo: extra.requestInfo }
    return { content: [] }
  })
  await other.client.callTool({ name: 'see' })
  expect(seen).toMatchObject({ authInfo: { token: '', clientId: 'https://agent.example' } })
  // Not by what tokens begin with: the thumbprint of a key may have these letters, too.
  const text = JSON.stringify(seen)
  for (const part of token.split('.')) expect(text).not.toContain(part)
  expect(text).not.toMatch(/signature/i)
  await other.client.close()
})

test(
  verifies(
    'NON-17',
    'sig.replay.handed-on',
    'an error of the server does not tell the agent that the request was not processed',
  ),
  async () => {
    const world = await makeWorld()
    const as = asAgent(world.agent)
    let ran = 0
    const endpoint = (makeServer: () => McpServer) =>
      guardMcp(makeServer, world.calendar(), { session: { level: 'identified' }, now: () => world.clock.now })
    const failing = endpoint(() => {
      ran += 1
      throw new AAuthError('temporarily_unavailable', 'away', {
        reason: 'dependency_unavailable',
        retryAfter: 1,
        notProcessed: true,
      })
    })
    const open = async (participant: ReturnType<typeof endpoint>) =>
      participant.handle(
        await world.request({
          as,
          method: 'POST',
          target: '/mcp',
          headers: [['accept', 'application/json, text/event-stream']],
          body: initialize,
        }),
      )
    const refused = await open(failing)
    expect([refused.status, refused.headers.get('retry-after'), refused.headers.get('agent-auth'), ran]).toEqual([
      503,
      '1',
      null,
      1,
    ])
    const well = await open(endpoint(() => new McpServer({ name: 'tools', version: '1' })))
    expect(well.status).toBe(200)
    await well.body?.cancel()
  },
)
