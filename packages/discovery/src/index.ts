export { createDiscovery, type Discovery, type DiscoveryOptions } from './discovery.js'
export type { DiscoveryEvent, EventSubject, FetchOutcome } from './discovery-event.js'
export { type DocumentAt, documentAt } from './document-at.js'
export type { FetchedDocument, Fetcher, FetcherOptions } from './fetcher.js'
