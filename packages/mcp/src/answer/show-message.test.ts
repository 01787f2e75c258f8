import type { AAuthError } from '@countersign/protocol'
import { asAAuthError } from '@countersign/protocol/internal'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import type { McpMessage } from '../rules/rpc.js'
import { showMessage } from './show-message.js'

const rpc = { request: { id: 1, method: 'tools/call' } } as McpMessage
const text = '{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":{"open":1,"hidden":2}}}'
const json = { 'content-type': 'application/json' }

/** What goes out of an answer of a server, or why it is withheld. */
async function shown(body: string | null, headers: Record<string, string>): Promise<string | undefined> {
  let refused: AAuthError | undefined
  const withhold = (thrown: unknown): Response => {
    refused = asAAuthError(thrown)
    return new Response(null, { status: 403 })
  }
  const response = await showMessage(new Response(body, { headers }), rpc, { fields: [['/open']], withhold })
  return refused === undefined ? response.text() : refused.about
}

test(
  verifies('policy.data', 'an answer that cannot be read as JSON is withheld, and the reason says why'),
  async () => {
    const part = '{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":{"open":1}}}'
    expect(await shown(text, json)).toBe(part)
    expect(await shown(text, { ...json, 'content-encoding': 'identity' })).toBe(part)
    expect(await shown(text, { ...json, 'content-encoding': 'gzip' })).toBe('it has a content coding')
    expect(await shown(null, json)).toBe('it has no body')
    expect(await shown(text, { 'content-type': 'text/plain' })).toBe('it is not JSON')
    expect(await shown(text, { 'content-type': 'application/jsonp' })).toBe('it is not JSON')
  },
)
