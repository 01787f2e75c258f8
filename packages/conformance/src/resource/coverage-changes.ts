import { type Draft, requiredComponents } from '../signing/draft.js'
import { withQuery } from './variations.js'

/** Changes what a draft covers. */
export type DraftChange = (draft: Draft) => Draft

/** Covers all that it must but one. */
export function without(component: string): DraftChange {
  return draft => ({ ...draft, components: requiredComponents(draft).filter(one => one !== component) })
}

/** Covers more than it must. */
export function alsoCovering(...components: readonly string[]): DraftChange {
  return draft => ({ ...draft, components: [...requiredComponents(draft), ...components] })
}

/** Covers one in place of another. */
export function replacing(component: string, other: string, value?: string): DraftChange {
  return draft => ({
    ...draft,
    components: requiredComponents(draft).map(one => (one === component ? other : one)),
    ...(value === undefined ? {} : { values: { ...draft.values, [other]: value } }),
  })
}

/** Has one more header line. */
export function withHeader(name: string, value: string): DraftChange {
  return draft => ({ ...draft, headers: [...draft.headers, [name, value]] })
}

/** Has a query. */
export function queried(draft: Draft): Draft {
  return { ...draft, target: withQuery(draft.target, 'x=1') }
}
