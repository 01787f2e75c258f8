export { type RedisReplaySet, type RedisReplaySetOptions, redisReplaySet } from './replay/replay-set.js'
export { RedisError, type RedisErrorCode } from './servers/error.js'
export type { RedisConnection } from './servers/link.js'
export type { RedisPlace } from './servers/shared-script.js'
