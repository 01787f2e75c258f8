import { createHash } from 'node:crypto'
import { claimedText } from './claimed-text.js'
import type { ConsentScope, ConsentView } from './consent-view.js'

const longest = 200

/** The resource's own words for a scope, as a page shows them; undefined where it shows none. */
export function wordsOf({ description = '', known = true }: ConsentScope): string | undefined {
  const words = claimedText(description, longest)
  return known && words !== '' ? words : undefined
}

/** The words that a page shows for the scopes of a resource, by scope. */
export function shownWords({ scopes }: Pick<ConsentView, 'scopes'>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    scopes.flatMap(scope => {
      const words = wordsOf(scope)
      return words === undefined ? [] : [[scope.name, words]]
    }),
  )
}

/** Stands in the form of a page for the words it shows, so that a user's yes is to those words and no others. */
export function wordsMark(view: Pick<ConsentView, 'scopes'>): string {
  return createHash('sha256')
    .update(JSON.stringify(shownWords(view)))
    .digest('base64url')
}
