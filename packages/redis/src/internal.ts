// For the other packages of this project, not for users: these names may change in any release (no semver).

export { type RedisAddress, redisAddress } from './servers/address.js'
