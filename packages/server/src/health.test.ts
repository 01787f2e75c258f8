import { verifies } from '@countersign/requirements'
import { afterEach, expect, test } from 'vitest'
import { closeAll, start } from './serve.test.fixture.js'

afterEach(closeAll)

const handle = async (): Promise<Response> => new Response('participant')

test(verifies('error.unavailable', 'readiness follows the participant, liveness does not'), async () => {
  const database: { up: boolean } = { up: true }
  let checks = 0
  let now = 1000
  const participant = {
    handle,
    ready: async () => {
      checks++
      if (!database.up) throw new Error('database away: secret')
    },
  }
  const { url } = await start(handle, { participant, now: () => now })
  const status = async (path: string): Promise<number> => (await fetch(url + path)).status
  expect([await status('/healthz'), await status('/readyz')]).toEqual([200, 200])
  // Strangers cannot make us ask the database more than once a second.
  await Promise.all(Array.from({ length: 20 }, () => status('/readyz')))
  expect(checks).toBe(1)
  database.up = false
  now += 1.5
  const response = await fetch(`${url}/readyz`)
  expect(response.status).toBe(503)
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await response.json()).toEqual({
    error: 'temporarily_unavailable',
    reason: 'not_ready',
    error_description: 'The server starts, shuts down, or cannot reach what it depends on.',
  })
  expect(await status('/healthz')).toBe(200)
  database.up = true
  now += 1.5
  expect(await status('/readyz')).toBe(200)
})

test(verifies('error.method', 'health takes GET and HEAD on exactly its paths'), async () => {
  const { url } = await start(handle)
  expect((await fetch(`${url}/healthz`, { method: 'HEAD' })).status).toBe(200)
  const post = await fetch(`${url}/healthz`, { method: 'POST' })
  expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  expect(await post.json()).toMatchObject({ reason: 'method_not_allowed' })
  for (const path of ['/healthz/', '/healthz/x', '/Healthz', '/readyz?x=1']) {
    expect(await (await fetch(url + path)).text(), path).toBe('participant')
  }
})
