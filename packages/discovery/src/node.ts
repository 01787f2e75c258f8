export { type GuardedFetcherOptions, guardedFetcher } from './guarded-fetcher.js'
export { isPublicAddress } from './public-address.js'
