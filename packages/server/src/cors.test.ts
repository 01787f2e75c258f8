import { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { afterEach, expect, test } from 'vitest'
import { closeAll, start } from './serve.test.fixture.js'

afterEach(closeAll)

const page = 'https://app.example'
const asked = { origin: page, 'access-control-request-method': 'POST' }

const shown = (answer: Response): unknown[] => [
  answer.status,
  answer.headers.get('access-control-allow-origin'),
  answer.headers.get('access-control-expose-headers'),
]
const exposed = 'Agent-Auth, Retry-After, RateLimit, RateLimit-Policy, Date'

test(verifies('cors.exposed', 'pages can read every answer, those of the server itself among them'), async () => {
  const { url } = await start(
    async ({ target }) => {
      if (target === '/away')
        throw new AAuthError('temporarily_unavailable', 'away', { reason: 'dependency_unavailable' })
      // Headers that cannot be written.
      return target === '/fetched' ? fetch('data:text/plain,ok') : new Response('ok')
    },
    { cors: [page], bodyLimit: 10 },
  )
  const headers = { origin: page }
  expect(shown(await fetch(`${url}/ok`, { headers }))).toEqual([200, page, exposed])
  expect(shown(await fetch(`${url}/fetched`, { headers }))).toEqual([200, page, exposed])
  expect(shown(await fetch(`${url}/away`, { headers }))).toEqual([503, page, exposed])
  expect(shown(await fetch(url, { method: 'POST', headers, body: 'x'.repeat(11) }))).toEqual([413, page, exposed])
  expect(shown(await fetch(url, { headers: { origin: 'https://evil.example' } }))).toEqual([200, null, null])
  expect(shown(await fetch(`${url}/healthz`, { headers }))).toEqual([200, null, null])
})

test(verifies('cors.preflight', 'the server answers a preflight before the participant'), async () => {
  let calls = 0
  const handle = async () => {
    calls += 1
    return new Response('ok')
  }
  const open = await start(handle, { cors: '*' })
  const answer = await fetch(open.url, { method: 'OPTIONS', headers: asked })
  expect([answer.status, answer.headers.get('access-control-allow-origin'), calls]).toEqual([204, '*', 0])
  const closed = await start(handle)
  const other = await fetch(closed.url, { method: 'OPTIONS', headers: asked })
  expect([other.status, other.headers.get('access-control-allow-origin'), calls]).toEqual([200, null, 1])
})
