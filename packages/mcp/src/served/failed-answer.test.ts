import { generateSigningKey, SigningKeyError } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { asKey } from '@countersign/testing/world/signer'
import { expect, test } from 'vitest'
import { makeTools } from '../tools.test.fixture.js'

test(verifies(
  'mcp.continued',
  'a request ends where its answer cannot be sealed, and what the server said does not go out',
), async () => {
  const key = await generateSigningKey()
  let fails = false
  const failing = {
    ...key,
    async sign(data: Uint8Array) {
      if (fails) throw new SigningKeyError('the key is away')
      return key.sign(data)
    },
  }
  const { say } = await makeTools({
    resource: { keys: [{ kid: 'r1', key: failing }] },
    options: { session: { level: 'pseudonymous' }, tools: { '*': { level: 'pseudonymous' } } },
  })
  const as = asKey(await generateSigningKey())
  const ask = { method: 'tools/call', params: { name: 'ask' }, capabilities: { elicitation: {} } }
  expect((await say(as, ask)).status).toBe(200)
  fails = true
  const answer = await say(as, ask)
  expect(await answer.text()).not.toContain('inputRequests')
  fails = false
  expect((await say(as, ask)).status).toBe(200)
}, 10_000)
