import { describe, expect, test } from 'vitest'
import { type Message, meta, type Played, played } from './played.test.fixture.js'

// Peers that ask for too much: the bridge passes on what it can keep, and says no to the rest.

const elicit = {
  method: 'elicitation/create',
  params: { message: 'Who?', requestedSchema: { type: 'object', properties: {} } },
}

const discovered = { result: { supportedVersions: ['2026-07-28'], capabilities: {}, resultType: 'complete' } }
const unknown = { error: { code: -32_601, message: 'unknown' } }
const call = (id: number, params: object = {}) => ({ id, method: 'tools/call', params: { name: 'pay', ...params } })

describe('a server without sessions, to an old client', () => {
  const asking = async (result: object): Promise<Played> =>
    played('old', ({ method }) => {
      if (method === 'server/discover') return discovered
      return method === 'tools/call' ? { result: { resultType: 'input_required', ...result } } : undefined
    })

  test.each([
    ['too many questions', { inputRequests: Object.fromEntries(Array.from({ length: 17 }, (_, at) => [at, elicit])) }],
    ['a key that is too long', { inputRequests: { ['k'.repeat(257)]: elicit } }],
    ['a state that is too long', { requestState: 's'.repeat(65_537) }],
    ['a state that is no text', { requestState: { a: 1 } }],
    ['what the client did not offer', { inputRequests: { a: { method: 'sampling/createMessage', params: {} } } }],
    [
      'a page, of a client that shows none',
      { inputRequests: { a: { ...elicit, params: { mode: 'url', url: 'https://x.example' } } } },
    ],
    ['another method', { inputRequests: { a: { method: 'tools/call', params: {} } } }],
    ['a member of every object', { inputRequests: { a: { method: 'constructor', params: {} } } }],
  ])('that asks for %s: the call fails, and the client is asked nothing', async (_, result) => {
    const { received, say } = await asking(result)
    say(call(1))
    await expect.poll(() => received).toMatchObject([{ id: 1, error: { message: expect.stringContaining('input') } }])
  })

  test('that asks without end: the call fails after ten rounds', async () => {
    const { received, sent, say } = await asking({ inputRequests: { who: elicit }, requestState: 'again' })
    say(call(1))
    for (let round = 0; round < 10; round++) {
      await expect.poll(() => received).toHaveLength(round + 1)
      say({ id: received[round]?.id, result: { action: 'accept', content: {} } })
    }
    await expect
      .poll(() => received.at(-1))
      .toMatchObject({ id: 1, error: { message: expect.stringContaining('10 times') } })
    expect(sent.filter(({ method }) => method === 'tools/call')).toHaveLength(11)
    expect(sent.at(-1)).toMatchObject({
      params: { requestState: 'again', inputResponses: { who: { action: 'accept' } } },
    })
  })

  test('whose state alone never ends is asked again after a wait, ten times at most', async () => {
    const { received, sent, say } = await asking({ requestState: 'busy' })
    say(call(1))
    await expect.poll(() => received, { timeout: 5_000 }).toMatchObject([{ id: 1, error: {} }])
    expect(sent).toHaveLength(11)
  })

  test('that sends requests, and answers nobody asked for, does not reach the client', async () => {
    const { received, say, tell } = await played('old', ({ method }) =>
      method === 'server/discover' ? discovered : { result: {} },
    )
    tell({ id: 1, method: 'elicitation/create', params: elicit.params })
    tell({ id: 'other', result: {} })
    say({ id: 2, method: 'tools/list' })
    await expect.poll(() => received).toEqual([{ jsonrpc: '2.0', id: 2, result: {} }])
  })
})

describe('a server with sessions, to a new client', () => {
  const greeting = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 's', version: '1' } }
  const sessions = async (): Promise<Played> =>
    played('new', ({ method }) => {
      if (method === 'initialize') return { result: greeting }
      return method === 'server/discover' ? unknown : undefined
    })
  const begin = async (place: Played): Promise<void> => {
    place.say({ ...call(1, { _meta: meta }) })
    await expect.poll(() => place.sent.map(({ method }) => method)).toContain('tools/call')
  }
  const answersOf = ({ sent }: Played): Message[] => sent.filter(({ method }) => method === undefined)

  test('that asks without end: the client is asked ten times, and the server hears no', async () => {
    const place = await sessions()
    await begin(place)
    for (let round = 0; round < 10; round++) {
      place.tell({ id: `q${round}`, ...elicit })
      await expect.poll(() => place.received).toHaveLength(round + 1)
      const { requestState, inputRequests } = Object(place.received[round]).result
      expect(inputRequests).toEqual({ 0: elicit })
      place.say(call(round + 2, { _meta: meta, requestState, inputResponses: { 0: { action: 'decline' } } }))
      await expect.poll(() => answersOf(place).at(-1)).toMatchObject({ id: `q${round}`, result: { action: 'decline' } })
    }
    place.tell({ id: 'one more', ...elicit })
    await expect.poll(() => answersOf(place).at(-1)).toMatchObject({ id: 'one more', error: {} })
    expect([place.received.length, place.sent.filter(({ method }) => method === 'tools/call').length]).toEqual([10, 1])
  })

  test('that asks too much at once, or under ids that are too long', async () => {
    const place = await sessions()
    await begin(place)
    place.tell({ id: 'x'.repeat(257), ...elicit })
    for (let at = 0; at < 200; at++) place.tell({ id: at, ...elicit })
    // One round has what was asked first; 64 more wait for the next.
    await expect.poll(() => answersOf(place).length).toBeGreaterThanOrEqual(200 - 64 - 64)
    expect(answersOf(place).every(message => 'error' in message && String(message.id).length < 10)).toBe(true)
    const asked = Object.keys(Object(place.received[0]).result.inputRequests)
    expect(asked.length).toBeLessThanOrEqual(64)
    expect(place.received).toHaveLength(1)
  })

  test('that asks while no call runs, or what the client did not offer, hears no', async () => {
    const place = await sessions()
    place.say({ id: 1, method: 'tools/list', params: { _meta: meta } })
    await expect.poll(() => place.sent.map(({ method }) => method)).toContain('tools/list')
    place.tell({ id: 'a', ...elicit })
    place.tell({ id: 'b', method: 'sampling/createMessage', params: {} })
    place.tell({ id: 'c', method: 'constructor', params: {} })
    place.tell({ id: 'd', method: 'ping' })
    await expect.poll(() => answersOf(place)).toHaveLength(4)
    expect(answersOf(place).map(message => [message.id, 'error' in message])).toEqual(
      expect.arrayContaining([
        ['a', true],
        ['b', true],
        ['c', true],
        ['d', false],
      ]),
    )
    expect(place.received).toEqual([])
  })

  test('a state that the bridge did not give continues nothing', async () => {
    const place = await sessions()
    await begin(place)
    place.tell({ id: 'q', ...elicit })
    await expect.poll(() => place.received).toHaveLength(1)
    for (const requestState of ['countersign-bridge.guess', 'of the server'])
      place.say(call(2, { _meta: meta, requestState, inputResponses: { 0: { action: 'accept' } } }))
    await expect
      .poll(() => place.received.slice(1))
      .toMatchObject([
        { id: 2, error: { code: -32_602 } },
        { id: 2, error: { code: -32_602 } },
      ])
    expect(answersOf(place)).toEqual([])
  })

  test('an answer of the server while the client is asked waits for the repeated request', async () => {
    const place = await sessions()
    await begin(place)
    place.tell({ id: 'q', ...elicit })
    await expect.poll(() => place.received).toHaveLength(1)
    const { id } = place.sent.find(({ method }) => method === 'tools/call') ?? {}
    place.tell({ id, result: { content: [], resultType: 'input_required' } })
    const { requestState } = Object(place.received[0]).result
    place.say(call(2, { _meta: meta, requestState, inputResponses: {} }))
    // A server of a session cannot choose another kind of result.
    await expect
      .poll(() => place.received[1])
      .toEqual({ jsonrpc: '2.0', id: 2, result: { content: [], resultType: 'complete' } })
  })

  test('subscriptions are bounded, by number and by resources', async () => {
    const place = await played('new', ({ method }) => {
      if (method === 'initialize') return { result: { ...greeting, capabilities: { resources: { subscribe: true } } } }
      if (method === 'server/discover') return unknown
      return method?.startsWith('resources/') ? { result: {} } : undefined
    })
    const listen = (id: string, resourceSubscriptions: unknown) => ({
      id,
      method: 'subscriptions/listen',
      params: { _meta: meta, notifications: { resourceSubscriptions } },
    })
    place.say(
      listen(
        'a',
        Array.from({ length: 65 }, (_, at) => `note://${at}`),
      ),
    )
    await expect.poll(() => place.received).toMatchObject([{ id: 'a', error: { code: -32_602 } }])
    for (let at = 0; at < 65; at++) place.say(listen(`s${at}`, ['note://one']))
    await expect.poll(() => place.received).toHaveLength(66)
    expect(place.received.filter(message => 'error' in message).map(({ id }) => id)).toEqual(['a', 's64'])
    expect(place.sent.filter(({ method }) => method === 'resources/subscribe')).toHaveLength(1)
    for (let at = 0; at < 64; at++) place.say({ method: 'notifications/cancelled', params: { requestId: `s${at}` } })
    await expect.poll(() => place.sent.at(-1)).toMatchObject({ method: 'resources/unsubscribe' })
  })
})

test('a subscription that the server ends at once is opened again, ever more rarely', async () => {
  const capabilities = { tools: { listChanged: true } }
  const { sent } = await played('old', ({ method }) => {
    if (method === 'server/discover') return { result: { ...discovered.result, capabilities } }
    return method === 'subscriptions/listen' ? { error: { code: -32_603, message: 'no' } } : undefined
  })
  await expect.poll(() => sent.length, { timeout: 4_000 }).toBe(2)
  await new Promise(resolve => setTimeout(resolve, 500))
  expect(sent).toHaveLength(2)
})
