import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { header, method, plus, target } from '../altered.test.fixture.js'
import { type Stage, unsigned } from './stage.test.fixture.js'

/** Targets, methods and headers are verified as they came. */
export function targets({ world, as, adapter, site, get }: Stage): void {
  describe('targets and headers', () => {
    // A Fetch handler is shown what its platform has made of them.
    if (adapter.wire && adapter.runtime !== 'parsed')
      test(verifies('COV-24', 'COV-34', 'COV-35', 'COV-37', 'sig.target.form', 'as they came'), async () => {
        const { refuses } = await site()
        await refuses(await get(), plus('host', 'evil.example'), { status: 400 })
        await refuses(
          await get(),
          header('host', value => `${value}\r\n folded`),
          { status: 400 },
        )
        // Where the router does not know the spelling at all, no guard is asked.
        await refuses(await get(), target('http://evil.example/feed'), { status: [400, 404] })
        await refuses(await get(), target('/feed#b'), { status: [400, 404] })
      })

    if (adapter.wire && adapter.runtime !== 'parsed')
      test(verifies('COV-30', 'RAT-12', 'a variant of a path admits no caller'), async () => {
        const { plan, status, refuses } = await site()
        for (const variant of ['//feed', '/x/../feed', '/x/%2e%2E/feed', '/feed\\x', '/a/%zz']) {
          expect(await status(target(variant)(await get())), variant).toBeGreaterThanOrEqual(400)
          expect(plan.ran, variant).toBe(0)
        }
        await refuses(await get('/feed?a=b'), target('/feed?a=c'), { status: 401, error: 'invalid_signature' })
        await refuses(await get(), target('/feed?'), { status: 401, error: 'invalid_signature' })
      })

    if (adapter.runtime === 'parsed')
      test(verifies('COV-24', 'COV-30', 'as the platform shows them, and never as a failure of the app'), async () => {
        const { plan, status, refuses } = await site()
        const changes = [
          plus('host', 'evil.example'),
          header('host', value => `${value}\r\n folded`),
          ...['http://evil.example/feed', '/feed#b', '/x/../feed', '//feed', '/feed\\x', '/a/%zz'].map(to =>
            target(to),
          ),
        ]
        // What the platform makes the same request of is the one that was signed.
        for (const change of changes) expect([200, 400, 401, 404, 421]).toContain(await status(change(await get())))
        expect(plan.failed).toEqual([])
        await refuses(await get('/feed?a=b'), target('/feed?a=c'), { status: 401, error: 'invalid_signature' })
        await refuses(await get('/feed'), target('/x/../agenda'), { status: [401, 404] })
      })

    test(verifies('COV-19', 'HEAD, OPTIONS and others are guarded as what they are'), async () => {
      const { status, refuses } = await site()
      for (const verb of ['HEAD', 'OPTIONS', 'PATCH']) {
        const wire = await world.request({ as, method: verb, target: '/feed' })
        await refuses(wire, method('GET'), { status: 401, error: 'invalid_signature' })
        expect(await status(unsigned('/feed', { method: verb })), verb).toBe(401)
      }
    })

    test(
      verifies('SIG-02', 'sig.target.raw', 'behind a prefix the whole target is verified, and no header decides it'),
      async () => {
        const { plan, send, status } = await site()
        const passed = await send(await get('/mounted/feed?a=b'))
        expect([passed.status, passed.body.includes('pseudonymous')], passed.body).toEqual([200, true])
        const ran = plan.ran
        expect(await status(target('/mounted/feed')(await get('/feed')))).toBe(401)
        const forwarded = plus('x-forwarded-host', 'calendar.example')
        const other = await world.request({ as, target: '/feed', origin: 'https://other.example' })
        expect(await status(forwarded(other))).toBe(401)
        expect(await status(plus('x-forwarded-host', 'evil.example')(await get('/feed')))).toBe(200)
        const refuses = adapter.refusesOverrides === true
        expect(await status(plus('x-original-url', '/edit')(await get('/feed')))).toBe(refuses ? 400 : 200)
        expect(plan.ran).toBe(ran + (refuses ? 1 : 2))
      },
    )
  })
}
