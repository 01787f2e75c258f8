import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import {
  agentServer,
  ask,
  delegate,
  granted,
  resourceToken,
  send,
  type World,
  world,
} from '@countersign/testing/auth/world'
import { bodyOf } from '@countersign/testing/responses'
import { publishResource } from '@countersign/testing/world/web'
import { expect, test } from 'vitest'

/** The origins of what was fetched, one by one, and none of it any more. */
const fetchedFrom = (made: World) => made.fetched.splice(0).map(url => new URL(url).origin)
const [agent, calendar] = ['https://agent.example', 'https://calendar.example']

test(
  verifies('DSC-32', 'discovery.budget', 'the first request fetches two documents of each party, a later one nothing'),
  async () => {
    const made = await world()
    const phone = await delegate(made, 'phone')
    const { refresh_token } = await granted(await ask(made, phone))
    expect(fetchedFrom(made)).toEqual([agent, agent, calendar, calendar])
    made.clock.now += 1
    await granted(await ask(made, phone))
    await granted(await ask(made, await delegate(made, 'laptop')))
    expect((await send(made, phone, { request_type: 'refresh', refresh_token })).status).toBe(200)
    expect(fetchedFrom(made)).toEqual([])
  },
)

test(
  verifies('trust.auth-server.agents', 'trust.local-first', 'a request that is refused at once causes no fetch'),
  async () => {
    const made = await world()
    const phone = await delegate(made, 'phone')
    // A token whose shape, type or issuer is wrong; one without a known issuer; one whose issuer is this server or the caller.
    const agentToken = phone.signatureKey.scheme === 'jwt' ? phone.signatureKey.jwt : ''
    const tokens = [
      'x',
      agentToken,
      ...(await Promise.all(
        ['https://10.0.0.1', 'http://calendar.example', 'https://calendar.example/', 'https://auth.example'].map(iss =>
          resourceToken(made, phone, { claims: { iss } }).catch(() => ''),
        ),
      )),
    ]
    for (const resource_token of tokens) {
      const response = await send(made, phone, { request_type: 'auth', resource_token })
      expect(response.status).toBe(400)
    }
    const self = agentServer(made)
    const ownToken = await resourceToken(made, self, { claims: { iss: agent } })
    expect((await send(made, self, { request_type: 'auth', resource_token: ownToken })).status).toBe(400)
    // Only the caller's own documents were fetched.
    expect(fetchedFrom(made)).toEqual([agent, agent])
    await granted(await ask(made, phone))
    expect(fetchedFrom(made)).toEqual([calendar, calendar])
  },
)

test(
  verifies(
    'DSC-32',
    'discovery.failures',
    'a resource that does not answer costs one fetch for all requests that name it',
  ),
  async () => {
    const made = await world()
    const phone = await delegate(made, 'phone')
    await ask(made, agentServer(made))
    fetchedFrom(made)
    const key = { kid: 's1', key: await generateSigningKey() }
    publishResource(made, 'https://away.example', [key])
    made.down.add('https://away.example')
    for (const [iss, status] of [
      ['https://away.example', 503],
      ['https://nobody.example', 400],
    ] as const) {
      const named = await resourceToken(made, phone, { claims: { iss }, signer: key.key, kid: 's1' })
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => send(made, phone, { request_type: 'auth', resource_token: named })),
      )
      for (const answer of answers) {
        expect(answer.status).toBe(status)
        expect((await bodyOf(answer))['error']).toBe('discovery_failed')
      }
      expect(fetchedFrom(made)).toEqual([iss])
    }
    await granted(await ask(made, phone))
  },
)
