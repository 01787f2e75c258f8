import { expect } from 'vitest'
import { type ExplainOptions, explainSignature, type ReceivedMessage, type SignatureExplanation } from '../index.js'
import { type Draft, get, options, send } from '../signed-message.test.fixture.js'

export function explain(message: ReceivedMessage, change: Partial<ExplainOptions> = {}): Promise<SignatureExplanation> {
  return explainSignature({ ...options, message, ...change })
}

/** `reason @ place` of every finding. */
export async function reasonsOf(message: ReceivedMessage, change: Partial<ExplainOptions> = {}): Promise<string[]> {
  const explanation = await explain(message, change)
  expect(explanation.tried).toBeLessThanOrEqual(100)
  return explanation.findings.map(({ reason, at }) => (at === undefined ? reason : `${reason} @ ${at}`))
}

/** A message whose signer had another value of one component than the one in the request. */
export function signedAs(draft: Draft, identifier: string, value: string): ReceivedMessage {
  return send({ ...draft, values: { [`"${identifier}"`]: value } })
}

export const withQuery = (query: string): Draft => ({
  ...get,
  target: `/events${query}`,
  components: [...get.components, '"@query"'],
})
export const covering = (name: string, ...values: string[]): Draft => ({
  ...get,
  components: [...get.components, `"${name}"`],
  headers: [...get.headers, ...values.map(value => [name, value] as const)],
})
