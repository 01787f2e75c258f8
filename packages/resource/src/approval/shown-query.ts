import { foldedName } from '@countersign/protocol/internal'
import { NotShowable } from './not-showable.js'
import { isUnshown, type Unshown } from './unshown.js'

/** The query of a request, which knows the parameters that were taken of it. */
export interface ShownQuery {
  parameter(name: string): string
  /** Whether a user sees all its parameters. */
  isShown(): boolean
}

/** @param query from `?` on; empty without one */
export function shownQuery(query: string, unshown: Unshown['query']): ShownQuery {
  // bound: one call
  const taken = new Set<string>()
  let read: ReadonlyArray<readonly [string, string]> | undefined
  const all = (): ReadonlyArray<readonly [string, string]> => {
    read ??= parametersOf(query)
    return read
  }
  return {
    parameter(name) {
      const [found, ...more] = all().filter(([other]) => foldedParameter(other) === foldedParameter(name))
      // Two of one name could be read as either, and `Amount`, `amount[]` are `amount` to some frameworks.
      if (found === undefined || found[0] !== name || more.length > 0)
        // approval.shown
        throw new NotShowable('its query does not have a parameter that is to be shown, once and under one spelling')
      taken.add(name)
      return found[1]
    },
    isShown: () =>
      (unshown === 'all' && taken.size === 0) || all().every(([name]) => taken.has(name) || isUnshown(unshown, name)),
  }
}

/** One text for the names that a framework may take for one: `amount[]`, `amount[0]` and `Amount` for `amount`. */
function foldedParameter(name: string): string {
  const bracket = name.indexOf('[')
  return foldedName(bracket < 0 ? name : name.slice(0, bracket)).trim()
}

function parametersOf(query: string): Array<readonly [string, string]> {
  // Some servers separate by `;`: `trace=x;amount=5` has an amount to them.
  if (query.includes(';')) throw new NotShowable('its query has a ;, which must be written %3B') // approval.shown
  return query
    .slice(1)
    .split('&')
    .filter(piece => piece !== '')
    .map(piece => {
      const equals = piece.indexOf('=')
      return equals < 0 ? [decoded(piece), ''] : [decoded(piece.slice(0, equals)), decoded(piece.slice(equals + 1))]
    })
}

function decoded(encoded: string): string {
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '))
  } catch {
    throw new NotShowable('its query is not UTF-8')
  }
}
