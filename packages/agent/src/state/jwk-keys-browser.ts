import type { StateKeys } from './state.js'

/** Always throws: in a page, any script could read private keys among plain values. @throws TypeError */
export function jwkKeys(): StateKeys {
  throw new TypeError('in a browser a state must have `keys`, as indexedDbState has')
}
