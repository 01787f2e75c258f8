// For the other packages of this project, not for users: these names may change in any release (no semver).

export { type DiscoveryInstruments, discoveryInstruments, recordDiscovery } from './metrics.js'
