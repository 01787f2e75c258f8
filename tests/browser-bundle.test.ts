import { createContext, Script } from 'node:vm'
import { gzipSync } from 'node:zlib'
import type { AAuthError, Reason } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import { reasons } from '@countersign/protocol/reasons'
import { expect, test } from 'vitest'
import { bundle } from './bundle.fixture.js'

// The size of an agent in a page, without any Node API. The built packages are bundled, as users do.

/** All that an agent in a page is made of. */
const whole = `
  import { createAgent, delegate } from '@countersign/agent'
  import { browserFetcher, indexedDbState } from '@countersign/agent/browser'
  globalThis.agent = [createAgent, delegate, browserFetcher, indexedDbState]`

/** In bytes, minified and gzipped: the budget of the agent. */
const budget = 33_000

test('a delegate in a page, with its state and its fetcher, weighs at most 33 kB minified and gzipped', async () => {
  const code = await bundle(whole)
  expect(code).not.toMatch(/node:|__vite-browser-external|\bprocess\.|\bBuffer\./)
  expect(code).toContain('agent_token')
  expect(gzipSync(code, { level: 9 }).length).toBeLessThanOrEqual(budget)
})

test('a page that asks its user, too, for auth servers and for resources, and to approve single calls, adds less than 3000 bytes to that', async () => {
  const asking = `${whole}; import { callbackRoute } from '@countersign/agent'; globalThis.asks = callbackRoute`
  const [without, code] = await Promise.all([bundle(whole), bundle(asking)])
  expect(gzipSync(code, { level: 9 }).length - gzipSync(without, { level: 9 }).length).toBeLessThan(3000)
})

test('and brings nothing along that only servers need', async () => {
  const code = await bundle(whole)
  // The parser of structured fields, verification of requests, and discovery for whom strangers make look things up.
  const server = await bundle(`
    import { createDiscovery } from '@countersign/discovery'
    import { openSignature } from '@countersign/httpsig'
    globalThis.server = [createDiscovery, openSignature]`)
  for (const text of [
    /Parse error/,
    /is not a Structured Field Dictionary/,
    /too many fetches wait already/,
    /kid_refetch/,
  ]) {
    expect(server).toMatch(text)
    expect(code).not.toMatch(text)
  }
})

test('an error in a page has the code and the status that its reason has elsewhere, and no sentence', async () => {
  const code = await bundle(`
    import { refusal } from '@countersign/protocol/internal'
    globalThis.refusal = refusal`)
  const page = createContext({ refusal })
  new Script(code).runInContext(page)
  const names = Object.keys(reasons) as Reason[]
  expect(names.length).toBeGreaterThan(190)
  const facts = ({ reason, code, status }: AAuthError): unknown => ({ reason, code, status })
  for (const reason of names) {
    const error = (page['refusal'] as typeof refusal)(reason)
    expect(facts(error)).toEqual(facts(refusal(reason)))
    expect([error.message, refusal(reason).message]).toEqual([reason, reasons[reason].meaning])
    expect(code).not.toContain(reasons[reason].meaning)
  }
  expect((page['refusal'] as typeof refusal)('token_malformed', { about: 'kid' }).message).toBe('token_malformed: kid')
})
