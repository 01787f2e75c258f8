import { sqliteOfTest } from '@countersign/testing/folders'
import { refusalOf } from '@countersign/testing/responses'
import { expect } from 'vitest'
import { type ExchangeWorld, exchange, exchangeWorld, rowsIn, type TokenChange, upstreamToken } from './exchange.js'

/** A world whose database others can look into. */
export type Watched = ExchangeWorld & { readonly database: string }

export async function watched(o: Parameters<typeof exchangeWorld>[0] = {}): Promise<Watched> {
  const database = sqliteOfTest()
  return { ...(await exchangeWorld({ ...o, database })), database }
}

/** Sends an exchange that must be refused, proves that it left nothing behind, and that its twin is accepted. */
export async function refused(
  made: Watched,
  attempt: () => Promise<Response>,
): Promise<{ status: number; error: unknown; agentAuth: string | null }> {
  const events = made.events.length
  const refusal = await refusalOf(await attempt())
  expect(made.events.slice(events).map(({ type }) => type)).toEqual(['refused'])
  expect(await rowsIn(made.database)).toEqual({ grants: 0, requests: 0, consents: 0, links: 0 })
  expect((await exchange(made)).status).toBe(200)
  return refusal
}

/** An exchange of an upstream token that differs in something. */
export function withUpstream(made: ExchangeWorld, o: TokenChange): () => Promise<Response> {
  return async () => exchange(made, { upstream: await upstreamToken(made, o) })
}
