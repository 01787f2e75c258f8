export type { RedisConnection, RedisPlace } from '@countersign/httpsig/redis'
export {
  type RedisInteractions,
  type RedisInteractionsOptions,
  redisInteractions,
} from './downstream/redis-interactions.js'
export { type RedisCounter, type RedisCounterOptions, redisCounter } from './limit/redis-counter.js'
export {
  type RedisRevocationSet,
  type RedisRevocationSetOptions,
  redisRevocationSet,
} from './revocation/redis-revocation-set.js'
