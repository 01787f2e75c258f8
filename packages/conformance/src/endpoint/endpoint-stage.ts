import type { Case, Variation } from '../case/case.js'
import type { Random } from '../case/random.js'
import type { Refusal } from '../case/refusal.js'
import { type Draft, signDraft } from '../signing/draft.js'

/** A server whose endpoints take signed POSTs. */
export interface EndpointStage {
  /** Its identifier. */
  readonly id: string
  readonly authority: string
  readonly scheme: 'http' | 'https'
  readonly random: Random
  /** Its metadata. */
  readonly metadata: Readonly<Record<string, unknown>>
  /** A request to its token endpoint that is right in everything, and made anew each time. */
  right(): Draft
  now(): number
}

/** What the stages of all servers have in common. */
export function serverPlace(id: string): {
  id: string
  authority: string
  scheme: 'http' | 'https'
  now: () => number
} {
  const { host, protocol } = new URL(id)
  return {
    id,
    authority: host,
    scheme: protocol === 'https:' ? 'https' : 'http',
    now: () => Math.floor(Date.now() / 1000),
  }
}

/** The path of an endpoint of the metadata. */
export function targetOf(metadata: Readonly<Record<string, unknown>>, name: string): string {
  const value = String(metadata[name])
  return URL.canParse(value) ? new URL(value).pathname : `/${name}-is-not-in-the-metadata`
}

/** A case of requests to a token endpoint that differ from the right one in one thing. */
export function endpointVaried<Stage extends EndpointStage>(o: {
  readonly id: string
  readonly group: string
  readonly words?: string | readonly string[]
  readonly clauses?: readonly string[]
  readonly accepted?: readonly Variation[]
  readonly refused?: readonly Variation[] | ((stage: Stage) => readonly Variation[])
  readonly refusal?: Refusal
}): Case<Stage> {
  const { id, group, words, clauses, refused = [], accepted = [] } = o
  return {
    id,
    group,
    ...(words === undefined ? {} : { words }),
    ...(clauses === undefined ? {} : { clauses }),
    async run(trial, stage) {
      const request =
        ({ draft = one => one, sent = one => one }: Omit<Variation, 'fault'>) =>
        () =>
          sent(signDraft(draft(stage.right())))
      await trial.control('the request as it should be', request({}))
      for (const variation of accepted) await trial.accepted(variation.fault, request(variation))
      for (const variation of typeof refused === 'function' ? refused(stage) : refused) {
        const refusal = variation.refused ?? o.refusal
        if (refusal === undefined) throw new TypeError(`${id} does not say how its variations are refused`)
        await trial.refused(variation.fault, request(variation), refusal)
      }
    },
  }
}
