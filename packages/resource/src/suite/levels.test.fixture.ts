import { verifies } from '@countersign/requirements'
import type { Wire } from '@countersign/testing/wire'
import { asAgent } from '@countersign/testing/world/signer'
import { expect, test } from 'vitest'
import { askForToken, challengeOf, type Stage, unsigned } from './stage.test.fixture.js'

/** What each level lets pass, and what would reach the next. */
export function levels({ world, site, get, holder }: Stage): void {
  test(
    verifies('SIG-01', 'level.order', 'challenge.identity', 'each level, and what would reach the next'),
    async () => {
      const { send } = await site()
      const answers = async (wire: Wire) => {
        const answer = await send(wire)
        return [answer.status, answer.error, challengeOf(answer)]
      }
      const passed = [200, undefined, undefined]
      expect(await answers(unsigned('/public'))).toEqual(passed)
      expect(await answers(unsigned('/feed'))).toEqual([401, 'invalid_signature', 'httpsig'])
      expect(await answers(await get('/feed'))).toEqual(passed)
      expect(await answers(await get('/agenda'))).toEqual([401, 'insufficient_level', 'httpsig; identity=?1'])
      const agent = asAgent(world.agent)
      expect(await answers(await world.request({ as: agent, target: '/agenda' }))).toEqual(passed)
      const tokenless = await answers(await world.request({ as: agent, target: '/events' }))
      expect(tokenless).toEqual([401, 'insufficient_level', askForToken])
      const alice = await holder()
      const authorized = await send(await world.request({ as: alice, target: '/events' }))
      expect(JSON.parse(authorized.body).aauth).toMatchObject({
        level: 'authorized',
        agent: 'https://agent.example',
        delegate: 'phone',
        user: { iss: 'https://auth.example', sub: 'alice' },
        scope: ['events.read'],
      })
      const narrow = await answers(await world.request({ as: alice, target: '/edit' }))
      expect(narrow).toEqual([403, 'insufficient_scope', askForToken])
    },
  )
}
