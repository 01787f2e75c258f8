import { generateSigningKey, SigningKeyError } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { asKey } from '@countersign/testing/world/signer'
import { expect, test, vi } from 'vitest'
import { makeTools } from '../tools.test.fixture.js'

test(verifies(
  'mcp.continued',
  'a request ends where its answer cannot be sealed, and what the server said does not go out',
), async () => {
  const key = await generateSigningKey()
  const sign = vi.fn(key.sign)
  const { say } = await makeTools({
    resource: { keys: [{ kid: 'r1', key: { ...key, sign } }] },
    options: { session: { level: 'pseudonymous' }, tools: { '*': { level: 'pseudonymous' } } },
  })
  const as = asKey(await generateSigningKey())
  const ask = { method: 'tools/call', params: { name: 'ask' }, capabilities: { elicitation: {} } }
  expect((await say(as, ask)).status).toBe(200)
  sign.mockRejectedValueOnce(new SigningKeyError('the key is away'))
  const answer = await say(as, ask)
  expect(await answer.text()).not.toContain('inputRequests')
  expect((await say(as, ask)).status).toBe(200)
}, 10_000)
