export type { AnyTables, Dialect, Migration } from './migrate.js'
export { type Prepared, prepared } from './prepared.js'
export { openStore, type Store, type StoreLimits } from './store.js'
export { StoreError, type StoreErrorCode } from './store-error.js'
