import { generateSigningKey } from '@countersign/httpsig'
import { asKey } from '@countersign/testing/world/signer'
import { McpServer } from '@modelcontextprotocol/server'
import { expect, test } from 'vitest'
import { makeTools } from '../tools.test.fixture.js'

/** The frames of the error that the SDK ends an answered request with. */
async function framesOfEnd({ ownEnd }: { readonly ownEnd: boolean }): Promise<number> {
  let reason: unknown
  const server = (): McpServer => {
    const made = new McpServer({ name: 'ends', version: '1' })
    if (ownEnd) made.server.onclose = () => {}
    made.registerTool('now', {}, ({ mcpReq: { signal } }) => {
      signal.addEventListener('abort', () => {
        reason = signal.reason
      })
      return { content: [] }
    })
    return made
  }
  const rules = { session: { level: 'pseudonymous' }, tools: { '*': { level: 'pseudonymous' } } } as const
  const { say } = await makeTools({ server, options: rules })
  const answer = await say(asKey(await generateSigningKey()), { method: 'tools/call', params: { name: 'now' } })
  expect(answer.status).toBe(200)
  await expect.poll(() => reason).toBeInstanceOf(Error)
  return String(Object(reason).stack).split('\n    at ').length - 1
}

test('an answered request ends without the stack that nobody sees, unless the server has a handler for its end', async () => {
  const before = Error.stackTraceLimit
  expect(await framesOfEnd({ ownEnd: false })).toBe(0)
  expect(await framesOfEnd({ ownEnd: true })).toBeGreaterThan(2)
  expect(Error.stackTraceLimit).toBe(before)
})
