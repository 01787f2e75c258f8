import type { Case } from '../case/case.js'
import type { Refusal } from '../case/refusal.js'
import type { Trial } from '../case/trial.js'
import type { WireRequest, WireResponse } from '../wire/message.js'
import { type AuthServerStage, asked, type Delegate, delegateForm, delegateWith } from './stage.js'

/** A condition of protocol §9.2, perhaps a wrong one. */
export type Condition = Readonly<Record<string, unknown>>

/** A condition does not hold at the auth server. */
export const conditionUnmet: Refusal = { status: 403, error: 'access_denied', challenge: 'none' }
/** A list cannot be read. */
export const conditionUnread: Refusal = { status: 403, error: 'policy_denied', challenge: 'none' }

/** A delegate whose agent token says what it may be used for. */
export function delegated(
  stage: AuthServerStage,
  delegation: unknown,
  claims: Readonly<Record<string, unknown>> = {},
): Delegate {
  return delegateWith(stage, {
    sub: 'delegate-1',
    agent: stage.agent,
    claims: { aud: [stage.id, stage.agent.id], delegation, ...claims },
  })
}

/** What a delegate is for, and asks for. */
export interface DelegatedAsk {
  readonly delegation: unknown
  readonly scope?: string | undefined
  /** Parameters beside the usual ones. */
  readonly form?: Readonly<Record<string, string>>
}

/** A request for what is granted directly, by a delegate with this delegation. */
export function delegatedRequest(stage: AuthServerStage, { delegation, scope, form }: DelegatedAsk): WireRequest {
  const signer = delegated(stage, delegation)
  return asked(stage, { ...delegateForm(stage, signer, scope), ...form }, signer)
}

/** The control of cases about delegations. @throws Undecided */
export function delegatedControl(trial: Trial, stage: AuthServerStage, o: DelegatedAsk): Promise<WireResponse> {
  return trial.control(`a delegate for ${words(o.delegation)}`, () => delegatedRequest(stage, o))
}

/** A list of conditions in a few words. */
export function words(delegation: unknown): string {
  return delegation === undefined ? 'nothing' : JSON.stringify(delegation)
}

/** A case of delegations of which none lets a token be issued. */
export function refusedDelegations(o: {
  readonly id: string
  readonly group: string
  readonly words?: string | readonly string[]
  readonly clauses?: readonly string[]
  readonly refusal: Refusal
  readonly right: (stage: AuthServerStage) => readonly Condition[]
  readonly wrong: (stage: AuthServerStage) => ReadonlyArray<readonly [fault: string, delegation: unknown]>
}): Case<AuthServerStage> {
  const { id, group, words, clauses = [], refusal } = o
  return {
    id,
    group,
    needs: ['conditions'],
    ...(words === undefined ? {} : { words }),
    clauses,
    async run(trial, stage) {
      await delegatedControl(trial, stage, { delegation: o.right(stage) })
      for (const [fault, delegation] of o.wrong(stage))
        await trial.refused(fault, () => delegatedRequest(stage, { delegation }), refusal)
    },
  }
}
