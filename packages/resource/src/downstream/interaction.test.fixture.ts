import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import {
  appCallback,
  type Browser,
  browser,
  type Chain,
  type ChainOptions,
  chainOf,
  hopId,
} from '../hops.test.fixture.js'

export const state = 'of-the-agent'

/** The URL of the page at which the caller's user is to be asked. */
export async function pageOf(chain: Chain, claims: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const response = await chain.call({ claims })
  expect([response.status, ((await response.clone().json()) as { error: string }).error]).toEqual([
    401,
    'interaction_required',
  ])
  const [, url] = /^httpsig; user_interaction="(https:[^"]+)"$/.exec(response.headers.get('agent-auth') ?? '') ?? []
  return url ?? expect.fail('no user_interaction')
}

/** The page with what an agent adds. */
export function withReturn(page: string, returnUrl: string = appCallback, own: string = state): string {
  return `${page}&${new URLSearchParams({ return_url: returnUrl, state: own })}`
}

/** What visits of browsers leave behind: codes redeemed, agreements, answers kept, requests that went on, and what was told. */
function leftBy({ hops }: Chain): ReadonlyArray<Readonly<Record<string, number>>> {
  return hops.map(({ server, seen, kept, events }) => ({
    redeemed: server.forms.filter(form => form['request_type'] === 'code').length,
    agreed: server.remembered.size,
    kept: kept.length,
    seen: seen.length,
    told: events.filter(({ type }) => type === 'interaction').length,
  }))
}

/**
 * Expects an error page without redirect, script, frame or anything of the request; and nothing redeemed, stored or granted.
 * @returns its reason
 */
export async function expectPage(
  chain: Chain,
  visit: () => Promise<Response | undefined>,
  ...never: readonly string[]
): Promise<string> {
  const before = leftBy(chain)
  const response = await visit()
  expect(leftBy(chain)).toEqual(before)
  expect(response?.status).toBe(400)
  expect(response?.headers.get('location')).toBeNull()
  expect(response?.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(response?.headers.get('cache-control')).toBe('no-store')
  expect(response?.headers.get('referrer-policy')).toBe('no-referrer')
  expect(response?.headers.get('x-frame-options')).toBe('DENY')
  const text = (await response?.text()) ?? ''
  const [, style = ''] = /<style>(.*)<\/style>/.exec(text) ?? []
  const hash = createHash('sha256').update(style).digest('base64')
  expect(response?.headers.get('content-security-policy')).toBe(
    `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
  )
  expect(text).toContain('This did not work')
  for (const word of never) expect(text).not.toContain(word)
  return /<main data-reason="([a-z_]+)">/.exec(text)?.[1] ?? expect.fail('the page names no reason')
}

export const code = (at: URL | undefined): ReadonlyArray<readonly [string, string]> => [
  ['agent-interaction', `"${at?.searchParams.get('interaction')}"`],
]

/** A browser that was sent on, and the callback to which the service that asks the user would send it back. */
export async function sentBack(length = 2, options: ChainOptions = {}): Promise<SentBack> {
  const chain = await chainOf(length, options)
  for (const { server } of chain.hops.slice(1, -1)) server.asks = false
  const its = browser(chain.net)
  let at = new URL(withReturn(await pageOf(chain)))
  do at = new URL((await its.get(at.href)).headers.get('location') ?? '')
  while (at.origin !== hopId(1))
  return { chain, its, callback: at }
}

/** A browser on its way back. */
export interface SentBack {
  readonly chain: Chain
  readonly its: Browser
  readonly callback: URL
}
