import { createAgent, pseudonym } from '@countersign/agent'
import { memoryReplaySet } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { guard } from './adapter/fetch.js'
import type { ResourceOptions } from './index.js'
import { makeWorld } from './world.test.fixture.js'

const world = await makeWorld()

/** An agent that knows how the site answers, and a POST of it. */
async function caller(options: Partial<ResourceOptions<'events.read' | 'events.write'>>, failing?: () => Response) {
  const seen: string[] = []
  const answers: Array<string | null> = []
  const handler = guard(world.calendar(options), { level: 'pseudonymous' }, async request => {
    seen.push(await request.text())
    return failing?.() ?? new Response('done')
  })
  const agent = createAgent({
    identity: pseudonym(),
    now: () => world.clock.now,
    sleep: async seconds => {
      world.clock.now += seconds
    },
    fetcher: async () => Promise.reject(new Error('nothing is published')),
    fetch: async (input, init) => {
      const response = await handler(new Request(input, init))
      answers.push(`${response.status} ${response.headers.get('agent-auth') ?? '-'}`)
      return response
    },
  })
  await agent.fetch('https://calendar.example/x')
  answers.length = 0
  seen.length = 0
  const post = () => agent.fetch('https://calendar.example/x', { method: 'POST', body: 'a letter' })
  return { post, seen, answers }
}

test(verifies('NON-15', 'sig.replay.resent', 'a guard that has just started: the agent signs anew, once'), async () => {
  const { post, seen, answers } = await caller({ replay: memoryReplaySet({ now: () => world.clock.now + 0.5 }) })
  expect((await post()).status).toBe(200)
  expect(answers).toEqual(['503 httpsig', '200 -'])
  expect(seen).toEqual(['a letter'])
})

test(verifies('sig.replay.not-processed', 'also when the replay set is unavailable'), async () => {
  let times = 0
  const away = async (): Promise<never> => Promise.reject(new Error(`away ${++times}`))
  const { post, seen, answers } = await caller({ replay: { check: away } })
  expect((await post()).status).toBe(503)
  expect([answers, seen, times]).toEqual([['503 httpsig', '503 httpsig'], [], 2])
})

test(verifies('NON-16', 'sig.replay.resent', 'a handler that fails like a guard runs once'), async () => {
  const headers = { 'retry-after': '1', 'cache-control': 'no-store', 'agent-auth': 'httpsig' }
  const failing = () => Response.json({ error: 'temporarily_unavailable' }, { status: 503, headers })
  const { post, seen, answers } = await caller({}, failing)
  expect((await post()).status).toBe(503)
  expect([answers, seen]).toEqual([['401 httpsig', '503 -'], ['a letter']])
  const well = await caller({})
  expect((await well.post()).status).toBe(200)
  expect(well.seen).toEqual(['a letter'])
})
