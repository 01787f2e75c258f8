import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { send, type Wire } from '@countersign/testing/wire'
import { asAgent, asHolder, asKey, type Signer } from '@countersign/testing/world/signer'
import { startedClock } from '@countersign/testing/world/started-clock'
import { describe, expect, test } from 'vitest'
import { calendarScene } from '../calendar.test.fixture.js'
import { memoryRevocationSet, type RevocationSet } from '../index.js'
import { calendarId } from '../world.test.fixture.js'

const { world, calendar, serveCalendarWith } = await calendarScene()
const form = 'application/x-www-form-urlencoded'
const path = '/aauth/revoked-grants'
const inAnHour = Math.floor(world.clock.now) + 3600

const notice = (body: string, as: Signer = asAgent(world.authServer)): Promise<Wire> =>
  world.request({ as, method: 'POST', target: path, body, contentType: form })
const revoke = async (body: string, as?: Signer) => send(calendar.port, await notice(body, as))
const useToken = async (claims: Record<string, unknown>, port = calendar.port) =>
  send(port, await world.request({ as: asHolder(world.delegateKey, await world.authToken(claims)), target: '/events' }))
const reasonOf = (answer: { readonly body: string }) => (JSON.parse(answer.body) as { reason?: string }).reason

describe('a notice', () => {
  test(
    verifies(
      'revocation.notice',
      'revocation.refused',
      'revocation.unseen',
      'ends the tokens of its grant, and no others',
    ),
    async () => {
      expect((await useToken({ grant: 'g1' })).status).toBe(200)
      const answer = await revoke(`grant=g1&exp=${inAnHour}`)
      expect([answer.status, answer.body, answer.headers.get('cache-control')]).toEqual([204, '', 'no-store'])
      expect(world.events.at(-1)).toMatchObject({ type: 'revoked', issuer: 'https://auth.example', grant: 'g1' })
      const refused = await useToken({ grant: 'g1' })
      expect([refused.status, refused.error, reasonOf(refused)]).toEqual([401, 'invalid_auth_token', 'grant_ended'])
      expect(refused.headers.get('agent-auth')).toBe('httpsig; identity=?1')
      expect((await useToken({ grant: 'g2' })).status).toBe(200)
      expect((await useToken({})).status).toBe(200)
      // Kept although no token of it was ever seen.
      expect((await revoke(`grant=unseen&exp=${inAnHour}`)).status).toBe(204)
      expect((await useToken({ grant: 'unseen' })).status).toBe(401)
    },
  )

  test(verifies('REV-10', 'also ends a token that was verified and cached before'), async () => {
    const as = asHolder(world.delegateKey, await world.authToken({ grant: 'cached' }))
    const request = async () => send(calendar.port, await world.request({ as, target: '/events' }))
    expect((await request()).status).toBe(200)
    expect((await revoke(`grant=cached&exp=${inAnHour}`)).status).toBe(204)
    expect((await request()).error).toBe('invalid_auth_token')
  })

  test(
    verifies('REV-04', 'revocation.signer', 'is an auth server’s own, not a delegate’s, a key’s or a user’s'),
    async () => {
      const body = `grant=mine&exp=${inAnHour}`
      const before = world.fetched.length
      const delegate = asHolder(world.delegateKey, await world.agentToken({}, world.authServer))
      const asDelegate = await revoke(body, delegate)
      expect([asDelegate.status, asDelegate.error, reasonOf(asDelegate)]).toEqual([
        403,
        'unauthorized_client',
        'caller_not_allowed',
      ])
      const fetched = world.fetched.length
      const stranger = await revoke(body, asAgent(world.agent))
      expect([stranger.status, stranger.error]).toEqual([403, 'unauthorized_client'])
      const agentsDelegate = await revoke(body, asHolder(world.delegateKey, await world.agentToken()))
      expect([agentsDelegate.status, agentsDelegate.error]).toEqual([403, 'unauthorized_client'])
      expect(world.fetched.length, 'nothing is fetched for those not listed').toBe(fetched)
      expect(before).toBeLessThanOrEqual(fetched)
      for (const as of [asKey(await generateSigningKey()), asHolder(world.delegateKey, await world.authToken())]) {
        const answer = await revoke(body, as)
        expect([answer.status, answer.error, answer.headers.get('agent-auth')]).toEqual([
          401,
          'insufficient_level',
          'httpsig; identity=?1',
        ])
      }
      const { headers, ...signed } = await notice(body)
      const unsigned = { ...signed, headers: headers.filter(([name]) => !name.startsWith('signature')) }
      const answer = await send(calendar.port, unsigned)
      expect([answer.status, answer.error]).toEqual([401, 'invalid_signature'])
      expect((await useToken({ grant: 'mine' })).status).toBe(200)
    },
  )

  test(verifies('REV-05', 'revocation.own', 'ends grants of its signer only'), async () => {
    const { port } = await serveCalendarWith({ authServers: ['https://auth.example', 'https://strange.example'] })
    const body = `grant=shared&exp=${inAnHour}&iss=https%3A%2F%2Fauth.example&sub=ada&token=x`
    expect((await send(port, await notice(body, asAgent(world.strangeServer)))).status).toBe(204)
    expect((await useToken({ grant: 'shared' }, port)).status).toBe(200)
    const own = await world.authToken({ grant: 'shared' }, world.strangeServer)
    const answer = await send(port, await world.request({ as: asHolder(world.delegateKey, own), target: '/events' }))
    expect(answer.error).toBe('invalid_auth_token')
  })

  test(verifies('REV-06', 'times.notice', 'has a time that is at most an hour and a minute ahead'), async () => {
    const now = Math.floor(world.clock.now)
    const wrong = ['', '&exp=', '&exp=soon', '&exp=1.5', '&exp=-1', `&exp=${now + 3661}`, `&exp=${now}&exp=${now}`]
    for (const exp of wrong) {
      const answer = await revoke(`grant=timed${exp}`)
      expect([answer.status, answer.error], exp).toEqual([400, 'invalid_request'])
    }
    expect((await revoke(`grant=timed&exp=${now - 1}`)).status).toBe(204)
    expect((await useToken({ grant: 'timed' })).status, 'nothing was kept').toBe(200)
    expect((await revoke(`grant=timed&exp=${now + 3660}`)).status).toBe(204)
    expect((await useToken({ grant: 'timed' })).status).toBe(401)
  })

  test('names one grant in the characters that grants have', async () => {
    for (const [grant, reason] of [
      ['', 'parameter_missing'],
      ['grant=', 'parameter_missing'],
      ['grant=a+b', 'parameter_malformed'],
      [`grant=${'a'.repeat(65)}`, 'parameter_malformed'],
      ['grant=a&grant=a', 'parameter_repeated'],
    ]) {
      const answer = await revoke(`${grant}&exp=${inAnHour}`)
      expect([answer.status, answer.error, reasonOf(answer)], grant).toEqual([400, 'invalid_request', reason])
    }
    const inUrl = await world.request({
      as: asAgent(world.authServer),
      method: 'POST',
      target: `${path}?grant=a`,
      body: '',
      contentType: form,
    })
    expect((await send(calendar.port, inUrl)).status).toBe(400)
    const get = await world.request({ as: asAgent(world.authServer), target: path })
    const answer = await send(calendar.port, get)
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST'])
  })

  test(verifies('REV-08', 'counts once; signed anew it changes nothing'), async () => {
    const wire = await notice(`grant=twice&exp=${inAnHour}`)
    expect((await send(calendar.port, wire)).status).toBe(204)
    const again = await send(calendar.port, wire)
    expect([again.status, again.error]).toEqual([401, 'replay_detected'])
    world.clock.now += 1
    expect((await revoke(`grant=twice&exp=${inAnHour}`)).status).toBe(204)
    expect((await useToken({ grant: 'twice' })).status).toBe(401)
    // It is one entry: another still has room.
    const { port } = await serveCalendarWith({
      revocations: memoryRevocationSet({ capacity: 2, now: startedClock(() => world.clock.now) }),
    })
    for (const grant of ['twice', 'twice', 'once']) {
      world.clock.now += 1
      expect((await send(port, await notice(`grant=${grant}&exp=${inAnHour}`))).status).toBe(204)
    }
  })
})

describe('the set of revocations', () => {
  test(
    verifies('revocation.metadata', 'REV-31', 'is reached by the metadata; without it tokens pass until they expire'),
    async () => {
      const metadata = async (port: number) =>
        JSON.parse((await send(port, plain('/.well-known/aauth-resource'))).body) as Record<string, unknown>
      expect((await metadata(calendar.port))['revocation_endpoint']).toBe(`${calendarId}${path}`)
      const { port } = await serveCalendarWith({ revocations: 'none' })
      expect(await metadata(port)).not.toHaveProperty('revocation_endpoint')
      expect((await send(port, await notice(`grant=g1&exp=${inAnHour}`))).status).toBe(404)
      expect((await useToken({ grant: 'g1' }, port)).status).toBe(200)
    },
  )

  test(
    verifies('REV-13', 'F-69', 'revocation.restart', 'in memory refuses tokens issued before it began'),
    async () => {
      const start = world.clock.now
      const old = await world.authToken({ grant: 'g9', iat: Math.floor(start) - 10 })
      const { port } = await serveCalendarWith({ revocations: memoryRevocationSet({ now: () => world.clock.now }) })
      const use = async (token: string) =>
        send(port, await world.request({ as: asHolder(world.delegateKey, token), target: '/events' }))
      world.clock.now = start + 2
      const early = await use(await world.authToken({ grant: 'g9', iat: Math.floor(start) + 2 }))
      expect([early.status, early.error, reasonOf(early)]).toEqual([503, 'temporarily_unavailable', 'starting'])
      expect([early.headers.get('agent-auth'), early.headers.get('retry-after')]).toEqual(['httpsig', '3'])
      world.clock.now = start + 7
      const refused = await use(old)
      expect([refused.status, refused.error, reasonOf(refused)]).toEqual([
        401,
        'invalid_auth_token',
        'token_predates_start',
      ])
      expect((await use(await world.authToken({ grant: 'g9', iat: Math.floor(start) + 6 }))).status).toBe(200)
      expect((await use(await world.authToken({ iat: Math.floor(start) - 10 }))).status, 'it names no grant').toBe(200)
    },
  )

  test(verifies('F-83', 'in memory knows its age, also where the clock was behind when it began, and is set'), () => {
    const clock = { now: 1000, monotonic: 7 }
    const set = memoryRevocationSet({ now: () => clock.now, monotonic: () => clock.monotonic })
    expect(set.since).toBe(1000)
    clock.now += 10
    clock.monotonic += 10
    expect(set.since).toBe(1000)
    // Set right: it began at 1300 by this clock, and what was issued until then may have been revoked.
    clock.now += 300
    expect(set.since).toBe(1300)
    clock.now -= 400
    expect(set.since, 'and no clock makes it older than it was').toBe(1000)
  })

  test(
    verifies(
      'revocation.bounded',
      'revocation.not-kept',
      'has a share for each auth server, and forgets nothing to make room',
    ),
    async () => {
      const set = memoryRevocationSet({ capacity: 2, now: startedClock(() => world.clock.now) })
      const { port } = await serveCalendarWith({
        authServers: ['https://auth.example', 'https://strange.example'],
        revocations: set,
      })
      const exp = Math.floor(world.clock.now) + 100
      const add = async (grant: string, as?: Signer) => send(port, await notice(`grant=${grant}&exp=${exp}`, as))
      expect([(await add('a')).status, (await add('b')).status]).toEqual([204, 204])
      const full = await add('c')
      expect([full.status, full.error, reasonOf(full)]).toEqual([503, 'temporarily_unavailable', 'capacity_exceeded'])
      expect([full.headers.get('agent-auth'), full.headers.get('retry-after')]).toEqual([undefined, '60'])
      expect((await add('a', asAgent(world.strangeServer))).status).toBe(204)
      expect((await useToken({ grant: 'a' }, port)).status).toBe(401)
      world.clock.now += 161
      expect((await send(port, await notice(`grant=c&exp=${exp + 161}`))).status, 'those two have ended').toBe(204)
    },
  )

  test(
    verifies(
      'revocation.unreadable',
      'revocation.not-kept',
      'REV-29',
      'that does not answer refuses tokens of grants, and takes no notice',
    ),
    async () => {
      const away: RevocationSet = {
        add: async () => Promise.reject(new Error('away')),
        has: async () => Promise.reject(new Error('away')),
        hasHeard: () => false,
        watch: () => () => undefined,
      }
      const { port } = await serveCalendarWith({ revocations: away })
      const answer = await useToken({ grant: 'g1' }, port)
      expect([answer.status, answer.error]).toEqual([503, 'temporarily_unavailable'])
      expect([answer.headers.get('agent-auth'), answer.headers.get('retry-after')]).toEqual(['httpsig', '5'])
      expect((await useToken({}, port)).status).toBe(200)
      const told = await send(port, await notice(`grant=g1&exp=${inAnHour + 1}`))
      expect([told.status, told.headers.get('agent-auth'), told.headers.get('retry-after')]).toEqual([
        503,
        undefined,
        '5',
      ])
    },
  )

  test(verifies('REV-29', 'that is slow delays the answer until the notice is kept'), async () => {
    const [kept, order]: [RevocationSet, string[]] = [
      memoryRevocationSet({ now: startedClock(() => world.clock.now) }),
      [],
    ]
    const slow: RevocationSet = {
      ...kept,
      async add(revocation) {
        await new Promise(resolve => setTimeout(resolve, 2000))
        const answer = await kept.add(revocation)
        order.push('kept')
        return answer
      },
    }
    const { port } = await serveCalendarWith({ revocations: slow })
    const answer = await send(port, await notice(`grant=slow&exp=${inAnHour}`))
    order.push(String(answer.status))
    expect(order).toEqual(['kept', '204'])
    expect((await useToken({ grant: 'slow' }, port)).status).toBe(401)
  })

  test(verifies('revocation.claim', 'REV-24', 'is asked for grants that are spelt as grants are'), async () => {
    for (const grant of ['', 'a b', 'ä', 'a'.repeat(65), 7, null]) {
      const answer = await useToken({ grant })
      expect([answer.status, answer.error], String(grant)).toEqual([401, 'invalid_auth_token'])
    }
    const answer = await useToken({ grant: 'G-1_z', sub: 'ada', purposes: 'x' })
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.body).aauth.user).toEqual({ iss: 'https://auth.example', sub: 'ada', claims: {} })
  })
})

function plain(target: string): Wire {
  return { method: 'GET', target, headers: [['host', 'calendar.example']] }
}
