export type { RedisConnection } from './redis-link.js'
export { type RedisReplaySet, type RedisReplaySetOptions, redisReplaySet } from './redis-replay-set.js'
export { ReplaySetError, type ReplaySetErrorCode } from './replay-set-error.js'
