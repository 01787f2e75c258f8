import type { Variation } from '../case/case.js'
import { type Draft, requiredComponents } from '../signing/draft.js'
import { changeHeader } from '../wire/message.js'
import { alsoCovering, type DraftChange, replacing } from './coverage-changes.js'

/** Changes `Signature-Input` after the request was signed. */
export function changedInput(fault: string, change: (value: string) => string): Variation {
  return { fault, sent: request => changeHeader(request, 'signature-input', change) }
}

/** Covers fields of its own besides, so many that it covers `count` components. */
export function coveringMany(count: number): DraftChange {
  return draft => {
    const more = Array.from({ length: count - requiredComponents(draft).length }, (_, at) => `x-${at}`)
    const headers = more.map((name): [string, string] => [name, '1'])
    return alsoCovering(...more.map(name => `"${name}"`))({ ...draft, headers: [...draft.headers, ...headers] })
  }
}

/** The member of `Signature-Key` of a draft. */
export function memberOf(draft: Draft): string {
  return `${draft.label}=${draft.keyMember}`
}

/** Covers `signature-key` with parameters only. */
export function keyed(parameters: string, value: (draft: Draft) => string): (draft: Draft) => Draft {
  return draft => replacing('"signature-key"', `"signature-key"${parameters}`, value(draft))(draft)
}
