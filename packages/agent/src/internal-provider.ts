// For the other packages of this project, not for users: these names may change in any release (no semver).

export {
  isProviderUrl,
  type ProviderClient,
  type ProviderClientOptions,
  providerClient,
  toldBy,
} from './exchange/provider.js'
