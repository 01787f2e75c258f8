import { afterAll, expect, test } from 'vitest'
import type { Known } from '../apps/playground/src/analysis/known.js'
import { analyzeMessage } from '../apps/playground/src/analysis/message.js'
import type { ShownMessage } from '../apps/playground/src/explorer/contract.js'
import { startPlayground } from './playground-place.fixture.js'
import { stand } from './processes.fixture.js'

// What the page says of a message is held against what its receiver did: on all attacks of the playground, and on honest calls.

/** The checks that the page repeats; what comes after them only the receiver knows. */
const repeated = new Set([
  'request',
  'authority',
  'headers',
  'times',
  'coverage',
  'token-form',
  'key',
  'inline-key',
  'token-signature',
  'token-times',
  'token-audience',
  'token-claims',
  'digest',
  'signature',
])

const place = stand()
afterAll(() => place.stop())

test('what a receiver refuses, the page refuses by itself for the same reason; what it accepts, the page accepts', async () => {
  const base = await startPlayground(place)
  const page = `http://localhost:${base}`
  const read = async <T>(path: string): Promise<T> => (await fetch(page + path)).json() as Promise<T>
  const post = (path: string): Promise<Response> => fetch(page + path, { method: 'POST', headers: { origin: page } })
  await post('/api/stories/autonomous')
  await expect.poll(() => read('/api/stories/autonomous'), { timeout: 60_000 }).toMatchObject({ state: 'ended' })
  await post('/api/attacks')
  await expect
    .poll(() => read('/api/scoreboard'), { timeout: 240_000, interval: 1000 })
    .toMatchObject({ state: 'ended' })
  const { messages } = await read<{ messages: ShownMessage[] }>('/api/stories/autonomous')
  const others = await read<ShownMessage[]>('/api/messages')
  const known = await read<Known>('/api/known')
  const reasons = new Set<string>()
  for (const message of [...messages, ...others]) {
    const { checks } = await analyzeMessage(message, known)
    const failed = checks.find(({ result }) => result === 'failed')
    const what = `${message.sentence} ${failed?.reason ?? ''}`
    expect(
      checks.filter(({ result }) => result === 'not judged'),
      what,
    ).toEqual([])
    if (failed?.reason === undefined || !repeated.has(failed.id) || isOfToken(message, failed.reason)) continue
    // The same request, judged as if its receiver had let it pass.
    const alone = await analyzeMessage({ ...message, response: { status: 200, headers: [], body: '' } }, known)
    const own = alone.checks.find(({ result }) => result === 'not judged')
    expect([own?.id, own?.finding], what).toEqual([failed.id, expect.stringContaining(`refused: ${failed.reason}.`)])
    reasons.add(failed.reason)
  }
  expect([...reasons]).toEqual(
    expect.arrayContaining([
      'component_not_covered',
      'created_too_old',
      'digest_wrong',
      'signature_wrong',
      'token_audience_wrong',
      'token_expired',
      'token_signature_wrong',
    ]),
  )
})

/** Whether a token in the body was refused, and not the caller's. */
const isOfToken = ({ response }: ShownMessage, reason: string): boolean =>
  reason.startsWith('token_') && response.body.includes('invalid_resource_token')
