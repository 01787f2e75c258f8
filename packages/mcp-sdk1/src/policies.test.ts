import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { asAgent, asHolder, type Signer } from '@countersign/testing/world/signer'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { display } from '../../resource/src/index.js'
import { calendarId, makeWorld } from '../../resource/src/world.test.fixture.js'
import { guardMcp } from './index.js'
import { initialize, rpc } from './tools.test.fixture.js'

// Delegation policies and approvals at a server of tools: a tool is an operation of its own name.

async function serving() {
  const world = await makeWorld()
  const ran: string[] = []
  const build = (): McpServer => {
    const server = new McpServer({ name: 'mail', version: '1' })
    for (const tool of ['read', 'send', 'purge', 'other'])
      server.registerTool(tool, { inputSchema: z.looseObject({}) }, async () => {
        ran.push(tool)
        return { content: [] }
      })
    return server
  }
  const scope = 'events.read'
  const participant = guardMcp(build, world.calendar(), {
    now: () => world.clock.now,
    session: { level: 'identified' },
    tools: {
      send: {
        scope,
        approve: true,
        describe: request => display`Send to ${Object(request.json()).to}`,
      },
      read: { scope, purposes: ['support'] },
      '*': { scope },
    },
  })
  /** Calls a tool under these claims, in a session of the same caller. */
  const caller = async (claims: Record<string, unknown> = {}, own?: Signer) => {
    const { sub = 'alice' } = claims
    const opener = own ?? asHolder(world.delegateKey, await world.authToken({ sub }))
    const send = async (as: typeof opener, body: string, id?: string): Promise<Response> => {
      const more = id === undefined ? {} : { 'mcp-session-id': id }
      const headers = Object.entries({ accept: 'application/json, text/event-stream', ...more })
      const components = Object.keys(more)
      return participant.handle(
        await world.request({ as, method: 'POST', target: '/mcp', headers, additionalComponents: components, body }),
      ) as Promise<Response>
    }
    const id = (await send(opener, initialize)).headers.get('mcp-session-id') ?? ''
    return async (name: string, given: object = {}, more: Record<string, unknown> = {}, key = world.delegateKey) => {
      const as = own ?? asHolder(key, await world.authToken({ sub: 'alice', ...claims, ...more }))
      const before = ran.length
      const answer = await send(as, rpc('tools/call', { name, arguments: given }, 7), id)
      const body = answer.headers.get('content-type') === 'application/json' ? await answer.json() : {}
      await answer.body?.cancel().catch(() => undefined)
      return { answer, outcome: [answer.status, Object(body).reason ?? null], runs: ran.length - before }
    }
  }
  return { world, ran, caller }
}

const operationIn = (answer: Response): { name: string; digest: string; display: string[] } => {
  const [, payload = ''] = /resource_token="[^.]+\.([^.]+)\./.exec(answer.headers.get('agent-auth') ?? '') ?? []
  return JSON.parse(Buffer.from(payload, 'base64url').toString()).operation
}

describe('an approval of a tool', () => {
  test(
    verifies('APR-01', 'APR-02', 'APR-03', 'APR-06', 'is for its arguments, passes once, and opens no other tool'),
    async () => {
      const { caller } = await serving()
      const call = await caller()
      const { answer, outcome, runs } = await call('send', { to: 'bob' })
      expect([outcome, runs]).toEqual([[401, 'approval_needed'], 0])
      const { name, digest, display: shown } = operationIn(answer)
      expect([name, shown]).toEqual(['send', ['Send to ', 'bob', '']])
      const approved = { operation_digest: digest, jti: 'one' }
      expect((await call('send', { to: 'eve' }, approved)).outcome).toEqual([401, 'approval_needed'])
      for (const tool of ['read', 'other'])
        expect((await call(tool, { to: 'bob' }, approved)).outcome, tool).toEqual([401, 'approval_of_another'])
      const passed = await call('send', { to: 'bob' }, approved)
      expect([passed.outcome[0], passed.runs]).toEqual([200, 1])
      const again = await call('send', { to: 'bob' }, approved)
      expect([again.outcome, again.runs]).toEqual([[401, 'approval_used'], 0])
    },
  )

  test(verifies('APR-30', 'policy.approval', 'is asked by a condition for a tool by its name'), async () => {
    const { caller } = await serving()
    const call = await caller({ constraints: [{ type: 'approval', resource: calendarId, of: ['purge'] }] })
    expect((await call('other')).outcome[0]).toBe(200)
    // Without words of the server about the call, there is nothing that shows its arguments.
    expect((await call('purge', { id: 5 })).outcome).toEqual([403, 'approval_unshowable'])
    const { answer, outcome } = await call('purge')
    expect(outcome).toEqual([401, 'approval_needed'])
    expect(operationIn(answer)).toEqual({ name: 'purge', digest: expect.stringMatching(/^[\w-]{43}$/) })
    const every = await caller({ constraints: [{ type: 'approval', resource: calendarId, of: '*' }] })
    expect((await every('other')).outcome).toEqual([401, 'approval_needed'])
    expect((await every('a b')).outcome).toEqual([403, 'approval_impossible'])
  })
})

describe('what an approval of a tool is bound to', () => {
  test(verifies('APR-16', 'a display that hides or turns text is refused'), async () => {
    const { caller } = await serving()
    const call = await caller()
    expect((await call('send', { to: 'bob' })).outcome).toEqual([401, 'approval_needed'])
    for (const to of ['a\u202eb', 'a\u200bb', 'a\nb', 'x'.repeat(600)])
      expect((await call('send', { to })).outcome, JSON.stringify(to)).toEqual([403, 'approval_unshowable'])
  })

  test(verifies('APR-26', 'a caller without an auth token does not pass, and is shown no operation'), async () => {
    const { world, caller } = await serving()
    const call = await caller({}, asAgent(world.agent))
    const { answer, outcome, runs } = await call('send', { to: 'bob' })
    expect([outcome, runs]).toEqual([[401, 'level_insufficient'], 0])
    expect(operationIn(answer)).toBeUndefined()
  })

  test(verifies('APR-33', 'it is bound to the key that asked'), async () => {
    const { world, caller } = await serving()
    const call = await caller()
    const { digest } = operationIn((await call('send', { to: 'bob' })).answer)
    const approved = { operation_digest: digest, jti: 'bound' }
    const thief: typeof world.delegateKey = await generateSigningKey('ES256')
    const stolen = await call('send', { to: 'bob' }, approved, thief)
    expect([stolen.answer.status, stolen.runs]).toEqual([401, 0])
    expect((await call('send', { to: 'bob' }, approved)).outcome[0]).toBe(200)
  })

  test(verifies('APR-27', 'a call that would not pass anyway is not described'), async () => {
    const { caller } = await serving()
    const call = await caller({ constraints: [{ type: 'until', time: 1 }] })
    expect((await call('send', { to: 'bob' })).outcome).toEqual([403, 'condition_ended'])
    const other = await (await caller())('send', { to: 'bob' }, { scope: 'events.write' })
    expect(other.answer.status).toBe(403)
    expect(other.answer.headers.get('agent-auth') ?? '').not.toContain('operation')
  })
})

describe('conditions at tools', () => {
  test(verifies('DEL-22', 'the time of until is already too late'), async () => {
    const { caller, world } = await serving()
    const now = Math.floor(world.clock.now)
    const outcome = async (time: number) =>
      (await (await caller({ constraints: [{ type: 'until', time }] }))('other')).outcome
    expect(await outcome(now)).toEqual([403, 'condition_ended'])
    expect((await outcome(now + 30))[0]).toBe(200)
  })

  test(verifies('DEL-37', 'users are counted apart'), async () => {
    const { caller } = await serving()
    const constraints = [{ type: 'calls', max: 1, per: 'day' }]
    for (const sub of ['alice', 'bob']) {
      const call = await caller({ sub, constraints })
      expect((await call('other')).answer.status).toBe(200)
      expect((await call('other')).answer.status).toBe(429)
    }
  })

  test(verifies('DEL-35', 'a refused call of a tool costs none'), async () => {
    const { caller } = await serving()
    const constraints = [
      { type: 'calls', max: 1, per: 'day' },
      { type: 'arguments', resource: calendarId, of: 'other', where: [{ at: '/a' }] },
    ]
    const call = await caller({ constraints })
    expect((await call('other', { b: 1 })).outcome).toEqual([403, 'condition_arguments'])
    expect((await call('other', { a: 1 })).outcome[0]).toBe(200)
    expect((await call('other', { a: 1 })).outcome[0]).toBe(429)
  })

  test(verifies('policy.answer', 'policy.until', 'each kind is judged for the tool that a message calls'), async () => {
    const { caller } = await serving()
    const rows = [
      [{ type: 'until', time: 1 }, 'condition_ended'],
      [{ type: 'hours', zone: 'UTC', days: [1], from: '00:00', to: '00:01' }, 'condition_outside_hours'],
      [{ type: 'resources', any: ['https://a.example'] }, 'condition_resource'],
      [{ type: 'scopes', any: ['events.write'] }, 'condition_scope'],
      [{ type: 'purposes', any: ['billing'] }, 'condition_purpose'],
    ] as const
    for (const [condition, reason] of rows) {
      const call = await caller({ constraints: [condition] })
      const { outcome, runs } = await call('other')
      expect([outcome, runs], reason).toEqual([[403, reason], 0])
    }
    const chained = await caller({
      constraints: [{ type: 'chain', max: 0 }],
      act: { iss: 'https://auth.example', agent: 'https://first.example' },
    })
    expect((await chained('other')).outcome[0]).toBe(403)
    expect((await (await caller({ constraints: [] }))('other')).outcome[0]).toBe(200)
  })

  test(verifies('DEL-16', 'policy.purposes', 'a rule for some purposes is closed to other tokens'), async () => {
    const { caller } = await serving()
    const call = await caller()
    expect((await call('read', {}, { purposes: 'support' })).outcome[0]).toBe(200)
    expect((await call('read', {}, { purposes: 'billing' })).outcome).toEqual([403, 'condition_purpose'])
  })

  test(verifies('DEL-32', 'policy.calls', 'calls of tools are counted'), async () => {
    const { caller, ran } = await serving()
    const call = await caller({ constraints: [{ type: 'calls', max: 2, per: 'day' }] })
    for (const expected of [200, 200, 429]) expect((await call('other')).answer.status).toBe(expected)
    expect(ran.length).toBe(2)
  })

  test(
    verifies('policy.approval', 'an approval asked of a session would be asked of no tool: it is refused'),
    async () => {
      const calendar = (await makeWorld()).calendar()
      const server = () => new McpServer({ name: 'mail', version: '1' })
      const scope = 'events.read'
      for (const said of [{ approve: true }, { describe: () => ['Send'] }, { operation: 'send' }] as const) {
        const session = { scope, operation: 'send', ...said } as const
        expect(() => guardMcp(server, calendar, { session, tools: { '*': { scope } } })).toThrow(
          /belong to the rules of tools/,
        )
      }
      expect(() => guardMcp(server, calendar, { session: { scope } })).not.toThrow()
    },
  )
})
