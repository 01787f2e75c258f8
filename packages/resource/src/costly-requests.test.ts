import { generateSigningKey, type ReceivedMessage, type SigningKey } from '@countersign/httpsig'
import { base64urlEncode } from '@countersign/httpsig/internal'
import { verifies } from '@countersign/requirements'
import { asHolder, asKey } from '@countersign/testing/world/signer'
import { forgeToken } from '@countersign/testing/world/tokens'
import { beforeAll, expect, test } from 'vitest'
import type { Resource } from './index.js'
import { makeWorld, type World } from './world.test.fixture.js'

let world: World
let resource: Resource<'events.read' | 'events.write'>
let rsa: SigningKey

beforeAll(async () => {
  world = await makeWorld()
  resource = world.calendar()
  rsa = await generateSigningKey('PS512')
})

/** A GET whose Signature-Key is another than the one that signed. */
async function shown(signatureKey: string): Promise<ReceivedMessage> {
  const { headers, ...rest } = await world.request({ as: asKey(rsa), target: '/feed' })
  return { ...rest, headers: headers.map(([name, value]) => [name, name === 'signature-key' ? signatureKey : value]) }
}

/** The answer, and the milliseconds it takes when nothing else runs: the least of several. */
async function cost(message: ReceivedMessage): Promise<{ answer: unknown; least: number }> {
  let answer: unknown
  let least = Number.POSITIVE_INFINITY
  for (let again = 0; again < 10; again++) {
    const started = performance.now()
    const authorization = await resource.authorize({ ...message }, { level: 'pseudonymous' })
    least = Math.min(least, performance.now() - started)
    answer = authorization.ok ? 200 : [authorization.response.status, (await authorization.response.json()).error]
  }
  return { answer, least }
}

const odd = (bytes: number): string => base64urlEncode(new Uint8Array(bytes).fill(0xff))
const rsaKey = (n: string, e: string): string => `sig=hwk;alg="PS512";kty="RSA";n="${n}";e="${e}"`
const pbes2 = { alg: 'PBES2-HS512+A256KW', enc: 'A256GCM', zip: 'DEF', p2c: 2 ** 31 - 1, p2s: odd(8), typ: 'agent+jwt' }

test(
  verifies('DOS-11', 'KEY-15', 'sig.alg.rsa-size', 'a request that is costly to verify is refused before verification'),
  async () => {
    const forged = await forgeToken(world.agent, pbes2, { iss: world.agent.id })
    const wrapped = [JSON.stringify(pbes2), ...Array(4).fill('x'.repeat(500))]
      .map(part => Buffer.from(part).toString('base64url'))
      .join('.')
    for (const [what, message, error] of [
      ['an RSA key of 16 384 bits', await shown(rsaKey(odd(2048), 'AQAB')), 'unsupported_algorithm'],
      ['an RSA exponent of 2 048 bits', await shown(rsaKey(odd(256), odd(256))), 'unsupported_algorithm'],
      ['a token whose key a password is stretched to', await shown(`sig=jwt;jwt="${forged}"`), 'invalid_agent_token'],
      ['an encrypted, compressed token', await shown(`sig=jwt;jwt="${wrapped}"`), 'invalid_auth_token'],
    ] as const) {
      const { answer, least } = await cost(message)
      expect(answer, what).toEqual([401, error])
      expect(least, what).toBeLessThan(20)
    }
  },
)

test(verifies('DOS-11', 'the most costly accepted request takes milliseconds'), async () => {
  const large = await world.request({
    as: asKey(rsa),
    method: 'GET',
    target: '/feed',
    body: ' '.repeat(60_000),
  })
  for (const message of [
    large,
    await world.request({ as: asKey(await generateSigningKey('ES384')), target: '/feed' }),
    await world.request({ as: asHolder(world.delegateKey, await world.authToken()), target: '/feed' }),
  ]) {
    const { answer, least } = await cost(message)
    expect(answer).toBe(200)
    expect(least).toBeLessThan(20)
  }
})
