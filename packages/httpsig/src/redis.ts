export { RedisError, type RedisErrorCode } from './replay/redis-error.js'
export type { RedisConnection } from './replay/redis-link.js'
export { type RedisReplaySet, type RedisReplaySetOptions, redisReplaySet } from './replay/redis-replay-set.js'
export type { RedisPlace } from './replay/redis-shared-script.js'
