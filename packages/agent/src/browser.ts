export { browserFetcher } from './browser-fetcher.js'
export { type IndexedDbStateOptions, indexedDbState } from './indexed-db-state.js'
