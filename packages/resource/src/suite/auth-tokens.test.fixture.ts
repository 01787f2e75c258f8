import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { asAgent, asHolder, asKey, type Signer } from '@countersign/testing/world/signer'
import { describe, expect, test } from 'vitest'
import { header } from '../altered.test.fixture.js'
import { badTokens, chainOf } from '../bad-tokens.test.fixture.js'
import { askForToken, type Stage, unsigned } from './stage.test.fixture.js'

const failed = 'httpsig; identity=?1'

/** The group AUT: which auth tokens are valid, and the answer to a caller without a valid one. */
export function authTokens(stage: Stage): void {
  const { world, site, holder } = stage
  const under = (as: Signer, target = '/events') => world.request({ as, target })

  describe('auth tokens', () => {
    test.each(badTokens.map(([id, title, make]) => [verifies(id, title), make] as const))('%s', async (_, make) => {
      const { refused, passes } = await site()
      const before = world.fetched.length
      for (const { what, jwt, key = world.delegateKey, error = 'invalid_auth_token' } of await make(world))
        await refused(await under(asHolder(key, jwt)), { status: 401, error, challenge: failed, what })
      await passes(await under(await holder()))
      // Nothing was fetched from servers that are not on the list, nor from URLs that a token names.
      expect(world.fetched.slice(before).filter(url => !url.startsWith('https://auth.example/'))).toEqual([])
    })

    test(verifies('AUT-04', 'AUT-05', 'a stolen token is useless without the key that it names'), async () => {
      const { refused, passes } = await site()
      const token = await world.authToken()
      const wrong = { status: 401, error: 'invalid_signature', challenge: failed }
      const thief = await generateSigningKey('ES256')
      await refused(await under(asHolder(thief, token)), wrong)
      const bearer = ['authorization', `Bearer ${token}`] as const
      await refused(unsigned('/events', { headers: [['host', 'calendar.example'], bearer] }), wrong)
      const inline = await world.request({ as: asKey(world.delegateKey), target: '/events', headers: [bearer] })
      await refused(inline, { status: 401, error: 'insufficient_level', challenge: failed })
      await passes(await under(asHolder(world.delegateKey, token)))
    })

    test(
      verifies('AUT-06', 'challenge.failed-auth-token', 'an expired token is refused, even if it was accepted before'),
      async () => {
        const { refused, passes } = await site()
        const as = await holder({ exp: Math.floor(world.clock.now) + 30 })
        await passes(await under(as))
        world.clock.now += 31
        const expected = { status: 401, error: 'invalid_auth_token', challenge: failed }
        await refused(await under(as), expected)
        // Also where no token is needed.
        await refused(await under(as, '/public'), expected)
        await passes(await under(await holder()))
      },
    )

    test(verifies('AUT-06', 'token.times', 'a token is refused from the second of its `exp` on'), async () => {
      const { refused, passes } = await site()
      const expected = { status: 401, error: 'invalid_auth_token', challenge: failed }
      world.clock.now = Math.ceil(world.clock.now)
      const { now } = world.clock
      await refused(await under(await holder({ exp: now })), expected)
      const last = await holder({ exp: now + 1 })
      await passes(await under(last))
      // Also if it was verified before.
      world.clock.now += 1
      await refused(await under(last), expected)
      world.clock.now += 0.25
    })

    test(verifies('AUT-09', 'AUT-10', 'error.insufficient-scope', 'scopes match exactly, or not at all'), async () => {
      const { refused, passes } = await site()
      const expected = { status: 403, error: 'insufficient_scope', reason: 'scope_missing', challenge: askForToken }
      const similar = [
        'events.readwrite',
        'xevents.read',
        'EVENTS.READ',
        'events.*',
        'events.read,events.write',
        'events',
      ]
      for (const scope of [...similar, undefined]) await refused(await under(await holder({ scope })), expected)
      await refused(await under(await holder({ scope: ['events.read'] })), {
        status: 401,
        error: 'invalid_auth_token',
        challenge: failed,
      })
      for (const scope of ['events.read', 'events.write events.read'])
        await passes(await under(await holder({ scope })))
    })

    test(
      verifies('AUT-11', 'challenge.auth-token', 'an agent token is no auth token, and gets a challenge for one'),
      async () => {
        const { refused, passes } = await site()
        const expected = {
          status: 401,
          error: 'insufficient_level',
          reason: 'level_insufficient',
          challenge: askForToken,
        }
        const delegate = asHolder(world.delegateKey, await world.agentToken())
        for (const as of [delegate, asAgent(world.agent)]) await refused(await under(as), expected)
        await passes(await under(delegate, '/agenda'))
        await passes(await under(await holder()))
      },
    )

    test(verifies('AUT-16', 'limits.act', 'a chain is seen whole, and none is too large to refuse'), async () => {
      const { outcome, refused, refuses, passes } = await site()
      const longest = await outcome(await under(await holder({ act: chainOf(5) })))
      expect(longest.answer.status).toBe(200)
      expect(longest.events).toMatchObject([{ type: 'passed', aauth: { chain: { length: 5 } } }])
      const blocked = { iss: 'https://auth.example', agent: 'https://blocked.example' }
      await refused(await under(await holder({ act: chainOf(5, blocked) }), '/known'), {
        status: 403,
        error: 'policy_denied',
        reason: 'policy_refused',
        challenge: 'none',
      })
      await passes(await under(await holder({ act: chainOf(5) }), '/known'))
      // Refused before anything of it is read: a thousand levels, and more than a header block may hold.
      for (const act of [nested(1000), { ...chainOf(1), agent: 'x'.repeat(20_000) }]) {
        const jwt = await world.authToken({ act })
        const long = header('signature-key', () => `sig=jwt;jwt="${jwt}"`)
        await refuses(await under(await holder()), long, { status: 431 })
      }
    })

    test(verifies('AUT-23', 'error.policy-denied', 'a denied caller is refused for good'), async () => {
      const denied = { status: 403, error: 'policy_denied', reason: 'caller_denied', challenge: 'none' }
      const { refused, passes } = await site()
      await refused(await under(await holder({ agent_delegate: 'lost' }), '/known'), {
        ...denied,
        reason: 'policy_refused',
      })
      await passes(await under(await holder(), '/known'))
      const others = await site({ agents: ['https://other.example'] })
      for (const target of ['/events', '/edit', '/agenda'])
        await others.refused(await under(await holder(), target), denied)
      await others.refused(await under(asHolder(world.delegateKey, await world.agentToken())), denied)
      await others.passes(await under(await holder({ agent: 'https://other.example' })))
    })
  })
}

function nested(levels: number): object {
  let act = {}
  for (let level = 0; level < levels; level++) act = { act }
  return act
}
