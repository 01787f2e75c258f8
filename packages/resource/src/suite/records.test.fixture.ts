import { inspect } from 'node:util'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import type { Wire } from '@countersign/testing/wire'
import { asAgent, asHolder } from '@countersign/testing/world/signer'
import { describe, expect, test } from 'vitest'
import { header, plus } from '../altered.test.fixture.js'
import { badTokens } from '../bad-tokens.test.fixture.js'
import { logged, nameByProxy, toBoth } from './logged.test.fixture.js'
import { type Stage, unsigned } from './stage.test.fixture.js'

/** All that is told of a request, as a crash dump would have it. */
const dump = (told: unknown): string => inspect(told, { depth: Infinity, maxStringLength: null, showHidden: true })

/** The group LOG: what a resource tells of requests, and what the server it is in logs by itself. */
export function records(stage: Stage): void {
  describe('records', () => {
    decisions(stage)
    claims(stage)
    secrets(stage)
  })
}

function decisions({ world, site, get, post, holder, adapter }: Stage): void {
  const agent = 'https://agent.example'

  test(
    verifies(
      'LOG-03',
      'token.txn',
      'each decision is one record: caller, user, resource, question, reason and request',
    ),
    async () => {
      const { lines, tell } = logged()
      const { send, stop } = await site({ requestId: nameByProxy, onEvent: toBoth(world, tell) })
      const names: string[] = []
      const of = async (wire: Wire) => {
        const request_id = `proxy-id-${names.push('') + 1000}`
        names[names.length - 1] = request_id
        lines.length = 0
        const answer = await send(plus('x-request-id', request_id)(wire))
        const records = lines.map(line => JSON.parse(line))
        for (const record of records)
          expect(record).toMatchObject({ resource: 'https://calendar.example', request_id, msg: record.event })
        // A server that names requests says so.
        expect(answer.headers.get('x-request-id')).toBe(adapter.inApp ? undefined : request_id)
        return records
      }
      const user = { iss: 'https://auth.example', sub: 'alice' }
      const ofAlice = {
        aauth_level: 'authorized',
        agent,
        delegate: 'phone',
        user,
        issuer: 'https://auth.example',
        scope: ['events.read'],
        txn: 'journey-1',
      }
      const as = await holder({ txn: 'journey-1' })
      const passed = await of(await world.request({ as, target: '/events' }))
      expect(passed).toMatchObject([{ event: 'passed', ...ofAlice }])
      expect(await of(await world.request({ as, target: '/edit' }))).toMatchObject([
        {
          event: 'resource_token',
          agent,
          delegate: 'phone',
          authServer: 'https://auth.example',
          scope: 'events.read events.write',
          txn: 'journey-1',
        },
        { event: 'refused', code: 'insufficient_scope', status: 403, ask: 'authorization', ...ofAlice },
      ])
      const refused = (code: string, more: object) => [{ event: 'refused', code, status: 401, ...more }]
      const nobody = { aauth_level: 'anonymous' }
      const key = { aauth_level: 'pseudonymous', key: expect.stringMatching(/^[\w-]{43}$/) }
      expect(await of(await get('/agenda'))).toMatchObject(refused('insufficient_level', { ask: 'identity', ...key }))
      const wire = await post()
      expect(await of(wire)).toMatchObject([{ event: 'passed', ...key }])
      expect(await of(wire)).toMatchObject(refused('replay_detected', { ask: 'nothing', ...key }))
      expect(await of(unsigned('/feed'))).toMatchObject(refused('invalid_signature', { ask: 'signature', ...nobody }))
      expect(await of(unsigned('/public'))).toMatchObject([{ event: 'passed', ...nobody }])
      // What the server logs by itself has the same names.
      expect((await stop()).map(line => JSON.parse(line).request_id)).toEqual(adapter.inApp ? [] : names)
    },
  )

  test(verifies('NON-01', 'a POST passes once'), async () => {
    const { passes, refused } = await site()
    const wire = await post()
    await passes(wire)
    await refused(wire, { status: 401, error: 'replay_detected', challenge: 'none' })
    await passes(await post())
  })

  test(verifies('LOG-06', 'a name for a request that would break a record is replaced'), async () => {
    const { outcome } = await site({ requestId: nameByProxy })
    const named = async (id: string) => {
      const { answer, events } = await outcome(plus('x-request-id', id)(unsigned('/public')))
      expect([answer.status, events.length]).toEqual([200, 1])
      return [events[0]?.request_id, answer.headers.get('x-request-id')]
    }
    for (const id of [
      'x'.repeat(10_000),
      'x'.repeat(65),
      'a"}{"b-name',
      'a b c d e f',
      '\x80\x85\x9b31m-name',
      '{"a":"b"}',
    ]) {
      const [told, answered] = await named(id)
      expect(told, id).toMatch(/^[0-9a-f-]{36}$/)
      expect(answered, id).toBe(adapter.inApp ? undefined : told)
    }
    const taken = 'proxy-id-12345'
    expect(await named(taken)).toEqual([taken, adapter.inApp ? undefined : taken])
  })
}

function claims({ world, site, as }: Stage): void {
  test(verifies('LOG-04', 'an unverified identity is recorded as claimed only'), async () => {
    const { lines, tell } = logged()
    const { outcome, stop, passes } = await site({ onEvent: toBoth(world, tell) })
    const thief = await generateSigningKey()
    const victim = asAgent(world.agent)
    const of = { target: '/events' }
    const good = await world.request({
      as: asHolder(world.delegateKey, await world.authToken({ sub: 'alice' })),
      ...of,
    })
    const flipped = header('signature', value => value.replace(/:[^:]{4}/, ':AAAA'))
    const claimed = async (wire: Wire) => {
      lines.length = 0
      const { answer, events } = await outcome(wire)
      expect([answer.status, events.map(event => [event.type, 'aauth' in event])]).toEqual([401, [['refused', false]]])
      // A description is a constant, which names an agent as an example.
      const [{ claimed: agent, description: _, ...record }, ...more] = lines.map(line => JSON.parse(line))
      expect(more).toEqual([])
      expect(record).not.toHaveProperty('agent')
      expect(JSON.stringify(record)).not.toMatch(/agent\.example|alice|phone/)
      return agent
    }
    for (const wire of [
      await world.request({ as: { ...victim, key: thief }, ...of }),
      await world.request({ as: asHolder(thief, await world.authToken({ sub: 'alice' })), ...of }),
      await world.request({ as: asHolder(thief, await world.agentToken({}, { ...world.agent, key: thief })), ...of }),
      flipped(good),
    ])
      expect(await claimed(wire)).toBe(world.agent.id)
    const named = (id: string) => header('signature-key', () => `sig=jwks_uri;id="${id}";kid="k1";dwk="aauth-agent"`)
    const signed = await world.request({ as: victim, ...of })
    expect(await claimed(named('https://other.example')(signed))).toBe('https://other.example')
    for (const odd of [
      'https://agent.example/alice',
      'https://alice@agent.example',
      `https://${'a'.repeat(300)}.example`,
    ])
      expect(await claimed(named(odd)(signed)), odd).toBeUndefined()
    for (const claims of [{ agent: ['https://agent.example'] }, { agent: '\u001b[2J' }])
      expect(
        await claimed(await world.request({ as: asHolder(thief, await world.authToken(claims)), ...of })),
      ).toBeUndefined()
    expect(await claimed(flipped(await world.request({ as, ...of })))).toBeUndefined()
    lines.length = 0
    await passes(good)
    expect(lines.map(line => JSON.parse(line))).toMatchObject([{ event: 'passed', agent: world.agent.id }])
    expect(lines.join('')).not.toContain('claimed')
    expect((await stop()).join('')).not.toMatch(/agent\.example|alice|phone/)
  })
}

function secrets({ world, site, as }: Stage): void {
  test(verifies('LOG-02', 'no token, key or signature, whatever becomes of it'), async () => {
    const { lines, tell } = logged()
    const { plan, outcome, stop } = await site({ onEvent: toBoth(world, tell) })
    const told: unknown[] = []
    const secret = new Set<string>()
    const call = async (wire: Wire, expected: 'passed' | 'refused', ...words: string[]) => {
      const signature = wire.headers.find(([name]) => name === 'signature')?.[1].slice(5, -1)
      for (const word of [...words, ...(signature === undefined ? [] : [signature])]) secret.add(word)
      const { answer, events } = await outcome(wire)
      expect([answer.status, events.at(-1)?.type]).toEqual([expected === 'passed' ? 200 : 401, expected])
      told.push(...events)
    }
    const show = async (jwt: string, target: string, expected: 'passed' | 'refused') => {
      const parts = jwt.split('.').filter(part => part.length > 40)
      await call(await world.request({ as: asHolder(world.delegateKey, jwt), target }), expected, ...parts)
    }
    await show(await world.authToken({ sub: 'alice' }), '/events', 'passed')
    await show(await world.agentToken(), '/agenda', 'passed')
    await show(await world.agentToken(), '/events', 'refused')
    const bad = (await Promise.all(badTokens.map(([, , make]) => make(world)))).flat().map(({ jwt }) => jwt)
    for (const jwt of bad.filter(token => token.length > 100)) await show(jwt, '/events', 'refused')
    const key = 'private-member-of-a-key-that-nobody-may-see'
    const pseudonym = await world.request({ as, target: '/feed' })
    const withMember = header('signature-key', value => `${value};d="${key}"`)
    await call(withMember(pseudonym), 'refused', key)
    await call(pseudonym, 'passed')
    const bearer = 'bearer-token-that-is-for-somebody-else-0123'
    const code = 'code-that-is-in-a-query-0123456789abcdefghi'
    const withToken = plus('authorization', `Bearer ${bearer}`)
    await call(withToken(unsigned(`/feed?code=${code}`)), 'refused', bearer, code)
    await call(withToken(unsigned(`/public?code=${code}`)), 'passed')
    const all = dump([told, lines, plan.failed, await stop()])
    expect([...secret].filter(word => all.includes(word))).toEqual([])
    expect(all).not.toMatch(/jwt="/)
  })
}
