import { memoryReplaySet } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { asAgent } from '@countersign/testing/world/signer'
import { describe, expect, test } from 'vitest'
import type { Site } from '../site.test.fixture.js'
import { type Stage, unsigned } from './stage.test.fixture.js'

/** What the answers of guarded routes carry, and those that are the resource's own. */
export function responses({ world, adapter, site, holder }: Stage): void {
  describe('responses', () => {
    const cacheOf = async (send: Site['send'], target: string) => {
      const { status, headers } = await send(unsigned(target))
      return [status, headers.get('cache-control'), headers.get('vary'), headers.get('cdn-cache-control')]
    }

    test(verifies('cache.private', 'cache.vary', 'however they are made'), async () => {
      const { plan, send } = await site()
      for (const path of ['/public', '/stream'])
        expect(await cacheOf(send, path)).toEqual([200, 'private', 'Signature-Key', undefined])
      expect(await cacheOf(send, '/cached')).toEqual([200, 'private, max-age=60', 'Accept, Signature-Key', undefined])
      expect(await cacheOf(send, '/written')).toEqual([201, 'private', 'Signature-Key', undefined])
      expect((await send(unsigned('/written'))).headers.get('set-cookie')).toBe('a=1, b=2')
      expect((await send(unsigned('/stream'))).body).toBe('one two')
      const broken = await cacheOf(send, '/throws')
      expect(broken[0]).toBe(500)
      if (adapter.answersErrors) expect(broken[2]).toBe('Signature-Key')
      if (adapter.answersErrors) expect(broken[1]).toMatch(/^private/)
      expect(plan.failed.map(String)).toEqual(['Error: broken'])
      expect((await cacheOf(send, '/feed')).slice(0, 3)).toEqual([401, 'no-store', 'Signature-Key'])
      expect((await send(unsigned('/nothing'))).status).toBe(404)
    })

    if (adapter.inApp && adapter.runtime === undefined)
      test(
        verifies('exchange.answers', 'a setback of a call is told the caller, and is no failure of the app'),
        async () => {
          const away = async (): Promise<Response> => {
            throw new TypeError('fetch failed')
          }
          const { plan, send } = await site({ downstream: { acceptAuthServer: 'any', fetch: away } })
          const alice = await holder()
          const setback = await send(await world.request({ as: alice, target: '/away' }))
          expect([setback.status, setback.error, setback.headers.get('retry-after')]).toEqual([
            503,
            'temporarily_unavailable',
            '5',
          ])
          expect(setback.headers.has('agent-auth')).toBe(false)
          expect([plan.ran, plan.failed]).toEqual([1, []])
          const caught = await send(await world.request({ as: alice, target: '/caught' }))
          expect([caught.status, caught.body]).toEqual([200, 'without a room'])
        },
      )

    if (adapter.inApp)
      test('a mistake in a call is the app’s to know', async () => {
        const { plan, send } = await site()
        expect((await send(await world.request({ as: await holder(), target: '/away' }))).status).toBe(500)
        expect(plan.failed.map(error => error instanceof TypeError)).toEqual([true])
      })

    test(
      verifies('cors.preflight', 'cors.exposed', 'pages may send requests and read the answers, refusals included'),
      async () => {
        const page = 'https://app.example'
        const { plan, send } = await site({ cors: [page] })
        const asked = [
          ['origin', page],
          ['access-control-request-method', 'POST'],
        ] as const
        const host = ['host', 'calendar.example'] as const
        for (const path of ['/feed', '/events', '/written', '/nothing', '/.well-known/jwks.json']) {
          const { status, headers } = await send(unsigned(path, { method: 'OPTIONS', headers: [host, ...asked] }))
          expect([status, headers.get('access-control-allow-origin')], path).toEqual([204, page])
        }
        expect(plan.ran).toBe(0)
        for (const path of ['/feed', '/public', '/written', '/nothing']) {
          const { headers } = await send(unsigned(path, { headers: [host, ['origin', page]] }))
          expect(headers.get('access-control-allow-origin'), path).toBe(page)
          expect(headers.get('access-control-expose-headers'), path).toContain('Agent-Auth')
          const other = await send(unsigned(path, { headers: [host, ['origin', 'https://evil.example']] }))
          expect(other.headers.get('access-control-allow-origin'), path).toBeUndefined()
        }
        const large = { method: 'POST', headers: [host, ['origin', page]] as const, body: Buffer.alloc(1_048_577) }
        const refused = await send(unsigned('/public', large))
        expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([413, page])
      },
    )
  })
}

/** Who may say that a request was not processed. */
export function unprocessed({ world, as, site }: Stage): void {
  test(
    verifies('NON-17', 'sig.replay.handed-on', 'a 503 of the handler never says that the request was not processed'),
    async () => {
      const { plan, send } = await site()
      const acted = await send(await world.request({ as, method: 'POST', target: '/unready', body: '{}' }))
      expect([acted.status, acted.error, acted.headers.get('retry-after')]).toEqual([
        503,
        'temporarily_unavailable',
        '1',
      ])
      expect([acted.headers.has('agent-auth'), plan.ran]).toEqual([false, 1])
    },
  )

  test(verifies('sig.replay.not-processed', 'a 503 of the guard says that the request was not processed'), async () => {
    const { plan, send } = await site({ replay: memoryReplaySet({ now: () => world.clock.now }) })
    const ask = (created: number) =>
      world.request({ as, method: 'POST', target: '/feed', body: '{}', contentType: 'application/json', created })
    const refused = await send(await ask(world.clock.now - 2))
    expect([refused.status, refused.headers.get('agent-auth'), refused.headers.get('retry-after')]).toEqual([
      503,
      'httpsig',
      '1',
    ])
    expect(refused.headers.get('cache-control')).toBe('no-store')
    expect(plan.ran).toBe(0)
    expect([(await send(await ask(world.clock.now + 1))).status, plan.ran]).toEqual([200, 1])
  })
}

/** What is the resource's own to answer, whatever stands around it. */
export function documents({ world, site }: Stage): void {
  test(verifies('metadata.resource', 'metadata, keys and resource tokens are the resource’s to answer'), async () => {
    const { send } = await site()
    const metadata = await send(unsigned('/.well-known/aauth-resource'))
    expect([metadata.status, JSON.parse(metadata.body).resource]).toEqual([200, 'https://calendar.example'])
    expect(JSON.parse((await send(unsigned('/.well-known/jwks.json'))).body).keys).toHaveLength(1)
    const contentType = 'application/x-www-form-urlencoded'
    const form = await world.request({
      as: asAgent(world.agent),
      method: 'POST',
      target: '/aauth/resource-token',
      body: 'scope=events.read',
      contentType,
    })
    const answer = await send(form)
    expect([answer.status, Object.keys(JSON.parse(answer.body))], answer.body).toEqual([
      200,
      expect.arrayContaining(['resource_token']),
    ])
    expect((await send(unsigned('/.well-known/jwks.json', { method: 'POST' }))).status).toBe(405)
  })
}
