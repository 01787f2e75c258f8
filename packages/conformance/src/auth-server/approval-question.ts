import { createHash, randomUUID } from 'node:crypto'
import type { Trial } from '../case/trial.js'
import type { Signer } from '../resource/stage.js'
import { type Granted, memberOf, type Waiting } from './asked-user.js'
import { type AuthServerStage, asked, resourceToken } from './stage.js'

/** What a request would do, as its resource describes it. @see protocol §9.4 */
type Operation = Readonly<Record<string, unknown>>

/** The operation of a request that no other case has. */
export function operation(more: Operation = {}): Operation {
  const digest = createHash('sha256').update(randomUUID()).digest('base64url')
  return { name: 'pay', digest, display: ['Pay ', '12.50 EUR', ' to ', 'bob@example.org', ''], ...more }
}

/** The form by which an agent asks a user to approve one request. */
export function approvalForm(
  stage: AuthServerStage,
  one: Granted,
  o: {
    readonly operation: unknown
    readonly signer?: Signer
    readonly sub?: unknown
    readonly scope?: string | undefined
  },
): Readonly<Record<string, string>> {
  const { agent, claims, redirectUri } = one
  const { sub = claims['sub'], scope = stage.configuration.consentScope, signer = one.signer } = o
  const delegate = claims['agent_delegate']
  const holder = { key: signer.key, ...(typeof delegate === 'string' ? { delegate } : {}) }
  const token = resourceToken(
    stage,
    draft => ({ ...draft, claims: { ...draft.claims, sub, operation: o.operation } }),
    { agent, scope, signer: holder },
  )
  return { request_type: 'auth', resource_token: token, redirect_uri: redirectUri, state: 'approve' }
}

/** A question about one request waits for its user. @throws Undecided */
export async function waitingCall(
  trial: Trial,
  stage: AuthServerStage,
  o: { readonly one: Granted; readonly about: Operation; readonly form?: Readonly<Record<string, string>> },
): Promise<Waiting> {
  const { one, about } = o
  const response = await trial.control('the agent asks for an approval', () =>
    asked(stage, { ...approvalForm(stage, one, { operation: about }), ...o.form }, one.signer),
  )
  const { agent, signer, redirectUri } = one
  return { agent, signer, redirectUri, requestToken: memberOf(response, 'request_token'), state: 'approve' }
}
