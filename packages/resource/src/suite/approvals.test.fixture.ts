import { generateSigningKey, memoryReplaySet } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import type { Answer, Wire } from '@countersign/testing/wire'
import { asAgent, asHolder } from '@countersign/testing/world/signer'
import { describe, expect, test } from 'vitest'
import { plus } from '../altered.test.fixture.js'
import { titles } from '../site-words.test.fixture.js'
import type { ConditionCase } from './conditions.test.fixture.js'
import { delegate, denied } from './conditions.test.fixture.js'
import { askForToken, type Expected, type Stage, unsigned, type Visited } from './stage.test.fixture.js'

// The approval of single requests, at the resource. One table: each row runs behind every adapter.

export const lunch: string = '{"subject":"Lunch","to":"bob@example.org"}'
export const asked: Expected = {
  status: 401,
  error: 'insufficient_level',
  reason: 'approval_needed',
  challenge: askForToken,
}
export const another: Expected = {
  status: 401,
  error: 'invalid_auth_token',
  reason: 'approval_of_another',
  challenge: 'httpsig; identity=?1',
}
export const used: Expected = { status: 401, error: 'replay_detected', reason: 'approval_used', challenge: 'none' }
export const impossible: Expected = denied('approval_impossible')
export const unshowable: Expected = denied('approval_unshowable')

/** The claims of the resource token in a challenge. */
export function challenged(
  answer: Answer,
): Record<string, unknown> & { readonly operation?: { readonly digest: string } } {
  const token = /resource_token="([^"]+)"/.exec(answer.headers.get('agent-auth') ?? '')?.[1] ?? ''
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}

export interface Sent {
  readonly target?: string
  readonly method?: string
  readonly body?: string
  readonly contentType?: string
  readonly claims?: Record<string, unknown>
}

/** A signed request of Alice's agent, by default an invitation to lunch. */
export async function sent(
  { world, holder }: Stage,
  { target = '/approved', method = 'POST', body = lunch, contentType, claims = {} }: Sent = {},
): Promise<Wire> {
  const as = await holder({ scope: 'events.write', ...claims })
  const content = method === 'GET' ? {} : { body, ...(contentType === undefined ? {} : { contentType }) }
  return world.request({ as, method, target, ...content })
}

/** The digest for which a request is challenged. */
export async function digestOf(stage: Stage, site: Visited, request: Sent = {}): Promise<string> {
  return challenged(await site.refused(await sent(stage, request), asked)).operation?.digest ?? ''
}

export const approved = (digest: string, claims: Record<string, unknown> = {}): Pick<Sent, 'claims'> => ({
  claims: { operation_digest: digest, ...claims },
})

const uses: readonly ConditionCase[] = [
  {
    ids: ['APR-01', 'APR-03', 'approval.challenge', 'approval.once'],
    type: 'approval',
    title: 'a request is challenged with its operation, passes once with its approval, and not a second time',
    async run(stage) {
      const site = await stage.site()
      const answer = await site.refused(await sent(stage, { claims: { txn: 't-1', grant: 'g1' } }), asked)
      const { operation, ...claims } = challenged(answer)
      expect(claims).toMatchObject({
        iss: 'https://calendar.example',
        aud: 'https://auth.example',
        agent: 'https://agent.example',
        agent_delegate: 'phone',
        scope: 'events.write',
        sub: 'alice',
        txn: 't-1',
      })
      expect(operation).toEqual({
        name: 'send',
        digest: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
        display: ['Send ', 'Lunch', ' to ', 'bob@example.org', ''],
      })
      const jti = crypto.randomUUID()
      const again = approved(operation?.digest ?? '', { jti })
      const passed = JSON.parse((await site.passes(await sent(stage, again))).body)
      expect(passed.aauth.user?.claims ?? {}).toEqual({})
      await site.refused(await sent(stage, again), used)
      await site.passes(await sent(stage, approved(operation?.digest ?? '')))
    },
  },
  {
    ids: ['APR-34'],
    type: 'approval',
    title: 'two issuers may use the same `jti`',
    async run(stage) {
      const { world } = stage
      const site = await stage.site({ authServers: ['https://auth.example', world.strangeServer.id] })
      const claims = { scope: 'events.write', sub: 'alice' }
      for (const issuer of [world.authServer, world.strangeServer]) {
        const post = async (more: object) =>
          world.request({
            as: asHolder(world.delegateKey, await world.authToken({ ...claims, ...more }, issuer)),
            method: 'POST',
            target: '/approved',
            body: lunch,
          })
        const answer = await site.refused(await post({}), { status: 401, reason: 'approval_needed' })
        const own = { jti: 'same', operation_digest: challenged(answer).operation?.digest }
        await site.passes(await post(own))
        await site.refused(await post(own), used)
      }
    },
  },
  {
    ids: ['APR-05'],
    type: 'approval',
    title: 'after a restart that forgot them, earlier approvals count as used',
    async run(stage) {
      const { world } = stage
      const now = () => world.clock.now
      const restarted = await stage.site({ replay: memoryReplaySet({ now }) })
      world.clock.now += 2
      // Asked for anew, as sessions do not outlive a restart: where there are none, it is the one from before.
      const digest = await digestOf(stage, restarted)
      await restarted.refused(await sent(stage, approved(digest, { iat: Math.floor(now()) - 2 })), used)
      await restarted.passes(await sent(stage, approved(digest, { iat: Math.floor(now()) })))
    },
  },
  {
    ids: ['APR-05'],
    type: 'approval',
    title: 'an approval is remembered until its token has ended, and its last minute passes among many others',
    async run(stage) {
      const { world } = stage
      const site = await stage.site()
      const digest = await digestOf(stage, site)
      const { now } = world.clock
      const life = { iat: Math.floor(now), exp: Math.floor(now) + 300 }
      const first = approved(digest, { ...life, jti: 'first' })
      await site.passes(await sent(stage, first))
      for (const later of [100, 200, 299]) {
        world.clock.now = now + later
        await site.refused(await sent(stage, first), used)
        await site.passes(await sent(stage, { claims: { operation_digest: digest } }))
      }
      await site.passes(await sent(stage, approved(digest, { ...life, jti: 'late' })))
      world.clock.now = now
    },
  },
]

const digests: readonly ConditionCase[] = [
  {
    ids: ['APR-02', 'APR-19', 'approval.digest', 'approval.differs'],
    httpOnly: true,
    type: 'approval',
    title: 'a request that differs in a byte, the query, the type, the path or the coding is another one',
    async run(stage) {
      const site = await stage.site()
      const digest = await digestOf(stage, site)
      const others: readonly Sent[] = [
        { body: `${lunch} ` },
        { contentType: 'application/json;charset=utf-8' },
        { method: 'PUT' },
      ]
      for (const other of others) {
        const answer = await site.refused(await sent(stage, { ...other, ...approved(digest) }), asked)
        expect(challenged(answer).operation?.digest).not.toBe(digest)
      }
      await site.refused(await sent(stage, { target: '/approved?x', ...approved(digest) }), unshowable)
      const purge = (id: string): Sent => ({ target: `/purge?${id}`, body: '{}' })
      const purged = approved(await digestOf(stage, site, purge('5')))
      await site.refused(await sent(stage, { ...purge('6'), ...purged }), asked)
      await site.refuses(
        await sent(stage, approved(digest)),
        wire => ({ ...wire, body: Buffer.from(lunch.replace('bob', 'eve')) }),
        { status: 401, error: 'invalid_signature' },
      )
    },
  },
  {
    ids: ['APR-19'],
    type: 'approval',
    title: 'a header that nobody signed changes neither the display nor the digest',
    async run(stage) {
      const site = await stage.site()
      const digest = await digestOf(stage, site)
      await site.passes(plus('x-dry-run', '1')(await sent(stage, approved(digest))))
    },
  },
  {
    ids: ['APR-19', 'approval.digest'],
    httpOnly: true,
    type: 'approval',
    title: 'a content coding must be signed: the bytes that a user approved would say something else',
    async run(stage) {
      const site = await stage.site()
      const target = '/purge?5'
      const digest = await digestOf(stage, site, { target, body: '{}' })
      const same = await sent(stage, { target, body: '{}', ...approved(digest) })
      const uncovered: Expected = { status: 401, error: 'invalid_signature', reason: 'component_not_covered' }
      const answer = await site.refused(plus('content-encoding', 'identity')(same), uncovered)
      expect(answer.headers.get('agent-auth') ?? '').not.toContain('auth-token')
      await site.passes(await sent(stage, { target, body: '{}', ...approved(digest) }))
    },
  },
  {
    ids: ['APR-18'],
    type: 'approval',
    title: 'what the user saw must still be true when the request comes',
    async run(stage) {
      const site = await stage.site()
      const purge: Sent = { target: '/purge?5', body: '{}' }
      const digest = await digestOf(stage, site, purge)
      titles.set('5', 'Contract')
      try {
        const answer = await site.refused(await sent(stage, { ...purge, ...approved(digest) }), asked)
        expect(challenged(answer).operation).toMatchObject({ display: ['Delete ', 'Contract', ''] })
      } finally {
        titles.set('5', 'Lunch')
      }
      await site.passes(await sent(stage, { ...purge, ...approved(digest) }))
    },
  },
  {
    ids: ['APR-39', 'approval.shown'],
    httpOnly: true,
    type: 'approval',
    title:
      'a request that holds more than its user is shown is refused, and so are members and parameters in another case',
    async run(stage) {
      const site = await stage.site()
      const more = ['"bcc":"eve"', '"TO":"eve"', '"to\\u200b":"eve"', '"cc":[]', '"__proto__":{"to":"eve"}']
      for (const member of more) {
        const body = lunch.replace('}', `,${member}}`)
        await site.refused(await sent(stage, { body }), { ...unshowable, what: member })
      }
      for (const query of ['?to=eve', '?draft=1', '?&to[]=eve'])
        await site.refused(await sent(stage, { target: `/approved${query}` }), { ...unshowable, what: query })
      await site.refused(await sent(stage), asked)
      await site.passes(await sent(stage, approved(await digestOf(stage, site))))
    },
  },
  {
    ids: ['APR-16', 'APR-35', 'approval.display'],
    httpOnly: true,
    type: 'approval',
    title: 'what cannot be shown is refused, never cut; what is shown stands in no record',
    async run(stage) {
      const site = await stage.site()
      const before = stage.world.events.length
      const about = (subject: string) => ({ body: JSON.stringify({ subject, to: 'b' }) })
      // With the words of the display, 10 characters and the address.
      await site.refused(await sent(stage, about('x'.repeat(490))), asked)
      await site.refused(await sent(stage, about('😀'.repeat(490))), asked)
      const unfit = ['x'.repeat(491), 'a\u202eb', 'a\u2066b', 'a\u200bb', 'a\nb', 'a\u2028b', 'a\u001fb', 'a\ud800b']
      for (const subject of unfit) await site.refused(await sent(stage, about(subject)), unshowable)
      const lacking = await site.refused(await sent(stage, { body: '{"to":"b"}' }), unshowable)
      expect(JSON.parse(lacking.body).error_description).toBe(
        'The user who approves the request cannot be shown what it does, or not all of it: a value that is to be shown is missing, or is no text, number or truth value',
      )
      await site.refused(await sent(stage, { body: '{"subject":{},"to":"b"}' }), unshowable)
      // A gateway reads JSON before: a member of it could name another method.
      for (const body of ['{', '{"subject":"a","subject":"b","to":"c"}'])
        await site.refused(await sent(stage, { body }), { status: [400, 403] })
      await site.refused(await sent(stage, { contentType: 'text/plain' }), unshowable)
      await site.refused(await sent(stage), asked)
      const told = JSON.stringify(stage.world.events.slice(before))
      expect(told).toContain('approval_needed')
      expect(told).not.toMatch(/Lunch|bob@example|xxxx/)
      expect((await site.stop()).join('\n')).not.toMatch(/Lunch|bob@example|xxxx/)
    },
  },
]

const callers: readonly ConditionCase[] = [
  {
    ids: ['APR-06', 'approval.token', 'approval.elsewhere', 'approval.differs'],
    httpOnly: true,
    type: 'approval',
    title: 'an approval opens no other operation, method or route, and is not used up there',
    async run(stage) {
      const site = await stage.site()
      const digest = await digestOf(stage, site)
      const own = approved(digest, { jti: crypto.randomUUID() })
      // Of another operation that a user approves, too: the token names none, so its digest decides.
      const purge: Sent = { target: '/purge?5', body: '{}', ...own }
      expect(challenged(await site.refused(await sent(stage, purge), asked)).operation).toMatchObject({ name: 'purge' })
      const without = { claims: { ...own.claims, scope: 'events.read' } }
      await site.refused(await sent(stage, without), another)
      for (const target of ['/invite', '/sync', '/agenda', '/read', '/public'])
        await site.refused(await sent(stage, { ...own, target }), { ...another, what: target })
      await site.refused(await sent(stage, { ...own, target: '/approved', method: 'GET' }), unshowable)
      await site.passes(await sent(stage, own))
    },
  },
  {
    ids: ['APR-26'],
    httpOnly: true,
    type: 'approval',
    title: 'a caller without an auth token does not pass a route that asks approval',
    async run(stage) {
      const { world, get } = stage
      const site = await stage.site()
      await site.refused(unsigned('/approved', { method: 'POST' }), { status: 401, error: 'invalid_signature' })
      const bearer = ['authorization', 'Bearer token'] as const
      const headers = [['host', 'calendar.example'], bearer] as const
      await site.refused(unsigned('/approved', { method: 'POST', headers }), {
        status: 401,
        error: 'invalid_signature',
      })
      await site.refused(await get('/approved'), { status: 401, error: 'insufficient_level' })
      const identified = await world.request({
        as: asAgent(world.agent),
        method: 'POST',
        target: '/approved',
        body: lunch,
      })
      const answer = await site.refused(identified, { ...asked, reason: 'level_insufficient' })
      expect(challenged(answer).operation).toBeUndefined()
      await site.refused(await sent(stage), asked)
    },
  },
  {
    ids: ['APR-27'],
    httpOnly: true,
    type: 'approval',
    title: 'a request that would not pass anyway is neither described nor quoted',
    async run(stage) {
      const site = await stage.site({ limits: { authorized: '1/hour' } })
      const scope = await site.refused(await sent(stage, { claims: { scope: 'events.read' } }), {
        status: 403,
        error: 'insufficient_scope',
      })
      expect(challenged(scope).operation).toBeUndefined()
      const ended = { claims: { constraints: [{ type: 'until', time: 1 }] } }
      await site.refused(await sent(stage, ended), denied('condition_ended'))
      await site.refused(await sent(stage), asked)
      await site.refused(await sent(stage), { status: 429, error: 'rate_limited', challenge: 'none' })
    },
  },
  {
    ids: ['APR-41', 'APR-42', 'approval.calls'],
    type: 'approval',
    title: 'where its calls are used up nobody is asked, and a copy or a used approval is still told as such',
    async run(stage) {
      const site = await stage.site()
      const calls = { constraints: [{ type: 'calls', max: 1, per: 'day' }], sub: 'carla' }
      const plain: Sent = { claims: calls }
      const usedUp: Expected = { status: 429, error: 'rate_limited', reason: 'calls_used_up', challenge: 'none' }
      // A look counts nothing: the question may come twice, and the call is still there.
      await site.refused(await sent(stage, plain), asked)
      const digest = await digestOf(stage, site, plain)
      const jti = crypto.randomUUID()
      const first = await sent(stage, approved(digest, { ...calls, jti }))
      await site.passes(first)
      await site.refused(await sent(stage, plain), usedUp)
      await site.refused(await sent(stage, approved('A'.repeat(43), calls)), usedUp)
      // "Later" would say that nothing was done.
      await site.refused(first, {
        status: 401,
        error: 'replay_detected',
        reason: 'request_replayed',
        challenge: 'none',
      })
      await site.refused(await sent(stage, approved(digest, { ...calls, jti })), used)
      const kept = approved(digest, { ...calls, jti: crypto.randomUUID() })
      await site.refused(await sent(stage, kept), usedUp)
      await site.passes(await sent(stage, { claims: { ...kept.claims, constraints: [] } }))
      // Another user has calls of their own, and is asked.
      await site.refused(await sent(stage, { claims: { ...calls, sub: 'dora' } }), asked)
      const none = { ...calls, constraints: [{ type: 'calls', max: 0, per: 'day' }] }
      await site.refused(await sent(stage, { claims: none }), usedUp)
    },
  },
  {
    ids: ['APR-27', 'APR-42'],
    httpOnly: true,
    type: 'approval',
    title: 'a limit that is used up is told before a user is asked, and hides no copy of an approved request',
    async run(stage) {
      const site = await stage.site({ limits: { authorized: '2/hour' } })
      const first = await sent(stage, approved(await digestOf(stage, site)))
      await site.passes(first)
      await site.refused(await sent(stage), { status: 429, reason: 'rate_exceeded', challenge: 'none' })
      await site.refused(first, {
        status: 401,
        error: 'replay_detected',
        reason: 'request_replayed',
        challenge: 'none',
      })
    },
  },
  {
    ids: ['APR-30', 'policy.approval'],
    httpOnly: true,
    type: 'approval',
    title:
      'a condition asks approval where the route does not, by name or for all, and refuses what has no name or no scope',
    async run(stage) {
      const { world } = stage
      const site = await stage.site()
      const of = (names: unknown, resource = 'https://calendar.example') => [{ type: 'approval', resource, of: names }]
      const send = (constraints: unknown, more: object = {}): Sent => ({
        target: '/invite',
        claims: { constraints, ...more },
      })
      await site.passes(await sent(stage, send(of(['purge']))))
      await site.passes(await sent(stage, send(of('*', 'https://other.example'))))
      const digest = await digestOf(stage, site, send(of(['send'])))
      for (const name of ['SEND', 'Send'])
        await site.refused(await sent(stage, send(of([name]))), denied('operation_misspelt'))
      await site.refused(await sent(stage, send(of('*'))), asked)
      await site.passes(await sent(stage, send(of('*'), { operation_digest: digest })))
      const sync = (names: unknown): Sent => ({ target: '/sync', claims: { constraints: of(names) } })
      await site.refused(await sent(stage, sync(['send'])), denied('operation_unnamed'))
      await site.passes(await sent(stage, { ...sync(['send']), method: 'GET' }))
      await site.refused(await sent(stage, { target: '/named', claims: { constraints: of(['send']) } }), impossible)
      // A delegate: where a scope is asked it climbs first.
      const as = await delegate(stage, of(['send']))
      const post = (target: string) => world.request({ as, method: 'POST', target, body: lunch })
      await site.refused(await post('/named'), denied('approval_needed'))
      await site.refused(await post('/agenda'), denied('operation_unnamed'))
      await site.refused(await post('/invite'), { ...asked, reason: 'level_insufficient' })
      await site.passes(await world.request({ as, target: '/agenda' }))
    },
  },
  {
    ids: ['APR-33'],
    type: 'approval',
    title: 'an approval is bound to the key that asked',
    async run(stage) {
      const { world } = stage
      const site = await stage.site()
      const digest = await digestOf(stage, site)
      const token = await world.authToken({ scope: 'events.write', sub: 'alice', operation_digest: digest })
      const post = (as: ReturnType<typeof asHolder>) =>
        world.request({ as, method: 'POST', target: '/approved', body: lunch })
      const thief = asHolder(await generateSigningKey('ES256'), token)
      await site.refused(await post(thief), { status: 401, error: 'invalid_signature' })
      await site.passes(await post(asHolder(world.delegateKey, token)))
    },
  },
]

/** The cases that every adapter runs. */
export const approvalCases: readonly ConditionCase[] = [...uses, ...digests, ...callers]

/** The approval of single requests. */
export function approvals(stage: Stage): void {
  describe('approvals', () => {
    for (const { ids, title, run } of approvalCases) {
      const [first = '', ...more] = [...ids, title]
      test(verifies(first, more[0] ?? '', ...more.slice(1)), () => run(stage))
    }
  })
}
