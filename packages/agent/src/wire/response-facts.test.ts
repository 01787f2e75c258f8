import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { readResponseFacts } from './response-facts.js'

const json = (body: string | ReadableStream, headers: HeadersInit = {}): Response =>
  new Response(body, { status: 401, headers: { 'content-type': 'application/json', ...headers } })

describe('readAnswer', () => {
  test('reads challenge and error, and leaves the response unread', async () => {
    const response = json(
      '{"error":"insufficient_level","reason":"level_insufficient","required_components":["@method","x-a"]}',
      {
        'agent-auth': 'httpsig; identity=?1',
        'retry-after': '3',
      },
    )
    expect(await readResponseFacts(response, 0)).toEqual({
      status: 401,
      agentAuth: { identity: true },
      error: 'insufficient_level',
      reason: 'level_insufficient',
      requiredComponents: ['@method', 'x-a'],
      retryAfter: '3',
      asksBy: undefined,
    })
    expect(await response.json()).toMatchObject({ error: 'insufficient_level' })
  })

  test.each([
    ['not JSON', '{"error":'],
    ['a member twice', '{"error":"a","error":"b"}'],
    ['no code', '{"error":"<script>"}'],
    ['a number', '{"error":1}'],
    ['null', 'null'],
    ['too large', `{"error":"a","x":"${'a'.repeat(20_000)}"}`],
    ['components that are none', '{"required_components":["\\"x\\";sf","a b",1]}'],
    ['too many components', JSON.stringify({ required_components: Array.from({ length: 33 }, (_, n) => `x-${n}`) })],
  ])(verifies('CLI-18', 'an error body that is %s is ignored'), async (_, body) => {
    const answer = await readResponseFacts(json(body), 0)
    expect(answer.error).toBeUndefined()
    expect(answer.requiredComponents).toEqual([])
  })

  test(verifies('CLI-18', 'a body that drips is not waited for, and an endless body is not read'), async () => {
    const drips = new ReadableStream({ pull: () => new Promise(() => undefined) })
    const response = json(drips, { 'agent-auth': 'httpsig' })
    expect(await readResponseFacts(response, 0, 10)).toMatchObject({ status: 401, agentAuth: {} })
    let pulled = 0
    const endless = new ReadableStream({
      pull(controller) {
        pulled += 1
        controller.enqueue(new Uint8Array(8_192))
      },
    })
    expect((await readResponseFacts(json(endless), 0)).error).toBeUndefined()
    expect(pulled).toBeLessThan(10)
  })

  test.each(['a b', 'A', '', '0x', 'see_https://evil.example', 'line\nbreak', 'x'.repeat(65), 1, null, { a: 1 }])(
    verifies('CLI-18', 'a reason that is no name is ignored: %j'),
    async reason => {
      expect((await readResponseFacts(json(JSON.stringify({ error: 'x', reason })), 0)).reason).toBeUndefined()
      const name = 'x'.repeat(64)
      expect((await readResponseFacts(json(JSON.stringify({ error: 'x', reason: name })), 0)).reason).toBe(name)
    },
  )

  test('the content of other responses is not touched', async () => {
    const response = new Response('{"error":"a"}', { headers: { 'content-type': 'application/json' } })
    expect((await readResponseFacts(response, 0)).error).toBeUndefined()
    expect(await response.text()).toBe('{"error":"a"}')
  })
})
