import { createHash } from 'node:crypto'
import { claimedText } from './claimed-text.js'
import type { ConsentScope, ConsentView } from './consent-view.js'

const longest = 200

/** The resource's description of a scope, as a page shows it; undefined where it shows none. */
export function wordsOf({ description = '', known = true }: ConsentScope): string | undefined {
  const words = claimedText(description, longest)
  return known && words !== '' ? words : undefined
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

/** A hash of the descriptions that a page shows. Its form sends it back, so that a user's yes is to exactly these. */
export function wordsMark(view: Pick<ConsentView, 'scopes'>): string {
  return createHash('sha256')
    .update(JSON.stringify(shownWords(view)))
    .digest('base64url')
}
