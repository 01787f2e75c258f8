export { RedisError, type RedisErrorCode } from './replay/redis-error.js'
export type { RedisConnection } from './replay/redis-link.js'
export { type RedisReplaySet, type RedisReplaySetOptions, redisReplaySet } from './replay/redis-replay-set.js'
export {
  keyPrefix,
  openSharedScript,
  type RedisPlace,
  type RedisScript,
  type SharedScript,
} from './replay/redis-shared-script.js'
