export { type GuardedFetch, type GuardedFetchOptions, type GuardedInit, guardedFetch } from './guarded-fetch.js'
export { type GuardedFetcherOptions, guardedFetcher } from './guarded-fetcher.js'
export { isPublicAddress } from './public-address.js'
