export type { Fetcher } from '@countersign/discovery'
export { type IndexedDbStateOptions, indexedDbState } from './state/indexed-db-state.js'
export { browserFetcher } from './wire/browser-fetcher.js'
