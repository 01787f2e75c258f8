import { generateSigningKey } from '@countersign/httpsig'
import { jwks, type PublishedKey } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { agentIn } from './agents.test.fixture.js'
import { agentServer } from './identity/identity.js'
import { calendar, home, world } from './participants.test.fixture.js'

test(
  verifies('level.identified', 'the key of an agent server may change: each request is signed with the current one'),
  async () => {
    const own = await world()
    const first: PublishedKey = { kid: 'k1', key: own.agentKey }
    const second: PublishedKey = { kid: 'k2', key: await generateSigningKey() }
    own.network.intercept(home, (exchange, next) =>
      exchange.target === '/jwks.json' ? Response.json(jwks([first, second])) : next(exchange),
    )
    let signing = first
    const agent = agentIn(own, { identity: agentServer({ id: home, key: async () => signing }) })
    expect((await agent.fetch(`${calendar}/agenda`)).status).toBe(200)
    expect(own.network.sent.at(-1)?.header('signature-key')).toContain(';kid="k1"')
    signing = second
    expect((await agent.fetch(`${calendar}/agenda`)).status).toBe(200)
    expect(own.network.sent.at(-1)?.header('signature-key')).toContain(';kid="k2"')
  },
)

test(
  verifies('agent.key-changed', 'refresh.not-bound-to-key', 'and grants are refreshed for the next key'),
  async () => {
    const own = await world()
    const second: PublishedKey = { kid: 'k2', key: await generateSigningKey() }
    let signing: PublishedKey = { kid: 'k1', key: own.agentKey }
    const both = jwks([signing, second])
    own.network.intercept(home, (exchange, next) =>
      exchange.target === '/jwks.json' ? Response.json(both) : next(exchange),
    )
    const agent = agentIn(own, { identity: agentServer({ id: home, key: async () => signing }) })
    expect((await agent.fetch(`${calendar}/events`)).status).toBe(200)
    signing = second
    expect((await agent.fetch(`${calendar}/events`)).status).toBe(200)
    const forms = own.network.sent.filter(exchange => exchange.target === '/token').map(exchange => exchange.text)
    expect(forms.map(text => new URLSearchParams(text).get('request_type'))).toEqual(['auth', 'refresh'])
  },
)
