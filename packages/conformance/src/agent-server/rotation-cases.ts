import type { Case } from '../case/case.js'
import type { Refusal } from '../case/refusal.js'
import type { Trial } from '../case/trial.js'
import { signDraft } from '../signing/draft.js'
import { makeKey, type TestKey } from '../signing/key.js'
import { readToken, type TokenDraft } from '../signing/token.js'
import { jsonBody, type WireResponse } from '../wire/message.js'
import { type AgentServerStage, callerOf, delegateDraft, type Enrolled, enrolDraft, rotation, subOf } from './stage.js'

const group = 'rotation'
const refusedProof: Refusal = { status: 400, error: 'invalid_request' }
const replaced: Refusal = {
  status: [400, 401, 403],
  error: ['invalid_agent_token', 'invalid_grant', 'policy_denied', 'access_denied'],
}

/** The token of an answer. */
export function tokenIn(response: WireResponse | undefined): string {
  return String(response === undefined ? undefined : jsonBody(response)?.['agent_token'])
}

/** Enrols a new delegate: the control of the cases of its life. */
export async function enrolled(trial: Trial, stage: AgentServerStage, key: TestKey = makeKey()): Promise<Enrolled> {
  const code = await stage.code()
  const response = await trial.control('a new key enrols with a new code', () =>
    signDraft(enrolDraft(stage, key, code)),
  )
  return { key, token: tokenIn(response) }
}

const claim =
  (name: string, value: (stage: AgentServerStage) => unknown) => (draft: TokenDraft, stage: AgentServerStage) => ({
    ...draft,
    claims: { ...draft.claims, [name]: value(stage) },
  })

/** How a delegate replaces its key. */
export const rotationCases: readonly Case<AgentServerStage>[] = [
  {
    id: 'delegate.rotate',
    words: [
      'is a JWS by the new key',
      'Its form is that of a token but for `kid`, and `iat` must be at most 60 s from now',
      'Any other proof is `invalid_request`',
    ],
    group,
    async run(trial, stage) {
      const delegate = await enrolled(trial, stage)
      const wrong: Array<readonly [string, (draft: TokenDraft, stage: AgentServerStage) => TokenDraft]> = [
        ['the old key has signed the proof', draft => ({ ...draft, key: delegate.key })],
        ['aud of the proof is another endpoint', claim('aud', () => 'https://other.example/token')],
        ['aud of the proof is the agent server', claim('aud', one => one.id)],
        ['sub of the proof is another delegate', claim('sub', () => 'other')],
        ['jkt of the proof is another key', claim('jkt', () => makeKey().thumbprint)],
        ['the proof is from five minutes ago', claim('iat', one => one.now() - 300)],
        ['the proof is from in five minutes', claim('iat', one => one.now() + 300)],
        ['the proof has crit', draft => ({ ...draft, header: { ...draft.header, crit: ['exp'], exp: 1 } })],
        ['the proof has no jti', claim('jti', () => undefined)],
        ['typ of the proof is JWT', draft => ({ ...draft, header: { ...draft.header, typ: 'JWT' } })],
      ]
      for (const [fault, change] of wrong)
        await trial.refused(
          fault,
          () =>
            signDraft(
              delegateDraft(
                stage,
                callerOf(delegate),
                rotation(stage, delegate, { change: draft => change(draft, stage) }),
              ),
            ),
          refusedProof,
        )
      await trial.accepted('the old key renews after that', () =>
        signDraft(delegateDraft(stage, callerOf(delegate), '')),
      )
      const next = makeKey()
      const response = await trial.accepted('the proof is right', () =>
        signDraft(delegateDraft(stage, callerOf(delegate), rotation(stage, delegate, { next }))),
      )
      const claims = readToken(tokenIn(response))?.claims ?? {}
      const jwk = (claims['cnf'] as { jwk?: Record<string, unknown> } | undefined)?.jwk
      trial.holds('the new token is for the new key', jwk?.['x'] === next.jwk['x'])
      trial.holds('the delegate is the same', claims['sub'] === subOf(delegate))
    },
  },
  {
    id: 'delegate.rotate.repeat',
    group,
    async run(trial, stage) {
      const delegate = await enrolled(trial, stage)
      const next = makeKey()
      const rotate = () => signDraft(delegateDraft(stage, callerOf(delegate), rotation(stage, delegate, { next })))
      await trial.accepted('a delegate replaces its key', rotate)
      await trial.accepted('the old key repeats that to the same key', rotate)
    },
  },
  {
    id: 'delegate.rotate.alarm',
    group,
    clauses: ['delegate.renew.current-key'],
    async run(trial, stage) {
      const delegate = await enrolled(trial, stage)
      const next = makeKey()
      const response = await trial.accepted('a delegate replaces its key', () =>
        signDraft(delegateDraft(stage, callerOf(delegate), rotation(stage, delegate, { next }))),
      )
      const renewed = { key: next, token: tokenIn(response) }
      await trial.accepted('the new key renews', () => signDraft(delegateDraft(stage, callerOf(renewed), '')))
      await trial.refused('the old key renews', () => signDraft(delegateDraft(stage, callerOf(delegate), '')), replaced)
      await trial.refused(
        'the old key rotates to another key',
        () => signDraft(delegateDraft(stage, callerOf(delegate), rotation(stage, delegate))),
        replaced,
      )
    },
  },
]
