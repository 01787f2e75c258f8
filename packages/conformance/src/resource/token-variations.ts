import type { Case } from '../case/case.js'
import type { Refusal } from '../case/refusal.js'
import { signDraft } from '../signing/draft.js'
import { makeKey } from '../signing/key.js'
import type { TokenDraft } from '../signing/token.js'
import { delegate, draftFor, holder, type ResourceStage, routeOf, type Signer } from './stage.js'
import { describes } from './variations.js'

/** A request whose token differs in one thing from that of the control. */
export interface TokenVariation {
  readonly fault: string
  /** Changes the token before it is signed. */
  readonly token?: (draft: TokenDraft, stage: ResourceStage) => TokenDraft
  /** Changes who signs the request, or how the token stands in it. */
  readonly signer?: (signer: Signer, stage: ResourceStage) => Signer
  readonly refused?: Refusal
  /** What the description of its refusal must name. */
  readonly described?: string
}

/** A case about the token in `Signature-Key`. */
export interface TokenCase {
  readonly id: string
  readonly group: string
  /** An agent token on an identified route, or an auth token on an authorized one. */
  readonly token: 'agent' | 'auth'
  readonly words?: string | readonly string[]
  readonly clauses?: readonly string[]
  readonly accepted?: readonly TokenVariation[]
  readonly refused?: readonly TokenVariation[]
  readonly refusal?: Refusal
}

/** Makes a case of a control and variations of its token. */
export function tokenVaried(o: TokenCase): Case<ResourceStage> {
  const level = o.token === 'agent' ? 'identified' : 'authorized'
  return {
    id: o.id,
    group: o.group,
    needs: [level],
    ...(o.words === undefined ? {} : { words: o.words }),
    ...(o.clauses === undefined ? {} : { clauses: o.clauses }),
    async run(trial, stage) {
      const route = routeOf(stage, level)
      const request =
        ({ token = one => one, signer = one => one }: Omit<TokenVariation, 'fault'>) =>
        () => {
          const change = (draft: TokenDraft): TokenDraft => token(draft, stage)
          const right = o.token === 'agent' ? delegate(stage, change, makeKey()) : holder(stage, route, change)
          return signDraft(draftFor(stage, route, signer(right, stage)))
        }
      await trial.control(`a request with an ${o.token} token`, request({}))
      for (const variation of o.accepted ?? []) await trial.accepted(variation.fault, request(variation))
      for (const variation of o.refused ?? []) {
        const refusal = variation.refused ?? o.refusal
        if (refusal === undefined) throw new TypeError(`${o.id} does not say how its variations are refused`)
        describes(trial, variation, await trial.refused(variation.fault, request(variation), refusal))
      }
    },
  }
}

/** Changes claims; `undefined` leaves one out. */
export function withClaims(
  claims: (now: number, stage: ResourceStage) => Readonly<Record<string, unknown>>,
): NonNullable<TokenVariation['token']> {
  return (draft, stage) => ({ ...draft, claims: { ...draft.claims, ...claims(stage.now(), stage) } })
}

/** Changes members of the header; `undefined` leaves one out. */
export function withHeaderMembers(members: Readonly<Record<string, unknown>>): (draft: TokenDraft) => TokenDraft {
  return draft => ({ ...draft, header: { ...draft.header, ...members } })
}

/** A value in the name of a variation. */
export function shown(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value)
}
