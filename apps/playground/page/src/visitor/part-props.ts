import type { VisitorState } from '../../../src/visitor/contract.js'
import type { State, Store } from '../store.js'

/** What a part of the view gets. */
export interface PartProps {
  readonly store: Store
  readonly state: State
  readonly visitor: VisitorState
}

/** The identifier of a party; empty until the page knows it. */
export function urlOf({ house }: State, id: string): string {
  return house?.parties.find(party => party.id === id)?.url ?? ''
}

/** The name of the party at an identifier, or its host. */
export function nameAt({ house }: State, url: string): string {
  return house?.parties.find(party => party.url === url)?.name ?? url.replace(/^https?:\/\//, '')
}
