import type { Case, Variation } from '../case/case.js'
import type { Refusal } from '../case/refusal.js'
import type { Request, Trial } from '../case/trial.js'
import type { Route } from '../config/route.js'
import { type Draft, signDraft } from '../signing/draft.js'
import { jsonBody, type WireResponse } from '../wire/message.js'
import { callerFor, draftFor, lowestRoute, type ResourceStage, type Signer } from './stage.js'

/** A case whose requests all differ from its control in one thing. */
export interface VariedCase {
  readonly id: string
  readonly group: string
  readonly words?: string | readonly string[]
  readonly clauses?: readonly string[]
  readonly needs?: readonly string[]
  /** Default the GET route of the lowest level that needs a signature. */
  readonly route?: (stage: ResourceStage) => Route
  /** Who signs; default a caller of the level that the route asks for. */
  readonly caller?: (stage: ResourceStage, route: Route) => Signer
  /** What control and variations have in common beside that. */
  readonly base?: (draft: Draft, stage: ResourceStage) => Draft
  /** Variations that must be accepted. */
  readonly accepted?: readonly Variation[] | ((stage: ResourceStage) => readonly Variation[])
  /** Variations that must be refused. */
  readonly refused?: readonly Variation[] | ((stage: ResourceStage) => readonly Variation[])
  /** How they must be refused, where a variation does not say. */
  readonly refusal?: Refusal
}

/** Makes a case of a control and its variations. */
export function varied(o: VariedCase): Case<ResourceStage> {
  const { id, group, words, clauses, needs } = o
  return {
    id,
    group,
    ...(words === undefined ? {} : { words }),
    ...(clauses === undefined ? {} : { clauses }),
    ...(needs === undefined ? {} : { needs }),
    run: (trial, stage) => runVaried(o, trial, stage),
  }
}

async function runVaried(o: VariedCase, trial: Trial, stage: ResourceStage): Promise<void> {
  const route = (o.route ?? (one => lowestRoute(one)))(stage)
  const request = ({ draft = one => one, sent = one => one }: Omit<Variation, 'fault'>): Request => {
    return () => {
      const caller = (o.caller ?? callerFor)(stage, route)
      const right = draftFor(stage, route, caller)
      return sent(signDraft(draft(o.base === undefined ? right : o.base(right, stage))))
    }
  }
  const listed = (list: VariedCase['accepted']): readonly Variation[] =>
    typeof list === 'function' ? list(stage) : (list ?? [])
  await trial.control('the request as it should be', request({}))
  for (const variation of listed(o.accepted)) await trial.accepted(variation.fault, request(variation))
  for (const variation of listed(o.refused)) {
    const refusal = variation.refused ?? o.refusal
    if (refusal === undefined) throw new TypeError(`${o.id} does not say how its variations are refused`)
    const response = await trial.refused(variation.fault, request(variation), refusal)
    describes(trial, variation, response)
  }
}

/** Notes what the description of a refusal must name. */
export function describes(
  trial: Trial,
  { fault, described }: Pick<Variation, 'fault' | 'described'>,
  response: WireResponse | undefined,
): void {
  if (described === undefined) return
  const text = String(response === undefined ? undefined : jsonBody(response)?.['error_description'])
  trial.holds(`${fault}: the description names ${described}`, text.includes(described), text)
}

/** Adds a parameter to the key member of a draft, which its signature covers. */
export function withKeyParameter(text: string): (draft: Draft) => Draft {
  return draft => ({ ...draft, keyMember: `${draft.keyMember};${text}` })
}

/** A target with one more parameter in its query. */
export function withQuery(target: string, parameter: string): string {
  return `${target}${target.includes('?') ? '&' : '?'}${parameter}`
}
