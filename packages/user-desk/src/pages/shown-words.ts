import { createHash } from 'node:crypto'
import type { ResourceMetadata } from '@countersign/protocol'
import { claimedText } from './claimed-text.js'
import type { ConsentScope, ConsentView } from './consent-view.js'

const longest = 200

/** The resource's description of a scope, as a page shows it; undefined where it shows none. */
export function wordsOf({ description = '', known = true }: ConsentScope): string | undefined {
  const words = claimedText(description, longest)
  return known && words !== '' ? words : undefined
}

/** What a resource says of a scope now, as a page shows it; undefined where it says nothing, or does not list the scope. */
export function wordsNow(
  name: string,
  { supported_scopes, scope_descriptions = {} }: ResourceMetadata,
): string | undefined {
  const isListed = supported_scopes === undefined || supported_scopes.includes(name)
  const description = isListed && Object.hasOwn(scope_descriptions, name) ? scope_descriptions[name] : undefined
  return wordsOf({ name, description })
}

/** The descriptions that a page shows, by scope. */
export function shownWords({ scopes }: Pick<ConsentView, 'scopes'>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    scopes.flatMap(scope => {
      const words = wordsOf(scope)
      return words === undefined ? [] : [[scope.name, words]]
    }),
  )
}

/**
 * A hash of what a page says in the resource's words: descriptions of scopes, which of them are grave, purposes, data views and operations;
 * and of the limits that it offers. Its form sends it back, so that a user's yes is to exactly these: of limits that are not offered any
 * more, because metadata did not arrive a second time, what the user chose would be lost.
 */
export function wordsMark(view: Pick<ConsentView, 'scopes' | 'purposes' | 'limits'>): string {
  const grave = view.scopes.filter(scope => scope.grave === true).map(({ name }) => name)
  const { views = [], operations = [], durations = [], zones = [], calls = false } = view.limits?.offered ?? {}
  const kinds = [...durations, ...(zones.length > 0 ? ['hours'] : []), ...(calls ? ['calls'] : [])]
  const more = [grave, view.purposes ?? [], views, operations, kinds]
  return createHash('sha256')
    .update(JSON.stringify(more.every(list => list.length === 0) ? shownWords(view) : [shownWords(view), ...more]))
    .digest('base64url')
}
