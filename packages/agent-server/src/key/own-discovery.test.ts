import { generateSigningKey } from '@countersign/httpsig'
import { fixedKeys, scheduledKeys } from '@countersign/store/internal'
import { expect, test } from 'vitest'
import { ownDiscovery } from './own-discovery.js'

const id = 'https://agent.example'
const metadata = { issuer: id, agent: id, jwks_uri: `${id}/.well-known/jwks.json` }

test('an agent server finds its own metadata and keys, and fetches no other participant', async () => {
  const keys = fixedKeys([{ kid: 'k1', key: await generateSigningKey() }])
  const discovery = ownDiscovery(metadata, keys)
  expect(await discovery.agent(id)).toBe(metadata)
  expect(await discovery.key('aauth-agent', id, 'k1')).toBeDefined()
  expect(await discovery.key('aauth-agent', 'https://other.example', 'k1')).toBeUndefined()
  for (const found of [discovery.agent('https://other.example'), discovery.resource(id), discovery.authServer(id)])
    await expect(found).rejects.toMatchObject({ code: 'discovery_failed', reason: 'token_issuer_wrong' })
})

test('while no own key has its private part, signing is refused with 503', async () => {
  const { publicJwk } = await generateSigningKey()
  const spent = { generation: 1, kid: 'k1', publicJwk, published: 0, signs: 0, given: false, retired: false }
  const keys = await scheduledKeys({
    keyStore: { load: async () => [spent], change: async () => ({ retired: [] }) },
    schedule: { rotateEvery: 3600, publishAhead: 900, tokenLifetime: 86_400, grace: 0 },
    now: () => 60,
    onEvent: () => undefined,
  })
  await expect(keys.signing()).rejects.toMatchObject({
    code: 'temporarily_unavailable',
    reason: 'key_not_ready',
    retryAfter: 30,
  })
})
