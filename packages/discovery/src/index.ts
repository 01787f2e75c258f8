export { createDiscovery, type Discovery, type DiscoveryOptions } from './discovery.js'
export type { FetchedDocument, Fetcher } from './fetcher.js'
