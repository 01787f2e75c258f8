import { setTimeout as sleep } from 'node:timers/promises'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { memoryRevocationSet } from '@countersign/resource'
import { asHolder, asKey, type Signer } from '@countersign/testing/world/signer'
import { beforeAll, describe, expect, test } from 'vitest'
import { makeWorld, type World } from '../../../resource/src/world.test.fixture.js'
import { askOf, makeTools, messagesOf, rules, type Said, type Tools } from '../tools.test.fixture.js'

let world: World
let tools: Tools
let pseudonym: Signer
let reader: Signer
beforeAll(async () => {
  world = await makeWorld()
  tools = await makeTools({ world })
  pseudonym = asKey(await generateSigningKey())
  reader = asHolder(world.delegateKey, await world.authToken({ sub: 'alice' }))
})

const [open, closed] = ['note://public/one', 'note://private/two']
const listen = (notifications: unknown): Said => ({ method: 'subscriptions/listen', params: { notifications } })

/** Under a token that ends so many seconds from now. */
async function holder(seconds: number): Promise<Signer> {
  const exp = Math.floor(world.clock.now) + seconds
  return asHolder(world.delegateKey, await world.authToken({ sub: 'alice', iat: exp - 60, exp }))
}

/** Waits for the end of a stream, which may be cut off. */
async function endOf(stream: Response): Promise<'ended'> {
  await stream.text().catch(() => undefined)
  return 'ended'
}

/** The methods of the messages that a subscription gets until it ends. */
async function methodsOf(stream: Response): Promise<unknown[]> {
  return (await messagesOf(stream)).map(({ method }) => method)
}

describe('a subscription', () => {
  test(verifies('mcp.stream-end', 'gets changes until the token ends that opened it'), async () => {
    const stream = await tools.say(await holder(1), listen({ toolsListChanged: true, resourceSubscriptions: [] }))
    expect([stream.status, stream.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    tools.participant.notify.toolsChanged()
    tools.participant.notify.resourceUpdated(open)
    const began = performance.now()
    expect(await methodsOf(stream)).toEqual([
      'notifications/subscriptions/acknowledged',
      'notifications/tools/list_changed',
    ])
    expect(performance.now() - began).toBeLessThan(3000)
  })

  test(verifies('revocation.streams', 'ends when the grant is revoked that opened it'), async () => {
    const revocations = memoryRevocationSet({ now: () => world.clock.now - 1000 })
    const own = await makeTools({ world, resource: { revocations } })
    const as = asHolder(world.delegateKey, await world.authToken({ sub: 'alice', grant: 'g1' }))
    const [ended, other] = await Promise.all([
      own.say(as, listen({ toolsListChanged: true })),
      own.say(reader, listen({ toolsListChanged: true })),
    ])
    await revocations.add({ issuer: 'https://auth.example', grant: 'g1', exp: world.clock.now + 600 })
    expect(await Promise.race([endOf(ended), sleep(1000, 'open')])).toBe('ended')
    const left = other?.body?.getReader()
    await left?.read()
    expect(await Promise.race([left?.read(), sleep(100, 'open')])).toBe('open')
    await left?.cancel()
  })

  test(
    verifies('mcp.subscribed', 'goes by the rule of the resources that it names, and by one rule only'),
    async () => {
      const status = async (as: Signer, notifications: unknown) => {
        const response = await tools.say(as, listen(notifications))
        await response.body?.cancel()
        return response.status
      }
      const both = { resourceSubscriptions: [open, closed] }
      expect(await status(pseudonym, { resourceSubscriptions: [open] })).toBe(200)
      expect(await status(pseudonym, { resourceSubscriptions: [closed] })).toBe(401)
      expect(await status(reader, { resourceSubscriptions: [closed] })).toBe(200)
      expect(await status(reader, both)).toBe(403)
      expect(await status(reader, { resourceSubscriptions: ['note://PRIVATE/two'] })).toBe(403)
      expect(await status(reader, { resourceSubscriptions: [closed], toolsListChanged: true })).toBe(403)
      expect(await status(pseudonym, { toolsListChanged: true })).toBe(200)
    },
  )

  test('is not held back where tools call other services', async () => {
    const own = await makeTools({ world, resource: { downstream: { acceptAuthServer: ['https://auth.example'] } } })
    const opening = own.say(reader, listen({ resourceSubscriptions: [closed] }))
    const stream = await Promise.race([opening, sleep(3000, undefined)])
    expect(stream?.status).toBe(200)
    await stream?.body?.cancel()
  })

  test.each([
    ['no list', { resourceSubscriptions: open }],
    ['a URI that is no text', { resourceSubscriptions: [open, 5] }],
    ['too many URIs', { resourceSubscriptions: Array.from({ length: 65 }, (_, index) => `${open}${index}`) }],
    ['too long URIs', { resourceSubscriptions: [`${open}${'x'.repeat(8192)}`] }],
    ['tasks', { taskIds: ['t1'] }],
    ['a member in another case', { ResourceSubscriptions: [closed] }],
  ])(verifies('mcp.one-reading', 'with %s is refused'), async (_, notifications) => {
    const refused = await tools.say(reader, listen(notifications))
    expect([refused.status, Object(await refused.json()).error.data.reason]).toEqual([400, 'rpc_malformed'])
  })

  test(verifies('mcp.shares', 'is refused to a caller with too many, and not to others'), async () => {
    const own = await makeTools({ world, options: { ...rules, limits: { perCaller: 2 } } })
    const streams = [await own.say(pseudonym, listen({ toolsListChanged: true }))]
    streams.push(await own.say(pseudonym, listen({ toolsListChanged: true })))
    const refused = await own.say(pseudonym, listen({ toolsListChanged: true }))
    expect([refused.status, await refused.json(), refused.headers.has('agent-auth')]).toEqual([
      503,
      expect.objectContaining({ error: 'temporarily_unavailable', reason: 'capacity_exceeded' }),
      false,
    ])
    streams.push(await own.say(reader, listen({ toolsListChanged: true })))
    expect(streams.map(({ status }) => status)).toEqual([200, 200, 200])
    await streams[0]?.body?.cancel()
    const again = await own.say(pseudonym, listen({ toolsListChanged: true }))
    expect(again.status).toBe(200)
    // One without anything to hear ends at once, and leaves its place.
    const nothing = await own.say(reader, listen({}))
    expect(await methodsOf(nothing)).toHaveLength(2)
    await Promise.all([...streams.slice(1), again].map(stream => stream.body?.cancel()))
  })
})

test(verifies('mcp.once', 'a request that was sent once is not answered again'), async () => {
  const { world: place, participant } = tools
  const { body = '', headers = {} } = askOf({ method: 'tools/list' })
  const message = await place.request({
    as: pseudonym,
    method: 'POST',
    target: '/mcp',
    body,
    contentType: 'application/json',
    headers: Object.entries(headers),
    additionalComponents: Object.keys(headers),
  })
  const [first, second] = [await participant.handle(message), await participant.handle({ ...message })]
  expect([first, second].map(response => (response as Response).status)).toEqual([200, 401])
})
