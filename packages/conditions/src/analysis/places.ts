import type { ResourcesCondition } from '@countersign/protocol'
import { isIdentifier } from '@countersign/protocol'

/** Identifiers and wildcards, none of them inside another; undefined: every identifier. */
export type Places = readonly string[] | undefined

const scheme = 'https://'
const wildcard = 'https://*'

/** The places that every one of the conditions lists. */
export function commonPlaces(conditions: readonly ResourcesCondition[]): Places {
  return conditions.reduce<Places>((common, { any }) => (common === undefined ? any : overlap(common, any)), undefined)
}

/** Wildcards are nested or apart, so two places overlap in the inner one or not at all. */
function overlap(a: readonly string[], b: readonly string[]): readonly string[] {
  const inB = a.filter(place => b.some(other => isInside(place, other)))
  const inA = b.filter(place => a.some(other => isInside(place, other)))
  return [...new Set([...inB, ...inA])]
}

/** Tells whether all that one entry names is among what another names. */
function isInside(place: string, other: string): boolean {
  if (!other.startsWith(wildcard)) return place === other
  // With the dot that follows the asterisk: evilcorp.example is not below corp.example.
  return place.startsWith(scheme) && place.slice(scheme.length).endsWith(other.slice(wildcard.length))
}

/** Tells whether an identifier is among the places. */
export function isPlace(places: Places, resource: string): boolean {
  return places?.some(place => isInside(resource, place)) ?? true
}

/** An identifier among the places that the list does not name; without a list, any of them. */
export function placeOutside(places: Places, list: readonly string[] = []): string | undefined {
  if (places === undefined) return elsewhere(list)
  for (const place of places) {
    if (list.some(entry => isInside(place, entry))) continue
    const found = place.startsWith(wildcard) ? nameBelow(place, list) : place
    if (found !== undefined) return found
  }
  return undefined
}

/** Of a wildcard that no entry holds whole, each entry takes one name at most, if any of this form. */
function nameBelow(place: string, list: readonly string[]): string | undefined {
  const host = place.slice(wildcard.length)
  for (let i = 0; i <= list.length; i++) {
    const name = `${scheme}${labelOf(i)}${host}`
    // Below a host of 252 characters there is no name.
    if (!isIdentifier(name)) return undefined
    if (!list.some(entry => isInside(name, entry))) return name
  }
  return undefined
}

function labelOf(i: number): string {
  return i < 26 ? String.fromCharCode(97 + i) : `a${i}`
}

function elsewhere(list: readonly string[]): string {
  const usual = ['https://resource.example', 'https://other.example', 'https://elsewhere.test']
  // No wildcard holds a host of one label.
  const names = [...usual, ...Array.from({ length: list.length + 1 }, (_, i) => `${scheme}other${i}`)]
  return names.find(name => !list.some(entry => isInside(name, entry))) ?? `${scheme}other`
}
