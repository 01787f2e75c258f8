export { RedisError, type RedisErrorCode } from './redis-error.js'
export type { RedisConnection } from './redis-link.js'
export { type RedisReplaySet, type RedisReplaySetOptions, redisReplaySet } from './redis-replay-set.js'
export {
  keyPrefix,
  openSharedScript,
  type RedisPlace,
  type RedisScript,
  type SharedScript,
} from './redis-shared-script.js'
